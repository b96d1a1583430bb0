//! From an accepted event to an answered request: one bounded lock-free queue and one sender thread a process, shared
//! by all clients whatever their destination. Lazy: nothing here exists before the first accepted event.

mod account;
mod gate;
mod lifecycle;
mod worker;

pub(crate) use account::{Account, DropReason, Refusal, Snapshot};
pub(crate) use lifecycle::{existing, for_this_process};
pub(crate) use worker::unix_micros;

use crate::client::Shared;
use crate::config::QUEUE_CAPACITY_MAX;
use crate::event::Packed;
use crate::transport;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use gate::Gate;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// An accepted event on its way to the sender.
pub(crate) struct Queued {
    pub client: Arc<Shared>,
    pub event: Packed,
}

/// What the sender is doing, as far as a tracking thread must know.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Rest {
    /// It looks at the queue by itself within a linger: nothing to do for the tracking thread.
    Awake = 0,
    /// It sleeps without a limit: the next event wakes it.
    Parked = 1,
    /// There is no thread: the next event starts it.
    NoThread = 2,
}

/// The sender's half of the process.
pub(crate) struct Pipeline {
    /// Unique among this process and those that it was forked from.
    pub id: u64,
    sender: Sender<Queued>,
    receiver: Receiver<Queued>,
    rest: AtomicU8,
    thread: OnceLock<Thread>,
    /// After a failed start of the thread: not before this coarse millisecond.
    retry_start_at: AtomicU64,
    /// Somebody waits: no linger.
    urgent: AtomicBool,
    /// The sender holds events that are neither in the queue nor settled.
    busy: AtomicBool,
    /// The last request could not even connect: the end of the process waits for nothing then.
    pub unreachable: AtomicBool,
    /// The longest wait at the end of the process that a client of this process allows, in milliseconds.
    pub exit_timeout_ms: AtomicU32,
    /// Who is on the wire, so that it can be cut.
    pub gate: Gate,
    seed: Mutex<Option<transport::Seed>>,
    progress: Mutex<()>,
    settled: Condvar,
}

impl Pipeline {
    fn new(id: u64) -> Self {
        let (sender, receiver) = crossbeam_channel::bounded(QUEUE_CAPACITY_MAX);
        Pipeline {
            id,
            sender,
            receiver,
            rest: AtomicU8::new(Rest::NoThread as u8),
            thread: OnceLock::new(),
            retry_start_at: AtomicU64::new(0),
            urgent: AtomicBool::new(false),
            busy: AtomicBool::new(false),
            unreachable: AtomicBool::new(false),
            exit_timeout_ms: AtomicU32::new(0),
            gate: Gate::default(),
            seed: Mutex::new(Some(transport::Seed::from_environment())),
            progress: Mutex::new(()),
            settled: Condvar::new(),
        }
    }

    /// Hands an event to the sender, or back where the queue is full. Never waits.
    #[inline]
    pub fn push(&'static self, queued: Queued) -> Result<(), TrySendError<Queued>> {
        self.sender.try_send(queued)?;
        // SeqCst, after the queue's own SeqCst tail: either this load sees that the sender rests, or the sender's
        // look at the queue, which follows its store of `rest`, sees this event (see `worker::rest`).
        if self.rest.load(Ordering::SeqCst) != Rest::Awake as u8 {
            self.rouse();
        }
        Ok(())
    }

    /// Wakes or starts a sender that does not look at the queue by itself.
    #[cold]
    #[inline(never)]
    fn rouse(&'static self) {
        let from = |rest: Rest| {
            let awake = Rest::Awake as u8;
            self.rest.compare_exchange(rest as u8, awake, Ordering::SeqCst, Ordering::SeqCst).is_ok()
        };
        if from(Rest::Parked) {
            self.unpark();
        } else if from(Rest::NoThread) && !lifecycle::start_sender(self) {
            self.rest.store(Rest::NoThread as u8, Ordering::SeqCst);
        }
    }

    /// Makes the sender look at the queue now: it is filling up.
    pub fn unpark(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    /// Makes the sender work without linger, because somebody waits.
    pub fn hurry(&'static self) {
        self.urgent.store(true, Ordering::SeqCst);
        if self.rest.load(Ordering::SeqCst) != Rest::Awake as u8 {
            self.rouse();
        }
        self.unpark();
    }

    /// Waits until `done`, which is asked again whenever events were settled, or until the deadline.
    /// Returns whether it was done.
    pub fn wait(&self, deadline: Instant, done: impl Fn() -> bool) -> bool {
        let mut guard = self.lock_progress();
        while !done() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            guard = self.settled.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Tells those who wait to look again.
    pub fn announce(&self) {
        drop(self.lock_progress()); // whoever looked before this is in the wait by now and hears the call
        self.settled.notify_all();
    }

    fn lock_progress(&self) -> MutexGuard<'_, ()> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is there nothing to send, neither in the queue nor in the sender's hands?
    fn is_idle(&self) -> bool {
        // In this order: the sender says that it is busy before it takes an event out.
        self.receiver.is_empty() && !self.busy.load(Ordering::SeqCst)
    }

    /// What the end of the process may wait for.
    pub fn exit_budget(&self) -> Duration {
        if self.unreachable.load(Ordering::SeqCst) {
            return Duration::ZERO;
        }
        Duration::from_millis(self.exit_timeout_ms.load(Ordering::Relaxed).into())
    }
}
