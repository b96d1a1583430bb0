//! Where processes are measured: the servers they report to, an environment of their own, and what they print.

use crate::sink::{Counts, Sink};
use crate::subject::{self, ROOT};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

pub struct Place {
    pub sink: Sink,
    /// The same over TLS: `pact-telemetry collect`, whose requests the sink's counter counts as events.
    pub https: String,
    collector: Child,
    folder: tempfile::TempDir,
}

/// What a process printed: lines of a name and a number.
pub type Printed = HashMap<String, Vec<f64>>;

impl Place {
    pub fn new() -> Self {
        std::fs::create_dir_all(format!("{ROOT}/build")).unwrap();
        let folder = tempfile::tempdir_in(format!("{ROOT}/build")).unwrap();
        certificates(folder.path());
        let counts = Arc::new(Counts::default());
        let (collector, port) = collector(folder.path(), counts.clone());
        let sink = Sink::start(counts, ([127, 0, 0, 1], port).into());
        Place { sink, https: format!("https://localhost:{port}"), collector, folder }
    }

    /// One process that plays `scene` with `subject`; its state is its own unless `state` names one to share.
    pub fn command(&self, scene: &str, subject: &str, url: &str, state: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        self.prepare(&mut command, subject, state);
        command.args(["scene", scene, subject, url, &self.sink.url]);
        command
    }

    /// The environment of every process: no opt-out, no proxy, and as many variables as in continuous integration.
    pub fn prepare(&self, command: &mut Command, subject: &str, state: &str) {
        command.env_clear().envs((0..20).map(|n| (format!("BENCH_{n}"), "a variable of the host's"))).envs([
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("CI", "true".into()), // there events are sent at once
            ("HOSTNAME", "bench".into()),
            ("HOME", self.folder.path().display().to_string()),
            ("SSL_CERT_FILE", self.folder.path().join("root.pem").display().to_string()),
            ("PACT_TELEMETRY_STATE_DIR", self.folder.path().join(state).display().to_string()),
        ]);
        if subject == "pact_matching" {
            command.env("HTTPS_PROXY", &self.sink.url);
        }
        if let Ok(library) = std::env::var("BENCH_LIBRARY") {
            command.env("BENCH_LIBRARY", library);
        }
    }

    /// Returns nothing, and prints a message on standard error, if the process failed, because a failing alternative
    /// must not end the benchmark.
    pub fn play(&self, scene: &str, subject: &str, url: &str) -> Printed {
        self.run(&mut self.command(scene, subject, url, &self.fresh()), scene, subject)
    }

    pub fn run(&self, command: &mut Command, scene: &str, subject: &str) -> Printed {
        let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).output().expect("a process");
        if !output.status.success() {
            eprintln!("{subject}, {scene}: {}, {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
            return Printed::new();
        }
        parse(&String::from_utf8_lossy(&output.stdout))
    }

    /// The name of a new state folder.
    pub fn fresh(&self) -> String {
        use std::sync::atomic::AtomicU64;
        static NEXT: AtomicU64 = AtomicU64::new(0);
        format!("state-{}", NEXT.fetch_add(1, Relaxed))
    }

    pub fn arrived(&self) -> u64 {
        self.sink.counts.events.load(Relaxed)
    }

    pub fn requests(&self) -> u64 {
        self.sink.counts.requests.load(Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.collector.kill();
        let _ = self.collector.wait();
    }
}

/// Adds what another process printed.
pub fn gather(all: &mut Printed, printed: Printed) {
    for (what, samples) in printed {
        all.entry(what).or_default().extend(samples);
    }
}

pub fn parse(text: &str) -> Printed {
    let mut printed = Printed::new();
    for (name, number) in text.lines().filter_map(|line| line.rsplit_once(' ')) {
        if let Ok(number) = number.parse() {
            printed.entry(name.into()).or_default().push(number);
        }
    }
    printed
}

/// The subjects that could be built, in the order of the columns. The page says once which ones are missing.
pub fn subjects() -> Vec<(usize, &'static str)> {
    subject::NAMES.iter().copied().enumerate().filter(|(_, name)| subject::exists(name)).collect()
}

fn certificates(folder: &std::path::Path) {
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    // Placed after all the roots that a machine trusts, because reading them is a part of the cost of HTTPS.
    let system = std::fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap_or_default();
    std::fs::write(folder.join("root.pem"), system + &root.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = Issuer::new(root, key);
    let leaf = CertificateParams::new(vec!["localhost".into(), "www.google-analytics.com".into()]).unwrap();
    let key = KeyPair::generate().unwrap();
    std::fs::write(folder.join("leaf.pem"), leaf.signed_by(&key, &issuer).unwrap().pem()).unwrap();
    std::fs::write(folder.join("leaf.key"), key.serialize_pem()).unwrap();
}

fn collector(folder: &std::path::Path, counts: Arc<Counts>) -> (Child, u16) {
    let mut child = Command::new(format!("{ROOT}/target/release/pact-telemetry"))
        .args(["collect", "--requests", "--tls-cert", "leaf.pem", "--tls-key", "leaf.key"])
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the collector");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let first = lines.next().expect("its address");
    let port = first.split('"').find(|part| part.starts_with("http")).and_then(|url| url.rsplit(':').next());
    let port = port.and_then(|port| port.trim_matches('/').parse().ok()).expect("its port");
    std::thread::spawn(move || {
        for _ in lines.filter(|line| line.contains(r#""type":"request""#)) {
            counts.requests.fetch_add(1, Relaxed);
            counts.events.fetch_add(1, Relaxed);
        }
    });
    (child, port)
}
