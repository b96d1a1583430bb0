//! Turns between processes: one process at a time uploads to a destination. A turn is a lock on a file, which the
//! system releases when the process is killed.

use super::spool_file::Mark;
use super::{Spool, is_older};
use crate::platform::files::Private;
use std::path::Path;
use std::time::Duration;

/// A lock that was not touched for this long is no longer held by an uploader, but by a process that was forked from
/// one, for example.
pub(super) const STALE_LOCK: Duration = Duration::from_secs(120);

/// How long the note that many processes exit at once stays valid.
pub(super) const RUSH: Duration = Duration::from_millis(200);

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
    file: Private,
    is_rush: bool,
}

impl Lock {
    /// Says that the upload goes on.
    pub fn touch(&self) {
        self.file.touch();
    }

    /// Whether another process noted a moment ago that many processes exit at once.
    pub fn is_rush(&self) -> bool {
        self.is_rush
    }

    /// Notes, by one byte in the file, that many processes exit at once, or that it is over, for the process that has
    /// the turn next.
    pub fn set_rush(&self, is_rush: bool) {
        let _ = self.file.cut(u64::from(is_rush));
    }
}

impl Spool {
    /// Asks for the right to upload to a destination.
    pub fn turn(&self, destination: &str) -> Turn {
        let path = self.folder.join(Mark::Lock.name(destination));
        for _ in 0..2 {
            let Ok(mut file) = Private::open_or_create(&path) else { return Turn::Impossible };
            match file.try_lock() {
                // Unless another process took this file for stale and made a new one meanwhile.
                Ok(true) if file.is_at(&path) => {
                    let is_rush = file.length().is_ok_and(|length| length > 0) && !is_older(file.touched(), RUSH);
                    file.touch();
                    return Turn::Ours(Lock { file, is_rush });
                }
                Ok(true) => {}
                Ok(false) if is_older(file.touched(), STALE_LOCK) => self.remove_stale(&file, destination, &path),
                Ok(false) => return Turn::Busy,
                Err(_) => return Turn::Impossible,
            }
        }
        Turn::Busy
    }

    /// Removes a lock that is stale. One process at a time: of two that find it stale, the second would remove the new
    /// one of the first.
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

    /// Did another process ask for a turn? Returns true once for each time that one did.
    pub fn is_turn_wanted(&self, destination: &str) -> bool {
        std::fs::remove_file(self.folder.join(Mark::Want.name(destination))).is_ok()
    }
}
