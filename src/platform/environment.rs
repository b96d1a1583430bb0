//! The environment block, as the host's thread sees it right now. Does not know what any variable means.
//!
//! Called on the caller's thread only: on glibc older than 2.41 a reader on one thread races `setenv` on another,
//! and only the caller can know that nobody does that now (it has the same duty for its own `getenv`).

#[cfg(unix)]
use std::ffi::{c_char, CStr};
#[cfg(unix)]
use std::sync::atomic::{AtomicUsize, Ordering};

/// Names to look for, with what makes passing over all others cheap.
pub struct Names<const N: usize> {
    names: [&'static str; N],
    /// For the first three bytes of a name: which five low bits occur there. Zero, of the NUL, never does.
    starts: [u32; 3],
    /// Where in the block [`any`] was answered with yes the last time. Only ever compared: a hint, not a reference.
    #[cfg(unix)]
    hint: AtomicUsize,
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
        Names {
            names,
            starts,
            #[cfg(unix)]
            hint: AtomicUsize::new(0),
        }
    }
}

/// Is one of the names set to a value that `is` says yes to? One pass over the block, no allocation.
///
/// `getenv` per name would walk the block once for each (11 to 39 ns a name); this walks it once for all, at some 0.7 ns
/// an entry: almost every entry is passed over at its first byte. After a yes, the next call walks to the same place
/// without looking at what comes before it, and looks closely there: a yes stays a yes while that entry says so.
#[cfg(unix)]
#[inline]
pub fn any<const N: usize>(names: &Names<N>, is: fn(&[u8]) -> bool) -> bool {
    let hint = names.hint.load(Ordering::Relaxed);
    let found = &mut |_: usize, value: &[u8]| is(value);
    // SAFETY: `at` gives a string of the block.
    if hint != 0 && unsafe { at(hint).is_some_and(|text| look_closely(text, &names.names, found)) } {
        return true;
    }
    let place = visit(names, found);
    if place != hint {
        names.hint.store(place, Ordering::Relaxed);
    }
    place != 0
}

/// The entry at this place of the block, if the block still reaches that far.
#[cfg(unix)]
#[inline]
unsafe fn at(place: usize) -> Option<*const c_char> {
    // SAFETY: a NULL-terminated array (POSIX environ), read up to its NULL at most.
    unsafe {
        let mut entry = block();
        if entry.is_null() {
            return None;
        }
        loop {
            let text = entry.read_volatile();
            if text.is_null() {
                return None;
            }
            if entry as usize == place {
                return Some(text);
            }
            entry = entry.add(1);
        }
    }
}

/// Calls `found(index, value)` for each of the names that is set, until it answers `true`: that is enough. Returns the
/// place of that entry in the block, 0 where there is none. One pass, no allocation.
#[cfg(unix)]
#[inline]
pub fn visit<const N: usize>(names: &Names<N>, found: &mut dyn FnMut(usize, &[u8]) -> bool) -> usize {
    let [first, second, third] = names.starts;
    // SAFETY: the block is a NULL-terminated array of NUL-terminated strings (POSIX environ); it is read with
    // volatile loads so that each entry is fetched once, and nothing is kept beyond this call. A byte of an entry is
    // read only after the one before it passed, which a NUL never does, so never past its end.
    unsafe {
        let mut entry = block();
        if entry.is_null() {
            return 0;
        }
        loop {
            let text: *const c_char = entry.read_volatile();
            if text.is_null() {
                return 0;
            }
            if (first >> (*text as u8 & 31)) & 1 != 0 {
                rare();
                if (second >> (*text.add(1) as u8 & 31)) & 1 != 0
                    && (third >> (*text.add(2) as u8 & 31)) & 1 != 0
                    && look_closely(text, &names.names, found)
                {
                    return entry as usize;
                }
            }
            entry = entry.add(1);
        }
    }
}

/// Tells the compiler that where this is called is not on the common way, so that the loop around it is one jump.
#[cfg(unix)]
#[cold]
fn rare() {}

/// Tells `found` of an entry that may be one of `names`, and hands on its answer. Apart, so that the loops keep their
/// registers.
///
/// # Safety
/// `text` is a NUL-terminated string.
#[cfg(unix)]
#[cold]
#[inline(never)]
unsafe fn look_closely(text: *const c_char, names: &[&str], found: &mut dyn FnMut(usize, &[u8]) -> bool) -> bool {
    names.iter().enumerate().any(|(index, name)| {
        // SAFETY: both are readable up to the first byte that differs, the NUL of `text` at the latest.
        let same = unsafe { libc::strncmp(text, name.as_ptr().cast(), name.len()) } == 0;
        // SAFETY: the bytes before are the name's, none of them the NUL; what follows is the rest of the string.
        same && unsafe {
            let rest = text.add(name.len());
            *rest as u8 == b'=' && found(index, CStr::from_ptr(rest.add(1)).to_bytes())
        }
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

/// Is one of the names set to a value that `is` says yes to?
#[cfg(not(unix))]
pub fn any<const N: usize>(names: &Names<N>, is: fn(&[u8]) -> bool) -> bool {
    visit(names, &mut |_, value| is(value)) != 0
}

/// Calls `found(index, value)` for each of the names that is set, until it answers `true`: that is enough. Returns the
/// number of that name from 1 on, 0 where there is none.
#[cfg(not(unix))]
pub fn visit<const N: usize>(names: &Names<N>, found: &mut dyn FnMut(usize, &[u8]) -> bool) -> usize {
    let is = |(index, name): (usize, &&str)| {
        std::env::var_os(name).is_some_and(|value| found(index, value.to_string_lossy().as_bytes()))
    };
    names.names.iter().enumerate().position(is).map_or(0, |index| index + 1)
}
