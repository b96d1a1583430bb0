//! The second thread: sends batches, oldest first, its own and those that earlier processes left for the same destination,
//! and settles every event. One process at a time uploads to a destination; a failure is remembered for all.

use super::hand::{drop_all, owners_of, Batch, InHand};
use super::worker::{unix_micros, unix_millis};
use super::{DropReason, Pipeline};
use crate::client::{Look, Route, Shared};
use crate::config::NoticeBy;
use crate::host::Host;
use crate::identifier;
use crate::ledger::{self, Entry};
use crate::notice::{self, Leave};
use crate::platform::memory;
use crate::protocol::{self, Context};
use crate::retry::{Backoff, Verdict};
use crate::spool::{Lock, Spool, Turn, AGE_MAX};
use crate::sync::lock;
use crate::transport::{self, Outcome, Transport};
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// While another process uploads, how often to ask whether it is done,
const BUSY_POLL: Duration = Duration::from_millis(10);
/// and for how long, unless somebody waits, before the batch is left to that process, which looks for more when it is done.
const BUSY_PATIENCE: Duration = Duration::from_millis(300);
/// When many processes end at once, how long one of them waits for what the others leave, so that a few requests take all.
const GATHER: Duration = Duration::from_millis(20);
/// So many leave something in that time where there are many.
const RUSH_MIN: usize = 2;
/// How often to look after what could neither be sent nor be put on disk.
const LEFT_POLL: Duration = Duration::from_secs(2);

/// The thread's whole life. It never ends: the process does.
pub(super) fn run(pipeline: &'static Pipeline) {
    let mut uploader = Uploader::new(pipeline);
    loop {
        // A fault of ours costs the events in hand (they settle as lost when dropped), never the host.
        let pass = std::panic::AssertUnwindSafe(|| uploader.pass());
        let wake = std::panic::catch_unwind(pass).unwrap_or_else(|payload| {
            std::mem::forget(payload);
            Some(LEFT_POLL)
        });
        pipeline.sending.store(false, Ordering::SeqCst);
        pipeline.wire.settled();
        pipeline.outgoing.store(uploader.batches.iter().map(Batch::len).sum(), Ordering::Relaxed);
        pipeline.announce();
        // Whoever has news stores it before it rings; a ring that came in between makes the wait return at once, but one that a
        // wait within the pass has swallowed does not: hence the questions.
        if !pipeline.has_news_for_uploader() {
            pipeline.bell.wait(wake);
        }
    }
}

/// How an attempt to send went.
enum Sent {
    /// Answered: go on with the next.
    Answered,
    /// Cut because somebody opted out: the others get another request.
    Cut,
    /// Not written, because the process ends.
    Ended,
    /// Not now; not before the server's `Retry-After`.
    Failed(Option<Duration>),
}

/// Nothing more now: when to look again, if there is a reason to.
type Later = Option<Duration>;

/// One look after a destination.
struct Visit<'a> {
    route: &'a Arc<Route>,
    /// The clients that make this process send: it sends for others only while one of them is on.
    sponsors: Vec<Arc<Shared>>,
    disk: Option<&'a Arc<Spool>>,
    /// How often it had the turn.
    turns: u32,
    /// The process ends and has the turn, so others trust it with what they leave: `sending` is true, and the end waits for
    /// it, until nothing more is found after the turn was let go, or its time is over.
    is_trusted: bool,
    since: Instant,
}

impl Visit<'_> {
    fn is_wanted(&self) -> bool {
        self.sponsors.iter().any(|sponsor| sponsor.is_on())
    }
}

struct Uploader {
    pipeline: &'static Pipeline,
    /// Made late: its set-up is the dearest thing here.
    transport: Option<Transport>,
    /// What waits to be sent, of this process.
    batches: VecDeque<Batch>,
    /// When to try again, where no disk remembers it.
    memory: Vec<(Arc<Route>, Backoff)>,
    /// Where the notice was shown, so that nobody is asked again.
    told: Vec<Arc<Route>>,
    /// The random identifier where no disk keeps one.
    identifier: Option<[u8; 16]>,
    /// Since when another process has been uploading.
    busy: Option<Instant>,
    /// Until when another process, which asked for it, has its turn.
    pause_until: Option<Instant>,
    /// What others left and this pass could not take: looked at again with the next, or it would never end.
    passed_over: Vec<String>,
}

impl Uploader {
    fn new(pipeline: &'static Pipeline) -> Self {
        Uploader {
            pipeline,
            transport: None,
            batches: VecDeque::new(),
            memory: Vec::new(),
            told: Vec::new(),
            identifier: None,
            busy: None,
            pause_until: None,
            passed_over: Vec::new(),
        }
    }

    /// Sends what may be sent now. Returns when to look again by itself.
    fn pass(&mut self) -> Option<Duration> {
        self.pipeline.upload_urgent.store(false, Ordering::SeqCst);
        self.batches.extend(self.pipeline.lock_outbox().drain(..));
        self.passed_over.clear();
        self.weed();
        if !self.batches.is_empty() && !memory::is_there(memory::WORK_BYTES) {
            self.batches.iter_mut().for_each(Batch::keep);
            return Some(LEFT_POLL);
        }
        let mut routes: Vec<Arc<Route>> = Vec::new();
        for batch in &self.batches {
            if !routes.contains(&batch.route) {
                routes.push(batch.route.clone());
            }
        }
        routes.iter().filter_map(|route| self.drain(route)).min()
    }

    /// Drops what was opted out of, or has become too old. Where the person said no, the spool is emptied.
    fn weed(&mut self) {
        let now_ms = unix_millis();
        match self.pipeline.purge.load(Ordering::SeqCst) {
            0 => {}
            moment => {
                let routes: Vec<_> = self.pipeline.lock_purge_routes().drain(..).collect();
                for folder in routes.iter().filter_map(|route| route.state_folder.as_ref()) {
                    if let Some(spool) = Spool::existing(folder) {
                        spool.purge(moment, now_ms);
                    }
                    ledger::forget(folder);
                }
                // Only now, since the end of the process waits for it; unless the person said no once more meanwhile.
                let _ = self.pipeline.purge.compare_exchange(moment, 0, Ordering::SeqCst, Ordering::SeqCst);
            }
        }
        let oldest = now_ms.saturating_sub(AGE_MAX.as_millis() as u64);
        for batch in &mut self.batches {
            drop_all(batch.take(|event| !event.is_wanted()), DropReason::OptedOut);
            drop_all(batch.take(|event| event.record.at_ms < oldest), DropReason::Expired);
        }
        self.batches.retain(|batch| !batch.is_empty());
    }

    /// Sends what there is for a destination. Returns when to look again, if there is a reason to.
    fn drain(&mut self, route: &Arc<Route>) -> Option<Duration> {
        let spool = self.batches.iter().find(|batch| batch.route == *route)?.spool.clone();
        let sponsors = owners_of(self.of(route).flat_map(Batch::events));
        let mut visit =
            Visit { route, sponsors, disk: spool.as_ref(), turns: 0, is_trusted: false, since: Instant::now() };
        let outcome = self.ask_leave(&visit).and_then(|()| loop {
            let (lock, backoff) = self.take_turn(&mut visit)?;
            let is_shared = lock.is_some();
            self.send_all(&mut visit, lock.as_ref(), backoff)?;
            drop(lock);
            // What came while this process had the turn was left to it.
            let more = visit.disk.is_some_and(|spool| is_shared && !self.left_by_others(route, spool).is_empty());
            let goes_on = visit.is_trusted || !self.pipeline.exiting.load(Ordering::SeqCst);
            if self.of(route).next().is_none() && !(more && goes_on && visit.is_wanted()) {
                return Ok(());
            }
        });
        outcome.err().flatten()
    }

    /// Does the notice let the events leave? Otherwise they wait, or are dropped.
    fn ask_leave(&mut self, visit: &Visit) -> Result<(), Later> {
        match self.may_leave(visit.route, &visit.sponsors) {
            Leave::Yes => return Ok(()),
            Leave::NotYet => return Err(Some(BUSY_POLL)),
            Leave::NotInThisRun => self.of_mut(visit.route).for_each(Batch::offer),
            Leave::Never => {
                let drop_events = |batch: &mut Batch| drop_all(batch.take(|_| true), DropReason::NoNotice);
                self.of_mut(visit.route).for_each(drop_events);
                self.batches.retain(|batch| !batch.is_empty());
            }
        }
        Err(None)
    }

    /// The turn, where a disk is there to share it by, and what is known of failures.
    fn take_turn(&mut self, visit: &mut Visit) -> Result<(Option<Lock>, Backoff), Later> {
        let now = Instant::now();
        if let Some(end) = self.pause_until.filter(|end| *end > now) {
            return Err(Some(end - now));
        }
        let turn = visit.disk.map(|spool| spool.turn(&visit.route.id));
        // Asked for after the turn: who had it before may have failed.
        let backoff = self.backoff(visit.route, visit.disk);
        if let Some(wait) = backoff.wait(unix_millis()) {
            self.of_mut(visit.route).for_each(Batch::keep);
            return Err(Some(wait));
        }
        let lock = match turn {
            Some(Turn::Busy) => Some(self.wait_for_turn(visit.route)?),
            Some(Turn::Ours(lock)) => Some(lock),
            Some(Turn::Impossible) | None => None,
        };
        self.busy = None;
        visit.turns += 1;
        if lock.is_some() && visit.turns == 1 && self.pipeline.exiting.load(Ordering::SeqCst) {
            // The others trust whoever has the turn. Said while there still is something of its own to wait for, which
            // another process may have taken meanwhile.
            self.pipeline.sending.store(true, Ordering::SeqCst);
            visit.is_trusted = true;
        }
        Ok((lock, backoff))
    }

    /// With the turn: sends what is this process's own and what others left, a request at a time.
    fn send_all(&mut self, visit: &mut Visit, lock: Option<&Lock>, mut backoff: Backoff) -> Result<(), Later> {
        let mut others = self.find_others(visit, lock);
        loop {
            let exiting = self.pipeline.exiting.load(Ordering::SeqCst);
            let batches = self.next(visit, &mut others, exiting);
            if batches.is_empty() {
                return Ok(());
            }
            // Of what was answered before. The last is told of when nothing is open any more (`run`): a host may close
            // all descriptors as soon as its flush returns.
            self.pipeline.announce();
            lock.into_iter().for_each(Lock::touch);
            let sent = self.send(visit.route, batches, &visit.sponsors);
            self.pipeline.wire.settled();
            if !visit.is_trusted {
                self.pipeline.sending.store(false, Ordering::SeqCst);
            }
            match sent {
                Sent::Answered => {
                    if backoff != Backoff::default() {
                        backoff = Backoff::default();
                        self.set_backoff(visit.route, visit.disk, backoff);
                    }
                    // Who ends is done soon, and looks once more for what was left to it, which a pause would leave lying.
                    if !exiting && visit.disk.is_some_and(|spool| spool.is_turn_wanted(&visit.route.id)) {
                        self.pause_until = Some(Instant::now() + 2 * BUSY_POLL);
                        return Err(Some(2 * BUSY_POLL)); // which lets the lock go
                    }
                }
                Sent::Cut => return Err(Some(Duration::ZERO)),
                Sent::Ended => return Err(Some(LEFT_POLL)),
                Sent::Failed(retry_after) => {
                    let chance = std::hash::RandomState::new().hash_one(unix_micros());
                    backoff = backoff.after_failure(unix_millis(), retry_after, chance);
                    self.set_backoff(visit.route, visit.disk, backoff);
                    self.of_mut(visit.route).for_each(Batch::keep);
                    return Err(backoff.wait(unix_millis()).or(Some(Duration::ZERO)));
                }
            }
        }
    }

    /// What others left. A process that ends among many gives them a moment: what they leave then goes with what is its own.
    fn find_others(&mut self, visit: &Visit, lock: Option<&Lock>) -> VecDeque<String> {
        let (Some(lock), Some(spool)) = (lock, visit.disk) else { return VecDeque::new() };
        let gathers = (visit.turns > 1 || lock.is_rush()) && self.may_gather(visit);
        if gathers {
            self.gather();
        }
        let others = self.left_by_others(visit.route, spool);
        if gathers {
            lock.set_rush(others.len() >= RUSH_MIN);
        }
        others
    }

    /// The next request: what is this process's own, filled up with what others left, where that may be sent too.
    fn next(&mut self, visit: &mut Visit, others: &mut VecDeque<String>, exiting: bool) -> Vec<Batch> {
        let mut batches = self.next_own(visit.route);
        if !batches.is_empty() {
            visit.is_trusted = exiting;
        }
        let may_add = (!batches.is_empty() || !exiting || visit.is_trusted) && visit.is_wanted();
        if let Some(spool) = visit.disk.filter(|_| may_add) {
            self.add_others(visit.route, spool, others, &mut batches);
        }
        batches
    }

    /// Was the notice shown, so that events of these clients may leave? Shows it, if that is on this library.
    fn may_leave(&mut self, route: &Arc<Route>, clients: &[Arc<Shared>]) -> Leave {
        if self.told.contains(route) {
            return Leave::Yes;
        }
        let is_wanted_by = |by: &NoticeBy| clients.iter().any(|client| client.settings.notice == *by);
        // Who says that it was shown speaks for all.
        let by = [NoticeBy::Shown, NoticeBy::Stderr].into_iter().find(is_wanted_by).unwrap_or(NoticeBy::Host);
        let is_ci = clients.iter().any(|client| client.is_ci);
        let folder = route.state_folder.as_deref();
        let leave = notice::may_leave(folder, &route.destination.endpoint, by, is_ci, unix_millis());
        if leave == Leave::Yes {
            self.told.push(route.clone());
        }
        leave
    }

    /// May this process, which ends, wait a moment for what others leave? In continuous integration alone, where its end may
    /// take some time, and for a fifth of that; not where its host allows little.
    fn may_gather(&self, visit: &Visit) -> bool {
        let part = self.pipeline.exit_timeout() / 5;
        let is_ci = visit.sponsors.iter().all(|sponsor| sponsor.is_ci);
        let is_patient = part >= 2 * GATHER && visit.since.elapsed() < part && is_ci;
        is_patient && self.pipeline.exiting.load(Ordering::SeqCst)
    }

    fn gather(&self) {
        let end = Instant::now() + GATHER;
        while Instant::now() < end && self.pipeline.purge.load(Ordering::SeqCst) == 0 {
            self.pipeline.bell.wait(Some(end.saturating_duration_since(Instant::now())));
        }
    }

    /// Another process uploads: waits a little, then leaves the batches to it. Gives the turn, if it is free after all, or when
    /// to look again.
    fn wait_for_turn(&mut self, route: &Arc<Route>) -> Result<Lock, Later> {
        let since = *self.busy.get_or_insert_with(Instant::now);
        let somebody_waits = self.pipeline.waiting.load(Ordering::SeqCst) > 0;
        let exiting = self.pipeline.exiting.load(Ordering::SeqCst);
        if !exiting && (somebody_waits || since.elapsed() < BUSY_PATIENCE) {
            let spool = self.of(route).find_map(|batch| batch.spool.as_ref());
            spool.into_iter().for_each(|spool| spool.ask_for_turn(&route.id));
            return Err(Some(BUSY_POLL));
        }
        self.of_mut(route).for_each(Batch::give_away);
        // Who has the turn looks once more when it is over. If that was before the batches were given away, it is free by now.
        let spool = self.of(route).find_map(|batch| batch.spool.clone());
        if let Some(Turn::Ours(lock)) = spool.map(|spool| spool.turn(&route.id)) {
            return Ok(lock);
        }
        for batch in std::mem::take(&mut self.batches) {
            if batch.route == *route && batch.file.is_some() {
                batch.leave();
            } else {
                self.batches.push_back(batch);
            }
        }
        // What the disk did not take is nobody else's.
        self.of_mut(route).for_each(Batch::keep);
        Err(self.of(route).next().map(|_| LEFT_POLL))
    }

    /// The files of other processes, oldest first; batches of ours that another process took are let go. Only with the
    /// turn: so nobody removes one meanwhile.
    fn left_by_others(&mut self, route: &Arc<Route>, spool: &Spool) -> VecDeque<String> {
        let Some(mut names) = spool.list(&route.id, unix_millis()) else { return VecDeque::new() };
        for batch in std::mem::take(&mut self.batches) {
            let file = batch.file.as_ref().filter(|_| batch.route == *route);
            match file {
                Some(file) if !names.contains(file) => batch.leave(),
                _ => self.batches.push_back(batch),
            }
        }
        let is_own = |name: &String| self.batches.iter().any(|batch| batch.file.as_ref() == Some(name));
        let is_free = |name: &String| spool.is_free(name, unix_millis()) && !self.passed_over.contains(name);
        names.retain(|name| is_free(name) && !is_own(name));
        names.into()
    }

    /// Own batches, oldest first, as many as one request takes: one that has more of them alone.
    fn next_own(&mut self, route: &Arc<Route>) -> Vec<Batch> {
        let mut taken: Vec<Batch> = Vec::new();
        let mut room = route.destination.protocol.max_events();
        for batch in std::mem::take(&mut self.batches) {
            if batch.route == *route && (batch.len() <= room || taken.is_empty()) {
                room = room.saturating_sub(batch.len());
                taken.push(batch);
            } else {
                self.batches.push_back(batch);
            }
        }
        taken
    }

    /// Fills a request up with what others left, if it is of the same machine.
    fn add_others(
        &mut self,
        route: &Arc<Route>,
        spool: &Arc<Spool>,
        names: &mut VecDeque<String>,
        batches: &mut Vec<Batch>,
    ) {
        let max = route.destination.protocol.max_events();
        let mut size: usize = batches.iter().map(Batch::len).sum();
        while size < max {
            let Some(name) = names.pop_front() else { return };
            let Some(mut found) = Batch::found(self.pipeline, route, spool, name.clone()) else {
                self.passed_over.push(name);
                continue;
            };
            let other_machine = batches.first().is_some_and(|batch| batch.host.digest != found.host.digest);
            if !batches.is_empty() && (other_machine || size + found.len() > max) {
                found.leave();
                names.push_front(name);
                return;
            }
            if found.len() > max && !found.claim() {
                found.leave();
                self.passed_over.push(name);
                continue;
            }
            size += found.len();
            batches.push(found);
        }
    }

    /// Sends one request with the first events of these batches, and settles them.
    fn send(&mut self, route: &Arc<Route>, mut batches: Vec<Batch>, sponsors: &[Arc<Shared>]) -> Sent {
        // Whoever shares the request can cut it; for what others left, those do who made this process send it.
        let mut clients = owners_of(first_of(&batches, route));
        if first_of(&batches, route).any(|event| event.owner.is_none()) {
            clients.extend_from_slice(sponsors);
        }
        let mut random_id = route.random_id;
        for client in &clients {
            match client.look_at_choices() {
                Look::On { random_id: wanted } => random_id |= wanted,
                Look::Off { news: true } => self.pipeline.ask_for_purge(route),
                Look::Off { news: false } => {}
                Look::NotNow => {
                    self.put_back(batches);
                    return Sent::Failed(None);
                }
            }
        }
        let now_ms = unix_millis();
        let folder = batches.iter().find_map(|batch| batch.spool.as_ref()).and(route.state_folder.as_deref());
        let Some(first) = batches.first() else { return Sent::Cut };
        let host = if random_id { self.anonymous(folder) } else { first.host.clone() };
        let body = {
            let hits: Vec<_> = first_of(&batches, route).map(|event| event.record.hit(now_ms)).collect();
            let context = Context { host: &host, now_micros: unix_micros() };
            protocol::encode(&route.destination, &context, &hits).into_iter().next()
        };
        let pipeline = self.pipeline;
        let (Some(body), Some(transport)) = (body, self.transport()) else {
            return Sent::Cut; // what is let go here counts as lost by a fault of ours
        };
        let wanted = || {
            pipeline.purge.load(Ordering::SeqCst) == 0
                && clients.iter().all(|client| client.is_on())
                && first_of(&batches, route).all(InHand::is_wanted)
        };
        if !pipeline.gate.enter(clients.clone(), transport.ready_for(&route.url), wanted) {
            self.put_back(batches);
            return Sent::Cut;
        }
        pipeline.sending.store(true, Ordering::SeqCst);
        let headers = transport::headers(&route.url, route.destination.protocol.content_type(), &body.text);
        let noted = folder.and_then(|folder| Entry::of_request(folder, now_ms, &route.url, &headers, &body.text));
        let outcome = transport.post(&route.url, route.destination.protocol.content_type(), &body.text);
        let cut = pipeline.gate.leave();
        if cut {
            transport.renew();
        }
        if let Some(noted) = noted {
            noted.end(unix_millis(), outcome.status_or_failure());
        }
        if pipeline.wire.is_closed() {
            // Refused where it would have been written.
            self.put_back(batches);
            return Sent::Ended;
        }
        let verdict = match outcome {
            Outcome::Status(status, retry_after) => route.destination.protocol.verdict(status, retry_after),
            _ => Verdict::Keep(None),
        };
        if cut && verdict != Verdict::Delivered {
            self.put_back(batches);
            return Sent::Cut;
        }
        pipeline.remember(outcome);
        if let Verdict::Keep(retry_after) = verdict {
            self.put_back(batches);
            return Sent::Failed(retry_after);
        }
        let mut left = body.hits.len();
        for batch in &mut batches {
            for event in batch.take_oldest(left) {
                left -= 1;
                match verdict {
                    Verdict::Delivered => event.deliver(),
                    _ => event.drop_for(DropReason::HttpStatus),
                }
            }
        }
        self.put_back(batches);
        Sent::Answered
    }

    /// The machine under its random identifier; where no disk keeps it, under one that lasts as long as the process.
    fn anonymous(&mut self, folder: Option<&Path>) -> Arc<Host> {
        let unkept = *self.identifier.get_or_insert_with(identifier::random);
        Arc::new(Host::identified_by(folder.map_or(unkept, identifier::kept_or_new)))
    }

    /// What was not sent waits again, ours in memory, the others' on disk.
    fn put_back(&mut self, batches: Vec<Batch>) {
        for batch in batches.into_iter().rev().filter(|batch| !batch.is_empty()) {
            if batch.events().all(|event| event.owner.is_some()) {
                self.batches.push_front(batch);
            } else {
                batch.leave();
            }
        }
    }

    fn of<'a>(&'a self, route: &'a Route) -> impl Iterator<Item = &'a Batch> {
        self.batches.iter().filter(move |batch| *batch.route == *route)
    }

    fn of_mut<'a>(&'a mut self, route: &'a Route) -> impl Iterator<Item = &'a mut Batch> {
        self.batches.iter_mut().filter(move |batch| *batch.route == *route)
    }

    fn backoff(&self, route: &Arc<Route>, spool: Option<&Arc<Spool>>) -> Backoff {
        let in_memory = self.memory.iter().find(|(known, _)| known == route).map(|(_, backoff)| *backoff);
        let on_disk = spool.map(|spool| spool.backoff(&route.id));
        on_disk.filter(|backoff| *backoff != Backoff::default()).or(in_memory).unwrap_or_default()
    }

    fn set_backoff(&mut self, route: &Arc<Route>, spool: Option<&Arc<Spool>>, backoff: Backoff) {
        self.memory.retain(|(known, _)| known != route);
        if backoff != Backoff::default() {
            self.memory.push((route.clone(), backoff));
        }
        if let Some(spool) = spool {
            spool.set_backoff(&route.id, backoff);
        }
    }

    /// `None` only after a fault while it was made.
    fn transport(&mut self) -> Option<&mut Transport> {
        if self.transport.is_none() {
            let mut seed = lock(&self.pipeline.seed);
            self.transport = seed.take().map(|seed| Transport::new(seed, &self.pipeline.wire));
        }
        self.transport.as_mut()
    }
}

/// The events of a request out of these batches.
fn first_of<'a>(batches: &'a [Batch], route: &Route) -> impl Iterator<Item = &'a InHand> {
    batches.iter().flat_map(Batch::events).take(route.destination.protocol.max_events())
}
