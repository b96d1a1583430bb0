//! What survives the process: batches as files, the right to upload them, and when to try again. Knows folders and
//! files; knows nothing of events, consent or HTTP.
//!
//! One folder, `spool` in the state folder, 0700, its files 0600:
//!
//!     <destination>-<ms since 1970>-<writer>-<number>.batch   a batch, complete: written under another name and renamed;
//!                                                             with one more part: given away by its writer
//!     <destination>.lock                                      locked (flock) by the process that uploads to there
//!     <destination>.want                                      another process waits for its turn
//!     <destination>.retry                                     no attempt before (see retry.rs)
//!     *.torn                                                  set aside: could not be read
//!
//! `<destination>` is a digest: the folder holds no URL and no credentials, and a process uploads only what is for its own
//! destination. `<writer>` is random and not a process's number, which is the same again in every run of a container.
//! Nothing is synced: a killed process loses no file, and a machine that loses power may lose the last seconds.

use crate::platform::files::{private_folder, Private};
use crate::retry::Backoff;
use std::ffi::OsStr;
use std::hash::BuildHasher;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// The longest that a batch is kept: GA4 takes no event that is older.
pub const AGE_MAX: Duration = Duration::from_secs(72 * 60 * 60);
/// The most files in the folder.
pub const FILES_MAX: u64 = 1_000;
/// The most bytes in the folder.
pub const BYTES_MAX: u64 = 8 * 1024 * 1024;
/// No batch is larger: 25 events of 2 KiB.
const BATCH_MAX: u64 = 256 * 1024;
/// A file that takes this long to write says that the disk is not for us: memory only from then on.
const SLOW: Duration = Duration::from_millis(500);
/// A lock that was not touched for so long is not an uploader's any more: a process that was forked from one, say.
const STALE_LOCK: Duration = Duration::from_secs(120);

/// How long a batch is left to the process that wrote it, in milliseconds.
const RESERVED_MS: u64 = 5_000;

/// The right to upload to a destination.
pub enum Turn {
    /// It is ours until this is dropped.
    Ours(Lock),
    /// Another process's, which looks for new files when it is done.
    Busy,
    /// There are no locks here.
    Impossible,
}

/// Held while uploading.
pub struct Lock(Private);

impl Lock {
    /// Says that the upload goes on.
    pub fn touch(&self) {
        self.0.touch();
    }
}

/// One spool folder.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    /// Tells the files of this process from those of all others.
    writer: String,
    usable: AtomicBool,
    /// An estimate, corrected by counting.
    files: AtomicU64,
    bytes: AtomicU64,
}

impl Spool {
    /// The spool in this state folder; makes both. `None` where the disk says no.
    pub fn open(state_folder: &Path) -> Option<Self> {
        let folder = state_folder.join("spool");
        private_folder(state_folder).and_then(|()| private_folder(&folder)).ok()?;
        let writer = format!("{:016x}", std::hash::RandomState::new().hash_one(std::process::id()));
        let (files, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        let spool = Spool { folder, writer, usable: AtomicBool::new(true), files, bytes };
        spool.count();
        Some(spool)
    }

    /// Keeps a batch, as a whole or not at all; gives the name of its file. `None` where the folder holds as much as is allowed,
    /// or the disk says no, or has been slow.
    pub fn put(&self, destination: &str, text: &str, now_ms: u64) -> Option<String> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        if self.is_full() {
            self.count();
        }
        if self.is_full() || !self.usable.load(Ordering::Relaxed) {
            return None;
        }
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{destination}-{now_ms:013}-{}-{number}.batch", self.writer);
        let start = Instant::now();
        let written = self.write(&name, text.as_bytes());
        if start.elapsed() > SLOW {
            self.usable.store(false, Ordering::Relaxed);
        }
        written.ok()?;
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
        Some(name)
    }

    /// Puts a file in place as a whole, over what is there.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let new = self.folder.join(format!(".{name}.{}.new", self.writer));
        let written = Private::create(&new).or_else(|error| match error.kind() {
            // Somebody removed the folder: it may be made anew.
            io::ErrorKind::NotFound => private_folder(&self.folder).and_then(|()| Private::create(&new)),
            _ => Err(error),
        });
        let written = written.and_then(|mut file| file.write(bytes));
        let placed = written.and_then(|()| std::fs::rename(&new, self.folder.join(name)));
        if placed.is_err() {
            let _ = std::fs::remove_file(&new);
        }
        placed
    }

    /// Removes a batch. What is gone already is gone.
    pub fn remove(&self, name: &str) {
        if std::fs::remove_file(self.folder.join(name)).is_ok() {
            let less = |count: u64| Some(count.saturating_sub(1));
            let _ = self.files.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
    }

    /// The text of a batch; `None` where it is gone or cannot be read.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        Private::open(&self.folder.join(name)).and_then(|mut file| file.read(BATCH_MAX)).ok()
    }

    /// Sets a file aside that is no batch: it is looked at no more, and removed when it is old.
    pub fn set_aside(&self, name: &str) {
        let path = self.folder.join(name);
        if std::fs::rename(&path, path.with_extension("torn")).is_err() {
            let _ = std::fs::remove_file(&path);
        }
    }

    /// Gives a batch of this process's away: whoever has the turn may take it at once.
    pub fn give_away(&self, name: &str) {
        let given = name.replace(".batch", "-0.batch");
        let _ = std::fs::rename(self.folder.join(name), self.folder.join(given));
    }

    /// May this process take the file of that name, which it did not write or has given away? Others' only after a while:
    /// who wrote it is about to upload it, unless it was killed.
    pub fn is_free(&self, name: &str, now_ms: u64) -> bool {
        let mut parts = name.split('-');
        let is_own = parts.nth(2) == Some(&self.writer);
        let is_given_away = parts.nth(1).is_some();
        let is_abandoned = || stamp_of(name).is_some_and(|stamp| now_ms.abs_diff(stamp) > RESERVED_MS);
        is_given_away || (!is_own && is_abandoned())
    }

    /// The batches for a destination, oldest first. Removes what is too old, of whatever destination.
    pub fn list(&self, destination: &str, now_ms: u64) -> Vec<String> {
        let mut found = Vec::new();
        for name in self.names() {
            match stamp_of(&name) {
                Some(stamp) if now_ms.abs_diff(stamp) > AGE_MAX.as_millis() as u64 => self.remove(&name),
                Some(stamp) if name.starts_with(destination) => found.push((stamp, name)),
                Some(_) => {}
                None if is_litter(&name) && self.is_old(&name) => self.remove(&name),
                None => {}
            }
        }
        found.sort();
        found.into_iter().map(|(_, name)| name).collect()
    }

    /// Throws away what was kept before that moment, when the person said no. What is newer came after a yes.
    pub fn purge(&self, moment_ms: u64, now_ms: u64) {
        for name in self.names() {
            let stamp = stamp_of(&name);
            if stamp.is_some_and(|stamp| stamp < moment_ms || stamp > now_ms) || is_litter(&name) {
                self.remove(&name);
            }
        }
        self.count();
    }

    /// Asks for the right to upload to a destination.
    pub fn turn(&self, destination: &str) -> Turn {
        let path = self.folder.join(format!("{destination}.lock"));
        for _ in 0..2 {
            let Ok(file) = Private::open_or_create(&path) else { return Turn::Impossible };
            match file.try_lock() {
                // Unless another took this file for stale and made a new one meanwhile.
                Ok(true) if file.is_at(&path) => {
                    file.touch();
                    return Turn::Ours(Lock(file));
                }
                Ok(true) => {}
                Ok(false) if is_older(file.touched(), STALE_LOCK) => drop(std::fs::remove_file(&path)),
                Ok(false) => return Turn::Busy,
                Err(_) => return Turn::Impossible,
            }
        }
        Turn::Busy
    }

    /// Asks the process that uploads to a destination for a turn in between.
    pub fn ask_for_turn(&self, destination: &str) {
        let _ = Private::open_or_create(&self.folder.join(want_name(destination)));
    }

    /// Did somebody ask for a turn? Asked once for each time.
    pub fn is_turn_wanted(&self, destination: &str) -> bool {
        std::fs::remove_file(self.folder.join(want_name(destination))).is_ok()
    }

    /// How long a destination is left alone.
    pub fn backoff(&self, destination: &str) -> Backoff {
        self.read(&retry_name(destination)).map(|text| Backoff::from_text(&text)).unwrap_or_default()
    }

    /// Remembers that for all processes.
    pub fn set_backoff(&self, destination: &str, backoff: Backoff) {
        let name = retry_name(destination);
        if backoff == Backoff::default() {
            let _ = std::fs::remove_file(self.folder.join(name));
        } else {
            let _ = self.write(&name, backoff.to_text().as_bytes());
        }
    }

    fn is_full(&self) -> bool {
        self.files.load(Ordering::Relaxed) >= FILES_MAX || self.bytes.load(Ordering::Relaxed) >= BYTES_MAX
    }

    fn count(&self) {
        let mut sum = (0, 0);
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            sum.0 += 1;
            sum.1 += entry.metadata().map_or(0, |about| about.len());
        }
        self.files.store(sum.0, Ordering::Relaxed);
        self.bytes.store(sum.1, Ordering::Relaxed);
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }

    fn is_old(&self, name: &str) -> bool {
        is_older(std::fs::symlink_metadata(self.folder.join(name)).and_then(|about| about.modified()), AGE_MAX)
    }
}

fn want_name(destination: &str) -> String {
    format!("{destination}.want")
}

fn retry_name(destination: &str) -> String {
    format!("{destination}.retry")
}

/// Older than that, or so far in the future that the clock was set back since.
fn is_older(touched: io::Result<SystemTime>, than: Duration) -> bool {
    let now = SystemTime::now();
    touched.is_ok_and(|touched| now.duration_since(touched).unwrap_or_else(|ahead| ahead.duration()) > than)
}

/// When the batch of this name was made; `None` for any other name.
fn stamp_of(name: &str) -> Option<u64> {
    let mut parts = name.strip_suffix(".batch")?.split('-');
    let (destination, stamp) = (parts.next()?, parts.next()?);
    let hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let ours = destination.len() == 32 && hexadecimal(destination) && parts.all(hexadecimal);
    ours.then(|| stamp.parse().ok())?
}

/// What a killed process left half written, and what was set aside.
fn is_litter(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(OsStr::to_str);
    extension == Some("torn") || (extension == Some("new") && name.starts_with('.'))
}
