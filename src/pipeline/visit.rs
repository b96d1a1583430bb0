//! One visit of the uploader to a destination: may events leave, is it this process's turn, and what goes into which
//! request. One process at a time uploads to a destination; what is known of the destination is remembered for all.

use super::account::DropReason;
use super::batch::{Batch, PendingEvent, drop_all};
use super::exit::Attempt;
use super::owner::Owner;
use super::request::Sent;
use super::upload::{LEFT_POLL, Next, Uploader, Visit};
use crate::config::NoticeBy;
use crate::notice::{self, Permission};
use crate::platform::clock::{unix_micros, unix_millis};
use crate::record;
use crate::retry::{HANG, Health};
use crate::route::Route;
use crate::spool::{Lock, Spool, Turn, Unsettled};
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// While another process uploads, how often to check whether it is done.
const BUSY_POLL: Duration = Duration::from_millis(10);
/// How long to check, unless a call waits, before the batch is left to that process, which looks for more when it is
/// done.
const BUSY_PATIENCE: Duration = Duration::from_millis(300);
/// What waits for its turn for less than this is not kept meanwhile.
const SOON: Duration = Duration::from_secs(1);
/// When many processes exit at once, how long one of them waits for what the others leave, so that a few requests take
/// all.
const GATHER: Duration = Duration::from_millis(20);
/// If so many batches are left in that time, many processes exit.
const RUSH_MIN: usize = 2;
/// A call that waits this long for an answer gives a destination that never answered a whole request at once.
const LONG_WAIT: Duration = Duration::from_secs(1);
/// How long a batch of another version of the library is left for that version.
const OTHER_VERSION_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Uploader {
    /// Sends what there is for a destination.
    pub fn visit(&mut self, route: &Arc<Route>, visits: &[Arc<Owner>]) -> Next {
        let of_batches = self.of(route).next().map(|batch| batch.spool.clone());
        let spool = of_batches.unwrap_or_else(|| self.pipeline.spool(route));
        let sponsors = self.sponsors(route, visits);
        let mut visit =
            Visit { route, sponsors, spool: spool.as_ref(), turns: 0, is_trusted: false, since: Instant::now() };
        let outcome = self.check_notice(&visit).and_then(|()| {
            loop {
                let (lock, health) = self.take_turn(&mut visit)?;
                let is_shared = lock.is_some();
                self.send_all(&mut visit, lock.as_ref(), health)?;
                drop(lock);
                // While this process had the turn, others left their batches to it.
                let has_more =
                    visit.spool.is_some_and(|spool| is_shared && !self.left_by_others(route, spool).is_empty());
                let goes_on = visit.is_trusted || !self.pipeline.exit.has_begun();
                if self.of(route).next().is_none() && !(has_more && goes_on && visit.is_wanted()) {
                    return Ok(());
                }
            }
        });
        outcome.err().unwrap_or(Next::OnNews)
    }

    /// Does the notice let the events leave? Otherwise they wait, or are dropped.
    fn check_notice(&mut self, visit: &Visit) -> Result<(), Next> {
        match self.permission(visit.route, &visit.sponsors) {
            Permission::Granted => return Ok(()),
            Permission::NotYet => return Err(Next::In(BUSY_POLL)),
            Permission::Held { until_ms } => {
                self.keep_all(visit.route);
                return Err(Next::In(Duration::from_millis(until_ms.saturating_sub(unix_millis()))));
            }
            Permission::Never => {
                for batch in self.state.batches.iter_mut().filter(|batch| batch.route == *visit.route) {
                    drop_all(batch.take(&|_| true), DropReason::NoNotice);
                }
                self.state.batches.retain(|batch| !batch.is_empty());
            }
        }
        Err(Next::OnNews)
    }

    /// Was the notice shown, and is the hold over, so that events of these clients may leave? Shows it, if that is up
    /// to this library.
    fn permission(&mut self, route: &Arc<Route>, clients: &[Arc<Owner>]) -> Permission {
        if self.state.permitted.contains(route) {
            return Permission::Granted;
        }
        let is_wanted_by = |by: &NoticeBy| clients.iter().any(|client| client.settings.notice == *by);
        if is_wanted_by(&NoticeBy::Seen) {
            return Permission::Granted;
        }
        // A client that says that it was shown speaks for all.
        let by = [NoticeBy::Shown, NoticeBy::Stderr].into_iter().find(is_wanted_by).unwrap_or(NoticeBy::HostProgram);
        let permission = notice::permission(&notice::Ask {
            state_folder: route.state_folder(),
            endpoint: &route.destination.endpoint,
            by,
            is_ci: clients.iter().any(|client| client.is_ci),
            has_said_yes: clients.iter().any(|client| client.has_said_yes()),
            now_ms: unix_millis(),
        });
        if permission == Permission::Granted {
            self.state.permitted.push(route.clone());
        }
        permission
    }

    /// The turn, where a disk is there to share it by, and what is known of the destination.
    fn take_turn(&mut self, visit: &mut Visit) -> Result<(Option<Lock>, Health), Next> {
        let now = Instant::now();
        if let Some(until) = self.state.pause_until.filter(|until| *until > now) {
            return Err(Next::In(until - now));
        }
        let turn = visit.spool.map(|spool| (spool, spool.turn(&visit.route.id)));
        // Read after the turn was taken: the process that had it before may have failed.
        let health = self.health(visit.route, visit.spool);
        self.may_begin(visit.route, &health)?;
        let mut lock = match turn {
            Some((spool, Turn::Busy)) => Some(self.wait_for_turn(visit.route, spool)?),
            Some((_, Turn::Ours(lock))) => Some(lock),
            Some((_, Turn::Impossible)) | None => None,
        };
        self.state.busy = None;
        let health = self.settle_unsettled(visit, lock.as_mut(), health);
        visit.turns += 1;
        if lock.is_some() && visit.turns == 1 && self.pipeline.exit.has_begun() {
            // The others leave their batches to the process that has the turn. Set while the exit still waits for a
            // batch of this process, which another process may have taken meanwhile.
            self.pipeline.exit.set_busy(true);
            visit.is_trusted = true;
        }
        Ok((lock, health))
    }

    /// With the turn: a process that was killed after it had written a request left its events unsettled. They count as
    /// unconfirmed if the destination had answered recently, or if it must be slower than these processes live.
    /// Otherwise they are sent again.
    fn settle_unsettled(&mut self, visit: &Visit, lock: Option<&mut Lock>, health: Health) -> Health {
        let Some((lock, spool)) = lock.zip(visit.spool) else { return health };
        let Some(Unsettled { at_ms, parts }) = lock.unsettled() else { return health };
        let mut next = health;
        for part in &parts {
            let Some(name) = spool.same(part) else { continue };
            if !health.is_known(at_ms) {
                next = health.after_unconfirmed();
                if !health.is_only_unheard() {
                    continue;
                }
            }
            // Perhaps one of this process, given away since.
            let own = self.state.batches.iter_mut().find(|batch| batch.file.as_ref() == Some(&name));
            let settled = match own {
                Some(batch) => batch.take_oldest(part.events),
                None => {
                    let Some(mut found) = Batch::found(&self.pipeline.tally, visit.route, spool, name) else {
                        continue;
                    };
                    let settled = found.take_oldest(part.events);
                    found.abandon();
                    settled
                }
            };
            settled.into_iter().for_each(PendingEvent::leave_unconfirmed);
        }
        self.state.batches.retain(|batch| !batch.is_empty());
        if next != health {
            self.set_health(visit.route, visit.spool, next);
        }
        lock.forget();
        next
    }

    /// May a request be begun now? Otherwise what waits is kept, unless the next look is soon and nobody waits: a flush
    /// that comes before it has the request made.
    fn may_begin(&mut self, route: &Route, health: &Health) -> Result<(), Next> {
        let Some(wait) = self.must_wait(health) else { return Ok(()) };
        let is_soon = matches!(wait, Next::In(wait) if wait < SOON) && health.backoff.wait(unix_millis()).is_none();
        let somebody_waits = !self.pipeline.waited_for().is_zero() || self.pipeline.exit.has_begun();
        if somebody_waits || !is_soon {
            self.keep_all(route);
        }
        Err(wait)
    }

    /// Is the destination to be left alone now? Tells when to look again.
    fn must_wait(&self, health: &Health) -> Option<Next> {
        let (now_ms, available) = (unix_millis(), self.available());
        if let Some(wait) = health.wait(now_ms, available) {
            return Some(Next::In(wait));
        }
        if self.pipeline.exit.has_begun() {
            return (!self.pipeline.exit.may_begin(health, now_ms)).then_some(Next::OnNews);
        }
        health.missing(now_ms, available).map(Next::In)
    }

    /// With the turn: sends what is this process's own and what others left, a request at a time.
    fn send_all(&mut self, visit: &mut Visit, lock: Option<&Lock>, mut health: Health) -> Result<(), Next> {
        let mut others = self.find_others(visit, lock);
        let mut stored = health;
        loop {
            self.pipeline.exit.set_leftovers(!others.is_empty());
            self.may_begin(visit.route, &health)?;
            let exiting = self.pipeline.exit.has_begun();
            let max_events = self.max_events(visit.route, &health);
            let batches = self.next(visit, &mut others, exiting, max_events);
            if batches.is_empty() {
                if let Some(spool) = visit.spool.filter(|_| others.is_empty() && lock.is_some()) {
                    spool.unmark_waiting(&visit.route.id);
                    // A later process is to look early for what is still left to the process that wrote it, which may
                    // have been killed, and for what came before the mark was removed.
                    let listing = spool.list(&visit.route.id, unix_millis()).unwrap_or_default();
                    if listing.batches.iter().any(|(_, name)| !self.state.passed_over.contains(name)) {
                        spool.mark_waiting(&visit.route.id);
                    }
                }
                return Ok(());
            }
            // Of what was answered before. The last request is announced when nothing is open any more (`run`), since a
            // host program may close all descriptors as soon as its flush returns.
            self.pipeline.announce();
            self.pipeline.exit.set_attempt(Some(Attempt {
                route: visit.route.clone(),
                spool: visit.spool.cloned(),
                health,
                begin: Instant::now(),
                now_ms: unix_millis(),
                is_given_up: false,
            }));
            let sent = self.send(visit, lock, batches, max_events, &health);
            if !matches!(sent, Sent::Answered { .. }) {
                // What was not answered is sent again. An answer has changed the length of each file, or removed it.
                lock.into_iter().for_each(Lock::forget);
            }
            self.pipeline.exit.set_attempt(None);
            let outcome = self.learn(visit, sent, &mut health, &mut stored);
            // Last: the exit of the process waits for it.
            self.pipeline.outbox.permit.settle();
            if !visit.is_trusted {
                self.pipeline.exit.set_busy(false);
            }
            outcome?;
            self.pipeline.nudge_in_flood();
            // A process that exits is done soon, and looks once more for what was left to it. It would miss that by a
            // pause.
            if !exiting && visit.spool.is_some_and(|spool| spool.is_turn_wanted(&visit.route.id)) {
                self.state.pause_until = Some(Instant::now() + 2 * BUSY_POLL);
                return Err(Next::In(2 * BUSY_POLL)); // which releases the lock
            }
        }
    }

    /// Remembers what an attempt says of the destination. An error tells that no other attempt follows now.
    fn learn(&mut self, visit: &Visit, sent: Sent, health: &mut Health, stored: &mut Health) -> Result<(), Next> {
        let (now_ms, chance) = (unix_millis(), std::hash::RandomState::new().hash_one(unix_micros()));
        let next = match sent {
            Sent::Answered { connect, answer } => {
                self.pipeline.exit.forgive(visit.route);
                *health = health.after_answer(now_ms, connect, answer);
                // Another process, which did not wait for a slow answer, may have taken the destination for hanging.
                if health.is_news(stored) || answer + connect.unwrap_or_default() >= HANG {
                    self.set_health(visit.route, visit.spool, *health);
                    *stored = *health;
                }
                return Ok(());
            }
            Sent::Cancelled => return Err(Next::In(Duration::ZERO)),
            Sent::Withheld => Next::In(LEFT_POLL),
            Sent::Unconfirmed => {
                self.set_health(visit.route, visit.spool, health.after_unconfirmed());
                Next::OnNews
            }
            Sent::InVain { given, is_written } => {
                *health = health.after_vain(now_ms, given, is_written, chance);
                self.set_health(visit.route, visit.spool, *health);
                Next::In(health.backoff.wait(now_ms).unwrap_or(LEFT_POLL))
            }
            Sent::Failed { retry_after } => {
                *health = health.after_failure(now_ms, retry_after, chance);
                self.set_health(visit.route, visit.spool, *health);
                Next::In(health.backoff.wait(now_ms).unwrap_or_default())
            }
        };
        self.keep_all(visit.route);
        Err(next)
    }

    /// The most events of the next request. One to a destination that never answered, unless a call waits for its
    /// answer: what is not answered in time is sent again.
    fn max_events(&self, route: &Route, health: &Health) -> usize {
        let is_new = !health.is_known(unix_millis()) && self.pipeline.waited_for() < LONG_WAIT;
        if is_new { 1 } else { route.destination.protocol.max_events() }
    }

    /// What others left. A process that exits among many gives them a moment: what they leave then goes with what is
    /// its own.
    fn find_others(&mut self, visit: &Visit, lock: Option<&Lock>) -> VecDeque<String> {
        let (Some(lock), Some(spool)) = (lock, visit.spool) else { return VecDeque::new() };
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
    fn next(&mut self, visit: &mut Visit, others: &mut VecDeque<String>, exiting: bool, max: usize) -> Vec<Batch> {
        let mut batches = self.next_own(visit.route, max);
        if !batches.is_empty() {
            visit.is_trusted = exiting;
        }
        let may_add = (!batches.is_empty() || !exiting || visit.is_trusted) && visit.is_wanted();
        if let Some(spool) = visit.spool.filter(|_| may_add) {
            self.add_others(visit.route, spool, others, &mut batches, max);
        }
        batches
    }

    /// May this process, which exits, wait a moment for what others leave? In continuous integration alone, where its
    /// exit may take some time, and for a fifth of that; not where its host program allows little.
    fn may_gather(&self, visit: &Visit) -> bool {
        let part = self.pipeline.exit.timeout() / 5;
        let is_ci = visit.sponsors.iter().all(|sponsor| sponsor.is_ci);
        let is_patient = part >= 2 * GATHER && visit.since.elapsed() < part && is_ci;
        is_patient && self.pipeline.exit.has_begun()
    }

    fn gather(&self) {
        let end = Instant::now() + GATHER;
        while Instant::now() < end && !self.pipeline.is_purge_asked_for() {
            self.pipeline.outbox.parker.park(Some(end.saturating_duration_since(Instant::now())));
        }
    }

    /// Another process uploads: waits a little, then leaves the batches to it. Gives the turn, if it is free after all,
    /// or when to look again.
    fn wait_for_turn(&mut self, route: &Arc<Route>, spool: &Spool) -> Result<Lock, Next> {
        let since = *self.state.busy.get_or_insert_with(Instant::now);
        let somebody_waits = !self.pipeline.waited_for().is_zero();
        let exiting = self.pipeline.exit.has_begun();
        let has_own = self.of(route).next().is_some();
        if !exiting && (somebody_waits || since.elapsed() < BUSY_PATIENCE) {
            if has_own {
                spool.ask_for_turn(&route.id);
            }
            return Err(Next::In(BUSY_POLL));
        }
        for batch in self.state.batches.iter_mut().filter(|batch| batch.route == *route) {
            batch.give_away();
        }
        // The process that has the turn looks once more when its turn is over. If that was before the batches were
        // given away, it is free by now.
        if has_own && let Turn::Ours(lock) = spool.turn(&route.id) {
            return Ok(lock);
        }
        self.give_up(&|batch| batch.route == *route);
        // No other process has what the disk did not take.
        self.keep_all(route);
        Err(self.of(route).next().map_or(Next::OnNews, |_| Next::In(LEFT_POLL)))
    }

    /// Gives up the batches for which `is_so` is true, unless they are not on disk: then no other process has them.
    fn give_up(&mut self, is_so: &dyn Fn(&Batch) -> bool) {
        for mut batch in std::mem::take(&mut self.state.batches) {
            if is_so(&batch) && !batch.needs_storing() {
                batch.abandon();
            } else {
                self.state.batches.push_back(batch);
            }
        }
    }

    /// The files of other processes, oldest first; batches of this process that another process took are given up.
    /// Only with the turn, so that no other process removes one meanwhile. What is too old is removed and counted.
    fn left_by_others(&mut self, route: &Arc<Route>, spool: &Spool) -> VecDeque<String> {
        let Some(listing) = spool.list(&route.id, unix_millis()) else { return VecDeque::new() };
        listing.expired.iter().for_each(|name| self.throw_away(spool, name));
        let mut names: Vec<_> = listing.batches.into_iter().map(|(_, name)| name).collect();
        let is_gone = |batch: &Batch| batch.file.as_ref().is_some_and(|file| !names.contains(file));
        self.give_up(&|batch| batch.route == *route && is_gone(batch));
        let is_own = |name: &String| self.state.batches.iter().any(|batch| batch.file.as_ref() == Some(name));
        let is_free = |name: &String| spool.is_free(name, unix_millis()) && !self.state.passed_over.contains(name);
        names.retain(|name| is_free(name) && !is_own(name));
        names.into()
    }

    /// Removes a batch that is too old, and counts its events. One of another version of the library is left for that
    /// version for a while.
    fn throw_away(&self, spool: &Spool, name: &str) {
        let Ok(text) = spool.read(name) else { return spool.remove(name) };
        let is_of_other_version = matches!(record::from_text(&text), Err(record::Unread::OtherVersion));
        if is_of_other_version && !spool.is_older(name, OTHER_VERSION_MAX) {
            return;
        }
        spool.remove(name);
        self.pipeline.tally.others.dropped.fetch_add(record::count_events(&text), Ordering::Relaxed);
    }

    /// Own batches, oldest first, as many as one request takes: one that has more of them alone.
    fn next_own(&mut self, route: &Arc<Route>, max: usize) -> Vec<Batch> {
        let mut taken: Vec<Batch> = Vec::new();
        let mut places = max;
        for batch in std::mem::take(&mut self.state.batches) {
            if batch.route == *route && (batch.len() <= places || taken.is_empty()) {
                places = places.saturating_sub(batch.len());
                taken.push(batch);
            } else {
                self.state.batches.push_back(batch);
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
        max: usize,
    ) {
        let mut size: usize = batches.iter().map(Batch::len).sum();
        while size < max {
            let Some(name) = names.pop_front() else { return };
            let Some(mut found) = Batch::found(&self.pipeline.tally, route, spool, name.clone()) else {
                self.state.passed_over.push(name);
                continue;
            };
            let is_of_other_machine = batches.first().is_some_and(|batch| batch.machine.digest != found.machine.digest);
            if !batches.is_empty() && (is_of_other_machine || size + found.len() > max) {
                found.abandon();
                names.push_front(name);
                return;
            }
            if found.len() > max && !found.claim() {
                found.abandon();
                self.state.passed_over.push(name);
                continue;
            }
            size += found.len();
            batches.push(found);
        }
    }
}
