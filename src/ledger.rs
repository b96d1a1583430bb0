//! The ledger: the last requests that left this machine, as they were sent, and what came back. For the person's own eyes
//! (`pact-telemetry log`); nothing is decided by it and none of it is ever sent.
//!
//! `ledger.jsonl` in the state folder, 0600, one JSON object a line: a request before it leaves, and later its end, under
//! the same number. Over [`BYTES_MAX`] it becomes `ledger.1.jsonl`, over the one before. Where the disk takes nothing,
//! nothing is noted.

use crate::json::{self, object};
use crate::platform::files::Private;
use serde_json::Value;
use std::hash::BuildHasher;
use std::path::Path;

/// Of each of the two files, in bytes; the last request may go beyond.
const BYTES_MAX: u64 = 256 * 1024;

const FILE: &str = "ledger.jsonl";
const OLDER: &str = "ledger.1.jsonl";

/// A request that is noted and not ended yet.
pub struct Entry<'a> {
    folder: &'a Path,
    number: String,
}

impl<'a> Entry<'a> {
    /// Notes a request that is about to leave.
    pub fn of_request(folder: &'a Path, at_ms: u64, url: &str, headers: &[(&str, String)], body: &str) -> Self {
        let number = format!("{:016x}", std::hash::RandomState::new().hash_one(at_ms));
        let entry = Entry { folder, number };
        let headers = headers.iter().map(|(name, value)| (*name, Value::from(value.as_str()))).collect();
        let request = [("url", url.into()), ("headers", object(headers)), ("body", body.into())];
        entry.note(at_ms, true, [("method", "POST".into())].into_iter().chain(request).collect());
        entry
    }

    /// Notes how it ended: a status, or the words for what went wrong.
    pub fn end(self, at_ms: u64, end: Result<u16, &str>) {
        let end = match end {
            Ok(status) => ("status", status.into()),
            Err(failure) => ("failure", failure.into()),
        };
        // A ledger that was thrown away meanwhile is not begun anew with half a request.
        self.note(at_ms, false, vec![end]);
    }

    fn note(&self, at_ms: u64, create: bool, more: Vec<(&str, Value)>) {
        let mut entries = vec![("request", self.number.as_str().into()), ("at_ms", at_ms.into())];
        entries.extend(more);
        let line = json::text(&object(entries)) + "\n";
        let path = self.folder.join(FILE);
        if create && std::fs::symlink_metadata(&path).is_ok_and(|about| about.len() > BYTES_MAX) {
            let _ = std::fs::rename(&path, self.folder.join(OLDER));
        }
        let Ok(mut file) = Private::append(&path, create) else { return };
        let Ok(length) = file.length() else { return };
        if file.write(line.as_bytes()).is_err() {
            let _ = file.cut(length); // the disk is full: no half line
        }
    }
}

/// Throws it away: the person said no.
pub fn forget(folder: &Path) {
    for name in [FILE, OLDER] {
        let _ = std::fs::remove_file(folder.join(name));
    }
}
