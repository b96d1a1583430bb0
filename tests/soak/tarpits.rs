//! Servers that hang, each in its own way: names that are never resolved, connections that are never accepted, a
//! handshake or an answer that stalls, a proxy that sends nothing.

use crate::support::Collector;
use crate::support::programs::{Run, Sandbox};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No name server answers.
    Name,
    /// SYN packets are dropped.
    Connect,
    /// Accepts a connection and sends nothing in the handshake.
    Handshake,
    /// Answers with one byte a second.
    Drip,
    /// Never answers.
    Answer,
    /// A proxy that accepts a connection and sends nothing.
    Proxy,
    /// Not a tarpit: the connection is refused at once.
    Refused,
}

pub const ALL: [Kind; 7] =
    [Kind::Name, Kind::Connect, Kind::Handshake, Kind::Drip, Kind::Answer, Kind::Proxy, Kind::Refused];

/// A tarpit that is open until this is dropped.
pub struct Tarpit {
    kind: Kind,
    endpoint: String,
    proxy: Option<String>,
    _held: (Option<Collector>, Option<TcpListener>),
}

/// A network whose packets go nowhere, with a name server there too. Arguments: the program and its own.
const NOWHERE: &str = "ip link set lo up; ip link add out type veth peer name far; ip addr add 192.0.2.2/24 dev out; \
    ip link set out up; ip link set far up; ip route add default via 192.0.2.1; \
    ip neigh add 192.0.2.1 lladdr 02:00:00:00:00:01 dev out; \
    echo 'nameserver 192.0.2.53' > \"$RESOLV\"; mount --bind \"$RESOLV\" /etc/resolv.conf; exec \"$@\"";

/// Whether this user can make networks; prints a message once if not.
pub fn can_make_networks() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        let script = "ip link add out type veth peer name far";
        let tried = Command::new("unshare").args(["-n", "-m", "sh", "-c", script]).output();
        let can = tried.is_ok_and(|output| output.status.success());
        if !can {
            println!("NOT RUN: no network namespaces here, so nothing was tried without a name server or a route");
        }
        can
    })
}

impl Tarpit {
    /// `None` where it cannot be made here.
    pub fn open(kind: Kind) -> Option<Self> {
        let listener = || TcpListener::bind("127.0.0.1:0").unwrap();
        let url = |scheme: &str, listener: &TcpListener| format!("{scheme}://{}", listener.local_addr().unwrap());
        let mut tarpit = Tarpit { kind, endpoint: "https://192.0.2.9".into(), proxy: None, _held: (None, None) };
        match kind {
            Kind::Name | Kind::Connect if !can_make_networks() => return None,
            Kind::Name => tarpit.endpoint = "https://collector.example".into(),
            Kind::Connect => {}
            Kind::Handshake => {
                let listener = listener();
                tarpit.endpoint = url("https", &listener);
                tarpit._held.1 = Some(listener);
            }
            Kind::Proxy => {
                let listener = listener();
                tarpit.proxy = Some(url("http", &listener));
                tarpit._held.1 = Some(listener);
            }
            Kind::Drip => {
                let listener = listener();
                tarpit.endpoint = url("http", &listener);
                std::thread::spawn(move || drip(&listener));
            }
            Kind::Answer => {
                let collector = Collector::start(&["--answers", "hang*"]);
                tarpit.endpoint = collector.url.clone();
                tarpit._held.0 = Some(collector);
            }
            Kind::Refused => tarpit.endpoint = url("http", &listener()),
        }
        Some(tarpit)
    }

    /// A run of the program that connects to it.
    pub fn run(&self, sandbox: &Sandbox, home: &Path, program: &Path) -> Run {
        let run = if matches!(self.kind, Kind::Name | Kind::Connect) {
            let run = sandbox.run("unshare").argument("-n").argument("-m").argument("sh").argument("-ec");
            run.argument(NOWHERE).argument("sh").argument(program).variable("RESOLV", home.join("resolv.conf"))
        } else {
            sandbox.run(program)
        };
        let run = run.home(home).endpoint(&self.endpoint);
        self.proxy.iter().fold(run, |run, proxy| run.variable("HTTPS_PROXY", proxy))
    }
}

/// Answers each request with one byte a second, until its process ends.
fn drip(listener: &TcpListener) {
    for connection in listener.incoming() {
        let Ok(mut connection) = connection else { return };
        std::thread::spawn(move || {
            let _ = connection.read(&mut [0; 4096]);
            for byte in b"HTTP/1.1 204 No Content\r\n\r\n" {
                if connection.write_all(&[*byte]).is_err() {
                    return;
                }
                std::thread::sleep(Duration::from_secs(1));
            }
        });
    }
}
