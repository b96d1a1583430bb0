//! Changes to the environment of a test's own process.

use std::ffi::OsStr;

/// Sets a variable.
#[allow(unsafe_code)]
pub fn set(name: &str, value: impl AsRef<OsStr>) {
    // SAFETY: tests that change the environment run in a process of their own, in which no other thread of theirs
    // changes it; the library's threads read it through the same lock of the standard library, or at one instant that
    // the library's own documentation calls safe.
    unsafe { std::env::set_var(name, value) }
}

/// Removes a variable.
#[allow(unsafe_code)]
pub fn remove(name: &str) {
    // SAFETY: as in `set`.
    unsafe { std::env::remove_var(name) }
}
