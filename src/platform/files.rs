//! Private files: created for their owner alone, never opened through a symbolic link, and never confused with another
//! file after the host program has closed the library's descriptor and its number stands for another file.

use super::descriptor::Owned;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
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

/// Writes a file of this user alone as a whole, replacing an existing one. `writer` makes the names of half-written
/// files unique to this process. Several threads may write the same file: the last one remains.
pub fn put_in_place(path: &Path, writer: &str, bytes: &[u8]) -> io::Result<()> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let new = path.with_file_name(format!(".{name}.{writer}-{number}.new"));
    let mut file = Private::create(&new)?;
    let written = file.write(bytes);
    drop(file);
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

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
