//! Connections that end unexpectedly.

use super::authority::Authority;
use super::namespace::{alone, file};
use super::server::{Server, read_request};
use crate::support::*;
use pact_telemetry::{DropReason, Flushed};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const KEPT_ALIVE: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// The values of the events in a request.
fn values_in(body: &str) -> Vec<i64> {
    let body: Value = serde_json::from_str(body).unwrap();
    let events = body["events"].as_array().unwrap().iter();
    events.map(|event| event["params"]["metric_value"].as_i64().unwrap()).collect()
}

/// A server that reports the connection and the events of each complete request before `answer` answers it.
fn telling(
    answer: impl Fn(usize, &mut TcpStream) -> bool + Send + Sync + Clone + 'static,
) -> (Server, Receiver<(usize, Vec<i64>)>) {
    let (says, told) = channel();
    let server = Server::start(move |number, mut stream| {
        while let Some(body) = read_request(&stream) {
            says.send((number, values_in(&body))).unwrap();
            if !answer(number, &mut stream) {
                return;
            }
        }
    });
    (server, told)
}

#[test]
fn a_connection_is_used_for_the_next_request_too() {
    if !alone(a_connection_is_used_for_the_next_request_too, &[]) {
        return;
    }
    let (server, told) = telling(|_, stream| stream.write_all(KEPT_ALIVE).is_ok());
    let client = client(&server.url(), json!({}));
    for value in 0..3 {
        client.track(&numbered(value)).unwrap();
        assert_eq!(client.flush(PATIENCE), Flushed::Delivered);
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), (0, vec![value]));
    }
}

#[test]
fn a_connection_that_the_server_closes_with_its_answer_is_replaced() {
    if !alone(a_connection_that_the_server_closes_with_its_answer_is_replaced, &[]) {
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
fn a_kept_connection_that_was_closed_between_two_requests_costs_no_event_and_no_attempt() {
    if !alone(a_kept_connection_that_was_closed_between_two_requests_costs_no_event_and_no_attempt, &[]) {
        return;
    }
    let (closes, closed) = channel();
    let (server, told) = telling(move |_, stream| {
        stream.write_all(KEPT_ALIVE).unwrap(); // the server then breaks this promise
        stream.shutdown(Shutdown::Both).unwrap();
        closes.send(()).unwrap();
        false
    });
    let client = client(&server.url(), json!({}));
    for value in 0..3 {
        client.track(&numbered(value)).unwrap();
        assert_eq!(client.flush(PATIENCE), Flushed::Delivered, "{}", client.stats().json());
        closed.recv_timeout(PATIENCE).unwrap();
    }
    assert_eq!(client.stats().last_failure(), None);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [(0, vec![0]), (1, vec![1]), (2, vec![2])]);
}

#[test]
fn a_kept_connection_that_ends_under_the_next_request_costs_no_event() {
    if !alone(a_kept_connection_that_ends_under_the_next_request_costs_no_event, &[]) {
        return;
    }
    let requests = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let (server, told) = telling(move |_, stream| {
        let is_cut = requests.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 1;
        !is_cut && stream.write_all(KEPT_ALIVE).is_ok()
    });
    let client = client(&server.url(), json!({}));
    client.track(&numbered(0)).unwrap();
    assert_eq!(client.flush(PATIENCE), Flushed::Delivered);
    client.track(&numbered(1)).unwrap();
    assert_eq!(client.flush(PATIENCE), Flushed::Kept);
    let told: Vec<_> = (0..3).map(|_| told.recv_timeout(PATIENCE).unwrap()).collect(); // the last after a backoff
    assert_eq!(told, [(0, vec![0]), (0, vec![1]), (1, vec![1])]);
    client.track(&numbered(2)).unwrap();
    assert_eq!(client.close(PATIENCE), Flushed::Delivered);
    assert_eq!(client.stats().delivered(), 3);
}

#[test]
fn a_reset_at_any_moment_before_the_answers_head_is_whole_keeps_the_event() {
    if !alone(a_reset_at_any_moment_before_the_answers_head_is_whole_keeps_the_event, &[]) {
        return;
    }
    for said in ["", "HTTP", "HTTP/1.1 204 No Content\r\n", "HTTP/1.1 204 No Content\r\nServer: x\r\n"] {
        // What is closed with something unread resets the connection.
        let server = Server::start(move |_, mut stream| {
            let _ = stream.read_exact(&mut [0; 20]);
            let _ = stream.write_all(said.as_bytes());
        });
        let client = client(&server.url(), json!({}));
        client.track(&numbered(1)).unwrap();
        assert_eq!(client.close(PATIENCE), Flushed::Kept, "{said:?}");
        let stats = client.stats().json();
        assert_eq!((&stats["spooled"], &stats["last_failure"]), (&json!(1), &json!("interrupted")), "{said:?}");
    }
}

#[test]
fn an_answer_that_comes_before_the_request_was_read_counts() {
    if !alone(an_answer_that_comes_before_the_request_was_read_counts, &[]) {
        return;
    }
    for (status, count) in [(204, "/delivered"), (503, "/spooled"), (413, "/dropped/http_status")] {
        let server = Server::start(move |_, mut stream| {
            let _ = stream.write_all(format!("HTTP/1.1 {status} Early\r\nContent-Length: 0\r\n\r\n").as_bytes());
            let _ = stream.shutdown(Shutdown::Write);
            while read_request(&stream).is_some() {}
        });
        let client = client(&server.url(), json!({}));
        client.track(&numbered(1)).unwrap();
        assert_ne!(client.close(PATIENCE), Flushed::TimedOut);
        assert_eq!(client.stats().json().pointer(count), Some(&json!(1)), "{status}: {}", client.stats().json());
    }
}

#[test]
fn what_the_person_says_while_a_connection_is_made_holds_before_the_request_is_written() {
    if !alone(what_the_person_says_while_a_connection_is_made_holds_before_the_request_is_written, &[]) {
        return;
    }
    let authority = Authority::new();
    environment::set("SSL_CERT_FILE", file("root.pem", &authority.root));
    let off = r#"{"enabled": false}"#.to_owned();
    let off_and_on = format!(r#"{{"enabled": true, "since_ms": {}}}"#, u64::MAX / 2);
    for choice in [off, off_and_on] {
        save_choice(r#"{"enabled": true}"#);
        let collector = authority.collector("localhost", |_| ());
        let (_, address) = collector.url.split_once("://").unwrap();
        let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = client(&format!("https://localhost:{}", listener.local_addr().unwrap().port()), json!({}));
        client.track(&numbered(1)).unwrap();
        let (near, _) = listener.accept().unwrap();
        save_choice(&choice);
        // What was read of the choices before the connection counts for 10 ms.
        std::thread::sleep(Duration::from_millis(100));
        let far = TcpStream::connect(("127.0.0.1", port)).unwrap();
        for (mut from, mut to) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
            std::thread::spawn(move || std::io::copy(&mut from, &mut to).map(|_| to.shutdown(Shutdown::Write)));
        }
        assert_eq!(client.flush(PATIENCE), Flushed::Lost, "{choice}");
        assert_eq!(client.stats().dropped(DropReason::OptedOut), 1, "{choice}");
        assert_eq!(collector.end().len(), 0, "{choice}");
    }
}
