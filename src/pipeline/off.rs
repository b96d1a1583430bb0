//! Why a client takes no events, and under which consent epoch it takes them.

use crate::sync::atomic::{AtomicU32, Ordering};

/// A reason for which no event is taken. Each is a bit, so that one load shows whether there is any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Reason {
    /// The host program's switch.
    Host = 1,
    /// The person's saved choice, or the administrator's.
    Saved = 2,
    /// The saved choices were not read yet, because something before them said "off".
    Unread = 4,
    /// There are no credentials.
    NotConfigured = 8,
    /// The client was closed.
    Closed = 16,
    /// The environment, when it was last checked.
    Environment = 32,
    /// The process is of a kind in which nothing is reported.
    Unsupported = 64,
}

/// The reasons that hold now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reasons(u32);

impl Reasons {
    /// The set of these reasons.
    pub fn of(reasons: &[Reason]) -> Self {
        Reasons(reasons.iter().fold(0, |bits, reason| bits | *reason as u32))
    }

    /// Whether this reason is in the set.
    pub fn has(self, reason: Reason) -> bool {
        self.0 & reason as u32 != 0
    }

    /// Whether the set is empty.
    #[inline(always)]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set without this reason.
    pub fn without(self, reason: Reason) -> Self {
        Reasons(self.0 & !(reason as u32))
    }
}

/// The reasons of one client, and its consent epoch.
///
/// An event carries the epoch under which it was admitted, and may leave only while that is the current one. Turning a
/// client off sets the reason first and raises the epoch then, so an event that was admitted before is stale from that
/// moment on, even if the client was turned on again since.
#[derive(Debug)]
pub struct OffSwitch {
    reasons: AtomicU32,
    epoch: AtomicU32,
}

impl OffSwitch {
    /// A switch with these reasons from the start.
    pub fn new(reasons: Reasons) -> Self {
        OffSwitch { reasons: AtomicU32::new(reasons.0), epoch: AtomicU32::new(0) }
    }

    /// The epoch under which an event is admitted. Read before [`OffSwitch::reasons`].
    #[inline(always)]
    pub fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::Acquire)
    }

    /// The reasons that hold now.
    #[inline(always)]
    pub fn reasons(&self) -> Reasons {
        Reasons(self.reasons.load(Ordering::SeqCst))
    }

    /// Off for this reason: no event that was admitted before may leave. Returns whether that is new.
    pub fn turn_off(&self, reason: Reason) -> bool {
        let is_new = !self.add(reason).has(reason);
        if is_new {
            self.epoch.fetch_add(1, Ordering::SeqCst);
        }
        is_new
    }

    /// No event is taken for this reason from now on; those that were taken before may leave. Returns what held before.
    pub fn add(&self, reason: Reason) -> Reasons {
        Reasons(self.reasons.fetch_or(reason as u32, Ordering::SeqCst))
    }

    /// Removes this reason.
    pub fn remove(&self, reason: Reason) {
        self.reasons.fetch_and(!(reason as u32), Ordering::SeqCst);
    }
}

/// The model for loom: every order that threads and memory allow (`make model`).
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::sync::in_every_order;
    use loom::sync::Arc;
    use loom::thread;

    /// One thread admits an event and looks, as the uploader does, whether it may leave; another turns the client off,
    /// and on again.
    #[test]
    fn what_was_admitted_before_a_client_was_turned_off_is_stale_for_ever() {
        in_every_order(|| {
            let switch = Arc::new(OffSwitch::new(Reasons::of(&[])));
            let turns_off = thread::spawn({
                let switch = switch.clone();
                move || {
                    let before = switch.epoch();
                    assert!(switch.turn_off(Reason::Host));
                    assert_ne!(switch.epoch(), before, "what was admitted before is stale when this returns");
                    switch.remove(Reason::Host);
                }
            });
            let epoch = switch.epoch();
            let is_admitted = switch.reasons().is_empty();
            turns_off.join().unwrap();
            if is_admitted && switch.epoch() == epoch {
                assert_eq!(epoch, 1, "only what was admitted after it was turned off and on again may leave");
            }
        });
    }

    #[test]
    fn of_two_threads_that_turn_a_client_off_one_is_told_that_it_is_new() {
        in_every_order(|| {
            let switch = Arc::new(OffSwitch::new(Reasons::of(&[])));
            let other = thread::spawn({
                let switch = switch.clone();
                move || switch.turn_off(Reason::Host)
            });
            let is_new = switch.turn_off(Reason::Host);
            assert_ne!(is_new, other.join().unwrap());
            assert_eq!(switch.epoch(), 1);
        });
    }
}
