//! The second thread: sends batches, its own and those that earlier processes left for the same destination, and settles every
//! event. This file is the thread's loop; `visit.rs` is one look after a destination, and `request.rs` is one request.

use super::account::DropReason;
use super::batch::{drop_all, owners_of, Batch, PendingEvent};
use super::owner::Owner;
use super::{Pipeline, Waiting};
use crate::ledger;
use crate::platform::clock::unix_millis;
use crate::platform::memory;
use crate::retry::Health;
use crate::route::Route;
use crate::spool::{Spool, AGE_MAX};
use crate::sync::lock;
use crate::transport::Transport;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long batches gather before they are sent, unless somebody waits.
const LINGER: Duration = Duration::from_millis(50);
/// After so long without work the thread ends.
const QUIET: Duration = Duration::from_secs(1);
/// Nor does it end while an attempt is due within this time,
const SOON: Duration = Duration::from_secs(5);
/// or within this time, where events wait in memory alone and would be lost with the process.
const SOON_IN_MEMORY: Duration = Duration::from_secs(15);
/// How often to look after what could neither be sent nor be put on disk.
pub(super) const LEFT_POLL: Duration = Duration::from_secs(2);

/// When to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// When there is news.
    OnNews,
    /// After this time.
    In(Duration),
}

impl Next {
    fn earlier(self, other: Next) -> Next {
        match (self, other) {
            (Next::In(one), Next::In(another)) => Next::In(one.min(another)),
            (Next::OnNews, next) | (next, Next::OnNews) => next,
        }
    }
}

/// The thread's whole life.
pub(super) fn run(pipeline: &'static Pipeline) {
    let state = lock(&pipeline.outbox.batches).left.take().unwrap_or_default();
    let mut uploader = Uploader { pipeline, state };
    let mut is_idle = true;
    loop {
        if is_idle && may_linger(pipeline) {
            pipeline.outbox.parker.park(Some(LINGER));
        } else if is_idle {
            // Somebody waits: for what the worker is about to hand over, so that it goes in one request.
            pipeline.wait(Instant::now() + LINGER, || pipeline.is_recorded());
        }
        // A fault of ours costs the events in hand (they settle as lost when dropped), never the host program.
        let pass = std::panic::AssertUnwindSafe(|| uploader.pass());
        let next = std::panic::catch_unwind(pass).unwrap_or_else(|payload| {
            std::mem::forget(payload);
            Next::In(LEFT_POLL)
        });
        pipeline.exit.set_attempt(None);
        pipeline.exit.set_busy(false);
        pipeline.outbox.permit.settle();
        let events = uploader.state.batches.iter().map(Batch::len).sum();
        pipeline.outbox.events.store(events, Ordering::Relaxed);
        pipeline.announce();
        let begin = Instant::now();
        // Whoever has news stores it before it unparks; an `unpark` that came in between makes `park` return at once, but one that
        // a wait within the pass has swallowed does not: hence the questions.
        while !has_news(pipeline) {
            let rest = match next {
                Next::In(time) => time.saturating_sub(begin.elapsed()),
                Next::OnNews => Duration::MAX,
            };
            let quiet = QUIET.saturating_sub(begin.elapsed());
            if rest.is_zero() {
                break;
            }
            if quiet.is_zero() && rest > uploader.patience() {
                match uploader.end() {
                    Some(goes_on) => uploader = goes_on,
                    None => return,
                }
                break;
            }
            let at_most = if quiet.is_zero() { rest } else { rest.min(quiet) };
            pipeline.outbox.parker.park(Some(at_most));
        }
        is_idle = uploader.state.batches.is_empty();
    }
}

/// Is there something that can gather a moment?
fn may_linger(pipeline: &Pipeline) -> bool {
    let somebody_waits = pipeline.exit.has_begun() || !pipeline.waited_for().is_zero();
    if somebody_waits || pipeline.outbox.is_urgent.load(Ordering::SeqCst) {
        return false;
    }
    let waiting = lock(&pipeline.outbox.batches);
    !waiting.batches.is_empty() && waiting.visits.is_empty()
}

fn has_news(pipeline: &Pipeline) -> bool {
    let waiting = lock(&pipeline.outbox.batches);
    let has_more = !waiting.batches.is_empty() || !waiting.visits.is_empty();
    has_more || pipeline.outbox.is_urgent.load(Ordering::SeqCst)
}

pub(super) struct Uploader {
    pub pipeline: &'static Pipeline,
    pub state: State,
}

/// What outlives the thread.
#[derive(Default)]
pub(super) struct State {
    /// Made late: its set-up is the most expensive thing here.
    pub transport: Option<Transport>,
    /// What waits to be sent, of this process.
    pub batches: VecDeque<Batch>,
    /// What is known of a destination, where no disk remembers it.
    pub health: Vec<(Arc<Route>, Health)>,
    /// Where the notice lets events leave, so that it is not asked again.
    pub permitted: Vec<Arc<Route>>,
    /// The random identifier where no disk keeps one.
    pub identifier: Option<[u8; 16]>,
    /// Since when another process has been uploading.
    pub busy: Option<Instant>,
    /// Until when another process, which asked for it, has its turn.
    pub pause_until: Option<Instant>,
    /// What others left and this pass could not take: looked at again with the next, or it would never end.
    pub passed_over: Vec<String>,
}

impl Uploader {
    /// Sends what may be sent now.
    fn pass(&mut self) -> Next {
        self.pipeline.outbox.is_urgent.store(false, Ordering::SeqCst);
        let visits = {
            let mut waiting = lock(&self.pipeline.outbox.batches);
            self.state.batches.extend(waiting.batches.drain(..));
            std::mem::take(&mut waiting.visits)
        };
        self.state.passed_over.clear();
        self.weed();
        if !self.state.batches.is_empty() && !memory::is_there(memory::WORK_BYTES) {
            self.state.batches.iter_mut().for_each(Batch::keep);
            return Next::In(LEFT_POLL);
        }
        let mut routes: Vec<Arc<Route>> = Vec::new();
        let of_batches = self.state.batches.iter().map(|batch| &batch.route);
        for route in of_batches.chain(visits.iter().map(|owner| &owner.route)) {
            if !routes.contains(route) {
                routes.push(route.clone());
            }
        }
        routes.iter().map(|route| self.visit(route, &visits)).fold(Next::OnNews, Next::earlier)
    }

    /// Drops what was opted out of, what has become too old, and what no disk takes where nobody will try again. Where the person
    /// said no, the spool is emptied.
    fn weed(&mut self) {
        let now_ms = unix_millis();
        let purge = &self.pipeline.purge;
        match purge.moment_ms.load(Ordering::SeqCst) {
            0 => {}
            moment => {
                let routes: Vec<_> = lock(&purge.routes).drain(..).collect();
                for folder in routes.iter().filter_map(|route| route.state_folder.as_ref()) {
                    if let Some(spool) = Spool::existing(folder) {
                        spool.purge(moment, now_ms);
                    }
                    ledger::forget(folder);
                }
                // Only now, since the exit of the process waits for it; unless the person said no once more meanwhile.
                let _ = purge.moment_ms.compare_exchange(moment, 0, Ordering::SeqCst, Ordering::SeqCst);
            }
        }
        let oldest = now_ms.saturating_sub(AGE_MAX.as_millis() as u64);
        for batch in &mut self.state.batches {
            drop_all(batch.take(|event| !event.is_wanted()), DropReason::OptedOut);
            drop_all(batch.take(|event| event.record.at_ms < oldest), DropReason::Expired);
        }
        self.drop_lost_causes();
    }

    /// Drops what failed to be sent and is on no disk, once the process exits: it will not be tried again.
    fn drop_lost_causes(&mut self) {
        if self.pipeline.exit.has_begun() {
            for batch in &mut self.state.batches {
                drop_all(batch.take(PendingEvent::is_stalled), DropReason::NotPersisted);
            }
        }
        self.state.batches.retain(|batch| !batch.is_empty());
    }

    /// The longest wait for an attempt in which the thread does not end.
    fn patience(&self) -> Duration {
        let is_in_memory = self.state.batches.iter().any(|batch| batch.file.is_none());
        if is_in_memory {
            SOON_IN_MEMORY
        } else {
            SOON
        }
    }

    /// Ends the thread, unless something came in this moment: what waits is on disk where the disk takes it, and the next thread goes
    /// on with it.
    fn end(mut self) -> Option<Self> {
        let pipeline = self.pipeline;
        self.state.batches.iter_mut().for_each(Batch::keep);
        if let Some(transport) = &mut self.state.transport {
            transport.renew(); // closes its connections
        }
        let mut waiting = lock(&pipeline.outbox.batches);
        let Waiting { batches, visits, left, has_thread } = &mut *waiting;
        let has_news = !batches.is_empty() || !visits.is_empty();
        if has_news || pipeline.outbox.is_urgent.load(Ordering::SeqCst) {
            return Some(self);
        }
        *has_thread = false;
        *left = Some(self.state);
        None
    }

    /// The clients that make this process send to a destination.
    pub fn sponsors(&self, route: &Arc<Route>, visits: &[Arc<Owner>]) -> Vec<Arc<Owner>> {
        let mut sponsors = owners_of(self.of(route).flat_map(Batch::events));
        for owner in visits.iter().filter(|owner| owner.route == *route) {
            if !sponsors.iter().any(|known| Arc::ptr_eq(known, owner)) {
                sponsors.push(owner.clone());
            }
        }
        sponsors
    }

    pub fn of<'a>(&'a self, route: &'a Route) -> impl Iterator<Item = &'a Batch> {
        self.state.batches.iter().filter(move |batch| *batch.route == *route)
    }

    /// Keeps all that waits for a destination.
    pub fn keep_all(&mut self, route: &Route) {
        self.state.batches.iter_mut().filter(|batch| *batch.route == *route).for_each(Batch::keep);
        self.drop_lost_causes();
    }

    /// What was not sent waits again, ours in memory, the others' on disk.
    pub fn put_back(&mut self, batches: Vec<Batch>) {
        for batch in batches.into_iter().rev().filter(|batch| !batch.is_empty()) {
            if batch.events().all(|event| event.owner.is_some()) {
                self.state.batches.push_front(batch);
            } else {
                batch.abandon();
            }
        }
    }

    pub fn health(&self, route: &Arc<Route>, spool: Option<&Arc<Spool>>) -> Health {
        let in_memory = self.state.health.iter().find(|(known, _)| known == route).map(|(_, health)| *health);
        let on_disk = spool.map(|spool| spool.health(&route.id));
        on_disk.filter(|health| *health != Health::default()).or(in_memory).unwrap_or_default()
    }

    pub fn set_health(&mut self, route: &Arc<Route>, spool: Option<&Arc<Spool>>, health: Health) {
        self.state.health.retain(|(known, _)| known != route);
        self.state.health.push((route.clone(), health));
        if let Some(spool) = spool {
            spool.set_health(&route.id, health);
        }
    }

    /// How much time an attempt can be given: as long as somebody waits, or as long as the process has lived already, which is
    /// the best guess at how long it will.
    pub fn available(&self) -> Duration {
        let pipeline = self.pipeline;
        let lived = if pipeline.exit.has_begun() { Duration::ZERO } else { pipeline.began.elapsed() };
        lived.max(pipeline.waited_for())
    }
}
