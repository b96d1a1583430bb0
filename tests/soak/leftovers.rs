//! A home in which processes leave files: what is on disk, and how a later process finds it.

use crate::support::programs::Run;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Longer than a batch is left to the process that wrote it, in milliseconds.
const RESERVED_MS: u64 = 5_300;

/// The state folder of one home.
pub struct Leftovers(PathBuf);

impl Leftovers {
    /// Of a home below a sandbox.
    pub fn in_home(home: &Path) -> Self {
        Leftovers(home.join(".local/state/pact-telemetry"))
    }

    fn spool(&self) -> PathBuf {
        self.0.join("spool")
    }

    fn names(&self, end: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.spool()).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(end) && !name.starts_with('.')).collect()
    }

    /// The values of all events in batches.
    pub fn values(&self) -> Vec<i64> {
        let read = |name: &String| {
            let text = std::fs::read(self.spool().join(name)).unwrap();
            let lines = text.split(|byte| *byte == b'\n').skip(1).filter(|line| !line.is_empty());
            // After the JSON of each line there is a checksum.
            let event = |line| serde_json::Deserializer::from_slice(line).into_iter::<Value>().next().unwrap().unwrap();
            lines.map(|line| event(line)[2].as_i64().unwrap()).collect::<Vec<_>>()
        };
        self.names(".batch").iter().flat_map(read).collect()
    }

    /// Makes the batches old enough that their writer counts as killed, and removes the record of failures.
    pub fn age(&self) {
        self.age_batches();
        let records = self.names(".retry").into_iter().map(|name| self.spool().join(name));
        let has_failed = |path: &PathBuf| !std::fs::read_to_string(path).unwrap().contains(r#""failures":0,"#);
        records.filter(has_failed).for_each(|path| std::fs::remove_file(path).unwrap());
    }

    /// Makes the batches old enough that their writer counts as killed.
    pub fn age_batches(&self) {
        for name in self.names(".batch") {
            let mut parts: Vec<String> = name.splitn(3, '-').map(str::to_owned).collect();
            parts[1] = format!("{:013}", parts[1].parse::<u64>().unwrap() - RESERVED_MS);
            std::fs::rename(self.spool().join(name), self.spool().join(parts.join("-"))).unwrap();
        }
    }

    /// Has a later process, which is to be a run of `deliver_leftovers` in that home, deliver what is left.
    pub fn deliver(&self, run: Run) -> Result<(), String> {
        self.age();
        std::fs::create_dir_all(self.spool()).unwrap();
        let ended = run.argument(self.spool()).end();
        match ended.status.success() {
            true => Ok(()),
            false => Err(format!("what was left was not delivered: {}\n{}{}", ended.status, ended.out, ended.err)),
        }
    }
}
