//! Batches of events in memory, from the queue until each event is settled. Each event is counted once, whatever
//! happens to it.

use super::account::DropReason;
use super::owner::Owner;
use super::tally::Tally;
use crate::machine::Machine;
use crate::platform::clock::unix_millis;
use crate::record::{self, Record, Unread};
use crate::route::Route;
use crate::spool::{Part, Place, Spool};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// One event that is not settled yet. If it is dropped without being settled, it counts as lost by an internal error.
pub(super) struct PendingEvent {
    pub record: Record,
    /// The client that accepted it; `None` for an event that an earlier process left on disk.
    pub owner: Option<Arc<Owner>>,
    tally: &'static Tally,
    state: State,
    /// Not on disk, as far as is known.
    is_unstored: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// On its way; `flush` waits for it.
    Pending,
    /// It waits on disk for another attempt.
    Kept,
    /// It waits for another attempt, and is not on disk.
    Stalled,
    /// Its outcome was counted.
    Settled,
}

impl PendingEvent {
    /// An event of this process, out of the queue.
    pub fn own(tally: &'static Tally, owner: Arc<Owner>, record: Record) -> Self {
        tally.pending.fetch_add(1, Ordering::SeqCst);
        PendingEvent { record, owner: Some(owner), tally, state: State::Pending, is_unstored: false }
    }

    /// An event that another process left.
    pub fn found(tally: &'static Tally, record: Record) -> Self {
        PendingEvent { record, owner: None, tally, state: State::Kept, is_unstored: false }
    }

    /// Whether it may still leave. It may not after its owner was turned off, even if the owner was turned on again
    /// since.
    pub fn is_wanted(&self) -> bool {
        self.owner.as_ref().is_none_or(|owner| owner.off.epoch() == self.record.event.epoch())
    }

    /// Whether it waits for another attempt and is not on disk.
    pub fn is_stalled(&self) -> bool {
        self.state == State::Stalled || (self.state == State::Kept && self.is_unstored)
    }

    pub fn deliver(mut self) {
        self.settle(&|owner, kept| owner.account.deliver(kept), |tally| &tally.others.delivered);
    }

    /// It was sent whole, and no answer to it was received.
    pub fn leave_unconfirmed(mut self) {
        self.settle(&|owner, kept| owner.account.leave_unconfirmed(kept), |tally| &tally.others.unconfirmed);
    }

    pub fn drop_for(mut self, why: DropReason) {
        self.settle_as_dropped(why);
    }

    /// It is on disk, and another process sends it.
    pub fn abandon(mut self) {
        self.keep();
        self.enter(State::Settled);
    }

    /// It waits for another attempt, on disk.
    fn keep(&mut self) {
        self.set_unstored(false);
        if matches!(self.state, State::Pending | State::Stalled) {
            if let Some(owner) = &self.owner {
                owner.account.keep();
            }
            self.enter(State::Kept);
        }
    }

    /// It waits for another attempt, and is not on disk.
    fn stall(&mut self) {
        self.set_unstored(true);
        if self.state == State::Pending {
            self.enter(State::Stalled);
        }
    }

    fn set_unstored(&mut self, is_unstored: bool) {
        if self.is_unstored != is_unstored {
            self.is_unstored = is_unstored;
            self.owner.iter().for_each(|owner| owner.account.count_unstored(is_unstored));
        }
    }

    fn settle_as_dropped(&mut self, why: DropReason) {
        self.settle(&|owner, kept| owner.account.drop_for(why, kept), |tally| &tally.others.dropped);
    }

    fn settle(&mut self, own: &dyn Fn(&Owner, bool), others: fn(&Tally) -> &AtomicU64) {
        self.set_unstored(false);
        match &self.owner {
            Some(owner) => own(owner, self.state == State::Kept),
            None => drop(others(self.tally).fetch_add(1, Ordering::Relaxed)),
        }
        self.enter(State::Settled);
    }

    /// Counted last, because the exit of the process waits until nothing is pending.
    fn enter(&mut self, next: State) {
        let before = std::mem::replace(&mut self.state, next);
        let count_stalled = |is_stalled| self.owner.iter().for_each(|owner| owner.account.count_stalled(is_stalled));
        match (before, next) {
            (State::Stalled, _) => count_stalled(false),
            (_, State::Stalled) => count_stalled(true),
            _ => {}
        }
        if before == State::Pending {
            self.tally.pending.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Drop for PendingEvent {
    fn drop(&mut self) {
        if self.state != State::Settled {
            self.settle_as_dropped(DropReason::Internal);
        }
    }
}

/// Events for one destination from one machine, in one file if they could be written to disk. A batch has all events
/// that were taken out of the queue at once, and is sent in several requests if necessary. A file is expensive to
/// create and to remove, and cheap to truncate.
pub(super) struct Batch {
    pub route: Arc<Route>,
    pub machine: Arc<Machine>,
    /// The newest first, as in the file: the oldest are sent first, and cut off at its end.
    events: Vec<PendingEvent>,
    pub spool: Option<Arc<Spool>>,
    pub file: Option<String>,
    /// Where the file is, if this process put it there.
    place: Option<Place>,
    /// The length of the file after each event.
    lengths: Vec<usize>,
}

impl Batch {
    /// Makes a batch of these events, the newest first, and writes it to disk if possible, before the uploader gets it.
    pub fn put(
        route: &Arc<Route>,
        machine: Arc<Machine>,
        spool: Option<Arc<Spool>>,
        events: Vec<PendingEvent>,
        now_ms: u64,
    ) -> Self {
        let (route, lengths) = (route.clone(), Vec::new());
        let mut batch = Batch { route, machine, events, spool, file: None, place: None, lengths };
        batch.store(now_ms);
        batch
    }

    /// Writes it to disk, if possible.
    fn store(&mut self, now_ms: u64) {
        let mut put = None;
        if let Some(spool) = self.spool.clone() {
            let text = self.text();
            put = spool.put(&self.route.id, &text, now_ms);
        }
        self.move_to(put);
    }

    /// Its file is that from now on, or it has none.
    fn move_to(&mut self, put: Option<(String, Place)>) {
        let (file, place) = put.unzip();
        self.file = file;
        let is_unstored = self.file.is_none();
        self.events.iter_mut().for_each(|event| event.set_unstored(is_unstored));
        self.place = place; // last: a call in between finds the former place, or that it is not on disk
    }

    /// One that another process left, whose file is that; `None` where it is gone, cannot be read just now, or belongs
    /// to another version of the library. What is no batch is set aside, and its events count as dropped.
    pub fn found(tally: &'static Tally, route: &Arc<Route>, spool: &Arc<Spool>, file: String) -> Option<Self> {
        let text = match spool.read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                spool.set_aside(&file);
                return None;
            }
            Err(_) => return None,
        };
        let (machine, records, lengths) = match record::from_text(&text) {
            Ok(read) => read,
            Err(Unread::NotNow | Unread::OtherVersion) => return None,
            Err(Unread::NoBatch) => {
                spool.set_aside(&file);
                tally.others.dropped.fetch_add(record::count_events(&text), Ordering::Relaxed);
                return None;
            }
        };
        let events = records.into_iter().map(|record| PendingEvent::found(tally, record)).collect();
        let (route, machine, spool) = (route.clone(), Arc::new(machine), Some(spool.clone()));
        Some(Batch { route, machine, events, spool, file: Some(file), place: None, lengths })
    }

    pub fn len(&self) -> usize {
        self.events.len()
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Its events, oldest first.
    pub fn events(&self) -> impl Iterator<Item = &PendingEvent> {
        self.events.iter().rev()
    }

    /// What a request with so many of its oldest events holds of its file.
    pub fn part(&self, events: usize) -> Option<Part> {
        Some(Part { name: self.file.clone()?, length: *self.lengths.last()? as u64, events })
    }

    /// The content of its file.
    fn text(&mut self) -> String {
        let (text, lengths) = record::to_text(&self.machine, self.events.iter().map(|event| &event.record));
        self.lengths = lengths;
        text
    }

    /// Takes out the events for which `is_so` is true.
    pub fn take(&mut self, is_so: &dyn Fn(&PendingEvent) -> bool) -> Vec<PendingEvent> {
        if !self.events.iter().any(is_so) {
            return Vec::new();
        }
        let (taken, left) = std::mem::take(&mut self.events).into_iter().partition(is_so);
        self.events = left;
        self.follow(|batch, spool, file| {
            let text = batch.text();
            spool.write(file, text.as_bytes()).is_ok()
        });
        taken
    }

    /// Takes out the oldest events, at most `count`.
    pub fn take_oldest(&mut self, count: usize) -> Vec<PendingEvent> {
        let taken = self.events.split_off(self.events.len().saturating_sub(count));
        if taken.is_empty() {
            return taken;
        }
        self.lengths.truncate(self.events.len());
        self.follow(|batch, spool, file| {
            let length = batch.lengths.last().copied().unwrap_or_default();
            spool.cut(file, length as u64).is_ok()
        });
        taken
    }

    /// Updates the file after events were taken out.
    fn follow(&mut self, write: fn(&mut Self, &Spool, &str) -> bool) {
        let (Some(spool), Some(file)) = (self.spool.clone(), self.file.take()) else { return };
        if !self.is_empty() && write(self, &spool, &file) {
            self.file = Some(file);
        } else {
            self.move_to(None);
            spool.remove(&file); // an event in memory alone is better than an event that is sent twice
        }
    }

    /// Makes the file of another process one of this process, because it will be sent in parts. Returns whether it was
    /// still there.
    pub fn claim(&mut self) -> bool {
        if let (Some(spool), Some(file)) = (&self.spool, &self.file) {
            self.file = spool.claim(file);
        }
        self.file.is_some()
    }

    /// Gives it away: from now on any process that has the turn may take it.
    pub fn give_away(&mut self) {
        if let (Some(spool), Some(file)) = (&self.spool, &mut self.file)
            && let Some(given) = spool.give_away(file)
        {
            *file = given;
        }
    }

    /// Whether it is not on disk, or the whole folder was removed, and perhaps made anew. If only its file is gone,
    /// another process took it and sends it.
    pub fn needs_storing(&mut self) -> bool {
        let Some(file) = &self.file else { return true };
        let put = self.spool.as_ref().zip(self.place.as_mut());
        put.is_some_and(|(spool, place)| spool.has_lost(file, place))
    }

    /// Keeps it for another attempt, of this process or of whichever process has a turn before. On disk, unless no disk
    /// takes it; where it `needs_storing`, only if it `may_store`.
    pub fn keep(&mut self, may_store: bool) {
        if self.needs_storing() {
            if may_store {
                self.store(unix_millis()); // writing to disk may succeed by now
            } else {
                self.move_to(None);
            }
        }
        self.give_away();
        let is_stored = self.file.is_some();
        for event in &mut self.events {
            if is_stored {
                event.keep();
            } else {
                event.stall();
            }
        }
    }

    /// Gives it up: another process took its file, or will.
    pub fn abandon(self) {
        self.events.into_iter().for_each(PendingEvent::abandon);
    }
}

/// The clients of these events, each once.
pub(super) fn owners_of<'a>(events: impl Iterator<Item = &'a PendingEvent>) -> Vec<Arc<Owner>> {
    let mut owners: Vec<Arc<Owner>> = Vec::new();
    for owner in events.filter_map(|event| event.owner.as_ref()) {
        if !owners.iter().any(|known| Arc::ptr_eq(known, owner)) {
            owners.push(owner.clone());
        }
    }
    owners
}

pub(super) fn drop_all(events: Vec<PendingEvent>, why: DropReason) {
    events.into_iter().for_each(|event| event.drop_for(why));
}

/// Drops what was recorded before the person turned it on again, after an "off". An event from the future was recorded
/// by a clock that was set back since, so it may be from before. Returns whether there was any.
pub(super) fn drop_from_before(batches: &mut [Batch], since_ms: u64, now_ms: u64) -> bool {
    if since_ms == 0 {
        return false;
    }
    let is_from_before = |event: &PendingEvent| event.record.at_ms < since_ms || event.record.at_ms > now_ms;
    let dropped: Vec<_> = batches.iter_mut().flat_map(|batch| batch.take(&is_from_before)).collect();
    let is_any = !dropped.is_empty();
    drop_all(dropped, DropReason::OptedOut);
    is_any
}
