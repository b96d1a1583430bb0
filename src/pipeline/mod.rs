//! From an accepted event to an answered request: one bounded lock-free queue and two threads a process, shared by all
//! clients whatever their destination. Lazy: nothing here exists before the first accepted event.

mod account;
mod gate;
mod hand;
mod lifecycle;
mod progress;
mod queue;
mod uploader;
mod wake;
mod worker;

pub(crate) use account::{Account, DropReason, Refusal, Snapshot};
pub(crate) use gate::Cutting;
pub(crate) use lifecycle::{existing, for_this_process};
pub(crate) use worker::unix_micros;

use crate::bell::Bell;
use crate::client::{Route, Shared};
use crate::config::QUEUE_CAPACITY_MAX;
use crate::event::Packed;
use crate::sync::{lock, Mutex, MutexGuard};
use crate::transport::{self, Outcome};
use gate::Gate;
use hand::Batch;
use progress::Progress;
use queue::Queue;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wake::Wake;

/// In how many state folders one process may keep batches and have all of them emptied at once.
const PURGE_ROUTES: usize = 16;

/// An accepted event on its way to the sender.
pub(crate) struct Queued {
    pub client: Arc<Shared>,
    pub event: Packed,
}

/// The sender's half of the process.
pub(crate) struct Pipeline {
    /// Unique among this process and those that it was forked from.
    pub id: u64,
    queue: Queue<Queued>,
    wake: Wake,
    /// Where the uploader sleeps.
    bell: Bell,
    has_uploader: AtomicBool,
    /// After a failed start of the thread: not before this coarse millisecond.
    retry_start_at: AtomicU64,
    /// Own events in hand that are neither settled nor kept.
    pending: AtomicUsize,
    /// Events that the uploader has, or will have.
    outgoing: AtomicUsize,
    outbox: Mutex<Vec<Batch>>,
    /// Somebody waits for the uploader, or has news for it.
    upload_urgent: AtomicBool,
    /// The person said no at this moment, in milliseconds since 1970: the spool is to be emptied of what was there then.
    purge: AtomicU64,
    /// The routes of which that is true. Room is made before: opting out allocates nothing.
    purge_routes: Mutex<Vec<Arc<Route>>>,
    /// A request is on its way, or the end of the process waits for what others left.
    sending: AtomicBool,
    /// Is an answer on its way?
    wire: transport::Wire,
    /// Threads that wait for their events, and do so until their time is over.
    waiting: AtomicUsize,
    /// The process ends,
    exiting: AtomicBool,
    /// and what was accepted before that is on disk, or settled.
    end_recorded: AtomicBool,
    /// Why the last request failed: 0 for none, a status, or one of [`failure`].
    last_failure: AtomicU32,
    /// Events of earlier processes that this one delivered,
    others_delivered: AtomicU64,
    /// and that it had to drop.
    others_dropped: AtomicU64,
    /// A client of this process runs in continuous integration.
    pub is_ci: AtomicBool,
    /// The longest wait at the end of the process that a client of this process allows, in milliseconds.
    pub exit_timeout_ms: AtomicU32,
    /// Who is on the wire, so that it can be cut.
    pub gate: Gate,
    seed: Mutex<Option<transport::Seed>>,
    progress: Progress,
}

impl Pipeline {
    fn new(id: u64) -> Self {
        Pipeline {
            id,
            queue: Queue::new(QUEUE_CAPACITY_MAX),
            wake: Wake::new(),
            bell: Bell::default(),
            has_uploader: AtomicBool::new(false),
            retry_start_at: AtomicU64::new(0),
            pending: AtomicUsize::new(0),
            outgoing: AtomicUsize::new(0),
            outbox: Mutex::new(Vec::new()),
            upload_urgent: AtomicBool::new(false),
            purge: AtomicU64::new(0),
            purge_routes: Mutex::new(Vec::with_capacity(PURGE_ROUTES)),
            sending: AtomicBool::new(false),
            wire: transport::Wire::quiet(),
            waiting: AtomicUsize::new(0),
            exiting: AtomicBool::new(false),
            end_recorded: AtomicBool::new(false),
            last_failure: AtomicU32::new(0),
            others_delivered: AtomicU64::new(0),
            others_dropped: AtomicU64::new(0),
            is_ci: AtomicBool::new(false),
            exit_timeout_ms: AtomicU32::new(0),
            gate: Gate::new(),
            seed: Mutex::new(Some(transport::Seed::from_environment())),
            progress: Progress::default(),
        }
    }

    /// Hands an event to the sender, or back where the queue is full. Never waits.
    #[inline(always)]
    pub fn push(&'static self, queued: Queued) -> Result<(), Queued> {
        self.queue.push(queued)?;
        self.rouse();
        Ok(())
    }

    #[inline(always)]
    fn rouse(&'static self) {
        self.wake.rouse(|| lifecycle::start_sender(self));
    }

    /// Makes the sender look at the queue now: it is filling up.
    pub fn nudge(&self) {
        self.wake.nudge();
    }

    /// Makes both threads work without linger, because somebody waits, also one who does so after the end began.
    pub fn hurry(&'static self) {
        self.wire.reopen();
        self.wake.hurry(|| lifecycle::start_sender(self));
        self.wake_uploader();
    }

    /// The person said no: what waits on disk is thrown away before anything else is sent.
    pub fn ask_for_purge(&self, route: &Arc<Route>) {
        let mut routes = self.lock_purge_routes();
        if routes.len() < PURGE_ROUTES && !routes.iter().any(|known| known.state_folder == route.state_folder) {
            routes.push(route.clone());
        }
        drop(routes);
        self.purge.store(worker::unix_millis().max(1), Ordering::SeqCst);
    }

    fn wake_uploader(&self) {
        self.upload_urgent.store(true, Ordering::SeqCst);
        self.bell.ring();
    }

    fn has_news_for_uploader(&self) -> bool {
        self.upload_urgent.load(Ordering::SeqCst) || !self.lock_outbox().is_empty()
    }

    /// Gives the uploader a batch. Where no thread can be had for it, the batch waits.
    fn hand_to_uploader(&'static self, mut batch: Batch) {
        let started = lifecycle::start_uploader(self);
        if !started {
            batch.keep();
        }
        self.outgoing.fetch_add(batch.len(), Ordering::Relaxed);
        self.lock_outbox().push(batch);
        self.wake_uploader();
    }

    fn lock_outbox(&self) -> MutexGuard<'_, Vec<Batch>> {
        lock(&self.outbox)
    }

    fn lock_purge_routes(&self) -> MutexGuard<'_, Vec<Arc<Route>>> {
        lock(&self.purge_routes)
    }

    /// Remembers how the last request went.
    fn remember(&self, outcome: Outcome) {
        let failure = match outcome {
            Outcome::Status(200..=299, _) => 0,
            Outcome::Status(status, _) => status.into(),
            Outcome::Unreachable => failure::UNREACHABLE,
            Outcome::Interrupted => failure::INTERRUPTED,
            Outcome::Untrusted => failure::UNTRUSTED,
        };
        self.last_failure.store(failure, Ordering::SeqCst);
    }

    /// What this process has to say beside the counters of its clients.
    pub fn report(&'static self) -> Report {
        let words = |outcome: Outcome| outcome.status_or_failure().err().map(String::from);
        let last_failure = match self.last_failure.load(Ordering::SeqCst) {
            0 => None,
            failure::UNREACHABLE => words(Outcome::Unreachable),
            failure::INTERRUPTED => words(Outcome::Interrupted),
            failure::UNTRUSTED => words(Outcome::Untrusted),
            status => Some(format!("status {status}")),
        };
        let [delivered, dropped] = [&self.others_delivered, &self.others_dropped].map(|n| n.load(Ordering::Relaxed));
        Report { last_failure, delivered, dropped }
    }

    /// Waits until `done`, which is asked again whenever events were settled, or until the deadline.
    /// Returns whether it was done.
    pub fn wait(&'static self, deadline: Instant, done: impl Fn() -> bool) -> bool {
        /// How often to try again to start a sender for which no thread could be had.
        const START_POLL: Duration = Duration::from_millis(100);
        let pause = || {
            if !self.wake.is_started() {
                self.rouse();
            }
            let at_most = if self.wake.is_started() { Duration::MAX } else { START_POLL };
            let left = deadline.saturating_duration_since(Instant::now());
            (!left.is_zero()).then(|| left.min(at_most))
        };
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let is_done = self.progress.wait(done, pause);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        is_done
    }

    /// Tells those who wait to look again.
    pub fn announce(&self) {
        self.progress.announce();
    }

    /// Is everything that was accepted before the end of the process began on disk, or settled, and what the person said no to
    /// thrown away? Where a thread goes on tracking, the queue may never be empty.
    fn is_recorded(&self) -> bool {
        let is_recorded = self.queue.is_done() || self.end_recorded.load(Ordering::SeqCst);
        is_recorded && self.purge.load(Ordering::SeqCst) == 0
    }

    /// Was everything taken out of the queue and put on disk, where the disk takes it?
    pub fn is_taken(&self) -> bool {
        self.queue.is_done()
    }

    fn is_ci(&self) -> bool {
        self.is_ci.load(Ordering::Relaxed)
    }

    /// Is there nothing to wait for? A request with what others left is, too: cut, it would be sent again.
    fn is_idle(&self) -> bool {
        self.is_recorded() && self.pending.load(Ordering::SeqCst) == 0 && !self.sending.load(Ordering::SeqCst)
    }

    /// What the end of the process may wait for.
    fn exit_timeout(&self) -> Duration {
        Duration::from_millis(self.exit_timeout_ms.load(Ordering::Relaxed).into())
    }

    /// The last request could not even connect: the end of the process waits for no answer then.
    fn is_unreachable(&self) -> bool {
        self.last_failure.load(Ordering::SeqCst) == failure::UNREACHABLE
    }
}

/// What [`Pipeline::report`] tells.
#[derive(Default)]
pub(crate) struct Report {
    /// Why the last request failed; `None` after a success.
    pub last_failure: Option<String>,
    /// Events of earlier processes that were delivered,
    pub delivered: u64,
    /// and that had to be dropped.
    pub dropped: u64,
}

/// Failures that are no status.
mod failure {
    pub const UNREACHABLE: u32 = 1;
    pub const INTERRUPTED: u32 = 2;
    pub const UNTRUSTED: u32 = 3;
}
