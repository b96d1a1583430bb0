//! The root certificates that this machine trusts. Reads files; decides nothing about a connection.
//!
//! On Linux and the BSDs the platform's store is a PEM bundle in one of a few places. It is read here and not by the
//! platform verifier, because that one reads the environment (`SSL_CERT_FILE`) on the thread that connects. That is the
//! uploader, where it would race with `setenv` in the host program (libdatadog#1930). It also makes the library 43 KB
//! smaller.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use ureq::tls::RootCerts;

/// Where the person said that the trusted roots are. It is read on the caller's thread and used by the uploader.
#[derive(Debug, Default, Clone)]
pub struct RootOverride {
    /// `SSL_CERT_FILE`: a PEM bundle, as OpenSSL reads it.
    pub file: Option<OsString>,
    /// `SSL_CERT_DIR`: folders of PEM files, separated as in `PATH`.
    pub dirs: Option<OsString>,
}

impl RootOverride {
    /// Reads the override from the environment, which is given as a function.
    pub fn from_variables(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        RootOverride { file: set("SSL_CERT_FILE"), dirs: set("SSL_CERT_DIR") }
    }
}

/// If the person named files or folders, only their certificates are trusted, even if there are none. Otherwise those
/// of the machine are.
pub fn trusted(given: &RootOverride) -> RootCerts {
    if given.file.is_none() && given.dirs.is_none() {
        return of_this_machine();
    }
    let mut files: Vec<_> = given.file.iter().map(PathBuf::from).collect();
    for dir in given.dirs.iter().flat_map(std::env::split_paths) {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        files.extend(entries.map(|entry| entry.path()).filter(|path| path.is_file()));
    }
    RootCerts::new_with_certs(&certificates_in(&files))
}

/// On Windows the system itself verifies.
#[cfg(windows)]
fn of_this_machine() -> RootCerts {
    RootCerts::PlatformVerifier
}

/// On Apple's systems the system itself verifies, but not in a child that was forked and has not executed a program:
/// there Security.framework may abort the process. Such a child has Mozilla's built-in roots.
#[cfg(target_vendor = "apple")]
fn of_this_machine() -> RootCerts {
    if super::process::is_forked_without_exec() { RootCerts::WebPki } else { RootCerts::PlatformVerifier }
}

/// The first bundle that this system has; Mozilla's built-in roots if it has none at all, as in a scratch image.
#[cfg(not(any(target_vendor = "apple", windows)))]
fn of_this_machine() -> RootCerts {
    /// Debian, Ubuntu, Gentoo, Arch; Fedora, RHEL; OpenSUSE; Alpine, FreeBSD, OpenBSD; FreeBSD packages; NetBSD.
    /// The list that Go's crypto/x509 reads, in its order.
    const BUNDLES: &str = "/etc/ssl/certs/ca-certificates.crt:\
        /etc/pki/tls/certs/ca-bundle.crt:\
        /etc/ssl/ca-bundle.pem:\
        /etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem:\
        /etc/ssl/cert.pem:\
        /usr/local/etc/ssl/cert.pem";
    let bundle = BUNDLES.split(':').map(PathBuf::from).find(|path| path.exists());
    match certificates_in(bundle.as_slice()) {
        certificates if certificates.is_empty() => RootCerts::WebPki,
        certificates => RootCerts::new_with_certs(&certificates),
    }
}

/// Larger files are not read: the largest bundles have a quarter of a megabyte.
const LIMIT: u64 = 16 * 1024 * 1024;

/// The text of a regular file. Does not wait: a pipe in its place must not make the upload hang.
fn read(path: &Path) -> Option<Vec<u8>> {
    let file = super::paths::open_without_waiting(path).ok()?;
    let about = file.metadata().ok()?;
    let mut text = Vec::new();
    let is_read = about.is_file() && about.len() <= LIMIT && file.take(LIMIT).read_to_end(&mut text).is_ok();
    is_read.then_some(text)
}

/// Every certificate of these PEM files. What cannot be read or parsed is skipped, as OpenSSL does.
fn certificates_in(files: &[PathBuf]) -> Vec<ureq::tls::Certificate<'static>> {
    let mut certificates = Vec::new();
    for text in files.iter().filter_map(|path| read(path)) {
        for item in ureq::tls::parse_pem(&text) {
            if let Ok(ureq::tls::PemItem::Certificate(certificate)) = item {
                certificates.push(certificate);
            }
        }
    }
    certificates
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot go on should stop
mod tests {
    use super::*;

    #[test]
    fn what_the_person_named_is_the_whole_truth_on_every_system() {
        let folder = tempfile::tempdir().unwrap();
        let authority = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
        let file = folder.path().join("authority.pem");
        std::fs::write(&file, authority.cert.pem()).unwrap();
        let named = |file: Option<&Path>, dirs: Option<&Path>| {
            let given = RootOverride { file: file.map(Into::into), dirs: dirs.map(Into::into) };
            match trusted(&given) {
                RootCerts::Specific(certificates) => certificates.len(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(named(Some(&file), None), 1);
        assert_eq!(named(None, Some(folder.path())), 1);
        assert_eq!(named(Some(&folder.path().join("missing")), None), 0);
        assert_eq!(named(Some(folder.path()), None), 0);
    }

    #[test]
    #[cfg(unix)]
    fn a_pipe_in_the_place_of_the_roots_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let path = std::ffi::CString::new(pipe.to_str().unwrap()).unwrap();
        // SAFETY: the path is terminated and outlives the call.
        assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
        assert!(read(&pipe).is_none());
    }
}
