//! Private files: created for their owner alone, never opened through a symbolic link, and never confused with another
//! file after the host program has closed the library's descriptor and its number stands for another file.

use super::descriptor::Owned;
use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::SystemTime;

/// An open file that is used and closed only while its descriptor still stands for it.
pub struct Private {
    open: Owned<File>,
    is_locked: bool,
}

impl Private {
    /// Creates a file for this user alone (mode 0600). It is an error if anything has that name.
    pub fn create(path: &Path) -> io::Result<Self> {
        open(OpenOptions::new().write(true).create_new(true), path)
    }

    /// Opens a file, or creates one for this user alone.
    pub fn open_or_create(path: &Path) -> io::Result<Self> {
        open(OpenOptions::new().read(true).write(true).create(true).truncate(false), path)
    }

    /// Opens an existing regular file for reading; [`io::ErrorKind::InvalidData`] if it is something else, such as a
    /// link.
    pub fn open(path: &Path) -> io::Result<Self> {
        open(OpenOptions::new().read(true), path)
    }

    /// Opens the end of an existing file, or of a new one.
    #[cfg(unix)]
    pub fn append(path: &Path) -> io::Result<Self> {
        open(OpenOptions::new().append(true).create(true), path)
    }

    /// Opens the end of an existing file, or of a new one. It is not opened for append, because such a handle could not
    /// be cut.
    #[cfg(not(unix))]
    pub fn append(path: &Path) -> io::Result<Self> {
        open(OpenOptions::new().write(true).create(true).truncate(false), path)
    }

    /// Its length in bytes.
    pub fn length(&self) -> io::Result<u64> {
        Ok(self.open.get_with_length()?.1)
    }

    /// Cuts it to this length.
    pub fn cut(&self, length: u64) -> io::Result<()> {
        self.open.get()?.set_len(length)
    }

    /// Appends all of the bytes, or nothing.
    #[cfg(unix)]
    pub fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut file, length) = self.open.get_with_length()?;
        file.write_all(bytes).inspect_err(|_| drop(file.set_len(length)))
    }

    /// Writes all of it at the end, or nothing.
    #[cfg(not(unix))]
    pub fn add(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        use std::os::windows::fs::FileExt;
        /// WriteFile: an offset that means the end of the file at the time of the call.
        const END: u64 = u64::MAX;
        let (file, length) = self.open.get_with_length()?;
        while !bytes.is_empty() {
            match file.seek_write(bytes, END) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) => {
                    let _ = file.set_len(length);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Writes all of the bytes.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.open.get()?.write_all(bytes)
    }

    /// Writes these bytes at that place, in one call.
    #[cfg(unix)]
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_at(self.open.get()?, bytes, offset).map(drop)
    }

    /// Writes these bytes at that place, in one call.
    #[cfg(not(unix))]
    pub fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        std::os::windows::fs::FileExt::seek_write(self.open.get()?, bytes, offset).map(drop)
    }

    /// Reads the whole file; [`io::ErrorKind::InvalidData`] if it is longer than `limit` bytes.
    pub fn read(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open.get()?.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(bytes)
    }

    /// Locks the file; `false` if another open file description holds the lock. Others can still read and write it.
    pub fn try_lock(&mut self) -> io::Result<bool> {
        self.is_locked = lock(self.open.get()?)?;
        Ok(self.is_locked)
    }

    /// When it was last changed or touched.
    pub fn touched(&self) -> io::Result<SystemTime> {
        self.metadata()?.modified()
    }

    /// Sets its time of change to now, to show that it is in use.
    pub fn touch(&self) {
        if let Ok(file) = self.open.get() {
            let _ = file.set_modified(SystemTime::now());
        }
    }

    /// Whether this is still the file at that path. It may have been removed and created again.
    #[cfg(unix)]
    pub fn is_at(&self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        let there = std::fs::symlink_metadata(path).map(|there| (there.dev(), there.ino()));
        self.metadata().is_ok_and(|here| there.is_ok_and(|there| there == (here.dev(), here.ino())))
    }

    /// Whether this is still the file at that path. It may have been removed and created again: here too an open file
    /// can be removed if it was opened with sharing of deletion, as std does.
    #[cfg(not(unix))]
    pub fn is_at(&self, path: &Path) -> bool {
        use std::os::windows::fs::OpenOptionsExt;
        let flags = super::windows::FILE_FLAG_OPEN_REPARSE_POINT | super::windows::FILE_FLAG_BACKUP_SEMANTICS;
        let there = OpenOptions::new().access_mode(0).custom_flags(flags).open(path);
        let there = there.ok().and_then(|there| identity(&there));
        there.is_some() && self.open.get().ok().and_then(identity) == there
    }

    fn metadata(&self) -> io::Result<Metadata> {
        self.open.get()?.metadata()
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        if self.is_locked {
            // Unlocked explicitly, because a forked child holds the same open file, and with it the lock.
            let _ = self.open.get().map(unlock);
        }
    }
}

#[cfg(unix)]
fn open(options: &mut OpenOptions, path: &Path) -> io::Result<Private> {
    use std::os::unix::fs::OpenOptionsExt;
    let file = options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    let is_link = |error: &io::Error| error.raw_os_error() == Some(libc::ELOOP);
    opened(file.map_err(|error| if is_link(&error) { no_file() } else { error })?, path)
}

#[cfg(not(unix))]
fn open(options: &mut OpenOptions, path: &Path) -> io::Result<Private> {
    use std::os::windows::fs::OpenOptionsExt;
    opened(options.custom_flags(super::windows::FILE_FLAG_OPEN_REPARSE_POINT).open(path)?, path)
}

#[cfg(unix)]
fn lock(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(std::fs::TryLockError::WouldBlock) => Ok(false),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(unix)]
fn unlock(file: &File) {
    let _ = file.unlock();
}

/// The position of the byte that is locked. It is beyond every file, because no other process can read or write a
/// locked byte here.
#[cfg(not(unix))]
fn locked_byte() -> super::windows::Overlapped {
    super::windows::Overlapped { offset: u32::MAX - 1, offset_high: i32::MAX as u32, ..Default::default() }
}

#[cfg(not(unix))]
fn lock(file: &File) -> io::Result<bool> {
    use super::windows::{LOCK_EXCLUSIVE_AT_ONCE, LockFileEx};
    use std::os::windows::io::AsRawHandle;
    // SAFETY: an open file, and a place that lives for the whole call, which does not wait.
    let answer = unsafe { LockFileEx(file.as_raw_handle(), LOCK_EXCLUSIVE_AT_ONCE, 0, 1, 0, &mut locked_byte()) };
    if answer == 0 { not_locked(io::Error::last_os_error()) } else { Ok(true) }
}

/// Another process has the lock, or there is none to be had, such as on a share without locks.
#[cfg(not(unix))]
fn not_locked(error: io::Error) -> io::Result<bool> {
    match error.raw_os_error() {
        Some(super::windows::ERROR_LOCK_VIOLATION) => Ok(false),
        _ => Err(error),
    }
}

#[cfg(not(unix))]
fn unlock(file: &File) {
    use std::os::windows::io::AsRawHandle;
    // SAFETY: as above.
    unsafe { super::windows::UnlockFileEx(file.as_raw_handle(), 0, 1, 0, &mut locked_byte()) };
}

/// Volume and number of a file.
#[cfg(not(unix))]
fn identity(file: &File) -> Option<(u32, [u32; 2])> {
    use std::os::windows::io::AsRawHandle;
    let mut about = super::windows::FileInformation::default();
    // SAFETY: an open file, and a structure that is written as a whole where the answer is not 0.
    let answer = unsafe { super::windows::GetFileInformationByHandle(file.as_raw_handle(), &mut about) };
    (answer != 0).then_some((about.volume, about.index))
}

fn opened(file: File, path: &Path) -> io::Result<Private> {
    let (open, is_file) = Owned::at(file, path);
    if is_file { Ok(Private { open, is_locked: false }) } else { Err(no_file()) }
}

fn no_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not a regular file")
}

/// The names in a folder; an error if it could not be read completely. std's `read_dir` would close any file that got
/// its number in between.
#[cfg(unix)]
pub fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let path = std::ffi::CString::new(folder.as_os_str().as_bytes())?;
    // SAFETY: the path is terminated and outlives the call.
    let open = std::ptr::NonNull::new(unsafe { libc::opendir(path.as_ptr()) }).ok_or_else(io::Error::last_os_error)?;
    let (folder, _) = Owned::at(Folder(open), folder);
    let mut names = Vec::new();
    loop {
        // SAFETY: an open folder that this thread alone has; its descriptor was checked this moment.
        let entry = unsafe { libc::readdir(folder.get()?.0.as_ptr()).as_ref() };
        let Some(entry) = entry else { break };
        // SAFETY: readdir(3) terminates the name.
        let name = unsafe { std::ffi::CStr::from_ptr(entry.d_name.as_ptr()) }.to_bytes();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name.to_vec()));
        }
    }
    folder.get().map(|_| names) // if it was closed in between, it looks as if it had ended
}

/// The names in a folder.
#[cfg(not(unix))]
pub fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
}

/// What opendir(3) gave.
#[cfg(unix)]
struct Folder(std::ptr::NonNull<libc::DIR>);

#[cfg(unix)]
impl std::os::fd::AsRawFd for Folder {
    fn as_raw_fd(&self) -> std::ffi::c_int {
        // SAFETY: open until it is dropped.
        unsafe { libc::dirfd(self.0.as_ptr()) }
    }
}

#[cfg(unix)]
impl Drop for Folder {
    fn drop(&mut self) {
        // SAFETY: open until here, and not used after.
        unsafe { libc::closedir(self.0.as_ptr()) };
    }
}

/// Writes a file of this user alone as a whole, replacing an existing one. `writer` makes the names of half-written
/// files unique to this process.
pub fn put_in_place(path: &Path, writer: &str, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}.{writer}.new"));
    let written = Private::create(&new).and_then(|mut file| file.write(bytes));
    let placed = written.and_then(|()| rename(&new, path));
    if placed.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    placed
}

/// Windows refuses to rename or to remove a file while another process has it open without sharing that, such as a
/// virus scanner, which looks at every new file. So it is tried again for a twentieth of a second.
#[cfg(windows)]
fn patiently(change: impl Fn() -> io::Result<()>) -> io::Result<()> {
    /// What a rename answers while the other name is open, and a removal after another one has begun.
    const ACCESS_DENIED: i32 = 5;
    for _ in 0..5 {
        match change() {
            Err(error) if is_passing(&error) || error.raw_os_error() == Some(ACCESS_DENIED) => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            answer => return answer,
        }
    }
    change()
}

/// Puts a file in the place of another one, or of none.
#[cfg(windows)]
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    patiently(|| std::fs::rename(from, to))
}

/// Puts a file in the place of another one, or of none.
#[cfg(not(windows))]
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// Removes a file.
#[cfg(not(windows))]
pub fn remove(path: &Path) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// Removes a file. If another process does not let it be removed, it is emptied, so that its content is not sent
/// again. Waits for a twentieth of a second at most.
#[cfg(windows)]
pub fn remove(path: &Path) -> io::Result<()> {
    patiently(|| std::fs::remove_file(path)).inspect_err(|_| drop(cut(path, 0)))
}

/// Cuts a file to this length in bytes. It takes one call, because it is done for every request. The folder belongs to
/// this user alone, so no other user can put a link there.
#[cfg(unix)]
pub fn cut(path: &Path, length: u64) -> io::Result<()> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(path.as_os_str().as_bytes())?;
    let length = length.try_into().map_err(|_| io::ErrorKind::InvalidInput)?;
    // SAFETY: the path is terminated and outlives the call.
    match unsafe { libc::truncate(path.as_ptr(), length) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Cuts a file to this length in bytes.
#[cfg(not(unix))]
pub fn cut(path: &Path, length: u64) -> io::Result<()> {
    open(OpenOptions::new().write(true), path)?.cut(length)
}

/// Whether an error is temporary: there is no descriptor or no memory, or another process has the file open.
pub fn is_passing(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(is_passing_code)
}

#[cfg(unix)]
fn is_passing_code(code: i32) -> bool {
    matches!(code, libc::EMFILE | libc::ENFILE | libc::ENOMEM)
}

/// Too many open files; not enough memory (8, 14); a file that another process opened without sharing, or locked, such
/// as a scanner for viruses; one whose removal is not finished; not enough of the system's resources; no page file
/// left.
#[cfg(not(unix))]
fn is_passing_code(code: i32) -> bool {
    matches!(code, 4 | 8 | 14 | 32 | 33 | 303 | 1450 | 1455)
}

/// Prepares a folder in which only this user can create and rename files. An existing one is used as it is, or not at
/// all: its mode is never changed. A missing one is created (mode 0700) with its missing parents, if the first existing
/// parent belongs to this user or is sticky, so that everybody may create something there. Nothing is created in
/// another user's home.
#[cfg(unix)]
pub fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    // SAFETY: takes nothing, cannot fail.
    let user = unsafe { libc::geteuid() };
    let is_sticky = |about: &Metadata| about.mode() & 0o1000 != 0;
    let about = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = path.ancestors().skip(1).find_map(|above| std::fs::metadata(above).ok());
            if !above.is_some_and(|above| above.uid() == user || is_sticky(&above)) {
                return Err(io::Error::other("it would be in a folder of another user's"));
            }
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
            std::fs::symlink_metadata(path)?
        }
        about => about?,
    };
    if !about.is_dir() || about.uid() != user {
        return Err(io::Error::other("not a folder of this user's"));
    }
    if about.mode() & 0o022 != 0 && !is_sticky(&about) {
        return Err(io::Error::other("others can change what is in it"));
    }
    Ok(())
}

/// Which folder is at a path: one that was made anew there is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FolderId {
    /// Device and inode, which the next folder may get again.
    #[cfg(unix)]
    number: (u64, u64),
    made: Option<SystemTime>,
}

/// Which folder is at this path; `None` if it is none, such as a link to one.
pub fn folder_id(path: &Path) -> Option<FolderId> {
    #[cfg(unix)]
    use std::os::unix::fs::MetadataExt;
    let about = std::fs::symlink_metadata(path).ok().filter(Metadata::is_dir)?;
    Some(FolderId {
        #[cfg(unix)]
        number: (about.dev(), about.ino()),
        made: about.created().ok(),
    })
}

/// Prepares a folder under this user's profile, which is private by default.
#[cfg(not(unix))]
pub fn private_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)?;
    if std::fs::symlink_metadata(path)?.is_dir() { Ok(()) } else { Err(io::Error::other("not a folder")) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot go on should stop
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn what_is_locked_can_be_read_and_written_but_not_locked_by_another() {
        let folder = folder();
        let path = folder.path().join("locked");
        let mut first = Private::create(&path).unwrap();
        assert!(first.try_lock().unwrap());
        first.write(b"text").unwrap();
        let mut second = Private::open(&path).unwrap();
        assert!(!second.try_lock().unwrap());
        assert_eq!(second.read(100).unwrap(), b"text");
        assert_eq!(std::fs::read(&path).unwrap(), b"text");
        drop(first);
        assert!(second.try_lock().unwrap());
    }

    #[test]
    fn what_is_opened_at_its_end_grows_there_and_can_be_cut() {
        let folder = folder();
        let path = folder.path().join("appended");
        let (mut one, mut other) = (Private::append(&path).unwrap(), Private::append(&path).unwrap());
        one.add(b"a").unwrap();
        other.add(b"bc").unwrap();
        one.add(b"d").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"abcd");
        one.cut(2).unwrap();
        assert_eq!(other.length().unwrap(), 2);
        other.add(b"e").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"abe");
        cut(&path, 1).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"a");
    }

    #[test]
    fn a_file_that_was_removed_or_replaced_while_it_is_open_is_no_longer_at_its_path() {
        let folder = folder();
        let path = folder.path().join("replaced");
        let first = Private::create(&path).unwrap();
        assert!(first.is_at(&path));
        std::fs::rename(&path, folder.path().join("elsewhere")).unwrap();
        assert!(!first.is_at(&path));
        put_in_place(&path, "test", b"other").unwrap();
        assert!(!first.is_at(&path));
        let second = Private::open(&path).unwrap();
        assert!(second.is_at(&path));
        std::fs::remove_file(&path).unwrap();
        // Windows before 10, and wine, remove it when its last handle is closed.
        let is_gone = std::fs::symlink_metadata(&path).is_err();
        assert!(is_gone != second.is_at(&path) && (is_gone || cfg!(windows)));
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = folder();
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        std::fs::write(&target, "another's").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&target, &link).unwrap();
        #[cfg(windows)]
        if std::os::windows::fs::symlink_file(&target, &link).is_err() || std::fs::symlink_metadata(&link).is_err() {
            return; // it is a privilege that not every user has, and wine 8 only says that it did
        }
        for opened in [Private::open(&link), Private::open_or_create(&link), Private::append(&link)] {
            assert_eq!(opened.err().unwrap().kind(), io::ErrorKind::InvalidData);
        }
        assert!(Private::create(&link).is_err());
        assert_eq!(std::fs::read(&target).unwrap(), b"another's");
    }

    #[test]
    #[cfg(windows)]
    fn what_another_process_has_just_now_or_the_system_is_short_of_is_passing() {
        for code in [4, 8, 14, 32, 33, 303, 1450, 1455] {
            assert!(is_passing(&io::Error::from_raw_os_error(code)), "{code}");
        }
        for code in [2, 3, 5, 39, 50, 87, 112, 123] {
            assert!(!is_passing(&io::Error::from_raw_os_error(code)), "{code}");
        }
    }

    #[test]
    #[cfg(windows)]
    fn a_lock_that_another_has_is_no_error_and_a_share_without_locks_is_one() {
        assert!(!not_locked(io::Error::from_raw_os_error(33)).unwrap());
        for code in [1, 5, 50] {
            assert_eq!(not_locked(io::Error::from_raw_os_error(code)).unwrap_err().raw_os_error(), Some(code));
        }
    }

    #[test]
    #[cfg(windows)]
    fn a_file_that_another_opened_without_sharing_is_passing() {
        let folder = folder();
        let path = folder.path().join("scanned");
        let _scanner = scanned(&path, 0);
        assert!(is_passing(&Private::open(&path).err().unwrap()));
    }

    /// A file that another process has open and shares in that way; with 0 in none.
    #[cfg(windows)]
    fn scanned(path: &Path, shared: u32) -> File {
        use std::os::windows::fs::OpenOptionsExt;
        OpenOptions::new().write(true).create(true).truncate(false).share_mode(shared).open(path).unwrap()
    }

    /// What a change answers that is begun while another process has the file, and lets go of it soon.
    #[cfg(windows)]
    fn while_scanned(path: &Path, change: impl Fn() -> io::Result<()> + Sync) -> io::Result<()> {
        let scanner = scanned(path, 0);
        std::thread::scope(|scope| {
            let changed = scope.spawn(&change);
            // By then the change has begun, or it begins later and succeeds at once.
            std::thread::sleep(std::time::Duration::from_millis(15));
            drop(scanner);
            changed.join().unwrap()
        })
    }

    #[test]
    #[cfg(windows)]
    fn a_file_that_another_has_open_for_a_moment_is_removed_or_replaced_all_the_same() {
        let folder = folder();
        let path = folder.path().join("scanned");
        while_scanned(&path, || remove(&path)).unwrap();
        assert!(!path.exists());
        while_scanned(&path, || put_in_place(&path, "test", b"new")).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
    }

    #[test]
    #[cfg(windows)]
    fn a_file_that_another_does_not_let_be_removed_is_emptied() {
        const READ_AND_WRITE: u32 = 3;
        let folder = folder();
        let path = folder.path().join("sent");
        std::fs::write(&path, "was sent").unwrap();
        let scanner = scanned(&path, READ_AND_WRITE);
        assert!(remove(&path).is_err());
        drop(scanner);
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }

    #[test]
    #[cfg(windows)]
    fn a_change_that_windows_refuses_for_a_moment_is_tried_again_and_any_other_is_not() {
        let tries = |code: i32, refusals: u32| {
            let tried = std::cell::Cell::new(0);
            let answer = patiently(|| {
                tried.set(tried.get() + 1);
                if tried.get() <= refusals { Err(io::Error::from_raw_os_error(code)) } else { Ok(()) }
            });
            (tried.get(), answer.err().and_then(|error| error.raw_os_error()))
        };
        // ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION, ERROR_DELETE_PENDING.
        for code in [5, 32, 33, 303] {
            assert_eq!(tries(code, 2), (3, None), "{code}");
            assert_eq!(tries(code, 100), (6, Some(code)), "{code}");
        }
        // ERROR_FILE_NOT_FOUND, ERROR_HANDLE_DISK_FULL, ERROR_NOT_SUPPORTED, ERROR_DISK_FULL.
        for code in [2, 39, 50, 112] {
            assert_eq!(tries(code, 100), (1, Some(code)), "{code}");
        }
    }
}
