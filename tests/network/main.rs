//! Good and bad networks: TLS with private roots, servers that refuse, fail and vanish.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // tests

mod support;

use pact_telemetry::Flushed;
use serde_json::{json, Value};
use std::path::Path;
use support::*;

/// A private root and a certificate of its for localhost, as PEM files: root.pem, cert.pem, key.pem.
fn certificates(dir: &Path) {
    let mut root = rcgen::CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    root.distinguished_name.push(rcgen::DnType::CommonName, "pact_telemetry test root");
    let root_key = rcgen::KeyPair::generate().unwrap();
    let root_pem = root.self_signed(&root_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(root, root_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap().signed_by(&key, &issuer).unwrap();
    std::fs::write(dir.join("root.pem"), root_pem).unwrap();
    std::fs::write(dir.join("cert.pem"), leaf.pem()).unwrap();
    std::fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
}

/// Sends one event over TLS in a process that trusts what `roots` (below the certificates' folder) holds.
fn send_over_tls(name: &str, variable: &str, roots: Option<&str>, host: &str) -> Option<Value> {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path());
    let path = |file: &str| dir.path().join(file).to_string_lossy().into_owned();
    if std::env::var_os("TLS_ENDPOINT").is_none() {
        let collector = Collector::start(&["--tls-cert", &path("cert.pem"), "--tls-key", &path("key.pem")]);
        let endpoint = collector.url.replace("127.0.0.1", host);
        let roots = roots.map(path);
        let mut environment = vec![("TLS_ENDPOINT", endpoint.as_str())];
        environment.extend(roots.as_deref().map(|roots| (variable, roots)));
        assert!(!in_its_own_process(name, &environment));
        return None;
    }
    let client = client(&std::env::var("TLS_ENDPOINT").unwrap(), json!({}));
    client.track(&numbered(1)).unwrap();
    client.close(PATIENCE);
    Some(client.stats())
}

#[test]
fn https_delivers_to_a_server_whose_private_root_is_in_the_trust_store() {
    let name = "https_delivers_to_a_server_whose_private_root_is_in_the_trust_store";
    if let Some(stats) = send_over_tls(name, "SSL_CERT_FILE", Some("root.pem"), "localhost") {
        assert_eq!(stats["delivered"], 1, "{stats}");
    }
}

#[test]
fn https_takes_the_roots_of_a_folder_too() {
    let name = "https_takes_the_roots_of_a_folder_too";
    if let Some(stats) = send_over_tls(name, "SSL_CERT_DIR", Some("."), "localhost") {
        assert_eq!(stats["delivered"], 1, "{stats}");
    }
}

#[test]
fn https_refuses_a_server_whose_root_is_unknown() {
    let name = "https_refuses_a_server_whose_root_is_unknown";
    if let Some(stats) = send_over_tls(name, "SSL_CERT_FILE", None, "localhost") {
        assert_eq!(stats["spooled"], 1, "{stats}");
        assert_eq!(stats["last_failure"], "certificate not trusted", "{stats}");
    }
}

#[test]
fn https_refuses_a_certificate_of_another_name() {
    let name = "https_refuses_a_certificate_of_another_name";
    if let Some(stats) = send_over_tls(name, "SSL_CERT_FILE", Some("root.pem"), "127.0.0.1") {
        assert_eq!(stats["spooled"], 1, "{stats}");
        assert_eq!(stats["last_failure"], "certificate not trusted", "{stats}");
    }
}

/// Sends one event to a server that answers by this script; the counters.
fn sent_to(answers: &str) -> Value {
    let collector = Collector::start(&["--answers", answers]);
    let client = client(&collector.url, json!({}));
    client.track(&numbered(1)).unwrap();
    client.close(PATIENCE);
    assert_eq!(balanced(&client.stats()), 0);
    client.stats()
}

#[test]
fn what_a_server_answers_is_counted_by_its_meaning() {
    if !in_its_own_process("what_a_server_answers_is_counted_by_its_meaning", &[]) {
        return;
    }
    for (answers, count) in [
        ("200", "/delivered"),
        ("500", "/spooled"),
        ("404", "/dropped/http_status"),
        ("302 location=http://127.0.0.1:9/", "/spooled"),
        ("close", "/spooled"),
        ("big=10000000", "/delivered"),
        ("drip=20", "/delivered"),
    ] {
        assert_eq!(sent_to(answers).pointer(count), Some(&json!(1)), "{answers}");
    }
}

#[test]
fn for_a_server_that_is_not_there_the_event_is_kept_and_the_counters_say_why() {
    let name = "for_a_server_that_is_not_there_the_event_is_kept_and_the_counters_say_why";
    if !in_its_own_process(name, &[]) {
        return;
    }
    for endpoint in ["http://127.0.0.1:9", "https://name.invalid"] {
        let client = client(endpoint, json!({}));
        client.track(&numbered(1)).unwrap();
        assert_eq!(client.close(PATIENCE), Flushed::Kept);
        assert_eq!(client.stats()["spooled"], 1, "{endpoint}");
        assert_eq!(client.stats()["last_failure"], "unreachable", "{endpoint}");
    }
}

#[test]
fn a_socks_proxy_is_never_passed_by() {
    let name = "a_socks_proxy_is_never_passed_by";
    if !in_its_own_process(name, &[("ALL_PROXY", "socks5://127.0.0.1:9"), ("NO_PROXY", "localhost")]) {
        return;
    }
    let collector = Collector::start(&["--requests"]);
    let behind = client(&collector.url, json!({}));
    behind.track(&numbered(1)).unwrap();
    assert_eq!(behind.close(PATIENCE), Flushed::Kept);
    assert_eq!(behind.stats()["last_failure"], "unreachable");
    let excepted = client(&collector.url.replace("127.0.0.1", "localhost"), json!({}));
    excepted.track(&numbered(2)).unwrap();
    assert_eq!(excepted.close(PATIENCE), Flushed::Delivered);
    assert_eq!(values(&collector.events_until_end()), [2]);
}

#[test]
fn a_connection_that_the_server_closed_meanwhile_is_replaced() {
    if !in_its_own_process("a_connection_that_the_server_closed_meanwhile_is_replaced", &[]) {
        return;
    }
    let collector = Collector::start(&["--answers", "200 connection=close"]);
    let client = client(&collector.url, json!({}));
    for value in 0..3 {
        client.track(&numbered(value)).unwrap();
        assert_eq!(client.flush(PATIENCE), Flushed::Delivered);
    }
    assert_eq!(values(&collector.events_until_end()), [0, 1, 2]);
}

#[test]
fn a_full_queue_drops_the_new_event_and_counts_it() {
    if !in_its_own_process("a_full_queue_drops_the_new_event_and_counts_it", &[]) {
        return;
    }
    let collector = Collector::start(&["--answers", "delay=300"]);
    let client = client(&collector.url, json!({"queue_capacity": 3}));
    let answers: Vec<_> = (0..5).map(|value| client.track(&numbered(value)).is_ok()).collect();
    assert_eq!(answers, [true, true, true, false, false]);
    assert_eq!(balanced(&client.stats()), 3);
    assert_eq!(client.flush(PATIENCE), Flushed::Delivered);
    client.track(&numbered(9)).unwrap();
    assert_eq!(client.close(PATIENCE), Flushed::Delivered);
    assert_eq!(client.stats()["not_accepted"]["queue_full"], 2);
    assert_eq!(values(&collector.events_until_end()), [0, 1, 2, 9]);
}
