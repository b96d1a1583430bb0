//! Certificates from a private root.

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

    /// A certificate for that name, changed by `change`, and its key.
    pub fn certificate(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> [String; 2] {
        let mut leaf = CertificateParams::new(vec![name.into()]).unwrap();
        change(&mut leaf);
        let key = KeyPair::generate().unwrap();
        [leaf.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem()]
    }
}

/// A self-signed certificate for that name, and its key.
pub fn self_signed(name: &str) -> [String; 2] {
    let key = KeyPair::generate().unwrap();
    [CertificateParams::new(vec![name.into()]).unwrap().self_signed(&key).unwrap().pem(), key.serialize_pem()]
}
