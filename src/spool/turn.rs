//! Turns between processes: one process at a time uploads to a destination. A turn is a lock on a file, which the
//! system releases when the process is killed.
//!
//! The file's first byte is `1` while many processes exit at once. Behind it stands which request was sent, noted as
//! soon as it was written whole, and cleared when it is known what became of it. So the process that has the turn next
//! knows what a killed one had sent.

use super::spool_file::Mark;
use super::{BatchName, Spool, is_older};
use crate::platform::files::Private;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A lock that was not touched for this long is no longer held by an uploader, but by a process that was forked from
/// one, for example.
pub(super) const STALE_LOCK: Duration = Duration::from_secs(120);

/// How long the note that many processes exit at once stays valid.
pub(super) const RUSH: Duration = Duration::from_millis(200);

/// More of a lock file is not read, and not written.
const LOCK_FILE_MAX: u64 = 64 * 1024;

/// The first byte of a lock file while many processes exit at once.
const RUSH_BYTE: u8 = b'1';

/// A request that was written whole, and whose answer its process did not hear, since it was killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// When it was written, in milliseconds since 1970.
    pub at_ms: u64,
    pub parts: Vec<Part>,
}

/// What a request holds of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The name of the batch's file.
    pub name: String,
    /// The length of the file when the request was written. When it is settled what became of the request, the file has
    /// another length, or is gone.
    pub length: u64,
    /// How many of its events the request holds: the oldest ones.
    pub events: usize,
}

impl Part {
    /// Whether this is of the same batch, which may have been given away since.
    pub fn is_of(&self, name: &str) -> bool {
        let key = |name: &str| BatchName::parse(name).map(|name| (name.destination, name.writer, name.number));
        key(&self.name).is_some_and(|of_this| key(name) == Some(of_this))
    }
}

impl Unsettled {
    fn to_text(&self) -> String {
        let mut text = format!("{} {}\n", self.at_ms, self.parts.len());
        for Part { name, length, events } in &self.parts {
            text.push_str(&format!("{name} {length} {events}\n"));
        }
        text
    }

    /// `None` if nothing was noted, or not completely. The rest of an older and longer note may follow it.
    fn from_text(text: &str) -> Option<Self> {
        let mut lines = text.split_inclusive('\n').map_while(|line| line.strip_suffix('\n'));
        let (at_ms, count) = lines.next()?.split_once(' ')?;
        let part = |line: &str| {
            let mut words = line.split(' ');
            let name = words.next().filter(|name| BatchName::parse(name).is_some())?;
            Some(Part { name: name.into(), length: words.next()?.parse().ok()?, events: words.next()?.parse().ok()? })
        };
        let count: usize = count.parse().ok()?;
        let parts: Vec<_> = lines.take(count).map_while(part).collect();
        (parts.len() == count).then_some(Unsettled { at_ms: at_ms.parse().ok()?, parts })
    }
}

/// The right to upload to a destination.
pub enum Turn {
    /// This process has the turn until the value is dropped.
    Ours(Lock),
    /// Another process has the turn, and looks for new files when it is done.
    Busy,
    /// Files cannot be locked here.
    Impossible,
}

/// A lock that is held while this process uploads.
pub struct Lock {
    file: Arc<LockFile>,
    is_rush: bool,
    unsettled: Option<Unsettled>,
}

struct LockFile {
    file: Private,
    is_rush: AtomicBool,
    /// Whether it holds the note of a request.
    is_noted: AtomicBool,
}

impl LockFile {
    fn forget(&self) {
        if self.is_noted.swap(false, Ordering::Relaxed) {
            let _ = self.file.cut(u64::from(self.is_rush.load(Ordering::Relaxed)));
        }
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        self.forget(); // before the lock is released
    }
}

impl Lock {
    /// What the process that had the turn before had sent when it was killed. If this is asked, it stays noted until
    /// this turn is over, or until it is forgotten; otherwise longer.
    pub fn unsettled(&mut self) -> Option<Unsettled> {
        self.unsettled.take().inspect(|_| self.file.is_noted.store(true, Ordering::Relaxed))
    }

    /// A function that notes a request, to be called when it was written. It also says that the upload goes on.
    pub fn note(&self, request: &Unsettled) -> impl FnOnce() + Send + 'static {
        let (file, text) = (self.file.clone(), request.to_text());
        move || {
            if text.len() as u64 >= LOCK_FILE_MAX {
                return file.file.touch();
            }
            file.is_noted.store(true, Ordering::Relaxed);
            let _ = file.file.write_at(text.as_bytes(), 1);
        }
    }

    /// Removes the note, because it is known what became of the request.
    pub fn forget(&self) {
        self.file.forget();
    }

    /// Whether another process noted a moment ago that many processes exit at once.
    pub fn is_rush(&self) -> bool {
        self.is_rush
    }

    /// Notes, by one byte in the file, that many processes exit at once, or that it is over, for the process that has
    /// the turn next.
    pub fn set_rush(&self, is_rush: bool) {
        let LockFile { file, is_rush: was_rush, .. } = &*self.file;
        was_rush.store(is_rush, Ordering::Relaxed);
        let _ = if is_rush { file.write_at(&[RUSH_BYTE], 0) } else { file.cut(0) };
    }
}

impl Spool {
    /// Asks for the right to upload to a destination.
    pub fn turn(&self, destination: &str) -> Turn {
        let path = self.folder.join(Mark::Lock.name(destination));
        for _ in 0..2 {
            let Ok(mut file) = Private::open_or_create(&path) else { return Turn::Impossible };
            match file.try_lock() {
                // Unless another process considered this file stale and made a new one in between.
                Ok(true) if file.is_at(&path) => {
                    let text = file.read(LOCK_FILE_MAX).unwrap_or_default();
                    let is_rush = text.first() == Some(&RUSH_BYTE) && !is_older(file.touched(), RUSH);
                    let unsettled = std::str::from_utf8(text.get(1..).unwrap_or_default()).ok();
                    let unsettled = unsettled.and_then(Unsettled::from_text);
                    file.touch();
                    let (rush, is_noted) = (AtomicBool::new(is_rush), AtomicBool::new(false));
                    let file = Arc::new(LockFile { file, is_rush: rush, is_noted });
                    return Turn::Ours(Lock { file, is_rush, unsettled });
                }
                Ok(true) => {}
                Ok(false) if is_older(file.touched(), STALE_LOCK) => self.remove_stale(&file, destination, &path),
                Ok(false) => return Turn::Busy,
                Err(_) => return Turn::Impossible,
            }
        }
        Turn::Busy
    }

    /// Removes a lock that is stale. Only one process at a time may do that: of two that find it stale, the second
    /// would remove the new lock of the first.
    fn remove_stale(&self, file: &Private, destination: &str, path: &Path) {
        let Ok(mut takeover) = Private::open_or_create(&self.folder.join(Mark::Takeover.name(destination))) else {
            return;
        };
        if matches!(takeover.try_lock(), Ok(true)) && file.is_at(path) {
            let _ = std::fs::remove_file(path);
        }
    }

    /// Asks the process that uploads to a destination for a turn in between.
    pub fn ask_for_turn(&self, destination: &str) {
        let _ = Private::open_or_create(&self.folder.join(Mark::Want.name(destination)));
    }

    /// Whether another process asked for a turn. Returns true once for each request.
    pub fn is_turn_wanted(&self, destination: &str) -> bool {
        let path = self.folder.join(Mark::Want.name(destination));
        // Asked for every request: to look is cheaper than to remove in vain.
        std::fs::symlink_metadata(&path).is_ok() && std::fs::remove_file(&path).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Unsettled {
        let part = |number: u64, events| Part {
            name: format!("0123456789abcdef0123456789abcdef-1800000000000-00ff-{number}.batch"),
            length: 300 + number,
            events,
        };
        Unsettled { at_ms: 1_800_000_000_000, parts: vec![part(1, 20), part(2, 5)] }
    }

    #[test]
    fn what_is_being_sent_is_read_back_as_it_was_noted_also_over_a_longer_note() {
        let text = request().to_text();
        assert_eq!(Unsettled::from_text(&text), Some(request()));
        assert_eq!(Unsettled::from_text(&format!("{text}{}", &text[40..])), Some(request()));
        for length in 0..text.len() {
            assert_eq!(Unsettled::from_text(&text[..length]), None, "torn");
        }
        for other in ["", "\n", "1 2 3\n", "1800000000000 1\n../../choice.json 1 1\n", "x 0\n"] {
            assert_eq!(Unsettled::from_text(other), None, "{other}");
        }
    }
}
