//! Processes that share a home and run a list of steps: each is the program scripted_client.rs.

use super::*;
use std::os::unix::process::CommandExt;
use tempfile::TempDir;

/// The program. Builds it.
fn scripted_client() -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut make = Command::new("make");
        make.args(["-s", "-C", ROOT, "scripted-client"]).env_remove("CARGO_TARGET_DIR");
        assert!(make.status().unwrap().success(), "make scripted-client");
    });
    Path::new(ROOT).join("target/debug/examples/scripted_client")
}

/// The names in a spool with this ending.
pub fn files_in(spool: &Path, end: &str) -> Vec<String> {
    let entries = std::fs::read_dir(spool).into_iter().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| name.ends_with(end));
    names.sort();
    names
}

/// How many events wait in a spool.
pub fn events_in(spool: &Path) -> usize {
    let events = |batch: String| {
        let text = std::fs::read(spool.join(batch)).unwrap();
        text.iter().filter(|byte| **byte == b'\n').count() - 1
    };
    files_in(spool, ".batch").into_iter().map(events).sum()
}

/// A home that several processes share.
pub struct Home(TempDir);

impl Home {
    /// The home of a person who has seen the notice.
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

    /// Whether the notice was written anywhere.
    pub fn was_told(&self) -> bool {
        self.notice().is_some_and(|notice| notice["shown_ms"] != 0 || notice["seen_ms"] != 0)
    }

    /// Changes the record as if this many hours had passed since the notice was shown.
    pub fn let_hours_pass(&self, hours: u64) {
        let mut notice = self.notice().unwrap();
        for (_, moment) in notice.as_object_mut().unwrap() {
            let earlier = moment.as_u64().unwrap().saturating_sub(hours * 3_600_000);
            *moment = earlier.into();
        }
        std::fs::write(self.state().join("notice.json"), notice.to_string()).unwrap();
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

    /// The names in the spool with this ending.
    pub fn files(&self, end: &str) -> Vec<String> {
        files_in(&self.spool(), end)
    }

    pub fn batches(&self) -> Vec<String> {
        self.files(".batch")
    }

    /// How many events wait on disk.
    pub fn events(&self) -> usize {
        events_in(&self.spool())
    }

    /// Makes the batches older by this time, by renaming them.
    pub fn age(&self, by: Duration) {
        self.batches().iter().for_each(|name| age_batch(&self.spool().join(name), by));
    }

    /// The destinations for which a failure is remembered.
    fn failing(&self) -> Vec<std::path::PathBuf> {
        let all = self.files(".retry").into_iter().map(|name| self.spool().join(name));
        all.filter(|path| has_failed(path)).collect()
    }

    /// The number of destinations for which a failure is remembered.
    pub fn failures(&self) -> usize {
        self.failing().len()
    }

    /// Removes the record that a server does not answer.
    pub fn forget_failures(&self) {
        let failing = self.failing();
        assert_eq!(failing.len(), 1, "{:?}", self.files(""));
        std::fs::remove_file(&failing[0]).unwrap();
    }

    /// A process that runs these steps, see scripted_client.rs.
    pub fn process(&self, endpoint: &str, steps: &str) -> Process {
        let mut command = Command::new(scripted_client());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Process { command, endpoint: endpoint.into(), steps: steps.into(), config: json!({}) }
    }

    /// Runs a process, which must succeed, and returns what each `print` printed.
    pub fn run(&self, endpoint: &str, steps: &str) -> Vec<Value> {
        self.process(endpoint, steps).run()
    }
}

pub struct Process {
    pub command: Command,
    endpoint: String,
    steps: String,
    config: Value,
}

impl Process {
    pub fn variable(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn config(mut self, key: &str, value: Value) -> Self {
        self.config[key] = value;
        self
    }

    /// With another user's rights.
    pub fn run_by(mut self, user: u32) -> Self {
        self.command.uid(user).gid(user);
        self
    }

    /// Runs it in `sh -c`, after this command.
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
        let config = config(&self.endpoint, self.config.clone());
        Running(self.command.args([config, self.steps.clone()]).spawn().unwrap())
    }

    pub fn run(self) -> Vec<Value> {
        self.start().end()
    }

    /// Runs it, checks that it succeeded, and returns its standard error.
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
        assert!(output.status.success(), "{text}{errors}");
        let stats = text.lines().filter_map(|line| line.strip_prefix("STATS "));
        (stats.map(|stats| serde_json::from_str(stats).unwrap()).collect(), errors)
    }

    /// Waits until it has printed a line, which the final output does not contain again.
    pub fn wait_for_print(&mut self) {
        let mut byte = [0];
        while byte != *b"\n" {
            std::io::Read::read_exact(self.0.stdout.as_mut().unwrap(), &mut byte).unwrap();
        }
    }

    /// Kills it by SIGKILL.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}
