//! Checks which open file a descriptor's number stands for. A host program that closes all descriptors, as a daemon
//! does, may get the library's numbers for files of its own. Without the check the library would write into the
//! program's data or close its file. It can still happen between the check and the use. That gap is microseconds long
//! and cannot be closed from here.

#[cfg(unix)]
pub use by_identity::Owned;

/// Whether a person can see what is written to standard error. That is not so if there is no standard error, as in a
/// program that has only windows, or if it is a device other than a console, such as `NUL`.
#[cfg(windows)]
pub fn is_standard_error_seen() -> bool {
    use super::windows::{
        FILE_TYPE_CHAR, FILE_TYPE_UNKNOWN, GetConsoleMode, GetFileType, GetStdHandle, STD_ERROR_HANDLE,
    };
    // SAFETY: both take any handle; the mode is ours for the whole call.
    unsafe {
        let handle = GetStdHandle(STD_ERROR_HANDLE);
        match GetFileType(handle) {
            FILE_TYPE_UNKNOWN => false,
            FILE_TYPE_CHAR => GetConsoleMode(handle, &mut 0) != 0,
            _ => true,
        }
    }
}

#[cfg(unix)]
mod by_identity {
    use std::ffi::c_int;
    use std::io;
    use std::mem::ManuallyDrop;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    /// Device and inode, which differ for each open socket, pipe and file.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    struct Identity {
        device: u64,
        inode: u64,
    }

    /// What one call returns about a descriptor.
    struct About {
        identity: Identity,
        /// The number of its hard links.
        links: u64,
        is_file: bool,
        length: u64,
    }

    impl Identity {
        /// What this number stands for; `None` if it is closed.
        fn of(descriptor: c_int) -> Option<Self> {
            About::of(descriptor).map(|about| about.identity)
        }
    }

    impl About {
        #[allow(clippy::useless_conversion, clippy::unnecessary_cast)] // the types differ by system
        fn of(descriptor: c_int) -> Option<Self> {
            let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
            // SAFETY: fstat(2) takes any number, writes a whole stat where it returns 0, and keeps no pointer.
            unsafe {
                (libc::fstat(descriptor, stat.as_mut_ptr()) == 0).then(|| {
                    let stat = stat.assume_init();
                    About {
                        identity: Identity { device: stat.st_dev as u64, inode: stat.st_ino as u64 },
                        links: stat.st_nlink as u64,
                        is_file: stat.st_mode & libc::S_IFMT == libc::S_IFREG,
                        length: stat.st_size as u64,
                    }
                })
            }
        }
    }

    /// Something open that is used and closed only while its descriptor still stands for it.
    #[derive(Debug)]
    pub struct Owned<T: AsRawFd> {
        open: ManuallyDrop<T>,
        identity: Option<Identity>,
    }

    impl<T: AsRawFd> Owned<T> {
        /// Takes what was just opened. `is_it` checks that it is what was asked for, because the number may already
        /// stand for something else.
        pub fn new(open: T, is_it: impl FnOnce(&T) -> bool) -> Self {
            let identity = Identity::of(open.as_raw_fd()).filter(|_| is_it(&open));
            Owned { open: ManuallyDrop::new(open), identity }
        }

        /// Takes what was just opened at this path. Also returns whether it is a regular file.
        pub fn at(open: T, path: &Path) -> (Self, bool) {
            let there =
                std::fs::symlink_metadata(path).map(|there| Identity { device: there.dev(), inode: there.ino() });
            let is_it = |about: &About| {
                about.links == 0 // somebody has removed it or replaced it since
                    || there.is_ok_and(|there| about.identity == there)
            };
            let about = About::of(open.as_raw_fd()).filter(is_it);
            let is_file = about.as_ref().is_some_and(|about| about.is_file);
            (Owned { open: ManuallyDrop::new(open), identity: about.map(|about| about.identity) }, is_file)
        }

        /// What is open, if the descriptor still stands for it.
        pub fn get(&self) -> io::Result<&T> {
            if self.is_ours() { Ok(&self.open) } else { Err(io::ErrorKind::ConnectionAborted.into()) }
        }

        /// What is open, if the descriptor still stands for it, and its length.
        pub fn get_with_length(&self) -> io::Result<(&T, u64)> {
            let about = About::of(self.open.as_raw_fd()).filter(|about| Some(about.identity) == self.identity);
            about.map(|about| (&*self.open, about.length)).ok_or_else(|| io::ErrorKind::ConnectionAborted.into())
        }

        fn is_ours(&self) -> bool {
            self.identity.is_some() && Identity::of(self.open.as_raw_fd()) == self.identity
        }
    }

    impl<T: AsRawFd> Drop for Owned<T> {
        fn drop(&mut self) {
            if self.is_ours() {
                // SAFETY: dropped once, here, and not used after.
                unsafe { ManuallyDrop::drop(&mut self.open) };
            }
        }
    }
}

/// Something open. No check is needed here: no program closes all handles of a process.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Owned<T>(T);

#[cfg(not(unix))]
impl<T> Owned<T> {
    /// Takes what was just opened.
    pub fn new(open: T, _is_it: impl FnOnce(&T) -> bool) -> Self {
        Owned(open)
    }

    /// What is open.
    pub fn get(&self) -> std::io::Result<&T> {
        Ok(&self.0)
    }
}

#[cfg(not(unix))]
impl Owned<std::fs::File> {
    /// Takes what was just opened at this path. Also returns whether it is a regular file and not a link.
    pub fn at(open: std::fs::File, _path: &std::path::Path) -> (Self, bool) {
        let is_file = open.metadata().is_ok_and(|about| about.file_type().is_file());
        (Owned(open), is_file)
    }

    /// What is open, and its length.
    pub fn get_with_length(&self) -> std::io::Result<(&std::fs::File, u64)> {
        Ok((&self.0, self.0.metadata()?.len()))
    }
}
