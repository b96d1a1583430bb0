//! Answers of servers, and what happens to the events.

use super::namespace::alone;
use super::server::{Server, read_request};
use crate::support::*;
use pact_telemetry::{Flushed, Refusal};
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::channel;

/// Sends one event to this URL, and returns the counters.
fn sent_to(url: &str) -> Value {
    let client = client(url, json!({}));
    client.track(&numbered(1)).unwrap();
    assert_ne!(client.close(PATIENCE), Flushed::TimedOut);
    assert_eq!(balanced(&client.stats().json()), 0);
    client.stats().json()
}

/// Sends one event to a server that answers with these bytes and closes.
fn answered(bytes: impl AsRef<[u8]>) -> Value {
    let bytes = bytes.as_ref().to_owned();
    let server = Server::start(move |_, mut stream| {
        read_request(&stream);
        let _ = stream.write_all(&bytes);
    });
    sent_to(&server.url())
}

#[test]
fn what_a_server_answers_is_counted_by_its_meaning() {
    if !alone(what_a_server_answers_is_counted_by_its_meaning, &[]) {
        return;
    }
    for (answers, count) in [
        ("200", "/delivered"),
        ("500", "/spooled"),
        ("404", "/dropped/http_status"),
        ("close", "/spooled"),
        ("big=10000000", "/delivered"),
        ("drip=20", "/delivered"),
        ("html", "/spooled"),
    ] {
        let collector = Collector::start(&["--answers", answers]);
        assert_eq!(sent_to(&collector.url).pointer(count), Some(&json!(1)), "{answers}");
    }
}

#[test]
fn a_web_page_is_no_answer_whatever_its_status() {
    if !alone(a_web_page_is_no_answer_whatever_its_status, &[]) {
        return;
    }
    let page = |kind: &str, body: &str| {
        let length = body.len();
        answered(format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"))
    };
    for (kind, body) in [("text/html; charset=utf-8", "<!DOCTYPE html><p>Sign in</p>"), ("Text/HTML", "\r\n <html>")] {
        let stats = page(kind, body);
        assert_eq!(stats["spooled"], 1, "{kind} {body:?}: {stats}");
        assert_eq!(stats["last_failure"], "interrupted", "{stats}");
    }
    // Some frameworks declare every text as HTML, and a relay may use one.
    for (kind, body) in [("text/html", "ok"), ("text/html", ""), ("image/gif", "GIF89a"), ("text/xml", "<ok/>")] {
        assert_eq!(page(kind, body)["delivered"], 1, "{kind} {body:?}");
    }
}

#[test]
fn the_target_of_a_redirect_sees_nothing() {
    if !alone(the_target_of_a_redirect_sees_nothing, &[]) {
        return;
    }
    let target = Collector::start(&["--requests"]);
    for status in [301, 302, 303, 307, 308] {
        let script = format!("{status} location={}/mp/collect", target.url);
        let collector = Collector::start(&["--answers", &script]);
        assert_eq!(sent_to(&collector.url)["spooled"], 1, "{status}");
    }
    assert_eq!(target.end(), Vec::<Value>::new());
}

/// Sends an event to a server that answers with `head` and then repeats `part` until the connection is closed. Returns
/// how many bytes the server could send.
fn endless(head: &str, part: &str) -> (Value, usize) {
    let (says, ends) = channel();
    let (head, part) = (head.to_owned(), part.repeat(16 * 1024 / part.len()));
    let server = Server::start(move |_, mut stream: TcpStream| {
        read_request(&stream);
        let mut written = 0;
        let _ = stream.write_all(head.as_bytes());
        while let Ok(amount) = stream.write(part.as_bytes()) {
            written += amount;
        }
        let _ = says.send(written);
    });
    let stats = sent_to(&server.url());
    (stats, ends.recv_timeout(PATIENCE).expect("the connection is let go"))
}

/// More than the buffers of both sides take.
const BOUNDED: usize = 16 * 1024 * 1024;

#[test]
fn an_answer_without_end_is_let_go_and_its_head_counts() {
    if !alone(an_answer_without_end_is_let_go_and_its_head_counts, &[]) {
        return;
    }
    for (head, part) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n", "x"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "4\r\nxxxx\r\n"),
        ("HTTP/1.0 200 OK\r\n\r\n", "x"),
    ] {
        let (stats, written) = endless(head, part);
        assert_eq!(stats["delivered"], 1, "{head}: {stats}");
        assert!(written < BOUNDED, "{head}: {written} bytes were read");
    }
}

#[test]
fn a_bomb_of_headers_is_let_go_and_the_event_is_kept() {
    if !alone(a_bomb_of_headers_is_let_go_and_the_event_is_kept, &[]) {
        return;
    }
    for (head, part) in [
        ("HTTP/1.1 200 OK\r\n", "a: b\r\n"),
        ("HTTP/1.1 200 OK\r\na: ", "b"),
        ("HTTP/1.1 200 ", "O"),
        ("HTTP/1.1 200 OK\r\n", "\r\n "),
        ("", "HTTP/1.1 103 Early Hints\r\na: b\r\n\r\n"),
    ] {
        let (stats, written) = endless(head, part);
        let is_delivered = part == "\r\n "; // an empty line ends the head, so the head is not endless
        assert_eq!(stats[if is_delivered { "delivered" } else { "spooled" }], 1, "{head}{part}: {stats}");
        assert!(written < BOUNDED, "{head}{part}: {written} bytes were read");
    }
}

#[test]
fn what_is_not_http_is_no_answer() {
    if !alone(what_is_not_http_is_no_answer, &[]) {
        return;
    }
    for bytes in [
        &b""[..],
        b"\r\n\r\n",
        b"\0\0\0\0",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\x00\x02\x02\x0a",
        b"220 mail.example ESMTP\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 20000 OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"<html>\r\n\r\n",
    ] {
        let stats = answered(bytes);
        let what = String::from_utf8_lossy(bytes);
        assert_eq!(stats["spooled"], 1, "{what}: {stats}");
        assert_eq!(stats["last_failure"], "interrupted", "{what}: {stats}");
    }
}

#[test]
fn odd_but_valid_answers_count() {
    if !alone(odd_but_valid_answers_count, &[]) {
        return;
    }
    for text in [
        "HTTP/1.0 204 No Content\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end",
        "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\nand more that nobody asked for",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        let stats = answered(text);
        assert_eq!(stats["delivered"], 1, "{text}: {stats}");
        assert_eq!(stats["last_failure"], Value::Null, "{text}: {stats}");
    }
}

#[test]
fn an_answer_a_byte_at_a_time_is_given_up_and_the_event_is_kept() {
    if !alone(an_answer_a_byte_at_a_time_is_given_up_and_the_event_is_kept, &[]) {
        return;
    }
    let server = Server::start(|_, mut stream| {
        read_request(&stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX: ");
        while stream.write_all(b"x").is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(200)); // how the server behaves
        }
    });
    let stats = sent_to(&server.url());
    assert_eq!(stats["spooled"], 1, "{stats}");
    assert_eq!(stats["last_failure"], "interrupted", "{stats}");
}

#[test]
fn a_full_queue_drops_the_new_event_and_counts_it() {
    if !alone(a_full_queue_drops_the_new_event_and_counts_it, &[]) {
        return;
    }
    let collector = Collector::start(&["--answers", "delay=300"]);
    let client = client(&collector.url, json!({"queue_capacity": 3}));
    let answers: Vec<_> = (0..5).map(|value| client.track(&numbered(value)).is_ok()).collect();
    assert_eq!(answers, [true, true, true, false, false]);
    assert_eq!(balanced(&client.stats().json()), 3);
    assert_eq!(client.flush(PATIENCE), Flushed::Delivered);
    client.track(&numbered(9)).unwrap();
    assert_eq!(client.close(PATIENCE), Flushed::Delivered);
    assert_eq!(client.stats().not_accepted(Refusal::QueueFull), 2);
    assert_eq!(values(&collector.events_until_end()), [0, 1, 2, 9]);
}
