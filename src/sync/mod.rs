//! The atomics and locks of the code that `make model` tries in every order: those of std, or with `cfg(loom)` those of
//! the model checker.

#[cfg(not(loom))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic};

#[cfg(loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard, atomic};

pub(crate) mod parker;

use std::sync::PoisonError;

/// Locks a mutex, even if a thread panicked while it held it: what these locks protect is valid at any time.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tries a model in every order, with at most three preemptions.
#[cfg(all(test, loom))]
pub(crate) fn in_every_order(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}
