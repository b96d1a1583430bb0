//! The counters of a client's events. Only counts; decides nothing.
//!
//! `accepted = delivered + unconfirmed + queued + spooled + the sum of dropped` holds at every moment. Every stored
//! counter only grows. What is spooled is what was kept minus what was settled since, and what is queued is the rest of
//! what was accepted.

use crate::sync::atomic::{AtomicU64, Ordering};

/// Why an accepted event was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropReason {
    /// `PACT_TELEMETRY_DEBUG` is set: the request was printed and not sent.
    Debug,
    /// It is older than 72 hours, which no server takes.
    Expired,
    /// The server answered with 4xx: it will never take it.
    HttpStatus,
    /// A fault of this library.
    Internal,
    /// The notice could not be shown and remembered, so nothing may leave.
    NoNotice,
    /// No disk took it, and the process exited before it could be sent.
    NotPersisted,
    /// The person opted out, or the host program turned the client off, before it left.
    OptedOut,
    /// As many events as are allowed already wait for another attempt.
    SpoolFull,
}

impl DropReason {
    const ALL: [(DropReason, &'static str); 8] = [
        (DropReason::Debug, "debug"),
        (DropReason::Expired, "expired"),
        (DropReason::HttpStatus, "http_status"),
        (DropReason::Internal, "internal"),
        (DropReason::NoNotice, "no_notice"),
        (DropReason::NotPersisted, "not_persisted"),
        (DropReason::OptedOut, "opted_out"),
        (DropReason::SpoolFull, "spool_full"),
    ];

    /// Every reason, in alphabetical order.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().map(|(reason, _)| *reason)
    }

    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        Self::ALL.get(self as usize).map_or("", |(_, name)| *name)
    }
}

/// Why an event was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The client is closed.
    Closed,
    /// The person opted out, or the host program turned the client off.
    Disabled,
    /// A field does not meet its rules.
    Invalid,
    /// There are no credentials.
    NotConfigured,
    /// The queue, or the client's share of it, is full, or there is no memory.
    QueueFull,
}

impl Refusal {
    const ALL: [(Refusal, &'static str); 5] = [
        (Refusal::Closed, "closed"),
        (Refusal::Disabled, "disabled"),
        (Refusal::Invalid, "invalid"),
        (Refusal::NotConfigured, "not_configured"),
        (Refusal::QueueFull, "queue_full"),
    ];

    /// Every reason, in alphabetical order.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().map(|(reason, _)| *reason)
    }

    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        Self::ALL.get(self as usize).map_or("", |(_, name)| *name)
    }
}

/// The counters of one client in this process.
#[derive(Default)]
pub struct Account {
    accepted: Line<AtomicU64>,
    settled: Line<Settled>,
    refused: [AtomicU64; Refusal::ALL.len()],
    /// How many lost events a call has told of.
    lost_told: AtomicU64,
}

/// A value in a cache line of its own: tracking threads write one line, the background threads the other.
#[derive(Default)]
#[repr(align(64))]
struct Line<T>(T);

#[derive(Default)]
struct Settled {
    /// The sum of `kept` and `direct`: events for which no call waits any longer.
    total: AtomicU64,
    /// How many events were ever kept for another attempt.
    kept: AtomicU64,
    /// The outcome of events that were never kept.
    direct: Ends,
    /// The outcome of events that had been kept.
    after: Ends,
    /// Events in the background threads that are not on disk. Goes up and down.
    unstored: AtomicU64,
    /// Those of them that wait for another attempt. Goes up and down.
    stalled: AtomicU64,
}

/// Outcomes of events.
#[derive(Default)]
struct Ends {
    delivered: AtomicU64,
    unconfirmed: AtomicU64,
    dropped: [AtomicU64; DropReason::ALL.len()],
}

impl Ends {
    fn read(&self) -> (u64, u64, [u64; DropReason::ALL.len()]) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Acquire);
        (read(&self.delivered), read(&self.unconfirmed), self.dropped.each_ref().map(read))
    }

    fn lost(&self) -> u64 {
        self.dropped.iter().map(|counter| counter.load(Ordering::Relaxed)).sum()
    }

    fn reset(&self) {
        self.delivered.store(0, Ordering::Relaxed);
        self.unconfirmed.store(0, Ordering::Relaxed);
        self.dropped.iter().for_each(|counter| counter.store(0, Ordering::Relaxed));
    }
}

/// The counters at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Events that [`crate::Client::track`] took.
    pub accepted: u64,
    /// Events that a server answered with 2xx.
    pub delivered: u64,
    /// Events that were sent whole, and whose answer was not heard. They are not sent again.
    pub unconfirmed: u64,
    /// Accepted events that wait on disk for another attempt, of this process or of a later one.
    pub spooled: u64,
    /// Accepted events by the reason for which they were lost.
    pub dropped: [u64; DropReason::ALL.len()],
    /// Events that were not accepted, by reason.
    pub refused: [u64; Refusal::ALL.len()],
}

impl Account {
    /// Takes one more event, unless as many as `capacity` wait already. Returns how many wait now.
    #[inline(always)]
    pub fn accept(&self, capacity: u64) -> Option<u64> {
        let mut accepted = self.accepted.0.load(Ordering::Relaxed);
        // The event is not added first and taken back later, because a flush in between would wait for an event that
        // was never accepted.
        loop {
            let waiting = accepted - self.settled.0.total.load(Ordering::Relaxed).min(accepted);
            if waiting >= capacity {
                return None;
            }
            let (seen, next) = (accepted, accepted + 1);
            match self.accepted.0.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(waiting + 1),
                Err(other) => accepted = other,
            }
        }
    }

    /// Takes back an [`Account::accept`]: the queue, which clients share, was full after all.
    pub fn give_back(&self) {
        self.accepted.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts an event that was not accepted.
    pub fn refuse(&self, why: Refusal) {
        if let Some(counter) = self.refused.get(why as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts an accepted event as kept for another attempt.
    pub fn keep(&self) {
        self.settled.0.kept.fetch_add(1, Ordering::Release);
        self.settled.0.total.fetch_add(1, Ordering::Release);
    }

    /// Counts an accepted event as delivered; `kept`: after it had been kept.
    pub fn deliver(&self, kept: bool) {
        self.end(kept, |ends| Some(&ends.delivered));
    }

    /// Counts an accepted event as sent without an answer that was heard; `kept`: after it had been kept.
    pub fn leave_unconfirmed(&self, kept: bool) {
        self.end(kept, |ends| Some(&ends.unconfirmed));
    }

    /// Counts an event that could not be written to disk, or one that no longer counts as such.
    pub fn count_unstored(&self, is_unstored: bool) {
        count(&self.settled.0.unstored, is_unstored);
    }

    /// Counts an event that is not on disk and waits for another attempt, or one that no longer counts as such.
    pub fn count_stalled(&self, is_stalled: bool) {
        count(&self.settled.0.stalled, is_stalled);
    }

    /// Events in the background threads that are not on disk.
    pub fn unstored(&self) -> u64 {
        self.settled.0.unstored.load(Ordering::Acquire)
    }

    /// Events that are not on disk and wait for another attempt.
    pub fn stalled(&self) -> u64 {
        self.settled.0.stalled.load(Ordering::Acquire)
    }

    /// Counts an accepted event as lost; `kept`: after it had been kept.
    pub fn drop_for(&self, why: DropReason, kept: bool) {
        self.end(kept, |ends| ends.dropped.get(why as usize));
    }

    fn end(&self, kept: bool, counter: impl Fn(&Ends) -> Option<&AtomicU64>) {
        let settled = &self.settled.0;
        if let Some(counter) = counter(if kept { &settled.after } else { &settled.direct }) {
            counter.fetch_add(1, Ordering::Release);
        }
        if !kept {
            settled.total.fetch_add(1, Ordering::Release);
        }
    }

    /// How many events were accepted so far.
    pub fn accepted(&self) -> u64 {
        self.accepted.0.load(Ordering::Relaxed)
    }

    /// How many events were delivered, kept or lost so far. No call waits for them any longer.
    pub fn settled(&self) -> u64 {
        self.settled.0.total.load(Ordering::Acquire)
    }

    /// Whether an accepted event is not settled yet.
    pub fn is_waiting(&self) -> bool {
        self.settled() != self.accepted()
    }

    /// How many events were lost so far. It is a sum, because `settled` minus `delivered` can be below zero during a
    /// delivery.
    pub fn lost(&self) -> u64 {
        self.settled.0.direct.lost() + self.settled.0.after.lost()
    }

    /// How many of the lost events a call has told of so far.
    pub fn lost_told(&self) -> u64 {
        self.lost_told.load(Ordering::Relaxed)
    }

    /// A call tells of the losses so far. Returns whether there are more than those that were told of when it began.
    pub fn tell_of_losses(&self, told_before: u64) -> bool {
        let lost = self.lost();
        self.lost_told.fetch_max(lost, Ordering::Relaxed);
        lost > told_before
    }

    /// Sets all counters to zero in a forked child, because the parent delivers what it accepted.
    pub fn reset(&self) {
        let settled = &self.settled.0;
        let settled_now = [&settled.total, &settled.kept, &settled.unstored, &settled.stalled];
        let own = [&self.accepted.0, &self.lost_told].into_iter().chain(settled_now);
        for counter in own.chain(&self.refused) {
            counter.store(0, Ordering::Relaxed);
        }
        settled.direct.reset();
        settled.after.reset();
    }

    /// Reads all counters. Each is read before the counters that include it, so that no difference is below zero.
    pub fn snapshot(&self) -> Snapshot {
        let settled = &self.settled.0;
        let (later, later_unconfirmed, later_dropped) = settled.after.read();
        let kept = settled.kept.load(Ordering::Acquire);
        let (delivered, unconfirmed, mut dropped) = settled.direct.read();
        dropped.iter_mut().zip(later_dropped).for_each(|(sum, later)| *sum += later);
        Snapshot {
            delivered: delivered + later,
            unconfirmed: unconfirmed + later_unconfirmed,
            spooled: kept.saturating_sub(later + later_unconfirmed + later_dropped.iter().sum::<u64>()),
            dropped,
            refused: self.refused.each_ref().map(|counter| counter.load(Ordering::Relaxed)),
            accepted: self.accepted.0.load(Ordering::Acquire),
        }
    }
}

/// Adds one to a gauge, or subtracts one.
fn count(gauge: &AtomicU64, is_more: bool) {
    if is_more {
        gauge.fetch_add(1, Ordering::AcqRel);
    } else {
        gauge.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Snapshot {
    /// Accepted, and neither delivered, kept nor lost yet.
    pub fn queued(&self) -> u64 {
        let ended = self.delivered + self.unconfirmed + self.dropped.iter().sum::<u64>();
        self.accepted.saturating_sub(ended + self.spooled)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn no_more_events_wait_than_the_capacity_allows() {
        let account = Account::default();
        assert_eq!((account.accept(2), account.accept(2), account.accept(2)), (Some(1), Some(2), None));
        assert_eq!(account.snapshot().queued(), 2);
        account.deliver(false);
        account.keep(); // an event on disk takes no place in the queue
        assert_eq!((account.accept(2), account.accept(2), account.accept(2)), (Some(1), Some(2), None));
    }

    #[test]
    fn the_books_balance_after_everything_that_can_happen() {
        let account = Account::default();
        for (index, (reason, _)) in DropReason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, index, "the reason's number is its place");
            account.accept(100);
            account.drop_for(*reason, false);
            account.accept(100);
            account.keep();
            account.drop_for(*reason, true);
        }
        for (index, (why, _)) in Refusal::ALL.iter().enumerate() {
            assert_eq!(*why as usize, index, "the refusal's number is its place");
            account.refuse(*why);
        }
        for end in [
            |_: &Account| {},
            Account::keep,
            |account: &Account| account.deliver(false),
            |account: &Account| account.leave_unconfirmed(false),
        ] {
            account.accept(100);
            end(&account);
        }
        account.accept(100);
        account.keep();
        account.deliver(true);
        account.accept(100);
        account.keep();
        account.leave_unconfirmed(true);
        account.accept(100);
        account.give_back();
        let seen = account.snapshot();
        assert_eq!(seen.accepted, 22);
        assert_eq!(seen.delivered, 2);
        assert_eq!(seen.unconfirmed, 2);
        assert_eq!(seen.queued(), 1);
        assert_eq!(seen.spooled, 1);
        assert_eq!(seen.dropped, [2; DropReason::ALL.len()]);
        assert_eq!(seen.refused, [1; Refusal::ALL.len()]);
        assert_eq!(account.lost(), 16);
        let before = account.lost_told();
        assert!(account.tell_of_losses(before), "losses from before the call");
        assert!(account.tell_of_losses(before), "another call that began as early tells of them too");
        assert!(!account.tell_of_losses(account.lost_told()), "and a later one does not tell of them again");
        assert!(account.is_waiting());
        account.reset();
        assert_eq!(account.snapshot(), Snapshot::default());
    }
}

/// The model for loom: every order that threads and memory allow (`make model`).
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::sync::in_every_order;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicU8;
    use loom::thread;

    /// A thread that tracks, one that sends, and a reader. The queue is replaced by a number that is increased with
    /// `Release` and read with `Acquire`, which is the least that a channel promises.
    fn the_books_balance_while(send: fn(&Account, u8)) {
        const EVENTS: u8 = 2;
        in_every_order(move || {
            let account = Arc::new(Account::default());
            let queue = Arc::new(AtomicU8::new(0));
            let tracks = thread::spawn({
                let (account, queue) = (account.clone(), queue.clone());
                move || {
                    for _ in 0..EVENTS {
                        assert!(account.accept(100).is_some());
                        queue.fetch_add(1, Ordering::Release);
                    }
                }
            });
            let sends = thread::spawn({
                let (account, queue) = (account.clone(), queue.clone());
                move || (0..queue.load(Ordering::Acquire)).for_each(|number| send(&account, number))
            });
            let seen = account.snapshot();
            let ended = seen.delivered + seen.unconfirmed + seen.dropped.iter().sum::<u64>();
            assert!(ended + seen.spooled <= seen.accepted, "more came out than went in: {seen:?}");
            assert!(seen.accepted <= u64::from(EVENTS));
            tracks.join().unwrap();
            sends.join().unwrap();
            let last = account.snapshot();
            assert_eq!(last.accepted, u64::from(EVENTS));
            assert_eq!(account.is_waiting(), last.queued() != 0, "{last:?}");
        });
    }

    #[test]
    fn the_books_balance_while_events_are_delivered_and_dropped() {
        the_books_balance_while(|account, number| match number {
            0 => account.deliver(false),
            _ => account.drop_for(DropReason::Expired, false),
        });
    }

    #[test]
    fn the_books_balance_while_kept_events_are_delivered_and_dropped() {
        the_books_balance_while(|account, number| {
            account.keep();
            match number {
                0 => account.deliver(true),
                _ => account.drop_for(DropReason::Expired, true),
            }
        });
    }

    #[test]
    fn no_two_threads_get_the_last_place() {
        in_every_order(|| {
            let account = Arc::new(Account::default());
            let other = thread::spawn({
                let account = account.clone();
                move || account.accept(1).is_some()
            });
            let here = account.accept(1).is_some();
            assert!(here != other.join().unwrap());
            assert_eq!(account.snapshot().queued(), 1);
        });
    }
}
