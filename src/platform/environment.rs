//! The environment block, as the host's thread sees it right now. Does not know what any variable means.
//!
//! Called on the caller's thread only: on glibc older than 2.41 a reader on one thread races `setenv` on another,
//! and only the caller can know that nobody does that now (it has the same duty for its own `getenv`).

#[cfg(unix)]
use std::ffi::{c_char, CStr};

/// Names to look for, with what makes passing over all others cheap.
pub struct Names<const N: usize> {
    names: [&'static str; N],
    /// For the first three bytes of a name: which five low bits occur there. Zero, of the NUL, never does.
    starts: [u32; 3],
}

impl<const N: usize> Names<N> {
    /// Names of at least three bytes, each a letter or `_`.
    pub const fn new(names: [&'static str; N]) -> Self {
        let mut starts = [0; 3];
        let mut index = 0;
        while index < N {
            let mut at = 0;
            while at < 3 {
                #[allow(clippy::indexing_slicing)] // evaluated by the compiler alone
                {
                    starts[at] |= 1 << (names[index].as_bytes()[at] & 31);
                }
                at += 1;
            }
            index += 1;
        }
        Names { names, starts }
    }
}

/// Calls `found(index, value)` for each of the names that is set, until it answers `true`: that is enough. One pass, no
/// allocation.
///
/// `getenv` per name would walk the block once for each (11 to 39 ns a name); this walks it once for all, at some 0.7 ns
/// an entry: almost every entry is passed over at its first, second or third byte.
#[cfg(unix)]
#[inline(always)]
pub fn visit<const N: usize>(names: &Names<N>, found: &mut dyn FnMut(usize, &[u8]) -> bool) {
    let [first, second, third] = names.starts;
    // SAFETY: the block is a NULL-terminated array of NUL-terminated strings (POSIX environ); it is read with
    // volatile loads so that each entry is fetched once, and nothing is kept beyond this call. A byte of an entry is
    // read only after the one before it passed, which a NUL never does, so never past its end.
    unsafe {
        let mut entry = block();
        if entry.is_null() {
            return;
        }
        loop {
            let text: *const c_char = entry.read_volatile();
            if text.is_null() {
                return;
            }
            if (first >> (*text as u8 & 31)) & 1 != 0
                && (second >> (*text.add(1) as u8 & 31)) & 1 != 0
                && (third >> (*text.add(2) as u8 & 31)) & 1 != 0
                && look_closely(text, &names.names, found)
            {
                return;
            }
            entry = entry.add(1);
        }
    }
}

/// Tells `found` of an entry that may be one of `names`, and hands on its answer. Apart, so that the loop keeps its registers.
///
/// # Safety
/// `text` is a NUL-terminated string.
#[cfg(unix)]
#[cold]
#[inline(never)]
unsafe fn look_closely(text: *const c_char, names: &[&str], found: &mut dyn FnMut(usize, &[u8]) -> bool) -> bool {
    // SAFETY: the caller's promise.
    let entry = unsafe { CStr::from_ptr(text) }.to_bytes();
    names.iter().enumerate().any(|(index, name)| {
        let value = entry.strip_prefix(name.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
        value.is_some_and(|value| found(index, value))
    })
}

/// The environment block of this process.
#[cfg(all(unix, not(target_vendor = "apple")))]
unsafe fn block() -> *const *const c_char {
    extern "C" {
        static mut environ: *const *const c_char;
    }
    // SAFETY: `environ` is defined by every libc; the pointer is read once.
    unsafe { std::ptr::addr_of!(environ).read_volatile() }
}

/// The environment block of this process: a shared library on Apple's systems reaches it by a call alone.
#[cfg(target_vendor = "apple")]
unsafe fn block() -> *const *const c_char {
    extern "C" {
        fn _NSGetEnviron() -> *const *const *const c_char;
    }
    // SAFETY: crt_externs.h: returns the address of `environ`, never NULL.
    unsafe { _NSGetEnviron().read_volatile() }
}

/// Calls `found(index, value)` for each of the names that is set, until it answers `true`: that is enough.
#[cfg(not(unix))]
pub fn visit<const N: usize>(names: &Names<N>, found: &mut dyn FnMut(usize, &[u8]) -> bool) {
    for (index, name) in names.names.iter().enumerate() {
        if std::env::var_os(name).is_some_and(|value| found(index, value.to_string_lossy().as_bytes())) {
            return;
        }
    }
}
