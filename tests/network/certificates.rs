//! Which certificates are trusted.

use super::authority::{Authority, self_signed};
use super::namespace::{alone, change, empty, far_away, file};
use crate::support::*;
use serde_json::{Value, json};

/// The file of the system's trusted roots.
const STORE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Tracks an event and closes; returns the counters.
fn sent_to(url: &str) -> Value {
    let client = client(url, json!({}));
    client.track(&numbered(1)).unwrap();
    client.close(PATIENCE);
    assert_eq!(balanced(&client.stats().json()), 0);
    client.stats().json()
}

#[track_caller]
fn is_taken_by(collector: Collector) {
    assert_eq!(sent_to(&collector.url)["delivered"], 1);
    assert_eq!(values(&collector.events_until_end()), [1]);
}

/// The server got no request, so no part of the event was sent before the certificate was checked.
#[track_caller]
fn is_kept_from(collector: Collector) {
    let stats = sent_to(&collector.url);
    assert_eq!(stats["spooled"], 1, "{stats}");
    assert_eq!(stats["last_failure"], "certificate not trusted", "{stats}");
    assert_eq!(collector.end().len(), 0);
}

/// Trusts only this root. Called before the first event, when no thread of the library reads the environment.
fn trust(root: &str) {
    environment::set("SSL_CERT_FILE", file("root.pem", root));
}

#[test]
fn a_server_whose_private_root_is_named_gets_the_event() {
    if alone(a_server_whose_private_root_is_named_gets_the_event, &[]) {
        let authority = Authority::new();
        trust(&authority.root);
        is_taken_by(authority.collector("localhost", |_| ()));
    }
}

#[test]
fn the_roots_of_a_folder_are_taken_too() {
    if alone(the_roots_of_a_folder_are_taken_too, &[]) {
        let authority = Authority::new();
        std::fs::create_dir(home().join("roots")).unwrap();
        file("roots/root.pem", &authority.root);
        environment::set("SSL_CERT_DIR", home().join("roots"));
        is_taken_by(authority.collector("localhost", |_| ()));
    }
}

#[test]
fn a_server_whose_private_root_is_in_the_systems_store_gets_the_event() {
    if far_away(a_server_whose_private_root_is_in_the_systems_store_gets_the_event, &[]) {
        let authority = Authority::new();
        change(STORE, std::fs::read_to_string(STORE).unwrap() + &authority.root);
        is_taken_by(authority.collector("localhost", |_| ()));
    }
}

#[test]
fn a_server_whose_root_is_unknown_gets_nothing() {
    if alone(a_server_whose_root_is_unknown_gets_nothing, &[]) {
        is_kept_from(Authority::new().collector("localhost", |_| ()));
    }
}

#[test]
fn without_any_bundle_the_built_in_roots_are_taken_and_a_private_one_is_refused() {
    if far_away(without_any_bundle_the_built_in_roots_are_taken_and_a_private_one_is_refused, &[]) {
        empty(&["/etc/ssl", "/etc/pki", "/usr/local/etc"]);
        is_kept_from(Authority::new().collector("localhost", |_| ()));
    }
}

#[test]
fn if_the_named_file_has_no_root_no_server_is_trusted() {
    if alone(if_the_named_file_has_no_root_no_server_is_trusted, &[]) {
        trust("-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n");
        is_kept_from(Authority::new().collector("localhost", |_| ()));
    }
}

#[test]
fn a_certificate_of_another_name_is_refused() {
    if alone(a_certificate_of_another_name_is_refused, &[]) {
        let authority = Authority::new();
        trust(&authority.root);
        let mut collector = authority.collector("localhost", |_| ());
        collector.url = collector.url.replace("localhost", "127.0.0.1");
        is_kept_from(collector);
    }
}

#[test]
fn a_certificate_that_has_expired_is_refused() {
    if alone(a_certificate_that_has_expired_is_refused, &[]) {
        let authority = Authority::new();
        trust(&authority.root);
        is_kept_from(authority.collector("localhost", |leaf| leaf.not_after = rcgen::date_time_ymd(2020, 1, 1)));
    }
}

#[test]
fn a_certificate_that_is_not_valid_yet_is_refused() {
    if alone(a_certificate_that_is_not_valid_yet_is_refused, &[]) {
        let authority = Authority::new();
        trust(&authority.root);
        is_kept_from(authority.collector("localhost", |leaf| leaf.not_before = rcgen::date_time_ymd(2999, 1, 1)));
    }
}

#[test]
fn a_certificate_that_signed_itself_is_refused() {
    if alone(a_certificate_that_signed_itself_is_refused, &[]) {
        trust(&Authority::new().root);
        is_kept_from(self_signed("localhost").0);
    }
}
