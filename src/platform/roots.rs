//! The certificates that this machine trusts. Reads files; decides nothing about a connection.
//!
//! On Linux and the BSDs the platform's store is a PEM bundle in one of a few places. It is read here and not by the
//! platform verifier because that one reads the environment (`SSL_CERT_FILE`) on the thread that connects, which is
//! the sender, where it would race the host's `setenv` (libdatadog#1930). It also saves 43 KB in every host.

use std::ffi::OsString;
use ureq::tls::RootCerts;

/// Where the person said that the trusted roots are. Taken on the caller's thread, used on the sender.
#[derive(Debug, Default, Clone)]
pub struct RootOverride {
    /// `SSL_CERT_FILE`: a PEM bundle, as OpenSSL reads it.
    pub file: Option<OsString>,
    /// `SSL_CERT_DIR`: folders of PEM files, separated as in `PATH`.
    pub dirs: Option<OsString>,
}

impl RootOverride {
    /// Takes the override from the environment, given as a look-up.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        RootOverride { file: set("SSL_CERT_FILE"), dirs: set("SSL_CERT_DIR") }
    }
}

/// The roots of Apple's systems and of Windows: the system itself verifies.
#[cfg(any(target_vendor = "apple", windows))]
pub fn trusted(_given: &RootOverride) -> RootCerts {
    RootCerts::PlatformVerifier
}

/// The roots of this machine; Mozilla's built-in ones where it has none at all (a scratch image).
#[cfg(not(any(target_vendor = "apple", windows)))]
pub fn trusted(given: &RootOverride) -> RootCerts {
    let mut certificates = Vec::new();
    for path in bundle_files(given) {
        append_pem(&path, &mut certificates);
    }
    if certificates.is_empty() && given.file.is_none() && given.dirs.is_none() {
        return RootCerts::WebPki;
    }
    // What the person named is the whole truth, also where it holds nothing: then nobody is trusted.
    RootCerts::new_with_certs(&certificates)
}

/// The files to read: those that the person named, else the first bundle that this system has.
#[cfg(not(any(target_vendor = "apple", windows)))]
fn bundle_files(given: &RootOverride) -> Vec<std::path::PathBuf> {
    /// Debian, Ubuntu, Gentoo, Arch; Fedora, RHEL; OpenSUSE; Alpine, FreeBSD, OpenBSD; FreeBSD packages; NetBSD.
    /// The list that Go's crypto/x509 reads, in its order.
    const BUNDLES: [&str; 6] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/cert.pem",
        "/usr/local/etc/ssl/cert.pem",
    ];
    if given.file.is_none() && given.dirs.is_none() {
        let bundle = BUNDLES.iter().map(std::path::PathBuf::from).find(|path| path.exists());
        return bundle.into_iter().collect();
    }
    let mut files: Vec<_> = given.file.iter().map(std::path::PathBuf::from).collect();
    for dir in given.dirs.iter().flat_map(std::env::split_paths) {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        files.extend(entries.map(|entry| entry.path()).filter(|path| path.is_file()));
    }
    files
}

/// Adds every certificate of a PEM file; what cannot be read or parsed is passed over, as OpenSSL does.
#[cfg(not(any(target_vendor = "apple", windows)))]
fn append_pem(path: &std::path::Path, certificates: &mut Vec<ureq::tls::Certificate<'static>>) {
    let Ok(text) = std::fs::read(path) else { return };
    for item in ureq::tls::parse_pem(&text) {
        if let Ok(ureq::tls::PemItem::Certificate(certificate)) = item {
            certificates.push(certificate);
        }
    }
}
