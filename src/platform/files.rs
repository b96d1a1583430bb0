//! Private files: made for their owner alone, never through a symbolic link, and never mistaken for another's once the
//! host has closed our descriptor under us and its number went to somebody else.

use super::descriptor::Owned;
use std::ffi::OsString;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::SystemTime;

/// An open file that is used and closed only while its descriptor still is that file.
pub struct Private {
    open: Owned<File>,
    is_locked: bool,
}

impl Private {
    /// A new file for this user alone (0600); an error where anything has that name.
    pub fn create(path: &Path) -> io::Result<Self> {
        open(OpenOptions::new().write(true).create_new(true), path)
    }

    /// An existing file, or a new one for this user alone.
    pub fn open_or_create(path: &Path) -> io::Result<Self> {
        open(OpenOptions::new().write(true).create(true).truncate(false), path)
    }

    /// An existing regular file, for reading; [`io::ErrorKind::InvalidData`] where it is something else, such as a link.
    pub fn open(path: &Path) -> io::Result<Self> {
        open(OpenOptions::new().read(true), path)
    }

    /// The end of an existing file, or of a new one.
    pub fn append(path: &Path) -> io::Result<Self> {
        open(OpenOptions::new().append(true).create(true), path)
    }

    /// Its length in bytes.
    pub fn length(&self) -> io::Result<u64> {
        Ok(self.open.get_with_length()?.1)
    }

    /// Cuts it to that length.
    pub fn cut(&self, length: u64) -> io::Result<()> {
        self.open.get()?.set_len(length)
    }

    /// Writes all of it at the end, or nothing.
    pub fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (mut file, length) = self.open.get_with_length()?;
        file.write_all(bytes).inspect_err(|_| drop(file.set_len(length)))
    }

    /// Writes all of it.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.open.get()?.write_all(bytes)
    }

    /// Reads all of it; [`io::ErrorKind::InvalidData`] where it is longer than `limit` bytes.
    pub fn read(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open.get()?.take(limit + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(bytes)
    }

    /// Locks it against other openings of it; `false` where somebody else did.
    pub fn try_lock(&mut self) -> io::Result<bool> {
        self.is_locked = match self.open.get()?.try_lock() {
            Ok(()) => true,
            Err(std::fs::TryLockError::WouldBlock) => false,
            Err(std::fs::TryLockError::Error(error)) => return Err(error),
        };
        Ok(self.is_locked)
    }

    /// When it was last touched.
    pub fn touched(&self) -> io::Result<SystemTime> {
        self.metadata()?.modified()
    }

    /// Says that it is in use.
    pub fn touch(&self) {
        if let Ok(file) = self.open.get() {
            let _ = file.set_modified(SystemTime::now());
        }
    }

    /// Is this still the file at that path? Somebody may have removed it and made another.
    #[cfg(unix)]
    pub fn is_at(&self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        let there = std::fs::symlink_metadata(path).map(|there| (there.dev(), there.ino()));
        self.metadata().is_ok_and(|here| there.is_ok_and(|there| there == (here.dev(), here.ino())))
    }

    /// Is this still the file at that path? A file that is open cannot be removed here.
    #[cfg(not(unix))]
    pub fn is_at(&self, _path: &Path) -> bool {
        true
    }

    fn metadata(&self) -> io::Result<Metadata> {
        self.open.get()?.metadata()
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        if self.is_locked {
            // Said aloud: a forked child holds the same open file, and with it the lock.
            let _ = self.open.get().map(File::unlock);
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
    opened(options.open(path)?, path)
}

fn opened(file: File, path: &Path) -> io::Result<Private> {
    let (open, is_file) = Owned::at(file, path);
    if is_file {
        Ok(Private { open, is_locked: false })
    } else {
        Err(no_file())
    }
}

fn no_file() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not a regular file")
}

/// The names in a folder; an error where it could not be read to its end. std's `read_dir` would close whatever has
/// got its number since.
#[cfg(unix)]
pub fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let path = std::ffi::CString::new(folder.as_os_str().as_bytes())?;
    // SAFETY: the path is terminated and outlives the call.
    let open = std::ptr::NonNull::new(unsafe { libc::opendir(path.as_ptr()) }).ok_or_else(io::Error::last_os_error)?;
    let (folder, _) = Owned::at(Folder(open), folder);
    let mut names = Vec::new();
    loop {
        // SAFETY: an open folder that this thread alone has; its descriptor is ours this moment.
        let entry = unsafe { libc::readdir(folder.get()?.0.as_ptr()).as_ref() };
        let Some(entry) = entry else { break };
        // SAFETY: readdir(3) terminates the name.
        let name = unsafe { std::ffi::CStr::from_ptr(entry.d_name.as_ptr()) }.to_bytes();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name.to_vec()));
        }
    }
    folder.get().map(|_| names) // closed meanwhile, it has no end but looks as if
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

/// Puts a file of this user alone in place as a whole, over what is there. `writer` tells the half-written files of one
/// process from another's.
pub fn put_in_place(path: &Path, writer: &str, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let new = path.with_file_name(format!(".{name}.{writer}.new"));
    let written = Private::create(&new).and_then(|mut file| file.write(bytes));
    let placed = written.and_then(|()| std::fs::rename(&new, path));
    if placed.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    placed
}

/// Cuts off what a file has behind so many bytes. In one call: it is done for every request. In a folder of this user alone,
/// where nobody else puts links.
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

/// Cuts off what a file has behind so many bytes.
#[cfg(not(unix))]
pub fn cut(path: &Path, length: u64) -> io::Result<()> {
    OpenOptions::new().write(true).open(path)?.set_len(length)
}

/// Is it for want of a descriptor or of memory, which may be had later?
pub fn is_passing(error: &io::Error) -> bool {
    #[cfg(unix)]
    let passing = matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM));
    #[cfg(not(unix))]
    let passing = error.kind() == io::ErrorKind::OutOfMemory;
    passing
}

/// A folder of this user alone (0700), made if need be with those above it. An error where it is another's, or a link.
#[cfg(unix)]
pub fn private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let there = std::fs::symlink_metadata(path)?;
    // SAFETY: takes nothing, cannot fail.
    let user = unsafe { libc::geteuid() };
    if !there.is_dir() || there.uid() != user {
        return Err(io::Error::other("not a folder of this user's"));
    }
    if there.mode() & 0o077 != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// A folder under this user's profile, which is private there already.
#[cfg(not(unix))]
pub fn private_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)?;
    if std::fs::symlink_metadata(path)?.is_dir() {
        Ok(())
    } else {
        Err(io::Error::other("not a folder"))
    }
}
