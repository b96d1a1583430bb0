//! The sender thread: takes events out of the queue, groups them by destination, sends them batch by batch and settles
//! every one. The only place where events are settled.

use super::{DropReason, Pipeline, Queued, Rest};
use crate::client::Shared;
use crate::config::Identity;
use crate::event::Field;
use crate::host::Host;
use crate::platform::clock::coarse_millis;
use crate::protocol::{self, Body, Context, Destination, Hit};
use crate::transport::{Outcome, Transport};
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long the sender lets events gather. Away from the queue, so that an event in this time wakes nobody.
const LINGER: Duration = Duration::from_millis(50);
/// After this many lingers without an event the sender parks and uses no CPU until the next one, which pays the wake.
const QUIET_LINGERS: u32 = 20;
/// The most events taken out at once: what is in the sender's hands is lost with a killed process.
const TAKE_MAX: usize = 500;

/// The thread's whole life. It never ends: the process does.
pub(super) fn run(pipeline: &'static Pipeline) {
    let _ = pipeline.thread.set(std::thread::current());
    let mut sender = Sender { pipeline, transport: None, host: None, session_id: unix_micros() / 1_000_000 };
    let mut quiet = 0;
    loop {
        if !pipeline.urgent.swap(false, Ordering::SeqCst) {
            std::thread::park_timeout(LINGER);
        }
        // A fault of ours costs the events in hand (they settle as lost when dropped), never the host.
        let pass = std::panic::AssertUnwindSafe(|| sender.pass());
        let sent = std::panic::catch_unwind(pass).unwrap_or_else(|payload| {
            std::mem::forget(payload);
            true
        });
        pipeline.busy.store(false, Ordering::SeqCst);
        pipeline.announce();
        quiet = if sent { 0 } else { quiet + 1 };
        if quiet >= QUIET_LINGERS {
            rest(pipeline);
            quiet = 0;
        }
    }
}

/// Sleeps until the next event, or until somebody hurries.
fn rest(pipeline: &Pipeline) {
    pipeline.rest.store(Rest::Parked as u8, Ordering::SeqCst);
    // After the store: an event whose thread did not yet see it is seen here (see `Pipeline::push`).
    while pipeline.receiver.is_empty()
        && !pipeline.urgent.load(Ordering::SeqCst)
        && pipeline.rest.load(Ordering::SeqCst) == Rest::Parked as u8
    {
        std::thread::park();
    }
    pipeline.rest.store(Rest::Awake as u8, Ordering::SeqCst);
}

/// An event in the sender's hands: if it is let go without a word, it counts as lost by a fault of ours.
struct InHand {
    queued: Queued,
    settled: bool,
}

impl InHand {
    fn client(&self) -> &Arc<Shared> {
        &self.queued.client
    }

    /// May it still leave? Not after its owner turned it off, even if it was turned on again since.
    fn is_wanted(&self) -> bool {
        self.client().consent_epoch() == self.queued.event.epoch()
    }

    fn deliver(mut self) {
        self.settled = true;
        self.client().account.deliver();
    }

    fn drop_for(mut self, why: DropReason) {
        self.settled = true;
        self.client().account.drop_for(why);
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if !self.settled {
            self.client().account.drop_for(DropReason::Internal);
        }
    }
}

struct Sender {
    pipeline: &'static Pipeline,
    /// Made late: its set-up is the dearest thing here.
    transport: Option<Transport>,
    host: Option<Host>,
    session_id: u64,
}

impl Sender {
    /// Takes and sends what waits. Returns whether there was anything.
    fn pass(&mut self) -> bool {
        let mut any = false;
        loop {
            self.pipeline.busy.store(true, Ordering::SeqCst);
            let taken: Vec<InHand> = (self.pipeline.receiver.try_iter().take(TAKE_MAX))
                .map(|queued| InHand { queued, settled: false })
                .collect();
            if taken.is_empty() {
                return any;
            }
            any = true;
            for (destination, events) in by_destination(taken) {
                self.send(&destination, events);
            }
        }
    }

    /// Sends events of one destination, in as many requests as its protocol needs.
    fn send(&mut self, destination: &Destination, events: Vec<InHand>) {
        let mut waiting = events;
        while !waiting.is_empty() {
            for client in clients_of(&waiting) {
                client.look_at_saved_choice();
            }
            let (wanted, unwanted): (Vec<_>, Vec<_>) = waiting.into_iter().partition(InHand::is_wanted);
            drop_all(unwanted, DropReason::OptedOut);
            waiting = self.send_first(destination, wanted);
            self.pipeline.announce();
        }
    }

    /// Sends the first request's worth and settles it; returns what is left.
    fn send_first(&mut self, destination: &Destination, events: Vec<InHand>) -> Vec<InHand> {
        let Some(body) = self.encode(destination, &events) else { return events };
        let mut batch = events;
        let rest = batch.split_off(body.hits.len().min(batch.len()));
        let (debug, batch): (Vec<_>, Vec<_>) = batch.into_iter().partition(|event| event.client().settings.debug);
        if !debug.is_empty() {
            return self.print(destination, debug, batch, rest);
        }
        let pipeline = self.pipeline;
        let Some(transport) = self.transport() else {
            drop_all(batch, DropReason::Internal);
            return rest;
        };
        let url = destination.url();
        let wanted = || batch.iter().all(InHand::is_wanted);
        if !pipeline.gate.enter(clients_of(&batch), transport.ready_for(&url), wanted) {
            return joined(batch, rest);
        }
        let outcome = transport.post(&url, destination.protocol.content_type(), &body.text);
        if pipeline.gate.leave() {
            transport.renew();
            if outcome != Outcome::Accepted {
                // Those who did not opt out get another request; the others are dropped before it.
                return joined(batch, rest);
            }
        }
        pipeline.unreachable.store(outcome == Outcome::Unreachable, Ordering::SeqCst);
        match outcome {
            Outcome::Accepted => batch.into_iter().for_each(InHand::deliver),
            Outcome::Unreachable | Outcome::Interrupted => drop_all(batch, DropReason::Network),
            Outcome::Untrusted => drop_all(batch, DropReason::Tls),
            Outcome::Status(_) => drop_all(batch, DropReason::HttpStatus),
        }
        rest
    }

    /// Prints the request of the debugging clients' events instead of sending it; the others are left over.
    fn print(
        &mut self,
        destination: &Destination,
        debug: Vec<InHand>,
        others: Vec<InHand>,
        rest: Vec<InHand>,
    ) -> Vec<InHand> {
        if let Some(body) = self.encode(destination, &debug) {
            // One write, so that the lines of two processes do not mix. A closed standard error is no fault.
            let text = format!("pact_telemetry: would send: POST {}\n{}\n", destination.url(), body.text);
            let _ = std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes());
        }
        drop_all(debug, DropReason::Debug);
        joined(others, rest)
    }

    /// The first request for these events; `None` where there are none.
    fn encode(&mut self, destination: &Destination, events: &[InHand]) -> Option<Body> {
        let host = self.host.get_or_insert_with(Host::this_machine);
        let now = coarse_millis();
        let hits: Vec<Hit<'_>> =
            events.iter().take(destination.protocol.max_events()).map(|event| hit(event, now)).collect();
        let context = Context { host, session_id: &self.session_id.to_string(), now_micros: unix_micros() };
        protocol::encode(destination, &context, &hits).into_iter().next()
    }

    /// `None` only after a fault while it was made.
    fn transport(&mut self) -> Option<&mut Transport> {
        if self.transport.is_none() {
            let mut seed = self.pipeline.seed.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            self.transport = seed.take().map(Transport::new);
        }
        self.transport.as_mut()
    }
}

fn hit(event: &InHand, now: u64) -> Hit<'_> {
    let packed = &event.queued.event;
    let identity: &Identity = &event.queued.client.settings.identity;
    Hit {
        identity,
        event: packed.text(Field::Event),
        category: packed.text(Field::Category),
        action: packed.text(Field::Action),
        value: packed.value(),
        plugin_name: packed.text(Field::PluginName),
        plugin_version: packed.text(Field::PluginVersion),
        age_ms: now.saturating_sub(packed.stamp()),
    }
}

/// The events by where they go, each group in its order.
fn by_destination(events: Vec<InHand>) -> Vec<(Destination, Vec<InHand>)> {
    let mut groups: Vec<(Destination, Vec<InHand>)> = Vec::new();
    for event in events {
        let destination = &event.client().settings.destination;
        match groups.iter_mut().find(|(other, _)| other == destination) {
            Some((_, group)) => group.push(event),
            None => groups.push((destination.clone(), vec![event])),
        }
    }
    groups
}

/// The clients of these events, each once.
fn clients_of(events: &[InHand]) -> Vec<Arc<Shared>> {
    let mut clients: Vec<Arc<Shared>> = Vec::new();
    for event in events {
        if !clients.iter().any(|known| Arc::ptr_eq(known, event.client())) {
            clients.push(event.client().clone());
        }
    }
    clients
}

fn drop_all(events: Vec<InHand>, why: DropReason) {
    events.into_iter().for_each(|event| event.drop_for(why));
}

fn joined(mut first: Vec<InHand>, second: Vec<InHand>) -> Vec<InHand> {
    first.extend(second);
    first
}

/// Now, in microseconds since 1970; 0 where the clock is before that.
pub(crate) fn unix_micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}
