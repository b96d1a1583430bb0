//! What the files of the uploader share: its state, when it looks again, and one visit of a destination.

use super::Pipeline;
use super::account::DropReason;
use super::batch::{Batch, PendingEvent, drop_all, owners_of};
use super::owner::Owner;
use super::uploader_state::State;
use crate::retry::Health;
use crate::route::Route;
use crate::spool::Spool;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often to try again what could neither be sent nor be put on disk.
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
    pub fn earlier(self, other: Next) -> Next {
        match (self, other) {
            (Next::In(one), Next::In(another)) => Next::In(one.min(another)),
            (Next::OnNews, next) | (next, Next::OnNews) => next,
        }
    }
}

/// The uploader, while its thread lives. Its methods are in the file of the job that each does.
pub(super) struct Uploader {
    pub pipeline: &'static Pipeline,
    pub state: State,
}

/// One visit of a destination.
pub(super) struct Visit<'a> {
    pub route: &'a Arc<Route>,
    /// The clients that make this process send: it sends for others only while one of them is on.
    pub sponsors: Vec<Arc<Owner>>,
    pub spool: Option<&'a Arc<Spool>>,
    /// How often it had the turn.
    pub turns: u32,
    /// The process exits and has the turn, so others trust it with what they leave: the exit waits for it until nothing
    /// more is found after the turn was given up, or its time is over.
    pub is_trusted: bool,
    pub since: Instant,
}

impl Visit<'_> {
    pub fn is_wanted(&self) -> bool {
        self.sponsors.iter().any(|sponsor| sponsor.is_on())
    }
}

impl Uploader {
    /// Drops what failed to be sent and is on no disk, once the process exits: it will not be tried again.
    pub fn drop_lost_causes(&mut self) {
        if self.pipeline.exit.has_begun() {
            for batch in &mut self.state.batches {
                drop_all(batch.take(&PendingEvent::is_stalled), DropReason::NotPersisted);
            }
        }
        self.state.batches.retain(|batch| !batch.is_empty());
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
        let pipeline = self.pipeline;
        self.state.batches.iter_mut().filter(|batch| *batch.route == *route).for_each(|batch| pipeline.keep(batch));
        self.drop_lost_causes();
    }

    /// What was not sent waits again: events of this process in memory, those of others on disk.
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

    /// How much time an attempt can be given: as long as a call waits, or as long as the process has lived already,
    /// which is the best guess at how long it will.
    pub fn available(&self) -> Duration {
        let pipeline = self.pipeline;
        let lived = if pipeline.exit.has_begun() { Duration::ZERO } else { pipeline.began.elapsed() };
        lived.max(pipeline.waited_for())
    }
}
