//! Names and addresses: names that cannot be resolved, addresses that do not answer, and IPv6 only.

use super::authority::Authority;
use super::namespace::{alone, change, far_away, names, run};
use crate::support::*;
use pact_telemetry::Flushed;
use serde_json::json;
use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

#[test]
fn for_a_server_that_is_not_there_the_event_is_kept_and_the_counters_say_why() {
    if !alone(for_a_server_that_is_not_there_the_event_is_kept_and_the_counters_say_why, &[]) {
        return;
    }
    for endpoint in ["http://127.0.0.1:9", "https://name.invalid"] {
        let client = client(endpoint, json!({}));
        client.track(&numbered(1)).unwrap();
        assert_eq!(client.close(PATIENCE), Flushed::Kept);
        assert_eq!(client.stats().spooled(), 1, "{endpoint}");
        assert_eq!(client.stats().last_failure(), Some("unreachable"), "{endpoint}");
    }
}

/// A collector of this name at this address, whose private root is in the system's store.
fn collector(name: &str, ip: &str) -> Collector {
    let authority = Authority::new();
    change("/etc/ssl/certs/ca-certificates.crt", &authority.root);
    authority.collector_at(ip, name, |_| ())
}

#[track_caller]
fn is_delivered_to(collector: Collector) {
    let client = client(&collector.url, json!({}));
    client.track(&numbered(1)).unwrap();
    assert_eq!(client.close(PATIENCE), Flushed::Delivered, "{}", client.stats().json());
    assert_eq!(values(&collector.events_until_end()), [1]);
}

#[test]
fn a_machine_with_ipv6_alone_delivers_to_a_name_and_to_an_address() {
    if far_away(a_machine_with_ipv6_alone_delivers_to_a_name_and_to_an_address, &[]) {
        run("ip", "address delete 127.0.0.1/8 dev lo");
        names("::1 relay.test\n");
        is_delivered_to(collector("relay.test", "::1"));
        is_delivered_to(Collector::start(&["--listen", "::1"]));
    }
}

#[test]
fn nothing_is_sent_to_a_localhost_that_is_another_machine() {
    if far_away(nothing_is_sent_to_a_localhost_that_is_another_machine, &[]) {
        run("ip", "address add 192.0.2.1/32 dev lo");
        let elsewhere = TcpListener::bind("192.0.2.1:0").unwrap();
        elsewhere.set_nonblocking(true).unwrap();
        names("192.0.2.1 localhost\n");
        let client =
            crate::support::client(&format!("http://localhost:{}", elsewhere.local_addr().unwrap().port()), json!({}));
        client.track(&numbered(1)).unwrap();
        assert_eq!(client.close(PATIENCE), Flushed::Kept);
        assert_eq!(client.stats().last_failure(), Some("unreachable"));
        assert_eq!(elsewhere.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "no connection was made");
        names("192.0.2.1 localhost\n127.0.0.1 localhost\n");
        let collector = Collector::start(&[]);
        let port = collector.url.rsplit_once(':').unwrap().1.to_owned();
        let client = crate::support::client(&format!("http://localhost:{port}"), json!({}));
        client.track(&numbered(2)).unwrap();
        assert_eq!(client.close(PATIENCE), Flushed::Delivered, "{}", client.stats().json());
        assert_eq!(values(&collector.events_until_end()), [2]);
    }
}

#[test]
fn an_address_that_refuses_leaves_it_to_the_next() {
    if far_away(an_address_that_refuses_leaves_it_to_the_next, &[]) {
        names("::1 relay.test\n127.0.0.1 relay.test\n");
        is_delivered_to(collector("relay.test", "127.0.0.1"));
    }
}

/// A listener whose queue is full, so the system drops further connections, while the returned value exists.
fn swallow(address: SocketAddr) -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind(address).unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(100));
    let waiting = std::iter::from_fn(|| connect().ok()).take(10_000).collect();
    assert_eq!(connect().unwrap_err().kind(), ErrorKind::TimedOut);
    (listener, waiting)
}

#[test]
fn an_address_that_swallows_everything_leaves_time_for_the_next() {
    if far_away(an_address_that_swallows_everything_leaves_time_for_the_next, &[]) {
        names("::1 relay.test\n127.0.0.1 relay.test\n");
        let collector = collector("relay.test", "127.0.0.1");
        let port = collector.url.rsplit_once(':').unwrap().1.parse().unwrap();
        let _dead = swallow(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
        is_delivered_to(collector);
    }
}
