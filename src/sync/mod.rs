//! The atomics and locks of what `make model` tries in every order: std's, or with `cfg(loom)` those of the model
//! checker.

#[cfg(not(loom))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic};

#[cfg(loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard, atomic};

pub(crate) mod parker;

use std::sync::PoisonError;

/// Also where a thread panicked with it: what is behind these locks is whole at any time.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tries a model in every order, with three changes of the thread at most that no thread asked for.
#[cfg(all(test, loom))]
pub(crate) fn in_every_order(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}
