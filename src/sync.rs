//! The atomics and locks of what `make model` tries in every order: std's, or with `cfg(loom)` those of the model checker. No code
//! of its own.

#[cfg(not(loom))]
pub(crate) use std::sync::{atomic, Condvar, Mutex, MutexGuard};

#[cfg(loom)]
pub(crate) use loom::sync::{atomic, Condvar, Mutex, MutexGuard};
