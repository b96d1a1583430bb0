//! A server that sends exactly the bytes of a test, for answers that no real server gives.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};

/// Listens on loopback for as long as the test's process lives.
pub struct Server {
    pub port: u16,
}

impl Server {
    /// `serve` gets each connection with its number from 0, on a thread of its own.
    pub fn start(serve: impl Fn(usize, TcpStream) + Send + Sync + Clone + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let serve = serve.clone();
                std::thread::spawn(move || serve(number, stream.unwrap()));
            }
        });
        Server { port }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// One request's body; `None` where the connection ended before it.
pub fn read_request(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        if let Some(text) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(String::from_utf8(body).unwrap())
}
