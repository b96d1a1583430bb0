//! From an accepted event to an answered request: one bounded lock-free queue and two threads a process, shared by all
//! clients whatever their destination. Lazy: nothing here exists before the first accepted event, or before batches are
//! found that an earlier process left; and both threads end after about two quiet seconds.

mod account;
mod batch;
mod exit;
mod in_flight;
pub(crate) mod lifecycle;
pub(crate) mod off;
mod owner;
mod progress;
mod queue;
mod request;
mod tally;
mod upload;
mod uploader;
mod uploader_state;
mod visit;
mod wake;
mod worker;

pub(crate) use account::Snapshot;
pub use account::{DropReason, Refusal};
pub(crate) use owner::Owner;
pub(crate) use tally::Report;

use crate::config::QUEUE_CAPACITY_MAX;
use crate::event::Packed;
use crate::platform::clock::{coarse_millis, unix_millis};
use crate::platform::thread::Thread;
use crate::route::Route;
use crate::spool::Spool;
use crate::sync::parker::Parker;
use crate::sync::{Mutex, lock};
use crate::transport;
use batch::{Batch, drop_all, drop_from_before, owners_of};
use exit::Exit;
use in_flight::InFlight;
use owner::ChoicesSay;
use progress::Progress;
use queue::Queue;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tally::Tally;
use wake::Wake;

/// In how many state folders one process may keep batches and have all of them emptied at once.
const PURGE_ROUTES: usize = 16;

/// The most events that the worker takes out of the queue at once: what is taken out and not on disk yet is lost with a
/// killed process.
const TAKE_MAX: usize = 500;

/// An accepted event on its way to the worker.
pub(crate) struct Queued {
    pub client: Arc<Owner>,
    pub event: Packed,
}

/// How the two threads are started; given by `lifecycle`. `false` where the system gives no thread.
pub(crate) struct Threads {
    pub start_worker: fn(&'static Pipeline) -> bool,
    pub start_uploader: fn(&'static Pipeline) -> bool,
}

/// What clients and background threads of one process share.
pub(crate) struct Pipeline {
    /// Unique among this process and the processes that it was forked from.
    pub id: u64,
    /// When it was made, which is about when the process began to report.
    began: Instant,
    /// How many clients joined and were not freed.
    clients: AtomicUsize,
    threads: Threads,
    /// Those that were started last, each in its place.
    started: Mutex<[Option<Thread>; 2]>,
    intake: Intake,
    outbox: Outbox,
    purge: Purge,
    exit: Exit,
    tally: Tally,
    progress: Progress,
    /// Until when a call waits for a server's answer, in coarse milliseconds.
    waits_until: AtomicU64,
    /// Held while a client joins.
    joining: Mutex<()>,
}

/// From the threads of the host program to the worker.
struct Intake {
    queue: Queue<Queued>,
    wake: Wake,
    /// After a failed start of the thread: not before this coarse millisecond.
    retry_start_at: AtomicU64,
}

/// From the worker to the uploader, and what the uploader keeps when its thread ends.
struct Outbox {
    batches: Mutex<Waiting>,
    /// Events that the uploader has, or that were handed to it.
    events: AtomicUsize,
    /// A call waits for the uploader, or there is news for it.
    is_urgent: AtomicBool,
    /// Where the uploader sleeps.
    parker: Parker,
    in_flight: InFlight,
    permit: transport::SendPermit,
    seed: Mutex<Option<transport::Seed>>,
    /// The spools of this process by state folder.
    spools: Mutex<Vec<(PathBuf, Arc<Spool>)>>,
}

/// What waits for the uploader.
#[derive(Default)]
struct Waiting {
    batches: Vec<Batch>,
    /// Clients that were made while batches of earlier processes waited.
    visits: Vec<Arc<Owner>>,
    /// What a thread that ended left to the next one.
    left: Option<uploader_state::State>,
    has_thread: bool,
}

/// What is to be removed after the person opted out.
struct Purge {
    /// The moment, in milliseconds since 1970, 0 for none: the spool is to be emptied of what was there then.
    moment_ms: AtomicU64,
    /// The routes of which that is true. Memory for them is reserved before: opting out allocates nothing.
    routes: Mutex<Vec<Arc<Route>>>,
}

impl Pipeline {
    pub fn new(id: u64, threads: Threads) -> Self {
        Pipeline {
            id,
            began: Instant::now(),
            clients: AtomicUsize::new(0),
            threads,
            started: Mutex::default(),
            intake: Intake {
                queue: Queue::new(QUEUE_CAPACITY_MAX),
                wake: Wake::new(),
                retry_start_at: AtomicU64::new(0),
            },
            outbox: Outbox {
                batches: Mutex::new(Waiting::default()),
                events: AtomicUsize::new(0),
                is_urgent: AtomicBool::new(false),
                parker: Parker::default(),
                in_flight: InFlight::new(),
                permit: transport::SendPermit::idle(),
                seed: Mutex::new(Some(transport::Seed::from_environment())),
                spools: Mutex::new(Vec::new()),
            },
            purge: Purge { moment_ms: AtomicU64::new(0), routes: Mutex::new(Vec::with_capacity(PURGE_ROUTES)) },
            exit: Exit::default(),
            tally: Tally::default(),
            progress: Progress::default(),
            waits_until: AtomicU64::new(0),
            joining: Mutex::new(()),
        }
    }

    /// Makes a client's account this process's own.
    #[inline(always)]
    pub fn join(&self, owner: &Owner) {
        if owner.pipeline_id.load(Ordering::Acquire) != self.id {
            self.join_anew(owner);
        }
    }

    #[cold]
    #[inline(never)]
    fn join_anew(&self, owner: &Owner) {
        let _joining = lock(&self.joining);
        let before = owner.pipeline_id.load(Ordering::Acquire);
        if before != self.id {
            if before != 0 {
                owner.account.reset(); // a forked child: its parent's events are its parent's
            }
            self.exit.allow(owner.exit_timeout(), owner.is_ci);
            self.clients.fetch_add(1, Ordering::Relaxed);
            owner.pipeline_id.store(self.id, Ordering::Release);
        }
    }

    /// A client is freed. Its events go on.
    pub fn part(&self, owner: &Owner) {
        if owner.pipeline_id.load(Ordering::Acquire) == self.id {
            self.clients.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Hands an event to the worker, or back where the queue is full. Never waits.
    #[inline(always)]
    pub fn push(&'static self, queued: Queued) -> Result<(), Queued> {
        self.intake.queue.push(queued)?;
        self.wake_worker();
        Ok(())
    }

    /// Has the queue no place at this moment?
    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.intake.queue.is_full()
    }

    #[inline(always)]
    fn wake_worker(&'static self) {
        self.intake.wake.rouse(|| (self.threads.start_worker)(self));
    }

    /// Makes the worker look at the queue now: it is filling up.
    pub fn nudge(&self) {
        self.intake.wake.nudge();
    }

    /// Makes the worker look at the queue now if a flood waits in it. Otherwise the uploader would have nothing to do
    /// for most of the time, and the queue would be full.
    fn nudge_in_flood(&self) {
        if self.intake.queue.len() >= TAKE_MAX {
            self.nudge();
        }
    }

    /// Makes both threads work without linger, because a call waits, also after the exit of the process began.
    pub fn hurry(&'static self) {
        self.outbox.permit.reopen();
        self.hurry_worker();
        self.hurry_uploader();
    }

    /// Makes the worker put on disk what waits, without linger.
    pub fn hurry_worker(&'static self) {
        self.intake.wake.hurry(|| (self.threads.start_worker)(self));
    }

    /// Has the uploader look at once. Starts it where there is something to look at.
    pub fn hurry_uploader(&'static self) {
        self.outbox.is_urgent.store(true, Ordering::SeqCst);
        let waiting = lock(&self.outbox.batches);
        let has_left = waiting.left.as_ref().is_some_and(|left| !left.batches.is_empty());
        let has_work = has_left || !waiting.batches.is_empty() || !waiting.visits.is_empty();
        drop(waiting);
        if has_work {
            self.ensure_uploader();
        }
        self.outbox.parker.unpark();
    }

    /// Starts the uploader unless it runs. `false` where no thread can be had.
    fn ensure_uploader(&'static self) -> bool {
        let mut waiting = lock(&self.outbox.batches);
        if !waiting.has_thread {
            waiting.has_thread = true; // first: the thread may look at once
            drop(waiting);
            let is_started = (self.threads.start_uploader)(self);
            waiting = lock(&self.outbox.batches);
            waiting.has_thread = is_started;
        }
        waiting.has_thread
    }

    /// Gives the uploader a batch. Where no thread can be had for it, the batch waits.
    fn hand_to_uploader(&'static self, mut batch: Batch) {
        if !self.ensure_uploader() {
            self.keep(&mut batch);
        }
        self.outbox.events.fetch_add(batch.len(), Ordering::Relaxed);
        lock(&self.outbox.batches).batches.push(batch);
        // It may have ended since.
        self.ensure_uploader();
        self.outbox.parker.unpark();
    }

    /// Keeps a batch for another attempt. Before a file is made anew, the choices are read again: the command removes
    /// the folder when the person opts out, and nothing may come back into it.
    fn keep(&'static self, batch: &mut Batch) {
        let mut may_store = true;
        if batch.needs_storing() {
            let mut since = 0;
            for owner in owners_of(batch.events()) {
                match owner.read_choices() {
                    ChoicesSay::On { since_ms, .. } => since = since.max(since_ms),
                    ChoicesSay::Off { is_new: false } => {}
                    ChoicesSay::Off { is_new: true } => {
                        self.ask_for_purge(&owner.route);
                        self.outbox.is_urgent.store(true, Ordering::SeqCst); // has the uploader purge at once
                    }
                    ChoicesSay::NotNow => may_store = false,
                }
            }
            drop_all(batch.take(&|event| !event.is_wanted()), DropReason::OptedOut);
            drop_from_before(std::slice::from_mut(batch), since, unix_millis());
        }
        if !batch.is_empty() {
            batch.keep(may_store);
        }
    }

    /// Has the uploader send what earlier processes left for this client's destination.
    pub fn look_for_leftovers(&'static self, owner: &Arc<Owner>) {
        self.join(owner);
        lock(&self.outbox.batches).visits.push(owner.clone());
        if self.ensure_uploader() {
            self.outbox.parker.unpark();
        }
    }

    /// The person opted out: what waits on disk is removed before anything else is sent.
    pub fn ask_for_purge(&self, route: &Arc<Route>) {
        let mut routes = lock(&self.purge.routes);
        if routes.len() < PURGE_ROUTES
            && !routes.iter().any(|known| known.configured_state_folder() == route.configured_state_folder())
        {
            routes.push(route.clone());
        }
        drop(routes);
        self.purge.moment_ms.store(unix_millis().max(1), Ordering::SeqCst);
    }

    fn is_purge_asked_for(&self) -> bool {
        self.purge.moment_ms.load(Ordering::SeqCst) != 0
    }

    /// Cancels the upload if it carries events of this client.
    pub fn cancel_upload_of(&self, owner: &Arc<Owner>) {
        self.outbox.in_flight.cancel(owner);
    }

    /// The spool of a route, made if need be; `None` if it cannot be made, which is tried again the next time.
    fn spool(&self, route: &Route) -> Option<Arc<Spool>> {
        let folder = route.state_folder()?;
        let found = known_of(&lock(&self.outbox.spools), folder);
        found.or_else(|| {
            let opened = Arc::new(Spool::open(folder)?);
            let mut spools = lock(&self.outbox.spools);
            if let Some(spool) = known_of(&spools, folder) {
                return Some(spool); // the other thread was faster
            }
            spools.push((folder.to_owned(), opened.clone()));
            Some(opened)
        })
    }

    /// Is the folder still there in which this process put what waits in the state folder of a route?
    pub fn has_folder(&self, route: &Route) -> bool {
        let spool = route.state_folder().and_then(|folder| known_of(&lock(&self.outbox.spools), folder));
        spool.is_none_or(|spool| spool.has_folder())
    }

    /// What this process counts beside the counters of its clients.
    pub fn report(&self) -> Report {
        self.tally.report()
    }

    /// Waits for what a destination answers, until `done` or for at most that long. Returns whether it was done.
    pub fn wait_for_answers(&'static self, route: &Route, timeout: Duration, done: &dyn Fn() -> bool) -> bool {
        let deadline = Instant::now() + self.exit.left_of(timeout, Some(route));
        let until =
            coarse_millis().saturating_add(deadline.saturating_duration_since(Instant::now()).as_millis() as u64);
        self.waits_until.fetch_max(until, Ordering::SeqCst);
        self.hurry();
        let begin = Instant::now();
        let is_done = self.wait(deadline, done);
        if !is_done {
            let waited = begin.elapsed();
            self.exit.spend(waited, route);
            let seems_to_hang = |attempt: &exit::Attempt| *attempt.route == *route && attempt.seems_to_hang(waited);
            if let Some(attempt) = self.exit.attempt().filter(seems_to_hang) {
                attempt.remember_vain(self.outbox.permit.awaited());
            }
        }
        is_done
    }

    /// Waits until the uploader has sent what earlier processes left, if it is sending that to this destination.
    pub fn wait_for_leftovers(&'static self, route: &Route, timeout: Duration) {
        let is_elsewhere = |attempt: exit::Attempt| *attempt.route != *route;
        let is_done = || !self.exit.has_leftovers() || self.exit.attempt().is_some_and(is_elsewhere);
        if !is_done() && !self.wait_for_answers(route, timeout, &is_done) {
            self.exit.give_up(); // as the exit does, which may never come
        }
    }

    /// How much longer a call waits for a server's answer; zero if none does.
    fn waited_for(&self) -> Duration {
        Duration::from_millis(self.waits_until.load(Ordering::SeqCst).saturating_sub(coarse_millis()))
    }

    /// Waits until `done`, which is asked again whenever events were settled, or until the deadline.
    /// Returns whether it was done.
    pub fn wait(&'static self, deadline: Instant, done: &dyn Fn() -> bool) -> bool {
        /// How often to try again to start a worker for which no thread could be had.
        const START_POLL: Duration = Duration::from_millis(100);
        let wake = &self.intake.wake;
        let pause = || {
            if !wake.is_started() && !self.intake.queue.is_empty() {
                self.wake_worker();
            }
            let at_most = if wake.is_started() { Duration::MAX } else { START_POLL };
            let left = deadline.saturating_duration_since(Instant::now());
            (!left.is_zero()).then(|| left.min(at_most))
        };
        self.progress.wait(done, pause)
    }

    /// Tells all calls that wait to look again.
    pub fn announce(&self) {
        self.progress.announce();
    }

    /// Was everything taken out of the queue and put on disk, where the disk takes it?
    pub fn is_taken(&self) -> bool {
        self.intake.queue.is_done()
    }

    /// Is everything that was accepted before the exit of the process began on disk, or settled, and was everything
    /// removed that the person opted out of? While a thread goes on tracking, the queue may never be empty.
    fn is_recorded(&self) -> bool {
        (self.is_taken() || self.exit.is_recorded()) && !self.is_purge_asked_for()
    }

    /// Is there nothing to wait for?
    fn is_idle(&self) -> bool {
        self.is_recorded() && self.tally.pending.load(Ordering::SeqCst) == 0 && !self.exit.is_busy()
    }
}

/// The spool in this state folder, if it is among these.
fn known_of(spools: &[(PathBuf, Arc<Spool>)], folder: &Path) -> Option<Arc<Spool>> {
    spools.iter().find(|(known, _)| known == folder).map(|(_, spool)| spool.clone())
}
