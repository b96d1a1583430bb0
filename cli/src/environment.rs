//! Changes to the command's own environment, which the library reads its settings from.

use std::ffi::OsStr;

/// Sets a variable, or removes it if the value is `None`. Must be called before the command starts a thread.
#[expect(unsafe_code, reason = "the only changes to the environment that the command makes")]
pub fn set(name: impl AsRef<OsStr>, value: Option<&OsStr>) {
    // SAFETY: the callers run on the main thread, before any other thread exists, so nobody reads the environment now.
    unsafe {
        match value {
            Some(value) => std::env::set_var(name, value),
            None => std::env::remove_var(name),
        }
    }
}
