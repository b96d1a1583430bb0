//! What became of a client's events. Only counts; decides nothing.
//!
//! `accepted = delivered + queued + the sum of dropped` holds at every moment, because what is queued is what was
//! accepted and not yet settled.

use crate::json::object;
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why an accepted event was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// The person opted out, or the host turned it off, before it left.
    OptedOut,
    /// `PACT_TELEMETRY_DEBUG`: it was printed and not sent.
    Debug,
    /// No connection, or none that lasted until an answer.
    Network,
    /// The server's certificate is not trusted.
    Tls,
    /// The server answered with a status other than 2xx.
    HttpStatus,
    /// A fault of this library's.
    Internal,
}

impl DropReason {
    const ALL: [(DropReason, &'static str); 6] = [
        (DropReason::OptedOut, "opted_out"),
        (DropReason::Debug, "debug"),
        (DropReason::Network, "network"),
        (DropReason::Tls, "tls"),
        (DropReason::HttpStatus, "http_status"),
        (DropReason::Internal, "internal"),
    ];
}

/// Why an event was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Opted out, or turned off by the host.
    Disabled,
    /// No credentials.
    NotConfigured,
    /// The client's share of the queue, or the queue, is full.
    QueueFull,
    /// The client was closed.
    Closed,
    /// A field is not as it must be.
    Invalid,
}

impl Refusal {
    const ALL: [(Refusal, &'static str); 5] = [
        (Refusal::Disabled, "disabled"),
        (Refusal::NotConfigured, "not_configured"),
        (Refusal::QueueFull, "queue_full"),
        (Refusal::Closed, "closed"),
        (Refusal::Invalid, "invalid"),
    ];
}

/// The counters of one client in this process.
#[derive(Default)]
pub struct Account {
    accepted: Line<AtomicU64>,
    settled: Line<Settled>,
    refused: [AtomicU64; Refusal::ALL.len()],
}

/// A cache line of its own: tracking threads write one, the sender the other.
#[derive(Default)]
#[repr(align(64))]
struct Line<T>(T);

#[derive(Default)]
struct Settled {
    /// `delivered` and all of `dropped`.
    total: AtomicU64,
    delivered: AtomicU64,
    dropped: [AtomicU64; DropReason::ALL.len()],
}

/// The counters at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Events that [`crate::Client::track`] took.
    pub accepted: u64,
    /// Events that a server answered with 2xx.
    pub delivered: u64,
    /// Accepted events by the reason for which they were lost.
    pub dropped: [u64; DropReason::ALL.len()],
    /// Events that were not accepted, by reason.
    pub refused: [u64; Refusal::ALL.len()],
}

impl Account {
    /// Takes one more event, unless as many as `capacity` wait already. Returns how many wait now.
    #[inline]
    pub fn accept(&self, capacity: u64) -> Option<u64> {
        let mut accepted = self.accepted.0.load(Ordering::Relaxed);
        // Not added first and taken back after: a flush in between would wait for an event that never was.
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

    /// Takes back an [`Account::accept`]: the queue, which clients share, had no room after all.
    pub fn give_back(&self) {
        self.accepted.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Counts an event that was not accepted.
    pub fn refuse(&self, why: Refusal) {
        if let Some(counter) = self.refused.get(why as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts an accepted event as delivered.
    pub fn deliver(&self) {
        self.settled.0.delivered.fetch_add(1, Ordering::Relaxed);
        self.settled.0.total.fetch_add(1, Ordering::Release);
    }

    /// Counts an accepted event as lost.
    pub fn drop_for(&self, why: DropReason) {
        if let Some(counter) = self.settled.0.dropped.get(why as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.settled.0.total.fetch_add(1, Ordering::Release);
    }

    /// Accepted so far.
    pub fn accepted(&self) -> u64 {
        self.accepted.0.load(Ordering::Relaxed)
    }

    /// Delivered or lost so far.
    pub fn settled(&self) -> u64 {
        self.settled.0.total.load(Ordering::Acquire)
    }

    /// Was anything accepted that is not settled yet?
    pub fn is_waiting(&self) -> bool {
        self.settled() != self.accepted()
    }

    /// Lost so far. Summed up, since `settled` less what was delivered would be below zero in the midst of a delivery.
    pub fn lost(&self) -> u64 {
        self.settled.0.dropped.iter().map(|counter| counter.load(Ordering::Relaxed)).sum()
    }

    /// Starts afresh, in a forked child: what its parent accepted is the parent's to deliver.
    pub fn reset(&self) {
        for counter in [&self.accepted.0, &self.settled.0.total, &self.settled.0.delivered] {
            counter.store(0, Ordering::Relaxed);
        }
        for counter in self.settled.0.dropped.iter().chain(&self.refused) {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// All counters; what was settled is read first, so that none is settled that was not accepted.
    pub fn snapshot(&self) -> Snapshot {
        self.settled();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Snapshot {
            delivered: read(&self.settled.0.delivered),
            dropped: self.settled.0.dropped.each_ref().map(read),
            refused: self.refused.each_ref().map(read),
            accepted: self.accepted(),
        }
    }
}

impl Snapshot {
    /// Accepted, and neither delivered nor lost yet.
    pub fn queued(&self) -> u64 {
        self.accepted.saturating_sub(self.delivered + self.dropped.iter().sum::<u64>())
    }

    /// As `stats` shows it; reasons that did not occur are there with 0.
    pub fn to_json(&self) -> Value {
        object(vec![
            ("accepted", self.accepted.into()),
            ("delivered", self.delivered.into()),
            ("queued", self.queued().into()),
            (
                "dropped",
                object(DropReason::ALL.iter().zip(&self.dropped).map(|((_, name), n)| (*name, (*n).into())).collect()),
            ),
            (
                "not_accepted",
                object(Refusal::ALL.iter().zip(&self.refused).map(|((_, name), n)| (*name, (*n).into())).collect()),
            ),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_events_wait_than_the_capacity_allows() {
        let account = Account::default();
        assert_eq!((account.accept(2), account.accept(2), account.accept(2)), (Some(1), Some(2), None));
        assert_eq!(account.snapshot().queued(), 2);
        account.deliver();
        assert_eq!((account.accept(2), account.accept(2)), (Some(2), None));
    }

    #[test]
    fn the_books_balance_after_everything_that_can_happen() {
        let account = Account::default();
        for (index, (reason, _)) in DropReason::ALL.iter().enumerate() {
            assert_eq!(*reason as usize, index, "the reason's number is its place");
            account.accept(100);
            account.drop_for(*reason);
        }
        for (index, (why, _)) in Refusal::ALL.iter().enumerate() {
            assert_eq!(*why as usize, index, "the refusal's number is its place");
            account.refuse(*why);
        }
        account.accept(100);
        account.deliver();
        account.accept(100);
        account.accept(100);
        account.give_back();
        let json = account.snapshot().to_json();
        assert_eq!(json["accepted"], 8);
        assert_eq!(json["delivered"], 1);
        assert_eq!(json["queued"], 1);
        for (_, name) in DropReason::ALL {
            assert_eq!(json["dropped"][name], 1, "{name}");
        }
        for (_, name) in Refusal::ALL {
            assert_eq!(json["not_accepted"][name], 1, "{name}");
        }
        account.reset();
        assert_eq!(account.snapshot(), Snapshot::default());
    }
}
