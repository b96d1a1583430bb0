//! Which open file a descriptor's number stands for right now. A host that closes all descriptors (a daemon does) may
//! get our numbers for files of its own: writing there would be writing into its data.

use std::ffi::c_int;

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
