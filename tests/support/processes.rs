//! Processes that share a home and do as they are told. A test file that starts them has a test of the name
//! `acts_as_a_process_of_another_test`, which calls [`act_as_told`].

#![allow(unsafe_code)] // fork

use super::*;
use pact_telemetry::TrackError;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::time::Instant;
use tempfile::TempDir;

const ROLE: &str = "PACT_TELEMETRY_TEST_ROLE";

/// In a process that [`Home::process`] made: its steps.
pub fn act_as_told() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let role: Value = serde_json::from_str(&role).unwrap();
    let client = client(role["endpoint"].as_str().unwrap(), role["config"].clone());
    for step in role["steps"].as_str().unwrap().split(',') {
        let (step, argument) = step.trim().split_once(' ').unwrap_or((step.trim(), ""));
        act(&client, step, argument);
    }
}

fn act(client: &Client, step: &str, argument: &str) {
    let milliseconds = || Duration::from_millis(argument.parse().unwrap());
    match step {
        "track" => client.track(&numbered(argument.parse().unwrap())).unwrap(),
        "refused" => assert_eq!(client.track(&numbered(0)), Err(TrackError::Disabled)),
        "ask" => drop(client.flush(Duration::ZERO)),
        "flush" => {
            let flushed = client.flush(PATIENCE);
            assert!(argument.is_empty() || format!("{flushed:?}") == argument, "{flushed:?} {}", client.stats());
        }
        "close" => drop(client.close(PATIENCE)),
        "set" => std::env::set_var(argument, "1"),
        "unset" => std::env::remove_var(argument),
        "choose" => save_choice(&json!({"enabled": argument == "on"}).to_string()),
        "identify" => save_choice(&json!({"id": argument}).to_string()),
        "burst" => (0..argument.parse().unwrap()).for_each(|value| client.track(&numbered(value)).unwrap()),
        "off" => client.set_enabled(false),
        "sleep" => std::thread::sleep(milliseconds()),
        // The books are asked all the while, also in the midst of it all.
        "until" => {
            let (pointer, least) = argument.split_once('=').unwrap_or((argument, "1"));
            let since = Instant::now();
            loop {
                let stats = client.stats();
                balanced(&stats);
                if stats.pointer(pointer).unwrap().as_u64() >= least.parse().ok() {
                    return;
                }
                assert!(since.elapsed() < PATIENCE, "until {argument}: {stats}");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        "fork" => {
            // SAFETY: the child does its steps and ends; what std and this library allow after a fork is theirs to test.
            let child = unsafe { libc::fork() };
            if child == 0 {
                client.track(&numbered(argument.parse().unwrap())).unwrap();
                client.close(PATIENCE);
                std::process::exit(0);
            }
            // SAFETY: waits for the child made above.
            unsafe { libc::waitpid(child, &mut 0, 0) };
        }
        "print" => {
            balanced(&client.stats());
            println!("\nSTATS {}", client.stats());
            std::io::stdout().flush().unwrap();
        }
        _ => panic!("{step}?"),
    }
}

/// A home that several processes share.
pub struct Home(TempDir);

impl Home {
    /// Of a person who has seen the notice.
    pub fn new() -> Self {
        let home = Self::of_a_new_person();
        notice_shown(&home.state());
        home
    }

    pub fn of_a_new_person() -> Self {
        Home(tempfile::tempdir().unwrap())
    }

    /// Saves a choice as `pact-telemetry off`, `on` and `id` do.
    pub fn choose(&self, text: &str) {
        let folder = self.path().join(".config/pact-telemetry");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("choice.json"), text).unwrap();
    }

    /// What the notice's file says.
    pub fn notice(&self) -> Option<Value> {
        let text = std::fs::read(self.state().join("notice.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn state(&self) -> PathBuf {
        state_below(self.path())
    }

    pub fn spool(&self) -> PathBuf {
        self.state().join("spool")
    }

    /// The names in the spool that end so.
    pub fn files(&self, end: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.spool()).into_iter().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name.ends_with(end));
        names.sort();
        names
    }

    pub fn batches(&self) -> Vec<String> {
        self.files(".batch")
    }

    /// Lets so much time pass for the batches, by their names.
    pub fn age(&self, by: Duration) {
        for name in self.batches() {
            let mut parts: Vec<String> = name.splitn(3, '-').map(str::to_owned).collect();
            let stamp = parts[1].parse::<u64>().unwrap() - by.as_millis() as u64;
            parts[1] = format!("{stamp:013}");
            std::fs::rename(self.spool().join(name), self.spool().join(parts.join("-"))).unwrap();
        }
    }

    /// Forgets that a server does not answer.
    pub fn forget_failures(&self) {
        let retries = self.files(".retry");
        assert_eq!(retries.len(), 1, "{:?}", self.files(""));
        std::fs::remove_file(self.spool().join(&retries[0])).unwrap();
    }

    /// A process that does these steps, see [`act`].
    pub fn process(&self, endpoint: &str, steps: &str) -> Process {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "acts_as_a_process_of_another_test", "--nocapture", "--test-threads=1"]);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Process { command, role: json!({"endpoint": endpoint, "steps": steps, "config": {}}) }
    }

    /// Runs a process to its good end; what each `print` printed.
    pub fn run(&self, endpoint: &str, steps: &str) -> Vec<Value> {
        self.process(endpoint, steps).run()
    }
}

pub struct Process {
    pub command: Command,
    role: Value,
}

impl Process {
    pub fn variable(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn config(mut self, key: &str, value: Value) -> Self {
        self.role["config"][key] = value;
        self
    }

    /// With another user's rights.
    pub fn run_by(mut self, user: u32) -> Self {
        self.command.uid(user).gid(user);
        self
    }

    /// Inside `sh -c` with this before it.
    pub fn after(mut self, script: &str, arguments: &[&str]) -> Self {
        let inner = &self.command;
        let mut outer = Command::new("unshare");
        outer.args(arguments).args(["sh", "-ec", &format!("{script}\nexec \"$@\""), "sh"]);
        outer.arg(inner.get_program()).args(inner.get_args()).env_clear();
        outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        outer.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command = outer;
        self
    }

    pub fn start(mut self) -> Running {
        Running(self.command.env(ROLE, self.role.to_string()).spawn().unwrap())
    }

    pub fn run(self) -> Vec<Value> {
        self.start().end()
    }

    /// Runs it to its good end; what it said on standard error.
    pub fn errors(self) -> String {
        self.start().end_with_errors().1
    }
}

pub struct Running(Child);

impl Running {
    pub fn end(self) -> Vec<Value> {
        self.end_with_errors().0
    }

    pub fn end_with_errors(self) -> (Vec<Value>, String) {
        let output = self.0.wait_with_output().unwrap();
        let [text, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
        assert!(output.status.success() && text.contains("1 passed"), "{text}{errors}");
        let stats = text.lines().filter_map(|line| line.strip_prefix("STATS "));
        (stats.map(|stats| serde_json::from_str(stats).unwrap()).collect(), errors)
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
