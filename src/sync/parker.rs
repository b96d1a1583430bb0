//! Where a background thread sleeps until another thread wakes it. It does the same as std's `park` and `unpark`. Those
//! allocate for each thread that parks, and abort the process if there is no memory; a `Parker` allocates nothing.

use super::{Condvar, Mutex, lock};
use std::sync::PoisonError;
use std::time::Duration;

/// For one thread that parks and any number of threads that unpark it. An `unpark` before the `park` is not lost: that
/// `park` returns at once.
#[derive(Default)]
pub struct Parker {
    state: Mutex<State>,
    unparked: Condvar,
}

#[derive(Default)]
struct State {
    is_unparked: bool,
    /// While no thread is parked, `unpark` makes no system call.
    is_parked: bool,
}

impl Parker {
    /// Wakes the thread that is parked, or that parks next.
    pub fn unpark(&self) {
        let mut state = lock(&self.state);
        state.is_unparked = true;
        let is_parked = std::mem::take(&mut state.is_parked);
        drop(state);
        if is_parked {
            self.unparked.notify_one();
        }
    }

    /// Returns when a thread has called `unpark` since the last `park`, or after `timeout`, or spuriously.
    pub fn park(&self, at_most: Option<Duration>) {
        let mut state = lock(&self.state);
        if !state.is_unparked {
            state.is_parked = true;
            state = match at_most {
                Some(time) => self.unparked.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0,
                None => self.unparked.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        *state = State::default();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_unpark_before_the_park_is_not_lost_and_counts_once() {
        let parker = Parker::default();
        parker.unpark();
        parker.unpark();
        parker.park(None);
        assert!(!lock(&parker.state).is_unparked);
        parker.park(Some(Duration::from_millis(1))); // the wait must end
    }

    #[test]
    fn an_unpark_wakes_a_parked_thread() {
        let parker = Parker::default();
        std::thread::scope(|scope| {
            let parked = scope.spawn(|| parker.park(None));
            while !lock(&parker.state).is_parked && !parked.is_finished() {
                std::thread::yield_now();
            }
            parker.unpark();
        });
    }
}
