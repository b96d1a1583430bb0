//! A running collector and a plain HTTP client. Every wait has a limit.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A GA4 request that carries one good event.
pub const GA4_TARGET: &str = "/mp/collect?measurement_id=G-X&api_secret=Y";
/// Its body.
pub const GA4_BODY: &str = r#"{"client_id":"1.2","events":[{"name":"pacts_verified","params":{"os_arch":"linux"}}]}"#;

/// The command, with no opt-out of the machine that runs the tests.
pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pact-telemetry"));
    for name in ["PACT_DO_NOT_TRACK", "pact_do_not_track", "DO_NOT_TRACK"] {
        command.env_remove(name);
    }
    command
}

/// A collector that is stopped with its test.
pub struct Collector {
    child: Child,
    lines: Receiver<String>,
    /// As its first line says.
    pub url: String,
    /// The path of its page, if it has one.
    pub page: Option<String>,
}

impl Collector {
    pub fn start(arguments: &[&str]) -> Collector {
        let mut command = command();
        command.arg("collect").args(arguments);
        Collector::run(command)
    }

    /// One that may have so many descriptors open.
    #[cfg(unix)]
    pub fn with_descriptors(most: usize) -> Collector {
        let mut command = Command::new("/bin/sh");
        let script = format!("ulimit -n {most} && exec \"$0\" collect");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_pact-telemetry")]);
        Collector::run(command)
    }

    fn run(mut command: Command) -> Collector {
        // Without a PATH it finds no browser to open.
        command.env("PATH", "").stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut collector = Collector { child, lines, url: String::new(), page: None };
        let first = collector.line();
        assert_eq!(first["type"], "listening");
        collector.url = first["url"].as_str().unwrap().to_owned();
        collector.page = first["page"].as_str().map(|page| page.strip_prefix(&collector.url).unwrap().to_owned());
        collector
    }

    /// The next line that it prints.
    pub fn line(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("a line in time");
        serde_json::from_str(&line).unwrap()
    }

    pub fn connect(&self) -> Client {
        let (_, address) = self.url.split_once("://").unwrap();
        Client::connect(address)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn wait(&mut self) -> ExitStatus {
        wait(&mut self.child)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a process exits; fails the test if that takes too long.
pub fn wait(child: &mut Child) -> ExitStatus {
    let since = Instant::now();
    while since.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        thread::sleep(Duration::from_millis(2));
    }
    let _ = child.kill();
    panic!("the process did not end in time");
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// One connection.
pub struct Client(pub BufReader<TcpStream>);

impl Client {
    pub fn connect(address: &str) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Client(BufReader::new(stream))
    }

    pub fn send(&mut self, method: &str, target: &str, body: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(&request(method, target, body.as_ref())).unwrap();
    }

    pub fn send_event(&mut self) {
        self.send("POST", GA4_TARGET, GA4_BODY);
    }

    pub fn ask(&mut self, method: &str, target: &str, body: impl AsRef<[u8]>) -> Answer {
        self.send(method, target, body);
        self.answer()
    }

    /// A whole answer.
    pub fn answer(&mut self) -> Answer {
        answer(&mut self.0)
    }

    /// Whether nothing at all comes for a moment.
    pub fn is_silent(&mut self) -> bool {
        self.0.get_ref().set_read_timeout(Some(Duration::from_millis(150))).unwrap();
        let silent = self.0.read(&mut [0]).is_err();
        self.0.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        silent
    }

    /// Whether the other side has closed without another byte.
    pub fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0))
    }
}

/// The bytes of a request.
pub fn request(method: &str, target: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// Reads a whole answer.
pub fn answer(from: &mut impl BufRead) -> Answer {
    let mut answer = head(from);
    let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    answer.body.resize(length, 0);
    from.read_exact(&mut answer.body).unwrap();
    answer
}

/// Reads an answer up to its body.
pub fn head(from: &mut impl BufRead) -> Answer {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let status = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines[1..].iter().filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    Answer { status, headers: headers.collect(), body: Vec::new() }
}
