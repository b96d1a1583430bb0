//! Names and addresses: none, some dead, IPv6 alone.

use crate::authority::Authority;
use crate::place::{alone, change, far_away, names, run};
use crate::support::*;
use pact_telemetry::Flushed;
use serde_json::json;

#[test]
fn for_a_server_that_is_not_there_the_event_is_kept_and_the_counters_say_why() {
    if !alone(for_a_server_that_is_not_there_the_event_is_kept_and_the_counters_say_why, &[]) {
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

/// Trusts a private root in the system's store, and sends an event to its collector at this address.
fn delivers_to(name: &str, ip: &str) {
    let authority = Authority::new();
    change("/etc/ssl/certs/ca-certificates.crt", &authority.root);
    let collector = authority.collector_at(ip, name, |_| ());
    let client = client(&collector.url, json!({}));
    client.track(&numbered(1)).unwrap();
    assert_eq!(client.close(PATIENCE), Flushed::Delivered, "{}", client.stats());
    assert_eq!(values(&collector.events_until_end()), [1]);
}

#[test]
fn a_machine_with_ipv6_alone_delivers_to_a_name_and_to_an_address() {
    if far_away(a_machine_with_ipv6_alone_delivers_to_a_name_and_to_an_address, &[]) {
        run("ip", "address delete 127.0.0.1/8 dev lo");
        names("::1 relay.test\n");
        delivers_to("relay.test", "::1");
        let collector = Collector::start(&["--listen", "::1"]);
        let client = client(&collector.url, json!({}));
        client.track(&numbered(2)).unwrap();
        assert_eq!(client.close(PATIENCE), Flushed::Delivered);
        assert_eq!(values(&collector.events_until_end()), [2]);
    }
}

#[test]
fn an_address_that_refuses_leaves_it_to_the_next() {
    if far_away(an_address_that_refuses_leaves_it_to_the_next, &[]) {
        names("::1 relay.test\n127.0.0.1 relay.test\n");
        delivers_to("relay.test", "127.0.0.1");
    }
}

/// What is sent to an address that is routed to loopback and is nobody's is lost without a word. IPv6 comes first.
#[test]
fn an_address_that_swallows_everything_leaves_time_for_the_next() {
    if far_away(an_address_that_swallows_everything_leaves_time_for_the_next, &[]) {
        run("ip", "address add 2001:db8::1/128 dev lo");
        run("ip", "-6 route add 2001:db8::/64 dev lo");
        names("2001:db8::9 relay.test\n127.0.0.1 relay.test\n");
        delivers_to("relay.test", "127.0.0.1");
    }
}
