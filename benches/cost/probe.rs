//! What the scenes share: how a measured process prints a figure, reads the clock, and asks what the server has
//! received.

use crate::subject::Subject;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Prints a figure.
pub fn tell(name: &str, value: f64) {
    println!("{name} {value}");
}

/// How many events the server has received.
pub fn arrived(sink: &str) -> u64 {
    asked(sink, "arrived")
}

/// How many requests it has received.
pub fn requests(sink: &str) -> u64 {
    asked(sink, "requests")
}

fn asked(sink: &str, what: &str) -> u64 {
    let mut stream = TcpStream::connect(sink.trim_start_matches("http://")).unwrap();
    stream.write_all(format!("GET /{what} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut lines = (&mut reader).lines().map_while(Result::ok);
    let length = lines.find_map(|line| line.strip_prefix("Content-Length: ").map(str::to_owned)).unwrap();
    lines.next();
    let mut number = vec![0; length.parse().unwrap()];
    reader.read_exact(&mut number).unwrap();
    String::from_utf8(number).unwrap().parse().unwrap()
}

/// Flushes. For a subject whose flush does not wait, waits until so many events have arrived, or none for two seconds.
pub fn settle(name: &str, subject: &Subject, sink: &str, wanted: u64) {
    subject.flush();
    let (mut seen, mut since) = (0, Instant::now());
    while matches!(name, "pact_matching" | "libdatadog") && since.elapsed() < Duration::from_secs(2) {
        let now = arrived(sink);
        if now >= wanted {
            break;
        }
        if now > seen {
            (seen, since) = (now, Instant::now());
        }
        std::thread::sleep(Duration::from_micros(300));
    }
}

/// The monotonic clock, in seconds, which the parent of a measured process reads too.
pub fn monotonic() -> f64 {
    // SAFETY: a place of the right type.
    unsafe {
        let mut now: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now);
        now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
    }
}
