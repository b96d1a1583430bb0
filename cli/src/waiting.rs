//! What waits on disk for another attempt, as the library's spool keeps it. Reads only.

use std::fs;
use std::io;
use std::path::Path;

use pact_telemetry::internal::{Health, SPOOL_FOLDER, SpoolFile, events_in};

use crate::places;

/// The most that is read of a file; every batch is smaller.
const BATCH_LIMIT: u64 = 1024 * 1024;

/// What waits for one destination.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// The destination's digest.
    pub destination: String,
    /// Events that could be counted.
    pub events: usize,
    /// How many files there are.
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
    /// Reads a state folder.
    ///
    /// # Errors
    /// Says why it cannot be read.
    pub fn read(state: &Path) -> io::Result<Self> {
        let spool = state.join(SPOOL_FOLDER);
        let mut waiting = Waiting::default();
        for (name, file) in files(&spool)? {
            let bytes = || places::read(&spool.join(&name), BATCH_LIMIT).ok().flatten().unwrap_or_default();
            match file {
                SpoolFile::Batch(batch) => waiting.queue(&batch.destination).add(batch.made_ms, &bytes()),
                SpoolFile::Retry { destination } => {
                    let backoff = Health::from_text(&bytes()).backoff;
                    let queue = waiting.queue(&destination);
                    queue.failures = backoff.failures.into();
                    queue.not_before_ms = Some(backoff.not_before_ms).filter(|moment| *moment > 0);
                }
                SpoolFile::SetAside => waiting.set_aside += 1,
                SpoolFile::Other => {}
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
        self.events += events_in(text);
        self.oldest_ms = Some(self.oldest_ms.map_or(stamp, |oldest| oldest.min(stamp)));
    }
}

/// The files that the library makes in its spool; none if there is no such folder.
///
/// # Errors
/// Says why the folder cannot be read, or that it is a link, which the library does not follow either.
pub fn files(spool: &Path) -> io::Result<Vec<(String, SpoolFile)>> {
    match fs::symlink_metadata(spool) {
        Ok(about) if about.is_dir() => {}
        Ok(_) => return Err(io::Error::other("not a folder")),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error),
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(spool)? {
        let name = entry?.file_name().into_string().ok();
        found.extend(name.and_then(|name| SpoolFile::parse(&name).map(|file| (name, file))));
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found)
}
