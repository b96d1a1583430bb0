//! What survives the process: batches as files, the right to upload them, and what is known about a destination.
//! Handles folders and files; knows nothing about events, consent or HTTP.
//!
//! It is the folder `spool` in the state folder, with mode 0700. Its files have mode 0600:
//!
//! ```text
//! <destination>-<ms since 1970>-<writer>-<number>.batch   a batch, complete: written under another name and renamed;
//!                                                         with one more part: given away by its writer (batch_name.rs)
//! <destination>.lock                                      locked (flock) by the process that uploads to there; in it
//!                                                         what it has sent (turn.rs)
//! <destination>.takeover                                  locked while a process removes a lock that is stale
//! <destination>.want                                      another process waits for its turn
//! <destination>.retry                                     what is known of the destination (`Health` in retry.rs)
//! <destination>.waiting                                   batches may wait here
//! *.torn                                                  set aside: could not be read
//! ```
//!
//! `<destination>` is a digest: the folder holds no URL and no credentials, and a process uploads only what is for its
//! own destination. Nothing is synced: a process that is killed loses no file, but a machine that loses power may lose
//! the last seconds.

mod batch_name;
mod spool_file;
mod turn;

pub use batch_name::BatchName;
pub use spool_file::SpoolFile;
use spool_file::{Mark, NEW, TORN};
pub use turn::{Lock, Part, Turn, Unsettled};

use crate::platform::files::{self, Private, cut, put_in_place};
use crate::platform::folders::{FolderId, folder_id, names_in, private_folder};
use crate::retry::Health;
use crate::sync::{Mutex, MutexGuard, lock};
use std::collections::BinaryHeap;
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::hash::BuildHasher;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::{Duration, Instant, SystemTime};

/// The longest that a batch is kept: GA4 takes no event that is older.
pub const AGE_MAX: Duration = Duration::from_secs(72 * 60 * 60);
/// The name of the folder in the state folder.
pub const FOLDER: &str = "spool";
/// The most files in the folder.
pub const FILES_MAX: u64 = 1_000;
/// The most bytes in the folder.
pub const BYTES_MAX: u64 = 8 * 1024 * 1024;
/// The largest batch in bytes.
const BATCH_MAX: u64 = 256 * 1024;
/// If writing a file takes this long, the disk is slow. The unit tests are not about the disk that they run on.
const SLOW: Duration = if cfg!(test) { Duration::MAX } else { Duration::from_millis(500) };
/// How long batches stay in memory after the disk was slow.
const SPARED: Duration = Duration::from_secs(60);
/// How long a batch is left to the process that wrote it, in milliseconds.
const RESERVED_MS: u64 = 5_000;

/// What a spool folder holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The batches for the given destination, the oldest first: when each was made, and its name.
    pub batches: Vec<(u64, String)>,
    /// Batches for any destination that are too old, except those that this process holds.
    pub expired: Vec<String>,
}

/// The folder that a batch was put in, which may be removed and made anew at any time. It is kept as long as the batch
/// is in memory.
pub type Place = Arc<FolderId>;

/// One spool folder.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    /// The random name of this process in the names of its files.
    writer: String,
    /// When the disk was slow last.
    slow: Mutex<Option<Instant>>,
    /// One for each batch that this process put on disk and has in memory.
    places: Mutex<Vec<Place>>,
    /// The destinations that this process marked as waiting, so that it does not do so for every batch.
    marked: Mutex<Vec<String>>,
    /// An estimate, corrected by counting.
    files: AtomicU64,
    bytes: AtomicU64,
}

impl Spool {
    /// The spool in this state folder. Creates both folders; `None` if they cannot be created or used.
    pub fn open(state_folder: &Path) -> Option<Self> {
        let folder = state_folder.join(FOLDER);
        private_folder(state_folder).and_then(|()| private_folder(&folder)).ok()?;
        let writer = format!("{:016x}", std::hash::RandomState::new().hash_one(std::process::id()));
        let (files, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        let spool = Spool {
            folder,
            writer,
            slow: Mutex::default(),
            places: Mutex::default(),
            marked: Mutex::default(),
            files,
            bytes,
        };
        spool.count();
        Some(spool)
    }

    /// The spool in this state folder, if there is one. Creates nothing.
    pub fn existing(state_folder: &Path) -> Option<Self> {
        std::fs::symlink_metadata(state_folder.join(FOLDER)).ok().filter(|about| about.is_dir())?;
        Self::open(state_folder)
    }

    /// Stores a batch, completely or not at all, and returns the name of its file and the folder that it is in. `None`
    /// if the folder is full, the file cannot be written, or the disk was slow in the last minute.
    pub fn put(&self, destination: &str, text: &str, now_ms: u64) -> Option<(String, Place)> {
        if self.is_full() {
            self.count();
        }
        if self.is_full() || lock(&self.slow).is_some_and(|slow| slow.elapsed() < SPARED) {
            return None;
        }
        let name = self.fresh(destination, now_ms).to_string();
        let start = Instant::now();
        // Asked for before the file is written: if the folder is replaced meanwhile, `has_lost` finds the file.
        let folder = self.folder_id().or_else(|| self.make_again());
        let is_written = folder.is_some() && self.write(&name, text.as_bytes()).is_ok();
        if start.elapsed() > SLOW {
            *lock(&self.slow) = Some(Instant::now());
        }
        let folder = folder.filter(|_| is_written)?;
        if !lock(&self.marked).iter().any(|marked| marked == destination) {
            self.mark_waiting(destination);
        }
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
        Some((name, self.place_in(folder)))
    }

    /// Makes the folder again, which was removed. If what held the state folder is gone too, such as a home that was
    /// made for one test, nothing is made in its place.
    fn make_again(&self) -> Option<FolderId> {
        self.folder.ancestors().nth(2).filter(|above| above.is_dir())?;
        lock(&self.marked).clear();
        private_folder(&self.folder).ok()?;
        self.folder_id()
    }

    /// A name that no other batch has.
    fn fresh(&self, destination: &str, made_ms: u64) -> BatchName {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        BatchName {
            made_ms,
            destination: destination.into(),
            writer: self.writer.clone(),
            number,
            is_given_away: false,
        }
    }

    /// Takes over a batch of another process, by renaming it to a name of this process that is given away. So the
    /// process that left it, and may still have it in memory, sees that it was taken. `None` if it is gone.
    pub fn claim(&self, name: &str) -> Option<String> {
        let left = BatchName::parse(name)?;
        self.rename(name, &BatchName { is_given_away: true, ..self.fresh(&left.destination, left.made_ms) })
    }

    /// Returns the new name; `None` if the file is gone.
    fn rename(&self, name: &str, new: &BatchName) -> Option<String> {
        let new = new.to_string();
        std::fs::rename(self.folder.join(name), self.folder.join(&new)).is_ok().then_some(new)
    }

    /// Writes a file as a whole, replacing an existing one. Does nothing if the folder is gone.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        put_in_place(&self.folder.join(name), &self.writer, bytes)
    }

    /// Cuts a batch to this length in bytes.
    pub fn cut(&self, name: &str, length: u64) -> io::Result<()> {
        cut(&self.folder.join(name), length)
    }

    /// Removes a batch. It is no error if the file is gone already.
    pub fn remove(&self, name: &str) {
        if files::remove(&self.folder.join(name)).is_ok() {
            let less = |count: u64| Some(count.saturating_sub(1));
            let _ = self.files.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        }
    }

    /// The text of a batch; [`io::ErrorKind::InvalidData`] if the file cannot be a batch.
    pub fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        Private::open(&self.folder.join(name)).and_then(|mut file| file.read(BATCH_MAX))
    }

    /// Sets aside a file that is not a batch. It is not read again, and it is removed when it is old.
    pub fn set_aside(&self, name: &str) {
        let path = self.folder.join(name);
        if std::fs::rename(&path, path.with_extension(TORN)).is_err() {
            let _ = std::fs::remove_file(&path);
        }
    }

    /// Gives a batch of this process away, so that the process that has the turn may take it at once. Returns its new
    /// name; `None` if it was given away before, or is gone.
    pub fn give_away(&self, name: &str) -> Option<String> {
        let mut given = BatchName::parse(name).filter(|name| !name.is_given_away)?;
        given.is_given_away = true;
        let renamed = self.rename(name, &given)?;
        // Another process may have found nothing in between and removed the mark.
        self.mark_waiting(&given.destination);
        Some(renamed)
    }

    /// Whether the file of this name was given away by its writer.
    pub fn is_given_away(&self, name: &str) -> bool {
        BatchName::parse(name).is_some_and(|name| name.is_given_away)
    }

    /// Whether this process may take the file of this name, which it did not write or has given away. A file of another
    /// process may be taken only after a while: its writer is about to upload it, unless the writer was killed.
    pub fn is_free(&self, name: &str, now_ms: u64) -> bool {
        let is_abandoned = || stamp_of(name).is_some_and(|stamp| now_ms.abs_diff(stamp) > RESERVED_MS);
        self.is_given_away(name) || (!self.is_own(name) && is_abandoned())
    }

    /// Whether this process wrote the file of this name.
    fn is_own(&self, name: &str) -> bool {
        BatchName::parse(name).is_some_and(|name| name.writer == self.writer)
    }

    fn is_in_hand(&self, name: &str) -> bool {
        self.is_own(name) && !self.is_given_away(name)
    }

    /// The batches that wait; `None` if the folder cannot be read. Removes old files that were set aside or half
    /// written.
    pub fn list(&self, destination: &str, now_ms: u64) -> Option<Listing> {
        let mut listing = Listing::default();
        let mut batches = BinaryHeap::new(); // sorting with it needs a tenth of the code that sorting a slice needs
        for name in self.names()? {
            match BatchName::parse(&name) {
                Some(batch)
                    if !self.is_in_hand(&name) && now_ms.abs_diff(batch.made_ms) > AGE_MAX.as_millis() as u64 =>
                {
                    listing.expired.push(name)
                }
                Some(batch) if batch.destination == destination => batches.push((batch.made_ms, name)),
                Some(_) => {}
                None if is_litter(&name) && self.is_older(&name, AGE_MAX) => self.remove(&name),
                None => {}
            }
        }
        listing.batches = batches.into_sorted_vec();
        Some(listing)
    }

    /// Whether the file is older than that, by the time of its last change.
    pub fn is_older(&self, name: &str, than: Duration) -> bool {
        is_older(self.about(name).and_then(|about| about.modified()), than)
    }

    /// The name that the file of a request has by now: it may have been given away since. `None` where it is gone or
    /// was cut: then it is settled what became of its events.
    pub fn same(&self, part: &Part) -> Option<String> {
        let name = self.names()?.into_iter().find(|name| part.is_of(name))?;
        let is_uncut = self.about(&name).is_ok_and(|about| about.len() == part.length);
        is_uncut.then_some(name)
    }

    fn about(&self, name: impl AsRef<Path>) -> io::Result<Metadata> {
        std::fs::symlink_metadata(self.folder.join(name))
    }

    fn folder_id(&self) -> Option<FolderId> {
        folder_id(&self.folder)
    }

    /// Whether a batch is gone together with the folder that it was put in. Some file systems give the same folder
    /// another number, so the file is looked for, too: where it is, its place is the folder of now.
    pub fn has_lost(&self, name: &str, place: &mut Place) -> bool {
        match self.folder_id() {
            Some(now) if now == **place => false,
            Some(now) if self.about(name).is_ok() => {
                *place = self.place_in(now);
                false
            }
            _ => true,
        }
    }

    /// Whether each batch that this process has in memory, and put on disk, is in the folder of now.
    pub fn has_folder(&self) -> bool {
        let now = self.folder_id();
        self.places().iter().all(|place| Some(**place) == now)
    }

    fn place_in(&self, folder: FolderId) -> Place {
        let place = Arc::new(folder);
        self.places().push(place.clone());
        place
    }

    /// The places of those batches that are in memory still.
    fn places(&self) -> MutexGuard<'_, Vec<Place>> {
        let mut places = lock(&self.places);
        places.retain(|place| Arc::strong_count(place) > 1);
        fence(Ordering::Acquire); // what was done before a place was dropped is seen after this
        places
    }

    /// Removes what was stored before that moment, at which the person opted out. What is newer was stored after the
    /// person opted in again.
    pub fn purge(&self, moment_ms: u64, now_ms: u64) {
        for name in self.names().unwrap_or_default() {
            let stamp = stamp_of(&name);
            if stamp.is_some_and(|stamp| stamp < moment_ms || stamp > now_ms) || is_litter(&name) {
                self.remove(&name);
            }
        }
        let is_mark = |name: &String| name.ends_with(&Mark::Waiting.name(""));
        let (marks, left): (Vec<_>, Vec<_>) = self.names().unwrap_or_default().into_iter().partition(is_mark);
        if !left.iter().any(|name| BatchName::parse(name).is_some()) {
            lock(&self.marked).clear();
            marks.iter().for_each(|name| self.remove(name));
            let _ = std::fs::remove_dir(&self.folder); // fails if something else is in it
        }
        self.count();
    }

    /// What is known about a destination.
    pub fn health(&self, destination: &str) -> Health {
        self.read(&Mark::Retry.name(destination)).map(|text| Health::from_text(&text)).unwrap_or_default()
    }

    /// Remembers that for all processes. Does nothing if the folder is gone: the person may have opted out since the
    /// request was sent.
    pub fn set_health(&self, destination: &str, health: Health) {
        let path = self.folder.join(Mark::Retry.name(destination));
        let _ = put_in_place(&path, &self.writer, health.to_text().as_bytes());
    }

    /// Marks that batches may wait for a destination, so that the next process looks for them early.
    pub fn mark_waiting(&self, destination: &str) {
        let mut marked = lock(&self.marked);
        marked.retain(|other| other != destination);
        marked.push(destination.to_owned());
        let _ = Private::open_or_create(&self.folder.join(Mark::Waiting.name(destination)));
    }

    /// Removes the mark, because no batch waits any more.
    pub fn unmark_waiting(&self, destination: &str) {
        lock(&self.marked).retain(|other| other != destination);
        let _ = std::fs::remove_file(self.folder.join(Mark::Waiting.name(destination)));
    }

    /// Whether batches may wait for a destination in this state folder. Costs one system call.
    pub fn is_marked_waiting(state_folder: &Path, destination: &str) -> bool {
        std::fs::symlink_metadata(state_folder.join(FOLDER).join(Mark::Waiting.name(destination))).is_ok()
    }

    fn is_full(&self) -> bool {
        self.files.load(Ordering::Relaxed) >= FILES_MAX || self.bytes.load(Ordering::Relaxed) >= BYTES_MAX
    }

    fn count(&self) {
        let mut sum = (0, 0);
        let is_mark = |name: &OsString| Path::new(name).extension() == Some(OsStr::new(Mark::Waiting.extension()));
        for name in names_in(&self.folder).unwrap_or_default().into_iter().filter(|name| !is_mark(name)) {
            sum.0 += 1;
            sum.1 += self.about(name).map_or(0, |about| about.len());
        }
        self.files.store(sum.0, Ordering::Relaxed);
        self.bytes.store(sum.1, Ordering::Relaxed);
    }

    fn names(&self) -> Option<Vec<String>> {
        let names = names_in(&self.folder).ok()?;
        Some(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }
}

/// Whether a time is older than that, or so far in the future that the clock must have been set back.
fn is_older(touched: io::Result<SystemTime>, than: Duration) -> bool {
    let now = SystemTime::now();
    touched.is_ok_and(|touched| now.duration_since(touched).unwrap_or_else(|ahead| ahead.duration()) > than)
}

/// When the batch of this name was made; `None` for any other name.
fn stamp_of(name: &str) -> Option<u64> {
    BatchName::parse(name).map(|name| name.made_ms)
}

/// Whether it is a file that a killed process left half written, or one that was set aside.
fn is_litter(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(OsStr::to_str);
    extension == Some(TORN) || (extension == Some(NEW) && name.starts_with('.'))
}

#[cfg(all(test, unix))]
#[path = "spool_tests.rs"]
mod tests;
