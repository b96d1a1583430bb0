//! How the uploader and the exit of the process agree: either a request is sent and the exit knows about it, or it is
//! not sent any more.

use crate::platform::clock::coarse_millis;
use crate::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use crate::sync::{Mutex, lock};
use std::fmt;
use std::time::Duration;

/// Whether a request may be sent. The exit of the process closes it; from then on no request is sent, since its
/// answer would not be received.
pub struct SendPermit {
    state: AtomicU8,
    /// The request that is on its way.
    request: Mutex<Option<OnItsWay>>,
    /// When the request was written whole, in coarse milliseconds; 0 while no answer is awaited.
    awaiting_since: AtomicU64,
}

/// For how long an answer of `may_leave` counts, in coarse milliseconds: a connection may take seconds, and the person
/// may say no meanwhile.
const FRESH_MS: u64 = 10;

/// What is asked and noted of a request on its way.
pub struct OnItsWay {
    /// Whether it may still leave.
    may_leave: Box<dyn Fn() -> bool + Send>,
    /// When that was asked last.
    asked_ms: u64,
    is_refused: bool,
    /// Called when it was written whole.
    when_sent: Option<Box<dyn FnOnce() + Send>>,
}

impl OnItsWay {
    /// A request that may leave at this moment.
    pub fn new(may_leave: Box<dyn Fn() -> bool + Send>, when_sent: Option<Box<dyn FnOnce() + Send>>) -> Self {
        OnItsWay { may_leave, asked_ms: coarse_millis(), is_refused: false, when_sent }
    }

    fn may_leave(&mut self) -> bool {
        let now_ms = coarse_millis();
        if self.is_refused || now_ms.saturating_sub(self.asked_ms) >= FRESH_MS {
            self.is_refused = self.is_refused || !(self.may_leave)();
            self.asked_ms = now_ms;
        }
        !self.is_refused
    }
}

impl SendPermit {
    const IDLE: u8 = 0;
    /// A request is being written or was written, and its outcome is still open.
    const SENDING: u8 = 1;
    /// The process exits: no request is sent any more.
    const CLOSED: u8 = 2;

    /// Nothing is being sent.
    pub fn idle() -> Self {
        SendPermit { state: AtomicU8::new(Self::IDLE), request: Mutex::new(None), awaiting_since: AtomicU64::new(0) }
    }

    /// What is asked and noted of the next request.
    pub fn begin(&self, request: OnItsWay) {
        *lock(&self.request) = Some(request);
    }

    /// The request is over. Returns whether it was refused because it might not leave any more.
    pub fn end(&self) -> bool {
        lock(&self.request).take().is_some_and(|request| request.is_refused)
    }

    /// Called before a part of a request is written. Returns whether it may be written.
    pub fn send(&self) -> bool {
        if !lock(&self.request).as_mut().is_none_or(OnItsWay::may_leave) {
            return false;
        }
        self.swap(Self::IDLE, Self::SENDING) || self.state.load(Ordering::SeqCst) == Self::SENDING
    }

    /// Called when the request was written whole, and its answer is awaited from now on.
    pub fn awaits_answer(&self) {
        if self.awaiting_since.load(Ordering::Relaxed) == 0 {
            self.awaiting_since.store(coarse_millis().max(1), Ordering::SeqCst);
            let note = lock(&self.request).as_mut().and_then(|request| request.when_sent.take());
            note.into_iter().for_each(|note| note());
        }
    }

    /// For how long the answer to a request that was written whole has been awaited; `None` while none is.
    pub fn awaited(&self) -> Option<Duration> {
        match self.awaiting_since.load(Ordering::SeqCst) {
            0 => None,
            since => Some(Duration::from_millis(coarse_millis().saturating_sub(since))),
        }
    }

    /// Called when the outcome of the request is known.
    pub fn settle(&self) {
        self.awaiting_since.store(0, Ordering::SeqCst);
        self.swap(Self::SENDING, Self::IDLE);
    }

    /// Closes the permit: no request is sent from now on. Returns false, and closes nothing, while a request is being
    /// sent.
    pub fn close(&self) -> bool {
        self.swap(Self::IDLE, Self::CLOSED) || self.is_closed()
    }

    /// Opens the permit again, because the process goes on after all.
    pub fn reopen(&self) {
        self.swap(Self::CLOSED, Self::IDLE);
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.state.load(Ordering::SeqCst) == Self::CLOSED
    }

    fn swap(&self, from: u8, to: u8) -> bool {
        self.state.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

impl fmt::Debug for SendPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendPermit").field("state", &self.state).finish_non_exhaustive()
    }
}

/// The model for loom: every order that threads and memory allow (`make model`).
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::sync::in_every_order;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicBool;
    use loom::thread;

    /// One thread sends two requests; another closes the permit, as the exit of the process does.
    #[test]
    fn nothing_is_sent_after_the_exit_went_on_and_it_does_not_go_on_while_a_request_is_sent() {
        in_every_order(|| {
            let (permit, is_unsettled) = (Arc::new(SendPermit::idle()), Arc::new(AtomicBool::new(false)));
            let is_gone = Arc::new(AtomicBool::new(false));
            let uploader = thread::spawn({
                let (permit, is_unsettled, is_gone) = (permit.clone(), is_unsettled.clone(), is_gone.clone());
                move || {
                    for _ in 0..2 {
                        let was_gone = is_gone.load(Ordering::Acquire);
                        // A further write within the same request, such as the body after the head, is allowed.
                        if permit.send() && permit.send() {
                            assert!(!was_gone, "sent, and nobody hears the answer");
                            is_unsettled.store(true, Ordering::Relaxed);
                            is_unsettled.store(false, Ordering::Relaxed);
                        } else {
                            assert!(permit.is_closed());
                        }
                        permit.settle();
                    }
                }
            });
            if permit.close() {
                assert!(!is_unsettled.load(Ordering::Relaxed), "gone while an answer is on its way");
                is_gone.store(true, Ordering::Release);
            }
            uploader.join().unwrap();
            assert!(permit.close());
        });
    }
}
