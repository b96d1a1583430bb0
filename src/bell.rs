//! What a thread of the library sleeps at until another rings. As std's `park` and `unpark`, which take memory from the system
//! for each thread that parks and end the process where there is none; a `Bell` takes none.

use crate::sync::{lock, Condvar, Mutex};
use std::sync::PoisonError;
use std::time::Duration;

/// For one thread that waits and any that ring. A ring is not lost where nobody waits: the next wait returns at once.
#[derive(Default)]
pub struct Bell {
    state: Mutex<State>,
    rung: Condvar,
}

#[derive(Default)]
struct State {
    is_rung: bool,
    /// Else a ring costs no system call.
    is_waited_for: bool,
}

impl Bell {
    /// Wakes whoever waits, or will.
    pub fn ring(&self) {
        let mut state = lock(&self.state);
        state.is_rung = true;
        let is_waited_for = std::mem::take(&mut state.is_waited_for);
        drop(state);
        if is_waited_for {
            self.rung.notify_one();
        }
    }

    /// Returns when somebody has rung since the last wait, or after that time, or for no reason at all.
    pub fn wait(&self, at_most: Option<Duration>) {
        let mut state = lock(&self.state);
        if !state.is_rung {
            state.is_waited_for = true;
            state = match at_most {
                Some(time) => self.rung.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0,
                None => self.rung.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        *state = State::default();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_ring_before_the_wait_is_not_lost_and_counts_once() {
        let bell = Bell::default();
        bell.ring();
        bell.ring();
        bell.wait(None);
        assert!(!lock(&bell.state).is_rung);
        bell.wait(Some(Duration::from_millis(1))); // has an end
    }

    #[test]
    fn a_ring_wakes_a_thread_that_waits() {
        let bell = Bell::default();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| bell.wait(None));
            while !lock(&bell.state).is_waited_for && !waits.is_finished() {
                std::thread::yield_now();
            }
            bell.ring();
        });
    }
}
