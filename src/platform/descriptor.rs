//! Which open file a descriptor's number stands for right now. A host that closes all descriptors (a daemon does) may
//! get our numbers for files of its own: writing there would be writing into its data.

use std::ffi::c_int;

/// Does a person get to see what is written there? Not where it is closed, or a device that is no terminal: `/dev/null`.
pub fn is_seen(descriptor: c_int) -> bool {
    let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: as in [`Identity::of`]; isatty(3) takes any number.
    unsafe {
        libc::fstat(descriptor, stat.as_mut_ptr()) == 0
            && (stat.assume_init().st_mode & libc::S_IFMT != libc::S_IFCHR || libc::isatty(descriptor) == 1)
    }
}

/// Device and inode: another one for each socket, pipe and file that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// What this number stands for; `None` where it is closed.
    #[allow(clippy::useless_conversion, clippy::unnecessary_cast)] // the types differ by system
    pub fn of(descriptor: c_int) -> Option<Self> {
        let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
        // SAFETY: fstat(2) takes any number, writes a whole stat where it returns 0, and keeps no pointer.
        unsafe {
            (libc::fstat(descriptor, stat.as_mut_ptr()) == 0).then(|| {
                let stat = stat.assume_init();
                Identity { device: stat.st_dev as u64, inode: stat.st_ino as u64 }
            })
        }
    }
}
