//! What waits on disk for another attempt, as the library's spool keeps it (`src/spool.rs` says how). Reads only.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::places;

/// More than any batch has.
const BATCH_LIMIT: u64 = 1024 * 1024;

/// What waits for one destination.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// The destination's digest.
    pub destination: String,
    /// Events that could be counted.
    pub events: usize,
    /// Files.
    pub batches: usize,
    /// When the oldest of them was put there, in milliseconds since 1970.
    pub oldest_ms: Option<u64>,
    /// Failures in a row.
    pub failures: u64,
    /// No attempt before this moment.
    pub not_before_ms: Option<u64>,
}

/// All that waits.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// By destination.
    pub queues: Vec<Queue>,
    /// Files that were set aside because they could not be read.
    pub set_aside: usize,
}

impl Waiting {
    /// Looks into a state folder.
    ///
    /// # Errors
    /// Says why it cannot be read.
    pub fn read(state: &Path) -> io::Result<Self> {
        let spool = state.join("spool");
        let mut waiting = Waiting::default();
        for name in files(&spool)? {
            let (destination, rest) = name.split_at_checked(DIGITS).unwrap_or_default();
            if name.ends_with(".torn") {
                waiting.set_aside += 1;
            } else if let Some(stamp) = stamp(rest) {
                let bytes = places::read(&spool.join(&name), BATCH_LIMIT).unwrap_or_default();
                waiting.queue(destination).add(stamp, bytes.as_deref().unwrap_or_default());
            } else if rest == ".retry" {
                let bytes = places::read(&spool.join(&name), BATCH_LIMIT).unwrap_or_default();
                let retry: Value = serde_json::from_slice(&bytes.unwrap_or_default()).unwrap_or_default();
                let number = |key| retry.get(key).and_then(Value::as_u64);
                let queue = waiting.queue(destination);
                (queue.failures, queue.not_before_ms) = (number("failures").unwrap_or(0), number("not_before_ms"));
            }
        }
        waiting.queues.sort_by(|one, other| one.destination.cmp(&other.destination));
        Ok(waiting)
    }

    fn queue(&mut self, destination: &str) -> &mut Queue {
        let known = self.queues.iter().position(|queue| queue.destination == destination);
        let index = known.unwrap_or_else(|| {
            self.queues.push(Queue { destination: destination.to_owned(), ..Queue::default() });
            self.queues.len() - 1
        });
        #[allow(clippy::indexing_slicing)] // just found or pushed
        &mut self.queues[index]
    }
}

impl Queue {
    fn add(&mut self, stamp: u64, text: &[u8]) {
        self.batches += 1;
        // The first line is the machine's.
        self.events += text.iter().filter(|byte| **byte == b'\n').count().saturating_sub(1);
        self.oldest_ms = Some(self.oldest_ms.map_or(stamp, |oldest| oldest.min(stamp)));
    }
}

/// The length of a destination's digest.
const DIGITS: usize = 32;

/// The names of the files that the library makes in its spool; none where there is no such folder.
///
/// # Errors
/// Says why the folder cannot be read, or that it is a link, through which the library does not go either.
pub fn files(spool: &Path) -> io::Result<Vec<String>> {
    match fs::symlink_metadata(spool) {
        Ok(about) if about.is_dir() => {}
        Ok(_) => return Err(io::Error::other("not a folder")),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(spool)? {
        names.extend(entry?.file_name().into_string().ok().filter(|name| is_ours(name)));
    }
    names.sort();
    Ok(names)
}

/// `<digest>` and then a batch, a lock, a wish, a wait or something set aside; also half written, behind a dot.
fn is_ours(name: &str) -> bool {
    let (digest, rest) = name.trim_start_matches('.').split_at_checked(DIGITS).unwrap_or_default();
    let parts = [".batch", ".torn", ".lock", ".want", ".retry", ".new"];
    digest.bytes().all(|byte| byte.is_ascii_hexdigit()) && parts.iter().any(|part| rest.ends_with(part))
}

/// When the batch whose name ends so was put there: `-<ms since 1970>-<writer>-<number>.batch`.
fn stamp(rest: &str) -> Option<u64> {
    rest.strip_suffix(".batch")?.split('-').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_library_are_its_own() {
        let digest = "0123456789abcdef0123456789abcdef";
        for rest in ["-1800000000000-a-1.batch", "-1800000000000-a-1-0.batch", ".lock", ".retry", "-1-a-1.torn"] {
            assert!(is_ours(&format!("{digest}{rest}")), "{rest}");
            assert!(!is_ours(&format!("cron{rest}")), "{rest}");
        }
        assert!(is_ours(&format!(".{digest}.retry.0123456789abcdef.new")));
        for name in ["", "cron", "id", "mail.lock", "0123.lock", digest] {
            assert!(!is_ours(name), "{name}");
        }
    }
}
