//! The server that all report to: counts requests and events, answers 200 to everything, and leads `CONNECT` to a
//! collector with TLS. It does as little as it can, so that the library is what is measured.

use std::io::{BufRead, BufReader, Read, Write, copy};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Occurs once in every event of `Subject::event`, and nowhere else.
const MARK: &[u8] = b"MockServerStarted";

#[derive(Default)]
pub struct Counts {
    pub requests: AtomicU64,
    pub events: AtomicU64,
}

pub struct Sink {
    pub url: String,
    pub counts: Arc<Counts>,
}

impl Sink {
    /// `tls` is where a tunnel leads, whatever was asked for: nothing here leaves the machine.
    pub fn start(counts: Arc<Counts>, tls: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = counts.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let counts = shared.clone();
                std::thread::spawn(move || serve(&stream, &counts, tls));
            }
        });
        Sink { url, counts }
    }
}

/// Serves one connection until its end; any fault ends it.
fn serve(stream: &TcpStream, counts: &Counts, tls: SocketAddr) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut reader = BufReader::with_capacity(1 << 16, stream);
    let mut writer = stream;
    let mut body = Vec::new();
    loop {
        let head = head(&mut reader)?;
        let answer = if head.starts_with("get /arrived ") {
            counts.events.load(Relaxed).to_string()
        } else if head.starts_with("get /requests ") {
            counts.requests.load(Relaxed).to_string()
        } else if head.starts_with("connect ") {
            writer.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
            return tunnel(stream, tls);
        } else {
            if head.contains("expect: 100-continue") {
                writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
            }
            read(&mut reader, &head, &mut body)?;
            counts.requests.fetch_add(1, Relaxed);
            counts.events.fetch_add(marks(&body), Relaxed);
            String::new()
        };
        write!(writer, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len()).ok()?;
    }
}

/// The request line and the headers, in lower case.
fn head(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while reader.read_line(&mut head).ok()? > 2 {}
    (!head.is_empty()).then(|| head.to_ascii_lowercase())
}

fn read(reader: &mut impl BufRead, head: &str, body: &mut Vec<u8>) -> Option<()> {
    body.clear();
    if let Some(length) = head.lines().find_map(|line| line.strip_prefix("content-length:")) {
        body.resize(length.trim().parse().ok()?, 0);
        return reader.read_exact(body).ok();
    }
    while head.contains("transfer-encoding: chunked") {
        let mut size = String::new();
        reader.read_line(&mut size).ok()?;
        let size = u64::from_str_radix(size.trim(), 16).ok()?;
        reader.take(size).read_to_end(body).ok()?;
        reader.read_line(&mut String::new()).ok()?;
        if size == 0 {
            break;
        }
    }
    Some(())
}

/// Searches with memmem(3), because a search byte by byte would cost as much as what is measured.
fn marks(mut body: &[u8]) -> u64 {
    let mut count = 0;
    loop {
        let (bytes, length) = (body.as_ptr(), body.len());
        // SAFETY: reads both inside their lengths, and gives a place in the first or null.
        let found = unsafe { libc::memmem(bytes.cast(), length, MARK.as_ptr().cast(), MARK.len()) };
        if found.is_null() {
            return count;
        }
        count += 1;
        body = &body[found as usize - bytes as usize + MARK.len()..];
    }
}

fn tunnel(stream: &TcpStream, to: SocketAddr) -> Option<()> {
    let far = TcpStream::connect(to).ok()?;
    far.set_nodelay(true).ok()?;
    let (mut from, mut into) = (stream.try_clone().ok()?, far.try_clone().ok()?);
    let up = std::thread::spawn(move || {
        let _ = copy(&mut from, &mut into);
        let _ = into.shutdown(std::net::Shutdown::Write);
    });
    let _ = copy(&mut &far, &mut &*stream);
    let _ = stream.shutdown(std::net::Shutdown::Both);
    up.join().ok()
}
