//! A home in which processes leave files: what is on disk, and how a later process finds it.

use crate::support::programs::Run;
use crate::support::{age_batch, has_failed};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longer than a batch is left to the process that wrote it.
const RESERVED: Duration = Duration::from_millis(5_300);

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
        records.filter(|path| has_failed(path)).for_each(|path| std::fs::remove_file(path).unwrap());
    }

    /// Makes the batches old enough that their writer counts as killed.
    pub fn age_batches(&self) {
        self.names(".batch").iter().for_each(|name| age_batch(&self.spool().join(name), RESERVED));
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
