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
    has_begun: AtomicBool,
    /// What was accepted before the exit began is on disk, or settled.
    is_recorded: AtomicBool,
    /// The uploader does something that the exit waits for, because it would be sent again if it were cut short.
    is_busy: AtomicBool,
    /// Since when, and until when at most, the exit waits.
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
}

impl Attempt {
    /// Remembers that it came to nothing in the time that it was given, unless that was too short to tell, so that the
    /// next process does not wait for the same. `awaited`: since its request was written, which may still be answered.
    pub fn remember_vain(&self, awaited: Option<Duration>) {
        let Attempt { route, spool, health, begin, now_ms } = self;
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

    /// The exit begins. Returns its deadline.
    pub fn begin(&self) -> Instant {
        let begin = Instant::now();
        let deadline = begin + self.left_of(self.timeout(), None);
        *lock(&self.time) = Some((begin, deadline));
        self.has_begun.store(true, Ordering::SeqCst);
        deadline
    }

    pub fn has_begun(&self) -> bool {
        self.has_begun.load(Ordering::SeqCst)
    }

    pub fn set_recorded(&self) {
        self.is_recorded.store(true, Ordering::SeqCst);
    }

    pub fn is_recorded(&self) -> bool {
        self.is_recorded.load(Ordering::SeqCst)
    }

    pub fn set_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::SeqCst);
    }

    pub fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::SeqCst)
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
