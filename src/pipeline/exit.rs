//! What the exit of the process and the uploader share: how long the exit may take, and what it waits for.

use crate::platform::clock::{unix_micros, unix_millis};
use crate::retry::{HANG, Health};
use crate::route::Route;
use crate::spool::Spool;
use crate::sync::{Mutex, lock};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// On a person's machine, how long the exit waits for a connection to a destination that nothing is known of: a server
/// nearby has the events at once. One that is further away has them later, since the exit costs the person more than
/// the delay does.
const CONNECT_PATIENCE: Duration = Duration::from_millis(20);

/// How long the exit waits for the disk if it begins again: some writes.
const DISK: Duration = Duration::from_millis(20);

/// The exit of one process.
#[derive(Default)]
pub(super) struct Exit {
    /// A client of this process runs in continuous integration.
    is_ci: AtomicBool,
    /// The longest wait that a client of this process allows, in milliseconds.
    timeout_ms: AtomicU64,
    /// What `flush` and `close` waited in vain for each server since its last answer, by its name. It is taken off
    /// later waits for it, and off the exit's.
    spent: Mutex<Vec<(String, Duration)>>,
    /// How often the exit began. It begins again if events were tracked after it, by destructors of static objects.
    begun: AtomicU64,
    /// What was accepted before the exit began for that time is on disk, or settled.
    recorded: AtomicU64,
    /// What its waits before took.
    waited: Mutex<Duration>,
    /// Nothing is waited for any more, and the threads are to end.
    is_over: AtomicBool,
    /// The uploader does something that the exit waits for, because it would be sent again if it were cut short.
    is_busy: AtomicBool,
    /// The uploader has the turn, and sends what earlier processes left.
    has_leftovers: AtomicBool,
    /// When the exit began for the first time, and until when at most it waits.
    time: Mutex<Option<(Instant, Instant)>>,
    attempt: Mutex<Option<Attempt>>,
}

/// A request that is being made.
#[derive(Clone)]
pub(super) struct Attempt {
    pub route: Arc<Route>,
    pub spool: Option<Arc<Spool>>,
    /// What was known of the destination when it began.
    pub health: Health,
    pub begin: Instant,
    pub now_ms: u64,
    /// The exit gave it up, and remembered that.
    pub is_given_up: bool,
}

impl Attempt {
    /// Remembers that it came to nothing in the time that it was given, unless that was too short to tell, so that the
    /// next process does not wait for the same. `awaited`: since its request was written, which may still be answered.
    pub fn remember_vain(&self, awaited: Option<Duration>) {
        let Attempt { route, spool, health, begin, now_ms, .. } = self;
        let given = begin.elapsed();
        let is_too_short = health.usual(*now_ms).is_some_and(|usual| given < 2 * usual + Duration::from_millis(50));
        if let Some(spool) = spool.as_ref().filter(|_| !is_too_short) {
            let (now_ms, chance) = (unix_millis(), std::hash::RandomState::new().hash_one(unix_micros()));
            spool.set_health(&route.id, health.after_vain(now_ms, given, awaited.is_some(), chance));
        }
    }

    /// Whether it seems to hang, after a call waited that long only for it.
    pub fn seems_to_hang(&self, waited: Duration) -> bool {
        waited >= self.health.usual(self.now_ms).map_or(HANG / 4, |usual| HANG.max(4 * usual))
    }
}

impl Exit {
    /// A client joins, which allows this much.
    pub fn allow(&self, timeout: Duration, is_ci: bool) {
        self.timeout_ms.fetch_max(timeout.as_millis() as u64, Ordering::Relaxed);
        self.is_ci.fetch_or(is_ci, Ordering::Relaxed);
    }

    /// What a wait of that length for a destination may still take, or the exit's wait for all of them.
    pub fn left_of(&self, timeout: Duration, route: Option<&Route>) -> Duration {
        let spent = lock(&self.spent);
        let is_meant = |server: &str| route.is_none_or(|route| route.destination.server() == server);
        timeout.saturating_sub(spent.iter().filter(|(server, _)| is_meant(server)).map(|(_, spent)| *spent).sum())
    }

    /// That much was waited in vain for a destination.
    pub fn spend(&self, waited: Duration, route: &Route) {
        let (mut spent, server) = (lock(&self.spent), route.destination.server());
        match spent.iter_mut().find(|(known, _)| known == server) {
            Some((_, spent)) => *spent += waited,
            None => spent.push((server.into(), waited)),
        }
    }

    /// The destination answered: what was waited for its server before was not in vain.
    pub fn forgive(&self, route: &Route) {
        lock(&self.spent).retain(|(server, _)| server != route.destination.server());
    }

    /// The longest that the exit may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms.load(Ordering::Relaxed))
    }

    /// The exit begins. Returns its deadline. All its waits share one budget, but each may put events on disk.
    pub fn begin(&self) -> Instant {
        let (begin, timeout) = (Instant::now(), self.timeout());
        let left = self.left_of(timeout, None).saturating_sub(*lock(&self.waited));
        let is_again = self.begun.fetch_add(1, Ordering::SeqCst) > 0;
        let deadline = begin + if is_again { left.max(DISK.min(timeout)) } else { left };
        let mut time = lock(&self.time);
        // A connection is waited for once, however often the exit begins.
        *time = Some((time.map_or(begin, |(first, _)| first), deadline));
        self.is_over.store(false, Ordering::SeqCst);
        deadline
    }

    /// Its wait is over, and took this long.
    pub fn end(&self, took: Duration) {
        *lock(&self.waited) += took;
    }

    pub fn set_over(&self) {
        self.is_over.store(true, Ordering::SeqCst);
    }

    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    pub fn has_begun(&self) -> bool {
        self.times_begun() > 0
    }

    pub fn times_begun(&self) -> u64 {
        self.begun.load(Ordering::SeqCst)
    }

    /// What was accepted before the exit began for that time is on disk.
    pub fn set_recorded(&self, times_begun: u64) {
        self.recorded.fetch_max(times_begun, Ordering::SeqCst);
    }

    pub fn is_recorded(&self) -> bool {
        let begun = self.times_begun();
        begun > 0 && self.recorded.load(Ordering::SeqCst) >= begun
    }

    pub fn set_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::SeqCst);
    }

    pub fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::SeqCst)
    }

    pub fn set_leftovers(&self, has_leftovers: bool) {
        self.has_leftovers.store(has_leftovers, Ordering::SeqCst);
    }

    pub fn has_leftovers(&self) -> bool {
        self.has_leftovers.load(Ordering::SeqCst)
    }

    pub fn is_ci(&self) -> bool {
        self.is_ci.load(Ordering::Relaxed)
    }

    pub fn set_attempt(&self, attempt: Option<Attempt>) {
        *lock(&self.attempt) = attempt;
    }

    pub fn attempt(&self) -> Option<Attempt> {
        lock(&self.attempt).clone()
    }

    /// Remembers that the request that is being made came to nothing. One that goes on while the exit begins again is
    /// remembered once.
    pub fn give_up(&self) {
        let open = lock(&self.attempt).as_mut().and_then(|attempt| {
            let was_given_up = std::mem::replace(&mut attempt.is_given_up, true);
            (!was_given_up).then(|| attempt.clone())
        });
        open.iter().for_each(|attempt| attempt.remember_vain(None));
    }

    /// While the process exits: may a request be begun to a destination of which that is known? Only one whose answer
    /// can be expected in time.
    pub fn may_begin(&self, health: &Health, now_ms: u64) -> bool {
        let Some((begin, deadline)) = *lock(&self.time) else { return true };
        match health.usual(now_ms) {
            Some(usual) => Instant::now() + usual + usual / 4 <= deadline,
            None => health.vain(now_ms).is_zero() && Instant::now() < self.patience(begin, deadline),
        }
    }

    /// Can the answer to the attempt be expected before the exit has to go on? `awaited`: for how long it has been
    /// awaited since the request was written.
    pub fn is_worth_waiting(&self, attempt: &Attempt, awaited: Option<Duration>) -> bool {
        let Some((begin, deadline)) = *lock(&self.time) else { return true };
        let Attempt { health, begin: since, now_ms, .. } = attempt;
        let usual_answer = Duration::from_millis(health.answer_ms);
        match (health.usual(*now_ms), awaited) {
            (Some(_), Some(awaited)) => {
                let rest = usual_answer.saturating_sub(awaited);
                Instant::now() + rest + rest / 4 <= deadline
            }
            (Some(usual), None) => *since + usual + usual / 4 <= deadline,
            (None, Some(_)) => health.vain(*now_ms).is_zero(),
            (None, None) => health.vain(*now_ms).is_zero() && Instant::now() < self.patience(begin, deadline),
        }
    }

    /// Until when a connection to a destination that nothing is known of is waited for.
    fn patience(&self, begin: Instant, deadline: Instant) -> Instant {
        if self.is_ci() { deadline } else { deadline.min(begin + CONNECT_PATIENCE) }
    }

    /// When [`Exit::is_worth_waiting`] may say otherwise without any news.
    pub fn next_look(&self) -> Option<Instant> {
        let (begin, deadline) = (*lock(&self.time))?;
        let patience = self.patience(begin, deadline);
        Some(if Instant::now() < patience { patience } else { deadline })
    }
}
