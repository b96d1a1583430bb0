//! The second thread: sends batches, its own and those that earlier processes left for the same destination, and
//! settles every event. This file is the thread's loop; `visit.rs` is one visit of a destination, and `request.rs` is
//! one request.

use super::account::DropReason;
use super::batch::{Batch, PendingEvent, drop_all};
use super::upload::{LEFT_POLL, Next, Uploader};
use super::{Pipeline, TAKE_MAX, Waiting};
use crate::ledger;
use crate::platform::clock::unix_millis;
use crate::platform::memory;
use crate::platform::process::has_main_thread_ended;
use crate::route::Route;
use crate::spool::{AGE_MAX, Spool};
use crate::sync::lock;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long batches gather before they are sent, unless a call waits.
const LINGER: Duration = Duration::from_millis(50);
/// After so long without work the thread ends.
const QUIET: Duration = Duration::from_secs(1);
/// It does not end while an attempt is due within this time.
const SOON: Duration = Duration::from_secs(10);
/// It does not end while an attempt is due within this time, if events wait only in memory and would be lost with the
/// process.
const SOON_IN_MEMORY: Duration = Duration::from_secs(15);

/// The body of the thread.
pub(super) fn run(pipeline: &'static Pipeline) {
    let state = lock(&pipeline.outbox.batches).left.take().unwrap_or_default();
    let mut uploader = Uploader { pipeline, state };
    let mut is_idle = true;
    loop {
        let may_gather = is_idle && !has_whole_request(pipeline);
        if may_gather && may_linger(pipeline) {
            pipeline.outbox.parker.park(Some(LINGER));
        } else if may_gather {
            // A call waits. The worker first hands over what it has, so that all of it goes in one request.
            pipeline.wait(Instant::now() + LINGER, &|| pipeline.is_recorded());
        }
        // A panic costs the events of this pass (they settle as lost when they are dropped), never the host program.
        let pass = std::panic::AssertUnwindSafe(|| uploader.pass());
        let next = std::panic::catch_unwind(pass).unwrap_or_else(|payload| {
            std::mem::forget(payload);
            Next::In(LEFT_POLL)
        });
        pipeline.exit.set_attempt(None);
        pipeline.exit.set_busy(false);
        pipeline.exit.set_leftovers(false);
        pipeline.outbox.permit.settle();
        let events = uploader.state.batches.iter().map(Batch::len).sum();
        pipeline.outbox.events.store(events, Ordering::Relaxed);
        pipeline.announce();
        let begin = Instant::now();
        // A thread with news stores it before it calls `unpark`. An `unpark` that came in between makes `park` return
        // at once, unless a wait within the pass has used it up. So the news itself is asked for.
        while !has_news(pipeline) {
            let rest = match next {
                Next::In(time) => time.saturating_sub(begin.elapsed()),
                Next::OnNews => Duration::MAX,
            };
            let quiet = if pipeline.exit.is_over() { Duration::ZERO } else { QUIET.saturating_sub(begin.elapsed()) };
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
            // Its patience may end with the main thread.
            let at_most = rest.min(if quiet.is_zero() { QUIET } else { quiet });
            pipeline.outbox.parker.park(Some(at_most));
        }
        is_idle = uploader.state.batches.is_empty();
    }
}

/// Is there something that can gather for a moment?
fn may_linger(pipeline: &Pipeline) -> bool {
    let somebody_waits = pipeline.exit.has_begun() || !pipeline.waited_for().is_zero();
    if somebody_waits || pipeline.outbox.is_urgent.load(Ordering::SeqCst) {
        return false;
    }
    let waiting = lock(&pipeline.outbox.batches);
    !waiting.batches.is_empty() && waiting.visits.is_empty()
}

/// Is there a batch that need not gather, since it fills a request or is as large as any?
fn has_whole_request(pipeline: &Pipeline) -> bool {
    let is_whole = |batch: &Batch| batch.len() >= batch.route.destination.protocol.max_events().min(TAKE_MAX);
    lock(&pipeline.outbox.batches).batches.iter().any(is_whole)
}

fn has_news(pipeline: &Pipeline) -> bool {
    let waiting = lock(&pipeline.outbox.batches);
    let has_more = !waiting.batches.is_empty() || !waiting.visits.is_empty();
    has_more || pipeline.outbox.is_urgent.load(Ordering::SeqCst)
}

impl Uploader {
    /// Sends what may be sent now.
    fn pass(&mut self) -> Next {
        self.pipeline.outbox.is_urgent.store(false, Ordering::SeqCst);
        let visits = {
            let mut waiting = lock(&self.pipeline.outbox.batches);
            self.state.batches.extend(waiting.batches.drain(..));
            self.state.visits.append(&mut waiting.visits);
            std::mem::take(&mut self.state.visits)
        };
        self.state.passed_over.clear();
        self.weed();
        if !self.state.batches.is_empty() && !memory::is_there(memory::WORK_BYTES) {
            self.state.batches.iter_mut().for_each(|batch| self.pipeline.keep(batch));
            return Next::In(LEFT_POLL);
        }
        let mut routes: Vec<Arc<Route>> = Vec::new();
        let of_batches = self.state.batches.iter().map(|batch| &batch.route);
        for route in of_batches.chain(visits.iter().map(|owner| &owner.route)) {
            if !routes.contains(route) {
                routes.push(route.clone());
            }
        }
        let mut earliest = Next::OnNews;
        for route in &routes {
            let next = self.visit(route, &visits);
            if matches!(next, Next::In(wait) if wait < QUIET) {
                self.state.visits.extend(visits.iter().filter(|owner| owner.route == *route).cloned());
            }
            earliest = earliest.earlier(next);
        }
        earliest
    }

    /// Drops what was opted out of, what has become too old, and what no disk takes if it will not be tried again. If
    /// the person opted out, the spool is emptied.
    fn weed(&mut self) {
        let now_ms = unix_millis();
        let purge = &self.pipeline.purge;
        match purge.moment_ms.load(Ordering::SeqCst) {
            0 => {}
            moment => {
                let routes: Vec<_> = lock(&purge.routes).drain(..).collect();
                for folder in routes.iter().filter_map(|route| route.state_folder()) {
                    if let Some(spool) = Spool::existing(folder) {
                        spool.purge(moment, now_ms);
                    }
                    ledger::forget(folder);
                }
                // Only now, since the exit of the process waits for it; unless the person opted out once more
                // meanwhile.
                let _ = purge.moment_ms.compare_exchange(moment, 0, Ordering::SeqCst, Ordering::SeqCst);
            }
        }
        // One from so far in the future was recorded by a clock that was set back since.
        let is_expired = |event: &PendingEvent| now_ms.abs_diff(event.record.at_ms) > AGE_MAX.as_millis() as u64;
        for batch in &mut self.state.batches {
            drop_all(batch.take(&|event| !event.is_wanted()), DropReason::OptedOut);
            drop_all(batch.take(&is_expired), DropReason::Expired);
        }
        self.drop_lost_causes();
    }

    /// The longest wait for an attempt in which the thread does not end. None if the main thread has ended, since the
    /// process may live for this thread alone, nor if the exit waits for the thread to end.
    fn patience(&self) -> Duration {
        if has_main_thread_ended() || self.pipeline.exit.is_over() {
            return Duration::ZERO;
        }
        let is_in_memory = self.state.batches.iter().any(|batch| batch.file.is_none());
        if is_in_memory { SOON_IN_MEMORY } else { SOON }
    }

    /// Ends the thread, unless something came in this moment. What waits is on disk if the disk takes it, and the next
    /// thread goes on with it.
    fn end(mut self) -> Option<Self> {
        let pipeline = self.pipeline;
        self.state.batches.iter_mut().for_each(|batch| pipeline.keep(batch));
        self.state.batches.retain(|batch| !batch.is_empty());
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
}
