//! The environment block, as the host's thread sees it right now. Does not know what any variable means.
//!
//! Called on the caller's thread only. On glibc the host may change its environment on another thread all the while
//! (`glibc.rs`); elsewhere that is as undefined as it is for `getenv`.

#[cfg(all(target_os = "linux", target_env = "gnu", not(pact_like_macos)))]
mod glibc;
#[cfg(all(target_os = "linux", target_env = "gnu", not(pact_like_macos)))]
pub use glibc::{Names, Seen, any, visit};

#[cfg(not(all(target_os = "linux", target_env = "gnu", not(pact_like_macos))))]
pub use elsewhere::{Names, Seen, any, visit};

/// The environment block of this process.
#[cfg(all(unix, not(target_vendor = "apple")))]
unsafe fn block() -> *const *const std::ffi::c_char {
    unsafe extern "C" {
        static mut environ: *const *const std::ffi::c_char;
    }
    // SAFETY: `environ` is defined by every libc; the pointer is read once.
    unsafe { std::ptr::addr_of!(environ).read_volatile() }
}

/// The environment block of this process: a shared library on Apple's systems reaches it by a call alone.
#[cfg(target_vendor = "apple")]
unsafe fn block() -> *const *const std::ffi::c_char {
    unsafe extern "C" {
        fn _NSGetEnviron() -> *const *const *const std::ffi::c_char;
    }
    // SAFETY: crt_externs.h: returns the address of `environ`, never NULL.
    unsafe { _NSGetEnviron().read_volatile() }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu", not(pact_like_macos))))]
mod elsewhere {
    /// Names to look for, and whether a value counts.
    pub struct Names<const N: usize> {
        names: [&'static str; N],
        counts: fn(&[u8]) -> bool,
    }

    impl<const N: usize> Names<N> {
        /// Each not empty.
        pub const fn new(names: [&'static str; N], counts: fn(&[u8]) -> bool, _seen: &'static Seen<N>) -> Self {
            Names { names, counts }
        }
    }

    /// Nothing is remembered here.
    pub struct Seen<const N: usize>;

    impl<const N: usize> Seen<N> {
        /// Nothing.
        pub const fn new() -> Self {
            Seen
        }
    }

    /// Whether one of the names is set to a value that counts.
    pub fn any<const N: usize>(names: &Names<N>) -> bool {
        let mut answer = false;
        visit(names, &mut |_, value| answer |= (names.counts)(value));
        answer
    }

    /// Calls `found(index, value)` for each of the names that is set. One pass, no allocation.
    #[cfg(unix)]
    pub fn visit<const N: usize>(names: &Names<N>, found: &mut dyn FnMut(usize, &[u8])) {
        // SAFETY: the block is a NULL-terminated array of NUL-terminated strings (POSIX environ), read with volatile
        // loads so that each entry is fetched once; nothing is kept beyond this call. A NUL ends a comparison like any
        // other byte that differs.
        unsafe {
            let mut entry = super::block();
            while !entry.is_null() {
                let text = entry.read_volatile();
                if text.is_null() {
                    return;
                }
                for (index, name) in names.names.iter().enumerate() {
                    if libc::strncmp(text, name.as_ptr().cast(), name.len()) == 0 && *text.add(name.len()) as u8 == b'='
                    {
                        found(index, std::ffi::CStr::from_ptr(text.add(name.len() + 1)).to_bytes());
                    }
                }
                entry = entry.add(1);
            }
        }
    }

    /// Calls `found(index, value)` for each of the names that is set.
    #[cfg(not(unix))]
    pub fn visit<const N: usize>(names: &Names<N>, found: &mut dyn FnMut(usize, &[u8])) {
        for (index, name) in names.names.iter().enumerate() {
            if let Some(value) = std::env::var_os(name) {
                found(index, value.to_string_lossy().as_bytes());
            }
        }
    }
}
