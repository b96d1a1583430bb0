//! The ledger: the last requests that left this machine, as they were sent, and what came back. It is for the person to
//! read (`pact-telemetry log`). The library decides nothing by it and never sends it.
//!
//! `ledger.jsonl` in the state folder has mode 0600 and one JSON object per line: a request before it leaves, and later
//! its outcome under the same number. A body that is JSON is noted as it was sent, byte for byte, and any other as a
//! string. Beyond [`BYTES_MAX`] the file replaces `ledger.1.jsonl`, and a new file begins. If the disk cannot be
//! written to, nothing is noted.

use crate::json::{push_number, push_string};
use crate::platform::files::Private;
use std::hash::BuildHasher;
use std::path::Path;

/// The size of each of the two files in bytes. The last request may go beyond it.
const BYTES_MAX: u64 = 256 * 1024;

/// The newer file in the state folder.
pub const FILE: &str = "ledger.jsonl";
/// The older one.
pub const OLDER: &str = "ledger.1.jsonl";

/// A request that is noted and whose outcome is still open.
pub struct Entry {
    /// Kept open in between: if the ledger is removed, the outcome is written to the removed file, so that no new
    /// ledger begins with half a request.
    file: Private,
    number: String,
}

impl Entry {
    /// Notes a request that is about to leave.
    pub fn of_request(folder: &Path, at_ms: u64, url: &str, headers: &[(&str, String)], body: &str) -> Option<Self> {
        let number = format!("{:016x}", std::hash::RandomState::new().hash_one(at_ms));
        let mut entry = Entry { file: open(folder)?, number };
        let mut line = entry.line(at_ms, body.len() + 1_024);
        line.push_str(r#","method":"POST","url":"#);
        push_string(&mut line, url);
        line.push_str(r#","headers":{"#);
        for (index, (name, value)) in headers.iter().enumerate() {
            line.push_str(if index == 0 { "" } else { "," });
            push_string(&mut line, name);
            line.push(':');
            push_string(&mut line, value);
        }
        line.push_str(r#"},"body":"#);
        if body.starts_with('{') {
            line.push_str(body); // the encoders write no line break into JSON
        } else {
            push_string(&mut line, body);
        }
        entry.note(line);
        Some(entry)
    }

    /// Notes the outcome: a status, or the words for what went wrong.
    pub fn end(mut self, at_ms: u64, end: Result<u16, &str>) {
        let mut line = self.line(at_ms, 128);
        match end {
            Ok(status) => {
                line.push_str(r#","status":"#);
                push_number(&mut line, status);
            }
            Err(failure) => {
                line.push_str(r#","failure":"#);
                push_string(&mut line, failure);
            }
        }
        self.note(line);
    }

    /// The beginning of a line.
    fn line(&self, at_ms: u64, capacity: usize) -> String {
        let mut line = String::with_capacity(capacity);
        line.push_str(r#"{"request":"#);
        push_string(&mut line, &self.number);
        line.push_str(r#","at_ms":"#);
        push_number(&mut line, at_ms);
        line
    }

    fn note(&mut self, mut line: String) {
        line.push_str("}\n");
        let _ = self.file.add(line.as_bytes()); // if the disk is full, no half line is written
    }
}

/// Opens the file to write to. A full one is renamed to the older one first, by one process: a second one would rename
/// the new file of the first, and remove the older one.
fn open(folder: &Path) -> Option<Private> {
    let path = folder.join(FILE);
    // Fails if another process renames the file at the same moment. The next one is far from full.
    let append = || Private::append(&path).or_else(|_| Private::append(&path)).ok();
    let mut file = append()?;
    let is_full = file.length().ok()? > BYTES_MAX;
    if !is_full || !matches!(file.try_lock(), Ok(true)) || !file.is_at(&path) {
        return Some(file); // one that another process has renamed meanwhile is the older one by now
    }
    // Removed first: a file system that renames over a file may write the new one to the disk before it does (ext4).
    let _ = std::fs::remove_file(folder.join(OLDER));
    let _ = std::fs::rename(&path, folder.join(OLDER));
    append()
}

/// Removes the ledger, because the person opted out.
pub fn forget(folder: &Path) {
    for name in [FILE, OLDER] {
        let _ = std::fs::remove_file(folder.join(name));
    }
}

// Not under wine, where of two that write at the end of a file at once one overwrites the other.
#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)] // a test that cannot go on should stop
mod tests {
    use super::*;

    #[test]
    fn of_many_that_find_the_file_full_one_renames_it_and_nothing_is_lost() {
        for round in 0..50 {
            let folder = tempfile::tempdir().unwrap();
            let full = "x".repeat(BYTES_MAX as usize) + "\n";
            std::fs::write(folder.path().join(FILE), &full).unwrap();
            let barrier = std::sync::Barrier::new(8);
            let note = || {
                barrier.wait();
                drop(Entry::of_request(folder.path(), 1, "https://localhost", &[], "{}").unwrap());
            };
            std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(note))));
            let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
            let all = read(OLDER) + &read(FILE);
            assert!(all.starts_with(&full), "in round {round}");
            assert_eq!(all.lines().count(), 1 + 8, "in round {round}");
        }
    }
}
