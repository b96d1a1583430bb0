//! What a process counts beside the counters of its clients: its events that are not settled, the outcome of batches
//! that earlier processes had left, and the result of the last request.

use crate::transport::Outcome;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

/// Counters of one process. An event in hand settles itself here and with its client (see `batch.rs`).
#[derive(Default)]
pub struct Tally {
    /// Own events in hand that are neither settled nor kept for another attempt.
    pub pending: AtomicUsize,
    /// Events of earlier processes.
    pub others: Others,
    /// Why the last request failed: 0 for none, a status, or one of [`failure`].
    last_failure: AtomicU32,
}

/// What became of events that earlier processes had left.
#[derive(Default)]
pub struct Others {
    pub delivered: AtomicU64,
    pub unconfirmed: AtomicU64,
    pub dropped: AtomicU64,
}

/// Failures that are no status.
mod failure {
    pub const UNREACHABLE: u32 = 1;
    pub const INTERRUPTED: u32 = 2;
    pub const UNTRUSTED: u32 = 3;
}

impl Tally {
    /// Remembers how the last request went.
    pub fn remember(&self, outcome: Outcome) {
        let failure = match outcome {
            Outcome::Status(200..=299, _) => 0,
            Outcome::Status(status, _) => status.into(),
            Outcome::Unreachable => failure::UNREACHABLE,
            Outcome::Interrupted => failure::INTERRUPTED,
            Outcome::Untrusted => failure::UNTRUSTED,
        };
        self.last_failure.store(failure, Ordering::SeqCst);
    }

    /// Whether the last request could not connect.
    pub fn is_unreachable(&self) -> bool {
        self.last_failure.load(Ordering::SeqCst) == failure::UNREACHABLE
    }

    /// What `stats` reports about the process.
    pub fn report(&self) -> Report {
        let words = |outcome: Outcome| outcome.status_or_failure().err().map(String::from);
        let last_failure = match self.last_failure.load(Ordering::SeqCst) {
            0 => None,
            failure::UNREACHABLE => words(Outcome::Unreachable),
            failure::INTERRUPTED => words(Outcome::Interrupted),
            failure::UNTRUSTED => words(Outcome::Untrusted),
            status => Some(format!("status {status}")),
        };
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Others { delivered, unconfirmed, dropped } = &self.others;
        Report { last_failure, delivered: read(delivered), unconfirmed: read(unconfirmed), dropped: read(dropped) }
    }
}

/// What a process reports beside the counters of its clients.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Why the last request failed; `None` after a success.
    pub last_failure: Option<String>,
    /// How many events of earlier processes were delivered.
    pub delivered: u64,
    /// How many of them were sent whole without an answer in time.
    pub unconfirmed: u64,
    /// How many of them were dropped.
    pub dropped: u64,
}
