//! One request of the uploader: its consent, its bytes, its way through the transport, and what becomes of its events.

use super::Pipeline;
use super::account::DropReason;
use super::batch::{Batch, PendingEvent, drop_from_before, owners_of};
use super::in_flight::Cancelled;
use super::owner::{ChoicesSay, Owner};
use super::upload::{Uploader, Visit};
use crate::identifier;
use crate::ledger::Entry;
use crate::machine::Machine;
use crate::platform::clock::{unix_micros, unix_millis};
use crate::protocol::{self, Context};
use crate::retry::{HANG, Health, Verdict};
use crate::route::Route;
use crate::spool::{Lock, Unsettled};
use crate::sync::lock;
use crate::transport::{self, OnItsWay, Outcome, Transport};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How an attempt to send went.
pub(super) enum Sent {
    /// Answered: go on with the next. How long it took until the request was written, where the connection was new, and
    /// from there to the answer.
    Answered { connect: Option<Duration>, answer: Duration },
    /// Cancelled because a client was turned off: the events of the others go in another request.
    Cancelled,
    /// Not sent, because the process exits or the system is short of something.
    Withheld,
    /// Sent whole, and the process exits before an answer is received.
    Unconfirmed,
    /// It was given this long, and no answer came.
    InVain { given: Duration, is_written: bool },
    /// It failed; not before the server's `Retry-After`.
    Failed { retry_after: Option<Duration> },
}

impl Uploader {
    /// Sends one request with the first events of these batches, and settles them.
    pub fn send(
        &mut self,
        visit: &Visit,
        lock: Option<&Lock>,
        mut batches: Vec<Batch>,
        max_events: usize,
        health: &Health,
    ) -> Sent {
        let route = visit.route;
        // Each client whose events are in the request can cancel it. For events that other processes left, the clients
        // can that made this process send them.
        let mut clients = owners_of(first_of(&batches, max_events));
        if first_of(&batches, max_events).any(|event| event.owner.is_none()) {
            clients.extend_from_slice(&visit.sponsors);
        }
        let (mut random_id, mut since) = (route.random_id, 0);
        for client in &clients {
            match client.read_choices() {
                ChoicesSay::On { random_id: wanted, since_ms } => {
                    random_id |= wanted;
                    since = since.max(since_ms);
                }
                ChoicesSay::Off { is_new: true } => self.pipeline.ask_for_purge(route),
                ChoicesSay::Off { is_new: false } => {}
                ChoicesSay::NotNow => {
                    self.put_back(batches);
                    return Sent::Failed { retry_after: None };
                }
            }
        }
        let now_ms = unix_millis();
        if drop_from_before(&mut batches, since, now_ms) {
            self.put_back(batches);
            return Sent::Cancelled;
        }
        let folder = visit.spool.and(route.state_folder());
        let Some(first) = batches.first() else { return Sent::Cancelled };
        let machine = if random_id { self.anonymous(folder) } else { first.machine.clone() };
        let body = {
            let hits: Vec<_> = first_of(&batches, max_events).map(|event| event.record.hit(now_ms)).collect();
            let context = Context { machine: &machine, now_micros: unix_micros() };
            protocol::encode(&route.destination, &context, &hits).into_iter().next()
        };
        let pipeline = self.pipeline;
        let is_new_connection = self.state.transport.is_none();
        let (Some(body), Some(transport)) = (body, self.transport()) else {
            return Sent::Cancelled; // what is dropped here counts as lost by an internal error
        };
        let is_wanted = || {
            !pipeline.is_purge_asked_for()
                && clients.iter().all(|client| client.is_on())
                && first_of(&batches, max_events).all(PendingEvent::is_wanted)
        };
        let canceller = transport.ready_for(&route.url);
        if !pipeline.outbox.in_flight.begin(clients.clone(), canceller, is_wanted) {
            self.put_back(batches);
            return Sent::Cancelled;
        }
        pipeline.exit.set_busy(true);
        let content_type = route.destination.protocol.content_type();
        let headers = transport::headers(&route.url, content_type, &body.text);
        let noted = folder.and_then(|folder| Entry::of_request(folder, now_ms, &route.url, &headers, &body.text));
        let note =
            |lock: &Lock| -> Box<dyn FnOnce() + Send> { Box::new(lock.note(&unsettled(&batches, body.hits.len()))) };
        let may_leave = {
            let (clients, route) = (clients.clone(), route.clone());
            move || clients.iter().all(|client| pipeline.may_still_leave(client, &route, since))
        };
        pipeline.outbox.permit.begin(OnItsWay::new(Box::new(may_leave), lock.map(note)));
        let begin = Instant::now();
        let answer = transport.post(&route.url, content_type, &body.text);
        let outcome = answer.outcome;
        let (given, awaited) = (begin.elapsed(), pipeline.outbox.permit.awaited());
        let is_refused = pipeline.outbox.permit.end();
        let cancelled = pipeline.outbox.in_flight.finish();
        if cancelled.is_some() {
            transport.renew();
        }
        let verdict = match outcome {
            Outcome::Status(status, retry_after) => route.destination.protocol.verdict(status, retry_after),
            _ => Verdict::Keep(None),
        };
        let is_unheard = cancelled == Some(Cancelled::Exiting) && !matches!(outcome, Outcome::Status(..));
        let is_unconfirmed = is_unheard && awaited.is_some_and(|awaited| health.is_unconfirmed(now_ms, awaited));
        if let Some(noted) = noted {
            let end = if is_unconfirmed { Err("unconfirmed") } else { outcome.status_or_failure() };
            noted.end(unix_millis(), end);
        }
        if pipeline.outbox.permit.is_closed() {
            self.put_back(batches); // refused where it would have been written
            return Sent::Withheld;
        }
        if (is_refused || cancelled == Some(Cancelled::OptedOut)) && verdict != Verdict::Delivered {
            self.put_back(batches);
            return Sent::Cancelled;
        }
        if is_unconfirmed {
            self.settle(batches, body.hits.len(), &mut PendingEvent::leave_unconfirmed);
            return Sent::Unconfirmed;
        }
        pipeline.tally.remember(outcome);
        match verdict {
            Verdict::Keep(retry_after) => {
                self.put_back(batches);
                let is_vain = !matches!(outcome, Outcome::Status(..)) && (is_unheard || given >= HANG);
                if is_vain {
                    return Sent::InVain { given, is_written: awaited.is_some() };
                }
                return Sent::Failed { retry_after };
            }
            Verdict::Delivered => {
                // The server does not say which ones it did not take.
                let mut rejected = route.destination.protocol.rejected(&answer.json);
                self.settle(batches, body.hits.len(), &mut |event| match rejected {
                    0 => event.deliver(),
                    _ => {
                        rejected -= 1;
                        event.drop_for(DropReason::HttpStatus);
                    }
                });
            }
            Verdict::Refused => {
                self.settle(batches, body.hits.len(), &mut |event| event.drop_for(DropReason::HttpStatus));
            }
        }
        let took = awaited.unwrap_or(given);
        Sent::Answered { connect: is_new_connection.then(|| given.saturating_sub(took)), answer: took }
    }

    /// Settles the first events of a request, and puts back what is left.
    fn settle(&mut self, mut batches: Vec<Batch>, count: usize, settle: &mut dyn FnMut(PendingEvent)) {
        let mut left = count;
        for batch in &mut batches {
            for event in batch.take_oldest(left) {
                left -= 1;
                settle(event);
            }
        }
        self.put_back(batches);
    }

    /// The machine under its random identifier; where no disk keeps it, under one that lasts as long as the process.
    fn anonymous(&mut self, folder: Option<&Path>) -> Arc<Machine> {
        let unkept = *self.state.identifier.get_or_insert_with(identifier::random);
        Arc::new(Machine::identified_by(folder.map_or(unkept, identifier::kept_or_new)))
    }

    /// `None` only after a fault while it was made.
    fn transport(&mut self) -> Option<&mut Transport> {
        if self.state.transport.is_none() {
            let mut seed = lock(&self.pipeline.outbox.seed);
            self.state.transport = seed.take().map(|seed| Transport::new(seed, &self.pipeline.outbox.permit));
        }
        self.state.transport.as_mut()
    }
}

impl Pipeline {
    /// Whether a request with events of this client may still leave: its connection was made since the choices were
    /// read, which takes seconds at worst. `since_ms` is what they said of a time then.
    fn may_still_leave(&self, client: &Owner, route: &Arc<Route>, since_ms: u64) -> bool {
        match client.read_choices() {
            ChoicesSay::On { since_ms: now, .. } => now <= since_ms,
            ChoicesSay::Off { is_new } => {
                if is_new {
                    self.ask_for_purge(route);
                }
                false
            }
            ChoicesSay::NotNow => false,
        }
    }
}

/// What the request with the first events of these batches leaves unsettled if the process is killed.
fn unsettled(batches: &[Batch], events: usize) -> Unsettled {
    let mut left = events;
    let part = |batch: &Batch| {
        let events = left.min(batch.len());
        left -= events;
        batch.part(events).filter(|_| events > 0)
    };
    Unsettled { at_ms: unix_millis(), parts: batches.iter().filter_map(part).collect() }
}

/// The events of a request out of these batches.
fn first_of(batches: &[Batch], max_events: usize) -> impl Iterator<Item = &PendingEvent> {
    batches.iter().flat_map(Batch::events).take(max_events)
}
