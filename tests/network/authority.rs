//! Certificates, good and bad, from a private root.

use super::namespace::file;
use crate::support::Collector;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// A private root.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate.
    pub root: String,
    /// Its key.
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut root = CertificateParams::new(Vec::new()).unwrap();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.distinguished_name.push(DnType::CommonName, "pact_telemetry test root");
        let key = KeyPair::generate().unwrap();
        let (certificate, text) = (root.self_signed(&key).unwrap().pem(), key.serialize_pem());
        Authority { issuer: Issuer::new(root, key), root: certificate, key: text }
    }

    /// A collector with a certificate for this name, changed by `change`; its URL has the name too.
    pub fn collector(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Collector {
        self.collector_at("127.0.0.1", name, change)
    }

    pub fn collector_at(&self, ip: &str, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Collector {
        let mut leaf = CertificateParams::new(vec![name.into()]).unwrap();
        change(&mut leaf);
        let key = KeyPair::generate().unwrap();
        let certificate = leaf.signed_by(&key, &self.issuer).unwrap().pem();
        start(ip, name, &certificate, &key)
    }
}

/// A collector whose certificate nobody but itself has signed.
pub fn self_signed(name: &str) -> (Collector, String) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.into()]).unwrap().self_signed(&key).unwrap().pem();
    (start("127.0.0.1", name, &certificate, &key), certificate)
}

fn start(ip: &str, name: &str, certificate: &str, key: &KeyPair) -> Collector {
    let [certificate, key] = [file("cert.pem", certificate), file("key.pem", key.serialize_pem())];
    let files = [certificate.to_str().unwrap(), key.to_str().unwrap()];
    let arguments = ["--requests", "--listen", ip, "--tls-cert", files[0], "--tls-key", files[1]];
    let mut collector = Collector::start(&arguments);
    let (_, port) = collector.url.rsplit_once(':').unwrap();
    collector.url = format!("https://{name}:{port}");
    collector
}
