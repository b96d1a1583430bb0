//! Requests through proxies, without them, and proxies that do not work.

use super::authority::Authority;
use super::namespace::{alone, change, far_away, names};
use super::proxy_program::{ProxyProgram, is_here};
use super::server::Server;
use crate::support::*;
use pact_telemetry::{Client, Flushed};
use serde_json::{Value, json};
use std::process::Command;

const STORE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// In a network where relay.test and below.relay.test are known and a private root is trusted.
fn relay(name: &str) -> Collector {
    names("127.0.0.1 relay.test below.relay.test proxy.test\n");
    let authority = Authority::new();
    change(STORE, &authority.root);
    authority.collector(name, |_| ())
}

/// A client that has tracked one event and closed, and how that went.
fn closed(url: &str) -> (Client, Flushed) {
    let client = client(url, json!({}));
    client.track(&numbered(1)).unwrap();
    let flushed = client.close(PATIENCE);
    assert_eq!(balanced(&client.stats().json()), 0);
    (client, flushed)
}

#[track_caller]
fn is_delivered_to(collector: Collector) {
    let (client, flushed) = closed(&collector.url);
    assert_eq!(flushed, Flushed::Delivered, "{}", client.stats().json());
    assert_eq!(values(&collector.events_until_end()), [1]);
}

#[track_caller]
fn is_kept_from(collector: Collector, failure: &str) {
    let (client, flushed) = closed(&collector.url);
    let stats = client.stats().json();
    assert_eq!((flushed, &stats["last_failure"]), (Flushed::Kept, &json!(failure)), "{stats}");
    assert_eq!(collector.end(), Vec::<Value>::new());
}

#[test]
fn a_proxy_is_asked_for_a_tunnel_to_the_name_which_it_resolves_itself() {
    let proxies = [("HTTPS_PROXY", "http://127.0.0.1:3128"), ("ALL_PROXY", "socks5://127.0.0.1:9")];
    if !is_here("tinyproxy") || !far_away(a_proxy_is_asked_for_a_tunnel_to_the_name_which_it_resolves_itself, &proxies)
    {
        return;
    }
    let collector = relay("relay.test");
    let port = collector.url.rsplit_once(':').unwrap().1.to_owned();
    let proxy = ProxyProgram::tinyproxy(None);
    change("/etc/hosts", ""); // from here on only the proxy can resolve it
    is_delivered_to(collector);
    proxy.says(&format!("CONNECT relay.test:{port} "));
}

const WITH_PASSWORD: &str = "http://somebody:hush%2Eh_sh@proxy.test:3128";

#[test]
fn only_the_proxy_gets_its_password() {
    let set = [("https_proxy", WITH_PASSWORD), ("PACT_TELEMETRY_DEBUG", "")];
    if !is_here("tinyproxy") || !far_away(only_the_proxy_gets_its_password, &set) {
        return;
    }
    let collector = relay("relay.test");
    let proxy = ProxyProgram::tinyproxy(Some("somebody hush.h_sh"));
    let (client, flushed) = closed(&collector.url);
    assert_eq!(flushed, Flushed::Delivered, "{}", client.stats().json());
    proxy.says("CONNECT");
    let requests = collector.end();
    assert_eq!(requests.iter().filter(|line| line["type"] == "request").count(), 1);
    let preview = client.preview(&numbered(1)).unwrap();
    for text in [format!("{requests:?}"), client.stats().to_json(), client.explain().to_json(), preview.to_json()] {
        assert!(!text.contains("hush") && !text.contains("somebody") && !text.contains("proxy"), "{text}");
    }
}

#[test]
fn a_proxy_that_wants_another_password_keeps_the_event_and_no_report_tells_ours() {
    let test = a_proxy_that_wants_another_password_keeps_the_event_and_no_report_tells_ours;
    if !is_here("tinyproxy") || !far_away(test, &[("HTTPS_PROXY", WITH_PASSWORD)]) {
        return;
    }
    let collector = relay("relay.test");
    let _proxy = ProxyProgram::tinyproxy(Some("somebody other"));
    let (client, flushed) = closed(&collector.url);
    let stats = client.stats().json();
    assert_eq!((flushed, &stats["last_failure"]), (Flushed::Kept, &json!("unreachable")), "{stats}");
    for text in [stats.to_string(), client.explain().to_json()] {
        assert!(!text.contains("hush") && !text.contains("proxy"), "{text}");
    }
    let found = |text: &str| Command::new("grep").args(["-rl", text]).arg(home()).output().unwrap().stdout;
    assert_ne!(found("Pacts verified"), b"", "the event is on disk");
    assert_eq!(String::from_utf8(found("hush")).unwrap(), "", "on disk");
    assert_eq!(collector.end(), Vec::<Value>::new());
}

#[test]
fn debug_output_does_not_tell_the_proxys_password() {
    let set = [("HTTPS_PROXY", WITH_PASSWORD), ("PACT_TELEMETRY_DEBUG", "true")];
    if std::env::var_os("PACT_TELEMETRY_DEBUG").is_some() {
        closed("https://relay.test");
        return;
    }
    let nowhere = tempfile::tempdir().unwrap();
    let this = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "network::proxies::debug_output_does_not_tell_the_proxys_password", "--nocapture"])
        .env_clear()
        .env("HOME", nowhere.path())
        .envs(set)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&this.stderr) + String::from_utf8_lossy(&this.stdout);
    assert!(text.contains("would send: POST https://relay.test/"), "{text}");
    assert!(!text.contains("hush") && !text.contains("proxy.test"), "{text}");
}

#[test]
fn no_proxy_leads_past_the_proxy_to_a_name_with_spaces_to_what_is_below_it_and_to_a_port() {
    let test = no_proxy_leads_past_the_proxy_to_a_name_with_spaces_to_what_is_below_it_and_to_a_port;
    if !far_away(test, &[]) {
        return;
    }
    let this = std::env::current_exe().unwrap();
    let one = "network::proxies::one_event_in_the_environment_that_the_parent_made";
    let collector = relay("below.relay.test");
    let port = collector.url.rsplit_once(':').unwrap().1;
    for (exceptions, arrives) in [
        ("elsewhere.test, below.relay.test", true),
        (" elsewhere.test ,.relay.test ", true),
        ("relay.test", true),
        (&format!("relay.test:{port}"), true),
        ("*", true),
        ("relay.test:1", false),
        ("elay.test", false),
    ] {
        let home = tempfile::tempdir().unwrap();
        notice_shown(&state_below(home.path()));
        let output = Command::new(&this)
            .args(["--exact", one, "--nocapture", "--include-ignored"])
            .envs([("HTTPS_PROXY", "http://127.0.0.1:9"), ("NO_PROXY", exceptions), ("RELAY", &collector.url)])
            .env("HOME", home.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(if arrives { "ended Delivered" } else { "ended Kept" }), "{exceptions}: {text}");
    }
    assert_eq!(values(&collector.events_until_end()), [1; 5]);
}

#[test]
#[ignore = "a part of the test above, which runs it"]
fn one_event_in_the_environment_that_the_parent_made() {
    println!("ended {:?}", closed(&std::env::var("RELAY").unwrap()).1);
}

#[test]
fn a_socks_proxy_is_never_passed_by_not_even_to_resolve_a_name() {
    let test = a_socks_proxy_is_never_passed_by_not_even_to_resolve_a_name;
    if far_away(test, &[("ALL_PROXY", "socks5://127.0.0.1:9")]) {
        is_kept_from(relay("relay.test"), "unreachable");
    }
}

#[test]
fn a_proxy_that_is_not_understood_is_never_passed_by() {
    if far_away(a_proxy_that_is_not_understood_is_never_passed_by, &[("HTTPS_PROXY", "http://user:p ss@proxy:1")]) {
        is_kept_from(relay("relay.test"), "unreachable");
    }
}

#[test]
fn a_proxy_that_is_not_there_is_never_passed_by() {
    if far_away(a_proxy_that_is_not_there_is_never_passed_by, &[("HTTPS_PROXY", "http://127.0.0.1:9")]) {
        is_kept_from(relay("relay.test"), "unreachable");
    }
}

#[test]
fn a_proxy_is_never_asked_for_loopback() {
    let server = Server::start(|_, _| panic!("the proxy was asked"));
    let proxy = format!("http://127.0.0.1:{}", server.port);
    if alone(a_proxy_is_never_asked_for_loopback, &[("HTTP_PROXY", &proxy), ("ALL_PROXY", &proxy)]) {
        is_delivered_to(Collector::start(&[]));
    }
}

#[test]
fn what_intercepts_tls_with_a_root_in_the_systems_store_is_trusted() {
    let test = what_intercepts_tls_with_a_root_in_the_systems_store_is_trusted;
    if is_here("mitmdump") && far_away(test, &[("HTTPS_PROXY", "http://127.0.0.1:8080")]) {
        let collector = relay("relay.test");
        let interceptor = Authority::new();
        let proxy = ProxyProgram::mitmproxy(&interceptor.root, &interceptor.key);
        change(STORE, &interceptor.root); // and not the root of the relay
        is_delivered_to(collector);
        proxy.says("POST https://");
    }
}

#[test]
fn what_intercepts_tls_with_a_root_of_its_own_gets_nothing() {
    let test = what_intercepts_tls_with_a_root_of_its_own_gets_nothing;
    if is_here("mitmdump") && far_away(test, &[("HTTPS_PROXY", "http://127.0.0.1:8080")]) {
        let collector = relay("relay.test");
        let interceptor = Authority::new();
        let proxy = ProxyProgram::mitmproxy(&interceptor.root, &interceptor.key);
        is_kept_from(collector, "certificate not trusted");
        assert!(!proxy.end().contains("POST"));
    }
}

#[test]
fn a_proxy_can_be_spoken_to_over_tls_too() {
    let test = a_proxy_can_be_spoken_to_over_tls_too;
    if is_here("mitmdump") && far_away(test, &[("HTTPS_PROXY", "https://proxy.test:8080")]) {
        let collector = relay("relay.test");
        let interceptor = Authority::new();
        let proxy = ProxyProgram::mitmproxy(&interceptor.root, &interceptor.key);
        change(STORE, &interceptor.root);
        is_delivered_to(collector);
        proxy.says("POST https://");
    }
}
