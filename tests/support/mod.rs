//! What the integration tests share: the real collector as a process, clients that talk to it, and tests that run in a
//! process of their own because they need an environment of their own.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests

pub mod authority;
pub mod environment;
#[cfg(unix)]
pub mod processes;
#[cfg(target_os = "linux")]
pub mod programs;

use pact_telemetry::{Client, Event, Stats, names};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Long enough for a busy machine. Nothing waits this long unless it fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The companion command. Builds it.
pub fn command() -> String {
    static BUILT: OnceLock<String> = OnceLock::new();
    let build = || {
        if let Ok(built) = std::env::var("BUILT_COMMAND") {
            return built; // in a process of a single test, whose environment is not fit for a build
        }
        let status = Command::new("make").args(["-s", "-C", ROOT, "command"]).env_remove("CARGO_TARGET_DIR").status();
        assert!(status.unwrap().success(), "make command");
        format!("{ROOT}/target/debug/pact-telemetry")
    };
    BUILT.get_or_init(build).clone()
}

/// `pact-telemetry collect` as a process.
pub struct Collector {
    process: Child,
    lines: Receiver<Value>,
    pub url: String,
}

impl Collector {
    pub fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(command())
            .arg("collect")
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(serde_json::from_str(&line).unwrap());
            }
        });
        let first = lines.recv_timeout(PATIENCE).expect("the collector's address");
        Collector { process, lines, url: first["url"].as_str().unwrap().into() }
    }

    /// The next line of this type. Panics if there is none.
    pub fn next(&self, kind: &str) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no {kind} arrived"));
            if line["type"] == kind {
                return line;
            }
        }
    }

    pub fn next_event(&self) -> Value {
        self.next("event")
    }

    /// The next event, if one arrives in this time.
    pub fn event_within(&self, time: Duration) -> Option<Value> {
        let deadline = Instant::now() + time;
        loop {
            let line = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok()?;
            if line["type"] == "event" {
                return Some(line);
            }
        }
    }

    pub fn next_request(&self) -> Value {
        self.next("request")
    }

    /// Stops the collector, and returns everything that it printed.
    pub fn end(mut self) -> Vec<Value> {
        // SIGTERM by kill(1), which every system has. The collector first prints what it has received.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
        let mut all = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            all.push(line);
        }
        all
    }

    pub fn events_until_end(self) -> Vec<Value> {
        self.end().into_iter().filter(|line| line["type"] == "event").collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Renames a batch so that it is older by this time.
pub fn age_batch(path: &Path, by: Duration) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let mut parts: Vec<String> = name.splitn(3, '-').map(str::to_owned).collect();
    let stamp = parts[1].parse::<u64>().unwrap() - by.as_millis() as u64;
    parts[1] = format!("{stamp:013}");
    std::fs::rename(path, path.with_file_name(parts.join("-"))).unwrap();
}

/// Whether the record of a destination tells of a failure.
pub fn has_failed(record: &Path) -> bool {
    let health: Value = serde_json::from_slice(&std::fs::read(record).unwrap()).unwrap();
    health["failures"] != 0
}

/// A complete config, with the changes of `more`.
pub fn config(endpoint: &str, more: Value) -> String {
    let mut config = json!({
        "library": {"id": "pact-test", "name": "Pact Test", "version": "1.2.3"},
        "endpoint": endpoint,
        "measurement_id": "G-TEST",
        "api_secret": "secret",
        "tracking_id": "UA-117-1",
    });
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    config.to_string()
}

pub fn client(endpoint: &str, more: Value) -> Client {
    Client::new(&config(endpoint, more)).unwrap()
}

/// An event that can be recognised by its value.
pub fn numbered(value: i64) -> Event<'static> {
    Event::new(names::EVENT_PACTS_VERIFIED, names::CATEGORY_PROVIDER_TEST, names::ACTION_COMPLETED, value)
}

pub fn values(events: &[Value]) -> Vec<i64> {
    let mut values: Vec<i64> =
        events.iter().map(|event| event["fields"]["value"].as_str().unwrap().parse().unwrap()).collect();
    values.sort_unstable();
    values
}

/// The counters as the C ABI and the bindings see them.
pub trait AsJson {
    fn json(&self) -> Value;
}

impl AsJson for Stats {
    fn json(&self) -> Value {
        serde_json::from_str(&self.to_json()).unwrap()
    }
}

/// `accepted = delivered + unconfirmed + queued + spooled + the sum of dropped`, and how many are queued.
pub fn balanced(stats: &Value) -> u64 {
    let number = |value: &Value| value.as_u64().unwrap();
    let dropped: u64 = stats["dropped"].as_object().unwrap().values().map(number).sum();
    assert_eq!(
        number(&stats["accepted"]),
        ["delivered", "unconfirmed", "queued", "spooled"].iter().map(|key| number(&stats[*key])).sum::<u64>() + dropped,
        "the books: {stats}"
    );
    number(&stats["queued"])
}

/// Runs the test of that name again in a process of its own, with a home of its own, without the opt-outs and proxies
/// of this environment, and with `environment`. Returns `true` in that process, and `false` in this one.
pub fn in_its_own_process(name: &str, environment: &[(&str, &str)]) -> bool {
    run_again(&[], name, environment)
}

/// The same with a network of its own that has only loopback, and with mounts of its own. Prints a message if the
/// system does not allow that; for root in CI it is a failure.
pub fn in_its_own_network(name: &str, environment: &[(&str, &str)]) -> bool {
    let mut unshare = vec!["unshare", "--mount", "--net"];
    if !is_root() {
        unshare.extend(["--user", "--map-root-user"]);
    }
    if is_run_again() {
        return true;
    }
    let tried = Command::new(unshare[0]).args(&unshare[1..]).args(["ip", "link", "set", "lo", "up"]).output();
    let reason = match tried {
        Ok(output) if output.status.success() => {
            unshare.extend(["sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""]);
            return run_again(&unshare, name, environment);
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    let text = format!("NOT RUN: no network namespace is available here ({reason}), so {name} was not checked");
    assert!(!has_to_run(), "{text}");
    say_loudly(&text);
    false
}

/// For root in CI, it is a failure if something cannot be run.
pub fn has_to_run() -> bool {
    is_root() && std::env::var_os("CI").is_some()
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout == b"0\n")
}

/// Prints a message that is visible even if the test passes and its output is captured.
pub fn say_loudly(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

const MARK: &str = "PACT_TELEMETRY_TEST_CHILD";

fn is_run_again() -> bool {
    std::env::var_os(MARK).is_some()
}

fn run_again(before: &[&str], name: &str, environment: &[(&str, &str)]) -> bool {
    if is_run_again() {
        return true;
    }
    let home = tempfile::tempdir().unwrap();
    notice_shown(&state_below(home.path()));
    let this = std::env::current_exe().unwrap();
    let mut words: Vec<_> = before.iter().map(std::ffi::OsStr::new).chain([this.as_os_str()]).collect();
    let output = Command::new(words.remove(0))
        .args(words)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home.path())
        .env(MARK, "1")
        .env("BUILT_COMMAND", command())
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} in its own process:\n{text}");
    assert!(text.contains("1 passed"), "{name} ran:\n{text}");
    false
}

/// The state folder of a person with that home.
pub fn state_below(home: &Path) -> PathBuf {
    home.join(".local/state/pact-telemetry")
}

/// Removes a folder into which the library may be writing at that moment. Goes on until nothing is left of it.
pub fn remove_folder(folder: &Path) {
    wait_until(|| match std::fs::remove_dir_all(folder) {
        Err(why) if why.kind() == std::io::ErrorKind::DirectoryNotEmpty => false,
        done => {
            done.unwrap();
            true
        }
    });
}

/// Records there that the person has seen the notice in an earlier run.
pub fn notice_shown(state_folder: &Path) {
    std::fs::create_dir_all(state_folder).unwrap();
    std::fs::write(state_folder.join("notice.json"), r#"{"shown_ms": 1}"#).unwrap();
}

/// The home that [`in_its_own_process`] gave this process.
pub fn home() -> std::path::PathBuf {
    PathBuf::from(std::env::var_os("HOME").unwrap())
}

/// Waits until the condition is true.
pub fn wait_until(is_so: impl Fn() -> bool) {
    let since = std::time::Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "the condition did not become true in time");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Saves a choice as `pact-telemetry off` and `on` do.
pub fn save_choice(text: &str) {
    let dir = home().join(".config/pact-telemetry");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("choice.json"), text).unwrap();
}
