//! The first of two threads: takes events out of the queue, groups them by destination, puts each batch on disk and
//! hands it to the uploader. Never waits for the network, so that a process that is killed while a server hangs loses
//! nothing but what came in the last milliseconds.

use super::account::DropReason;
use super::batch::{Batch, PendingEvent, drop_all, owners_of};
use super::owner::ChoicesSay;
#[cfg(windows)]
use super::owner::Owner;
use super::{Pipeline, Queued, TAKE_MAX};
use crate::machine::Machine;
use crate::platform::clock::{coarse_millis, unix_micros, unix_millis};
use crate::platform::memory;
use crate::protocol::{self, Context};
use crate::record::Record;
use crate::route::Route;
#[cfg(windows)]
use crate::spool::Spool;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long events gather. The worker does not wait for the queue meanwhile, so an event in this time wakes no thread.
const LINGER: Duration = Duration::from_millis(50);
/// After this many lingers without an event the thread sleeps until the next one, which then has to wake it.
const QUIET_LINGERS: u32 = 20;
/// After this time asleep without an event it ends, and the next event starts it again.
const SLEEP: Duration = Duration::from_millis(750);
/// While so many events are on their way, no more are taken out.
const PENDING_MAX: usize = 5_000;
/// The most events that wait in memory, on disk or not.
const OUTGOING_MAX: usize = 25_000;
/// A batch with so many bytes of text takes no further event: a file of the spool stays well below its limit.
const BATCH_BYTES: usize = 80 * 1024;

/// The body of the thread. A lone event after a quiet time is put on disk at once, since most test processes report one
/// event and are killed soon after; what follows gathers.
pub(super) fn run(pipeline: &'static Pipeline) {
    let mut worker = Worker { pipeline, machine: None, session_id: unix_millis() / 1_000 };
    let mut quiet = 0;
    loop {
        // A panic costs the events of this pass (they settle as lost when they are dropped), never the host program.
        let pass = std::panic::AssertUnwindSafe(|| worker.pass());
        let any = std::panic::catch_unwind(pass).unwrap_or_else(|payload| {
            std::mem::forget(payload);
            true
        });
        pipeline.intake.queue.let_go();
        if pipeline.is_purge_asked_for() && pipeline.ensure_uploader() {
            pipeline.hurry_uploader(); // which empties the spool
        }
        pipeline.announce();
        quiet = if any { 0 } else { quiet + 1 };
        let unless_over = |time| if pipeline.exit.is_over() { Duration::ZERO } else { time };
        if quiet < QUIET_LINGERS {
            pipeline.intake.wake.linger(unless_over(LINGER));
        } else if pipeline.intake.wake.sleep(|| unless_over(SLEEP), || pipeline.intake.queue.is_empty()) {
            quiet = 0;
        } else {
            return;
        }
    }
}

struct Worker {
    pipeline: &'static Pipeline,
    machine: Option<Arc<Machine>>,
    session_id: u64,
}

impl Worker {
    /// Takes what waits and hands it on. Returns whether there was anything.
    fn pass(&mut self) -> bool {
        let (mut any, mut is_new) = (false, true);
        // Read before the queue is: what was accepted before the exit began is in it by then.
        let look = || (self.pipeline.exit.times_begun(), self.pipeline.intake.queue.take());
        let (mut exits, mut there) = look();
        loop {
            // While the uploader is behind, what waits in the queue is not refused by the spool but by `track`.
            if exits == 0 && self.pipeline.tally.pending.load(Ordering::SeqCst) >= PENDING_MAX {
                return true;
            }
            if !self.pipeline.intake.queue.is_empty() && !memory::is_there(memory::WORK_BYTES) {
                return true; // they wait where they are
            }
            self.pipeline.intake.queue.hold();
            let taken = self.take(&mut there);
            if taken.is_empty() {
                self.pipeline.exit.set_recorded(exits);
                if is_new {
                    return any;
                }
                is_new = true;
                (exits, there) = look();
                continue;
            }
            (any, is_new) = (true, false);
            for owner in owners_of(taken.iter()) {
                if let ChoicesSay::Off { is_new: true } = owner.read_choices() {
                    self.pipeline.ask_for_purge(&owner.route);
                }
            }
            let (wanted, unwanted): (Vec<_>, Vec<_>) = taken.into_iter().partition(PendingEvent::is_wanted);
            drop_all(unwanted, DropReason::OptedOut);
            for (route, debug, events) in by_route(wanted) {
                if debug {
                    self.print(&route, events);
                } else {
                    self.hand_on(&route, events);
                }
            }
            self.pipeline.announce();
        }
    }

    #[cfg(windows)]
    fn take_all(&self) -> Vec<PendingEvent> {
        let mut there = self.pipeline.intake.queue.take_last();
        let mut all = Vec::new();
        loop {
            let taken = self.take(&mut there);
            if taken.is_empty() {
                return all;
            }
            all.extend(taken);
        }
    }

    fn take(&self, there: &mut impl Iterator<Item = Queued>) -> Vec<PendingEvent> {
        let (now_ms, now) = (unix_millis(), coarse_millis());
        let in_hand = |Queued { client, event }: Queued| {
            let record = Record {
                identity: client.settings.identity.clone(),
                at_ms: now_ms.saturating_sub(now.saturating_sub(event.stamp())),
                session_id: self.session_id,
                event,
            };
            PendingEvent::own(&self.pipeline.tally, client, record)
        };
        there.take(TAKE_MAX).map(in_hand).collect()
    }

    /// Batches, each on disk before the uploader has it; where the disk takes nothing more, in memory alone.
    fn hand_on(&mut self, route: &Arc<Route>, events: Vec<PendingEvent>) {
        let spool = self.pipeline.spool(route);
        let machine = self.machine();
        for newest_first in parts(events) {
            if self.pipeline.outbox.events.load(Ordering::Relaxed) + newest_first.len() > OUTGOING_MAX {
                drop_all(newest_first, DropReason::SpoolFull);
                continue;
            }
            let batch = Batch::put(route, machine.clone(), spool.clone(), newest_first, unix_millis());
            self.pipeline.hand_to_uploader(batch);
        }
    }

    /// Prints the request of a debugging client's events instead of sending it.
    fn print(&mut self, route: &Route, events: Vec<PendingEvent>) {
        let (now_ms, machine) = (unix_millis(), self.machine());
        let hits: Vec<_> = events.iter().map(|event| event.record.hit(now_ms)).collect();
        for body in
            protocol::encode(&route.destination, &Context { machine: &machine, now_micros: unix_micros() }, &hits)
        {
            // One write, so that the lines of two processes do not mix. A closed standard error is no error.
            let text = format!("pact_telemetry: would send: POST {}\n{}\n", route.url, body.text);
            let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
        }
        drop_all(events, DropReason::Debug);
    }

    fn machine(&mut self) -> Arc<Machine> {
        self.machine.get_or_insert_with(|| Arc::new(Machine::this_machine())).clone()
    }
}

/// What is in the queue goes to disk, on the thread that ends the process, after the system has ended all others: as a
/// DLL on Windows is told. Waits for nothing and takes no lock that one of them may have held. What they had taken out
/// is lost, and if one of them was ended while it put an event into the queue, so is what was in it.
#[cfg(windows)]
pub(super) fn record_last(pipeline: &'static Pipeline) {
    let mut worker = Worker { pipeline, machine: None, session_id: unix_millis() / 1_000 };
    let taken = worker.take_all();
    let wanted = taken.into_iter().filter(|event| {
        let is_on = |owner: &Arc<Owner>| matches!(owner.read_choices(), ChoicesSay::On { .. });
        event.is_wanted() && event.owner.as_ref().is_some_and(is_on)
    });
    for (route, debug, events) in by_route(wanted.collect()) {
        // A spool of its own: the list of the others has a lock.
        let spool = route.state_folder().filter(|_| !debug).and_then(Spool::open);
        let Some(spool) = spool.map(Arc::new) else { continue };
        for newest_first in parts(events) {
            let batch = Batch::put(&route, worker.machine(), Some(spool.clone()), newest_first, unix_millis());
            std::mem::forget(batch); // no thread is left that could settle it or read the counters
        }
    }
}

/// Batches of these events, each with its newest first.
fn parts(events: Vec<PendingEvent>) -> impl Iterator<Item = Vec<PendingEvent>> {
    let mut events = events.into_iter().peekable();
    std::iter::from_fn(move || {
        let (mut part, mut bytes) = (Vec::new(), 0);
        while bytes < BATCH_BYTES {
            let Some(event) = events.next() else { break };
            bytes += event.record.bytes();
            part.push(event);
        }
        part.reverse();
        (!part.is_empty()).then_some(part)
    })
}

/// The events by where they go and whether they only are to be printed, each group in its order.
fn by_route(events: Vec<PendingEvent>) -> Vec<(Arc<Route>, bool, Vec<PendingEvent>)> {
    let mut groups: Vec<(Arc<Route>, bool, Vec<PendingEvent>)> = Vec::new();
    for event in events {
        let Some(owner) = &event.owner else { continue };
        let (route, debug) = (owner.route.clone(), owner.settings.debug);
        match groups.iter_mut().find(|(other, debugs, _)| *other == route && *debugs == debug) {
            Some((.., group)) => group.push(event),
            None => groups.push((route, debug, vec![event])),
        }
    }
    groups
}
