//! Promises of `collect --tls-cert --tls-key`.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto};

use crate::support::{Collector, GA4_BODY, GA4_TARGET, PATIENCE, answer, command, request};

/// A certificate for localhost and its key, as files of this test, and the certificate itself.
fn certificate(test: &str) -> (PathBuf, PathBuf, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (certificate, key) = (folder.join(format!("{test}.crt")), folder.join(format!("{test}.key")));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (certificate, key, made.cert.der().clone())
}

#[test]
fn events_arrive_over_tls() {
    let (certificate, key, trusted) = certificate("events");
    let files = [certificate.to_str().unwrap(), key.to_str().unwrap()];
    let collector = Collector::start(&["--tls-cert", files[0], "--tls-key", files[1]]);
    let address = collector.url.strip_prefix("https://").expect("an https address");

    let mut roots = RootCertStore::empty();
    roots.add(trusted).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut client = BufReader::new(StreamOwned::new(session, socket));
    client.get_mut().write_all(&request("POST", GA4_TARGET, GA4_BODY.as_bytes())).unwrap();
    assert_eq!(answer(&mut client).status, 204);
    assert_eq!(collector.line()["name"], "pacts_verified");
}

#[test]
fn a_client_without_tls_does_not_stop_the_server() {
    let (certificate, key, _) = certificate("plain");
    let files = [certificate.to_str().unwrap(), key.to_str().unwrap()];
    let collector = Collector::start(&["--tls-cert", files[0], "--tls-key", files[1]]);
    for _ in 0..2 {
        let mut client = collector.connect();
        client.send_event();
        // There may be an alert before the end, but the connection must end.
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(&mut client.0, &mut rest);
        assert!(!rest.starts_with(b"HTTP"));
    }
}

#[test]
fn a_certificate_needs_its_key_and_both_must_be_readable() {
    let (certificate, key, _) = certificate("unreadable");
    let alone = command().arg("collect").arg("--tls-cert").arg(&certificate).output().unwrap();
    assert_eq!(alone.status.code(), Some(2));
    assert!(String::from_utf8(alone.stderr).unwrap().contains("--tls-key"));
    for (certificate, key, blamed) in
        [("/nowhere.crt".into(), key, "/nowhere.crt"), (certificate, "/nowhere.key".into(), "/nowhere.key")]
    {
        let mut wrong = command();
        wrong.arg("collect").arg("--tls-cert").arg(certificate).arg("--tls-key").arg(key);
        let output = wrong.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8(output.stderr).unwrap().contains(blamed));
    }
}
