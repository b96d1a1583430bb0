//! A call with a time limit returns in time, wherever the network hangs: name servers, proxies, and TLS behind them.

use super::namespace::{alone, change, far_away, names, run};
use super::server::{Server, read_request};
use crate::support::*;
use pact_telemetry::{Client, Flushed};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

const TIME: Duration = Duration::from_millis(300);

/// Tracks events, flushes and closes in vain, then turns a client off.
fn holds_its_time(endpoint: &str) {
    let clients: Vec<_> = (0..4).map(|_| client(endpoint, json!({}))).collect();
    for client in &clients {
        client.track(&numbered(1)).unwrap();
    }
    let (client, others) = clients.split_first().unwrap();
    let first = measured(|| assert_eq!(client.flush(TIME), Flushed::TimedOut));
    assert!((TIME..TIME + Duration::from_secs(1)).contains(&first), "{first:?}");
    // A process has one budget: time that was waited in vain is not waited again.
    let flushes = (0..3).map(|_| measured(|| assert_eq!(client.flush(TIME), Flushed::TimedOut)));
    let closes = others.iter().map(|other| measured(|| assert_eq!(other.close(TIME), Flushed::TimedOut)));
    let later: Duration = flushes.chain(closes).sum();
    assert!(later < Duration::from_secs(1), "{later:?}");
    let rest = (2 * TIME).saturating_sub(first + later);
    let longer = measured(|| assert_eq!(client.flush(2 * TIME), Flushed::TimedOut));
    assert!(
        (rest / 2..TIME + Duration::from_secs(1)).contains(&longer),
        "{longer:?}: a call with more time waits for the rest, {rest:?}"
    );
    is_turned_off_at_once(client);
}

#[test]
fn a_close_waits_for_no_request_of_another_client() {
    if !alone(a_close_waits_for_no_request_of_another_client, &[]) {
        return;
    }
    let collector = Collector::start(&["--requests", "--answers", "hang*"]);
    let clients = [(); 2].map(|()| client(&collector.url, json!({"exit_timeout_ms": 10_000})));
    clients[0].track(&numbered(1)).unwrap();
    clients[0].flush(Duration::ZERO);
    collector.next_request();
    let took = measured(|| assert_eq!(clients[1].close(PATIENCE), Flushed::Delivered));
    assert!(took < Duration::from_secs(5), "{took:?}");
    clients[0].set_enabled(false); // the exit would wait for its event
}

#[test]
fn a_server_that_hangs_costs_a_process_one_wait_and_no_other_server_any() {
    if !alone(a_server_that_hangs_costs_a_process_one_wait_and_no_other_server_any, &[]) {
        return;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    // With other credentials it is another destination, on the same server.
    let of = |number: usize| client(&endpoint, json!({"measurement_id": format!("G-{}", number / 2)}));
    let clients: Vec<_> = (0..4).map(of).collect();
    for client in &clients {
        client.track(&numbered(1)).unwrap();
    }
    let (first, others) = clients.split_first().unwrap();
    let vain = measured(|| assert_eq!(first.flush(TIME), Flushed::TimedOut));
    assert!((TIME..TIME + Duration::from_secs(1)).contains(&vain), "{vain:?}");
    let later: Duration =
        others.iter().map(|other| measured(|| assert_eq!(other.close(TIME), Flushed::TimedOut))).sum();
    assert!(later < 2 * TIME, "{later:?}: what was waited for by one client is not waited for by another");
    let rest = measured(|| assert_eq!(others[0].flush(2 * TIME), Flushed::TimedOut));
    assert!(rest > TIME / 2, "{rest:?}: a call with more time waits for the rest");

    let collector = Collector::start(&[]);
    let healthy = client(&collector.url, json!({}));
    healthy.track(&numbered(2)).unwrap();
    assert_eq!(healthy.flush(PATIENCE), Flushed::Delivered, "the other server");
}

fn is_turned_off_at_once(client: &Client) {
    let off = measured(|| client.set_enabled(false));
    assert!(off < Duration::from_secs(1), "{off:?}");
    assert_eq!(client.close(PATIENCE), Flushed::Lost);
    let stats = client.stats().json();
    assert_eq!((&stats["dropped"]["opted_out"], balanced(&stats)), (&json!(1), 0), "{stats}");
}

fn measured(run: impl FnOnce()) -> Duration {
    let since = Instant::now();
    run();
    since.elapsed()
}

/// Makes a network in which nothing comes back from 192.0.2.0/24: it is routed to loopback, where no host has such an
/// address.
fn swallow() {
    run("ip", "route add 192.0.2.0/24 dev lo");
}

#[test]
fn a_name_server_that_never_answers_holds_nobody() {
    if far_away(a_name_server_that_never_answers_holds_nobody, &[]) {
        swallow();
        names("");
        // Much longer than any call may wait.
        change("/etc/resolv.conf", "nameserver 192.0.2.53\noptions timeout:30 attempts:5\n");
        holds_its_time("https://relay.test");
    }
}

#[test]
fn a_route_into_nothing_holds_nobody() {
    if far_away(a_route_into_nothing_holds_nobody, &[]) {
        swallow();
        holds_its_time("https://192.0.2.1");
    }
}

/// The address of a proxy that reads its request and then calls this function.
fn proxy(then: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> String {
    let server = Server::start(move |_, stream| {
        read_request(&stream);
        then(stream);
    });
    format!("http://127.0.0.1:{}", server.port)
}

/// Says nothing more until the other side ends the connection.
fn hang(mut stream: TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn a_proxy_that_hangs_at_connect_holds_nobody() {
    if alone(a_proxy_that_hangs_at_connect_holds_nobody, &[("HTTPS_PROXY", &proxy(hang))]) {
        holds_its_time("https://relay.test");
    }
}

#[test]
fn tls_that_stalls_behind_a_proxy_holds_nobody() {
    let open_and_hang = |mut stream: TcpStream| {
        stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        hang(stream);
    };
    if alone(tls_that_stalls_behind_a_proxy_holds_nobody, &[("HTTPS_PROXY", &proxy(open_and_hang))]) {
        holds_its_time("https://relay.test");
    }
}

#[test]
fn a_proxy_that_answers_a_byte_at_a_time_is_given_up() {
    let drip = |mut stream: TcpStream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX: ");
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(200)); // how the proxy behaves
        }
    };
    if alone(a_proxy_that_answers_a_byte_at_a_time_is_given_up, &[("HTTPS_PROXY", &proxy(drip))]) {
        let client = client("https://relay.test", json!({}));
        client.track(&numbered(1)).unwrap();
        assert_eq!(client.close(PATIENCE), Flushed::Kept);
        assert_eq!(client.stats().last_failure(), Some("unreachable"));
    }
}
