//! Changes to the environment of a test's own process.

use std::ffi::OsStr;

/// Sets a variable.
#[allow(unsafe_code)]
pub fn set(name: &str, value: impl AsRef<OsStr>) {
    // SAFETY: tests that change the environment run in a process of their own, in which no other thread of the test
    // changes it. The library's threads do not read it, and the calling thread reads it in a way that is safe.
    unsafe { std::env::set_var(name, value) }
}

/// Removes a variable.
#[allow(unsafe_code)]
pub fn remove(name: &str) {
    // SAFETY: as in `set`.
    unsafe { std::env::remove_var(name) }
}
