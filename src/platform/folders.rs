//! Folders: private ones, what is in them, and which one it is.

use std::ffi::OsString;
use std::fs::Metadata;
use std::io;
use std::path::Path;
use std::time::SystemTime;

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

/// Prepares a folder under this user's profile, which is private by default.
#[cfg(not(unix))]
pub fn private_folder(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)?;
    if std::fs::symlink_metadata(path)?.is_dir() { Ok(()) } else { Err(io::Error::other("not a folder")) }
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

/// The names in a folder; an error if it could not be read completely. std's `read_dir` would close any file that got
/// its number in between.
#[cfg(unix)]
pub fn names_in(folder: &Path) -> io::Result<Vec<OsString>> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let path = std::ffi::CString::new(folder.as_os_str().as_bytes())?;
    // SAFETY: the path is terminated and outlives the call.
    let open = std::ptr::NonNull::new(unsafe { libc::opendir(path.as_ptr()) }).ok_or_else(io::Error::last_os_error)?;
    let (folder, _) = super::descriptor::Owned::at(Folder(open), folder);
    let mut names = Vec::new();
    loop {
        let open = folder.get()?.0.as_ptr();
        // SAFETY: an open folder that this thread alone has; its descriptor was checked this moment. readdir(3) returns
        // NULL at the end and for an error, and sets this thread's errno only for an error.
        let entry = unsafe {
            *errno() = 0;
            libc::readdir(open).as_ref()
        };
        let Some(entry) = entry else { break };
        // SAFETY: readdir(3) terminates the name.
        let name = unsafe { std::ffi::CStr::from_ptr(entry.d_name.as_ptr()) }.to_bytes();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name.to_vec()));
        }
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() != Some(0) => Err(error),
        _ => folder.get().map(|_| names), // if it was closed in between, it looks as if it had ended
    }
}

/// Where this thread's errno is.
#[cfg(unix)]
unsafe fn errno() -> *mut std::ffi::c_int {
    // SAFETY: each takes nothing, cannot fail, and returns a pointer that is valid as long as the thread lives.
    unsafe {
        #[cfg(target_vendor = "apple")]
        return libc::__error();
        #[cfg(target_os = "android")]
        return libc::__errno();
        #[cfg(not(any(target_vendor = "apple", target_os = "android")))]
        return libc::__errno_location();
    }
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

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used)] // a test that cannot go on should stop
mod tests {
    use super::*;

    /// Makes each getdents64(2) of this thread fail with EIO from now on; `false` if the system does not allow that, as
    /// under an emulator.
    fn no_folder_can_be_read() -> bool {
        let instruction = |code: u32, jf: u8, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf, k };
        let mut filter = [
            instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0), // the number of the system call
            instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, libc::SYS_getdents64 as u32),
            instruction(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | libc::EIO as u32),
            instruction(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
        ];
        let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_mut_ptr() };
        // SAFETY: both concern this thread alone; the program lives for the whole call.
        unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
        }
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_not_taken_for_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let path = folder.path();
        let read =
            std::thread::scope(|scope| scope.spawn(|| no_folder_can_be_read().then(|| names_in(path))).join().unwrap());
        let Some(read) = read else { return println!("NOT RUN: seccomp(2) is not there") };
        assert_eq!(read.unwrap_err().raw_os_error(), Some(libc::EIO));
        assert_eq!(names_in(path).unwrap(), ["file"], "on other threads");
    }
}
