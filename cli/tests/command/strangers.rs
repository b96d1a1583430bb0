//! Faulty clients of the collector: garbage, incomplete requests, endless heads, thousands of connections.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::support::{Collector, PATIENCE};

/// How many descriptors the collector may have open.
#[cfg(unix)]
const DESCRIPTORS: usize = 100;
/// How many connections are made to it. Those that it cannot take wait in the queue of the system, which holds 128.
#[cfg(unix)]
const FLOOD: usize = 150;

fn still_answers(collector: &Collector) {
    let mut client = collector.connect();
    client.send_event();
    assert_eq!(client.answer().status, 204);
}

/// All that comes back until the other side closes.
fn answer_to(collector: &Collector, bytes: &[u8]) -> Vec<u8> {
    let mut stream = collector.connect().0.into_inner();
    let _ = stream.write_all(bytes); // it may be cut before the end
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        // Bytes that the server did not read make its system reset the connection.
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    answer
}

#[test]
fn garbage_is_refused_and_takes_no_number() {
    let collector = Collector::start(&[]);
    let zeros = vec![0; 100_000];
    let garbage: [&[u8]; 9] = [
        b"\r\n\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /mp/collect HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /mp/collect HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST /mp/collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"POST /mp/collect HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"GET /\xff\xfe HTTP/9.9\r\n\r\n",
        &zeros,
    ];
    for bytes in garbage {
        let answer = answer_to(&collector, bytes);
        let text = String::from_utf8_lossy(&answer);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
        still_answers(&collector);
        assert_eq!(collector.line()["type"], "event", "garbage has no line of its own");
    }
}

#[test]
fn a_head_without_end_is_cut() {
    let collector = Collector::start(&[]);
    let mut stream = collector.connect().0.into_inner();
    stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    let line = format!("x: {}\r\n", "y".repeat(8_000));
    let is_cut = (0..8_000).any(|_| stream.write_all(line.as_bytes()).is_err()); // 64 MB
    assert!(is_cut, "it read on and on");
    still_answers(&collector);
}

#[test]
fn an_incomplete_request_delays_no_other_client() {
    let collector = Collector::start(&[]);
    let half = |bytes: &[u8]| {
        let mut client = collector.connect();
        client.0.get_mut().write_all(bytes).unwrap();
        client
    };
    let waiting: Vec<_> = (0..100)
        .map(|number| match number % 2 {
            0 => half(b"POST /mp/collect HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"),
            _ => half(b"POST /mp/col"),
        })
        .collect();
    still_answers(&collector);
    drop(waiting);
    still_answers(&collector);
}

#[cfg(unix)]
#[test]
fn after_a_flood_of_connections_it_answers_again() {
    let collector = Collector::with_descriptors(DESCRIPTORS);
    let address: SocketAddr = collector.url.split_once("://").unwrap().1.parse().unwrap();
    let connect = |_| TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    let mut flood: Vec<_> = (0..FLOOD).map(connect).collect();
    for stream in &mut flood {
        let _ = stream.write_all(b"GET / HTTP/1.1\r\n");
    }
    let open = || std::fs::read_dir(format!("/proc/{}/fd", collector.id())).map_or(DESCRIPTORS, Iterator::count);
    let since = std::time::Instant::now();
    while open() < DESCRIPTORS {
        assert!(since.elapsed() < PATIENCE, "it has {} descriptors", open());
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    drop(flood);
    still_answers(&collector);
}
