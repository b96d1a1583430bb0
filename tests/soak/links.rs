//! Ways to a collector: over HTTP or HTTPS, with a round trip of a given time. A relay delays each byte, those of a
//! handshake too. If the kernel has `netem`, the loopback of a network namespace does so instead.

use crate::support::Collector;
use crate::support::authority::Authority;
use crate::support::programs::Run;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

/// The round trip of the network namespace that this process runs in, in milliseconds.
pub const NETEM: &str = "PACT_TELEMETRY_NETEM_MS";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    pub is_https: bool,
    pub round_trip_ms: u64,
}

/// A collector behind a link.
pub struct Far {
    pub collector: Collector,
    endpoint: String,
    root: Option<std::path::PathBuf>,
}

impl Link {
    pub fn name(&self) -> String {
        format!("{} {:>3} ms away", if self.is_https { "https" } else { "http " }, self.round_trip_ms)
    }

    /// How long a request on a new connection takes that is answered at once: a round trip each for the connection,
    /// for TLS 1.3, and for the request.
    pub fn request_ms(&self) -> u64 {
        (2 + u64::from(self.is_https)) * self.round_trip_ms
    }

    /// Starts a collector at the other end, with this script of answers. Its certificate is written into that folder.
    pub fn collector(&self, folder: &Path, answers: &str) -> Far {
        let mut arguments = vec!["--answers".to_owned(), answers.to_owned()];
        let mut root = None;
        if self.is_https {
            let authority = Authority::new();
            let [certificate, key] = authority.certificate("127.0.0.1", |_| ());
            let file = |name: &str, text: &str| {
                let path = folder.join(name);
                std::fs::write(&path, text).unwrap();
                path
            };
            arguments.extend(["--tls-cert".to_owned(), file("certificate.pem", &certificate).display().to_string()]);
            arguments.extend(["--tls-key".to_owned(), file("key.pem", &key).display().to_string()]);
            root = Some(file("root.pem", &authority.root));
        }
        let collector = Collector::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let (scheme, address) = collector.url.split_once("://").unwrap();
        let is_netem = std::env::var_os(NETEM).is_some();
        let endpoint = if self.round_trip_ms == 0 || is_netem {
            collector.url.clone()
        } else {
            format!("{scheme}://{}", relay(address.parse().unwrap(), Duration::from_millis(self.round_trip_ms)))
        };
        Far { collector, endpoint, root }
    }
}

impl Far {
    /// The run, reporting to this collector.
    pub fn reached_by(&self, run: Run) -> Run {
        let run = run.endpoint(&self.endpoint);
        self.root.iter().fold(run, |run, root| run.variable("SSL_CERT_FILE", root))
    }
}

/// Whether the kernel has `netem`; if not, prints once why.
pub fn has_netem() -> bool {
    static HAS: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *HAS.get_or_init(|| {
        let mut tried = Command::new("unshare");
        tried.args(["-n", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]);
        let why = match tried.output() {
            Ok(output) if output.status.success() => return true,
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        println!("NOT RUN: round trips made by tc netem ({why}); a relay delays the bytes instead");
        false
    })
}

/// A command that makes a network with that round trip, and runs its further arguments there.
pub fn in_netem(round_trip_ms: u64) -> Command {
    let script =
        format!("ip link set lo up; tc qdisc add dev lo root netem delay {}us; exec \"$@\"", round_trip_ms * 500);
    let mut command = Command::new("unshare");
    command.args(["-n", "sh", "-ec", &script, "sh"]).env(NETEM, round_trip_ms.to_string());
    command
}

/// Relays connections to that address until this process ends. Returns the address of the relay.
fn relay(to: SocketAddr, round_trip: Duration) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let Ok(far) = TcpStream::connect(to) else { continue };
            let (near_too, far_too) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            // The system has answered the connection at once: its round trip is paid by the first bytes.
            pass(near, far, Instant::now() + round_trip, round_trip / 2);
            pass(far_too, near_too, Instant::now(), round_trip / 2);
        }
    });
    address
}

/// Passes on each piece that comes after `delay`, and none before `not_before` plus `delay`.
fn pass(mut from: TcpStream, mut to: TcpStream, not_before: Instant, delay: Duration) {
    let (sender, pieces) = channel::<(Instant, Vec<u8>)>();
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(amount) = from.read(&mut buffer) {
            if sender.send((Instant::now().max(not_before) + delay, buffer[..amount].to_vec())).is_err() || amount == 0
            {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        let _ = to.set_nodelay(true);
        for (at, piece) in pieces {
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                return;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}
