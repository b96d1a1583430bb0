//! Collectors with certificates, good and bad, from a private root.

use super::namespace::file;
use crate::support::Collector;
use crate::support::authority;
pub use crate::support::authority::Authority;
use rcgen::CertificateParams;

impl Authority {
    /// A collector with a certificate for this name, changed by `change`; its URL has the name too.
    pub fn collector(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Collector {
        self.collector_at("127.0.0.1", name, change)
    }

    pub fn collector_at(&self, ip: &str, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Collector {
        start(ip, name, self.certificate(name, change))
    }
}

/// A collector with a self-signed certificate.
pub fn self_signed(name: &str) -> (Collector, String) {
    let pair = authority::self_signed(name);
    let certificate = pair[0].clone();
    (start("127.0.0.1", name, pair), certificate)
}

fn start(ip: &str, name: &str, [certificate, key]: [String; 2]) -> Collector {
    let [certificate, key] = [file("cert.pem", certificate), file("key.pem", key)];
    let files = [certificate.to_str().unwrap(), key.to_str().unwrap()];
    let arguments = ["--requests", "--listen", ip, "--tls-cert", files[0], "--tls-key", files[1]];
    let mut collector = Collector::start(&arguments);
    let (_, port) = collector.url.rsplit_once(':').unwrap();
    collector.url = format!("https://{name}:{port}");
    collector
}
