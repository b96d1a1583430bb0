//! A client: who reports, with which settings, and what happens to an event on the host program's thread. Its only I/O
//! is reading small files: the saved choices, the record of the notice, and the mark of waiting events. It waits only
//! in `flush`, `persist` and `close`.

use crate::answers::{Explanation, Preview, State, Stats};
use crate::config::{self, ConfigError};
use crate::consent::{ChoiceFiles, Choices, Readings, opted_out_by_environment};
use crate::event::{Event, InvalidEvent, Packed, Texts};
use crate::identifier;
use crate::machine::{self, Machine};
use crate::notice::Notice;
use crate::pipeline::lifecycle::{existing, for_this_process};
use crate::pipeline::off::{OffSwitch, Reason, Reasons};
use crate::pipeline::{Owner, Pipeline, Queued, Refusal, Snapshot};
use crate::platform::clock::{coarse_millis, unix_micros};
use crate::platform::{paths, process};
use crate::protocol::{self, Context, Hit};
use crate::route::Route;
use crate::spool::Spool;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Why an event was not queued. None of these is a reason to stop a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrackError {
    /// The person opted out, or the host program turned telemetry off.
    Disabled,
    /// Google's endpoint needs credentials, and there are none in the config, the environment or the build.
    NotConfigured,
    /// The queue is full, or there is no memory. The event is dropped and counted.
    QueueFull,
    /// The client was closed.
    Closed,
    /// The event breaks a rule.
    Invalid(InvalidEvent),
}

impl fmt::Display for TrackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrackError::Disabled => f.write_str("telemetry is off"),
            TrackError::NotConfigured => f.write_str("no credentials are configured"),
            TrackError::QueueFull => f.write_str("the queue is full"),
            TrackError::Closed => f.write_str("the client is closed"),
            TrackError::Invalid(invalid) => invalid.fmt(f),
        }
    }
}

impl std::error::Error for TrackError {}

impl From<InvalidEvent> for TrackError {
    fn from(invalid: InvalidEvent) -> Self {
        TrackError::Invalid(invalid)
    }
}

/// How a wait for delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flushed {
    /// Every event that was accepted before was delivered.
    Delivered,
    /// Events were lost since a call told of losses before; the counters say why.
    Lost,
    /// Nothing was lost, but some events are kept on disk for another attempt, by this process or a later one. The
    /// server cannot be reached, the server asked for a pause, or the notice was not shown long enough ago.
    Kept,
    /// The time is over and some events still wait, or some wait in memory alone because they could not be written to
    /// disk. The background threads go on with them.
    TimedOut,
}

/// The longest wait of a call, which is that of the C ABI: 49 days. A longer one may be beyond what `Instant` can hold.
const WAIT_MAX: Duration = Duration::from_millis(u32::MAX as u64);

/// Reports the events of one library. A client is cheap to make and safe to use on any thread. All clients of a process
/// share one pipeline.
///
/// Dropping a client loses no event: what was accepted is still sent.
///
/// ```
/// use pact_telemetry::{Client, Event, TrackError, names};
///
/// let client = Client::new(r#"{"library": {"id": "my-pact", "name": "My Pact", "version": "1.0.0"}}"#)?;
/// let event = Event::new(names::EVENT_PACTS_VERIFIED, names::CATEGORY_PROVIDER_TEST, names::ACTION_COMPLETED, 3);
/// // There are no credentials here, so nothing is sent, and the answer says so (or that the person opted out).
/// let answer = client.track(&event);
/// assert!(matches!(answer, Err(TrackError::NotConfigured | TrackError::Disabled)));
/// # Ok::<(), pact_telemetry::ConfigError>(())
/// ```
pub struct Client {
    owner: Arc<Owner>,
}

impl Client {
    /// Makes a client from a config, a JSON object (see `docs/config.md`). Reads the environment and, unless the config
    /// or the environment says "off", the saved choices. Starts no thread, unless events of an earlier process wait.
    ///
    /// # Errors
    /// Names the key or environment variable that is wrong, what was found and what is allowed.
    pub fn new(config: &str) -> Result<Self, ConfigError> {
        let unsupported = process::unsupported();
        let variable = |name: &str| std::env::var_os(name).filter(|_| unsupported.is_none());
        let settings = config::parse(config, variable)?;
        let mut reasons = vec![Reason::Unread];
        if unsupported.is_some() {
            reasons.push(Reason::Unsupported);
        }
        if !settings.enabled {
            reasons.push(Reason::Host);
        }
        // What is printed needs no credentials, and is meant to be seen before there are any.
        if !settings.destination.is_configured() && !settings.debug {
            reasons.push(Reason::NotConfigured);
        }
        let state_folder = settings.state_dir.clone().or_else(|| paths::user_state_dir(variable));
        let home = variable("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
        let route = Route::new(settings.destination.clone(), state_folder, home, settings.random_id);
        let off = OffSwitch::new(Reasons::of(&reasons));
        let owner = Owner::new(settings, route, ChoiceFiles::here(), machine::is_ci(variable), off);
        let client = Client { owner: Arc::new(owner) };
        if reasons == [Reason::Unread] && !opted_out_by_environment() {
            client.read_choices();
            client.look_for_leftovers();
        }
        Ok(client)
    }

    /// Starts sending what earlier processes left now, so that it does not have to be sent while this process exits.
    fn look_for_leftovers(&self) {
        let route = &self.owner.route;
        let is_waiting = |folder: &Path| Spool::is_marked_waiting(folder, &route.id);
        let is_sending = self.owner.off.reasons().is_empty() && !self.owner.settings.debug;
        if is_sending
            && route.configured_state_folder().is_some_and(is_waiting)
            && let Some(pipeline) = for_this_process()
        {
            pipeline.look_for_leftovers(&self.owner);
        }
    }

    /// Queues an event. Never blocks. Makes one allocation (a few more the first time that more than 256 events wait),
    /// and no system call except to wake or to start a background thread.
    ///
    /// # Errors
    /// Says why the event was not queued.
    pub fn track(&self, event: &Event<'_>) -> Result<(), TrackError> {
        self.queue(self.admit()?, &event.texts(), event.value)
    }

    /// Checks whether an event may be tracked now, and returns the consent epoch to track it under.
    #[inline(always)]
    pub(crate) fn admit(&self) -> Result<u32, TrackError> {
        // Read before the rules are checked: turning the client off after this makes the event stale.
        let epoch = self.owner.off.epoch();
        let opted_out = opted_out_by_environment();
        if opted_out || !self.owner.off.reasons().is_empty() {
            self.may_track(opted_out)?;
        }
        Ok(epoch)
    }

    /// Counts an event with an argument that is NULL.
    #[cfg(feature = "capi")]
    pub(crate) fn refuse_invalid(&self) {
        self.owner.account.refuse(Refusal::Invalid);
    }

    /// Checks, copies and queues an event that was admitted.
    #[inline(always)]
    pub(crate) fn queue(&self, epoch: u32, texts: &Texts<'_>, value: i64) -> Result<(), TrackError> {
        let owner = &self.owner;
        let made = existing();
        if made.is_some_and(Pipeline::is_full) {
            return Err(self.queue_full()); // before it is copied, so that it costs no more than one that is accepted
        }
        let event = match Packed::new(texts, value, coarse_millis(), epoch) {
            Ok(event) => event,
            Err(InvalidEvent::NoMemory) => return Err(self.queue_full()),
            Err(invalid) => {
                owner.account.refuse(Refusal::Invalid);
                return Err(invalid.into());
            }
        };
        let Some(pipeline) = made.or_else(for_this_process) else { return Err(self.queue_full()) };
        pipeline.join(owner);
        let capacity = owner.settings.queue_capacity as u64;
        let Some(waiting) = owner.account.accept(capacity) else { return Err(self.queue_full()) };
        if pipeline.push(Queued { client: owner.clone(), event }).is_err() {
            owner.account.give_back();
            pipeline.announce(); // a flush may already wait for this event
            return Err(self.queue_full());
        }
        if waiting == capacity / 2 {
            pipeline.nudge();
        }
        Ok(())
    }

    #[cold]
    fn queue_full(&self) -> TrackError {
        self.owner.account.refuse(Refusal::QueueFull);
        TrackError::QueueFull
    }

    /// Checks the rules in their order, once the quick check has found that something may be off.
    fn may_track(&self, opted_out: bool) -> Result<(), TrackError> {
        let reasons = self.owner.off.reasons();
        let refusal = if reasons.has(Reason::Closed) {
            (Refusal::Closed, TrackError::Closed)
        } else if !self.consents(opted_out) {
            (Refusal::Disabled, TrackError::Disabled)
        } else if reasons.has(Reason::NotConfigured) {
            (Refusal::NotConfigured, TrackError::NotConfigured)
        } else {
            return Ok(());
        };
        self.owner.account.refuse(refusal.0);
        Err(refusal.1)
    }

    /// Checks whether every rule allows events, given what the environment says. Applies what changed since the last
    /// check.
    fn consents(&self, opted_out: bool) -> bool {
        let reasons = self.owner.off.reasons();
        if opted_out != reasons.has(Reason::Environment) {
            self.environment_changed(opted_out);
        }
        if opted_out || reasons.has(Reason::Host) || reasons.has(Reason::Unsupported) {
            return false;
        }
        if reasons.has(Reason::Unread) {
            self.read_choices();
        }
        let reasons = self.owner.off.reasons();
        !reasons.has(Reason::Saved) && !reasons.has(Reason::Unread)
    }

    #[cold]
    #[inline(never)]
    fn environment_changed(&self, opted_out: bool) {
        if opted_out {
            self.turn_off(Reason::Environment);
        } else {
            self.owner.off.remove(Reason::Environment);
        }
    }

    #[cold]
    #[inline(never)]
    fn read_choices(&self) {
        let choices = self.owner.choice_files.read();
        if choices.is_not_now() {
            return;
        }
        if choices.off_by().is_some() {
            self.owner.off.add(Reason::Saved);
        }
        self.owner.note_yes(&choices);
        self.owner.off.remove(Reason::Unread);
    }

    /// Turns this client on or off for the host program. Off: waiting events are dropped, an upload that carries events
    /// of this client is cancelled, and no event of it leaves after the call returns. On: the person's own choice still
    /// holds.
    pub fn set_enabled(&self, enabled: bool) {
        if enabled {
            self.owner.off.remove(Reason::Host);
        } else {
            self.turn_off(Reason::Host);
        }
    }

    /// Turns this client off for a reason. The background threads drop the waiting events; an upload in flight is
    /// cancelled here.
    fn turn_off(&self, reason: Reason) {
        let is_new = self.owner.off.turn_off(reason);
        let Some(pipeline) = self.joined() else { return };
        // Done even if it is not new: another thread may be turning it off right now and may not have cancelled the
        // upload yet.
        pipeline.cancel_upload_of(&self.owner);
        if is_new {
            if reason == Reason::Environment {
                pipeline.ask_for_purge(&self.owner.route); // the person decided this, not the host program
            }
            pipeline.hurry();
        }
    }

    /// Whether [`Client::track`] would take an event now.
    pub fn is_enabled(&self) -> bool {
        self.consents(opted_out_by_environment()) && self.owner.off.reasons().is_empty()
    }

    /// The state of this client and the rule that decided it, with what each rule read. Reads everything anew: the
    /// environment, the two files of the saved choices, and the record of the notice.
    pub fn explain(&self) -> Explanation {
        let Owner { settings, route, .. } = &*self.owner;
        let reasons = self.owner.off.reasons();
        let readings = Readings::take(!reasons.has(Reason::Host), self.owner.choice_files.clone());
        // A saved "off" that was applied holds for this client, even if the file is gone by now.
        let rule = process::unsupported()
            .or_else(|| readings.off_by())
            .or_else(|| (reasons.has(Reason::Saved)).then_some("saved choice"));
        Explanation {
            state: match (reasons.has(Reason::Closed), rule.is_some(), reasons.has(Reason::NotConfigured)) {
                (true, ..) => State::Closed,
                (_, true, _) => State::Disabled,
                (.., true) => State::NotConfigured,
                _ => State::Enabled,
            },
            rule,
            rules: readings.rules(),
            protocol: settings.destination.protocol.name(),
            endpoint: settings.destination.endpoint.clone(),
            destination: route.id.clone(),
            is_configured: settings.destination.is_configured(),
            is_debug: settings.debug,
            is_ci: self.owner.is_ci,
            exit_timeout: self.owner.exit_timeout(),
            queue_capacity: settings.queue_capacity,
            state_folder: route.configured_state_folder().map(Path::to_owned),
            has_random_id: self.has_random_id(&readings.choices),
            notice: Notice::read(route.state_folder(), &settings.destination.endpoint),
            diagnostics: settings.diagnostics.clone(),
        }
    }

    /// The request that would carry this event alone if it were sent now, made by the encoder that sends events.
    /// Nothing is sent or kept, whatever the person decided.
    ///
    /// # Errors
    /// [`TrackError::Invalid`] for an event that would not be taken.
    pub fn preview(&self, event: &Event<'_>) -> Result<Preview, TrackError> {
        Packed::new(&event.texts(), event.value, 0, 0)?;
        let now_micros = unix_micros();
        let hit = Hit {
            identity: &self.owner.settings.identity,
            event: event.event,
            category: event.category,
            action: event.action,
            value: event.value,
            plugin_name: event.plugin_name,
            plugin_version: event.plugin_version,
            session_id: now_micros / 1_000_000,
            age_ms: 0,
        };
        let context = Context { machine: &self.machine_to_show(), now_micros };
        let destination = &self.owner.settings.destination;
        let body = protocol::encode(destination, &context, &[hit]).pop().map(|body| body.text).unwrap_or_default();
        let content_type = destination.protocol.content_type();
        Ok(Preview { method: "POST", url: self.owner.route.url.clone(), content_type, body })
    }

    /// The machine as a request names it. Creates no identifier for that.
    fn machine_to_show(&self) -> Machine {
        if !self.has_random_id(&self.owner.choice_files.read()) {
            return Machine::this_machine();
        }
        let kept = self.owner.route.state_folder().and_then(identifier::kept);
        Machine::identified_by(kept.unwrap_or_else(identifier::random))
    }

    fn has_random_id(&self, choices: &Choices) -> bool {
        choices.user.random_id || self.owner.route.random_id
    }

    /// The counters of this client in this process, all taken at one moment. Never blocks.
    pub fn stats(&self) -> Stats {
        Stats::new(self.counters(), existing().map(Pipeline::report).unwrap_or_default())
    }

    fn counters(&self) -> Snapshot {
        match self.joined() {
            Some(_) => self.owner.account.snapshot(),
            // There was a pipeline and now there is none: this is a forked child that has not tracked yet.
            None if self.owner.has_joined() => Snapshot::default(),
            None => self.owner.account.snapshot(),
        }
    }

    /// This process's pipeline, if it has one. Makes the account this process's own first.
    fn joined(&self) -> Option<&'static Pipeline> {
        let pipeline = existing()?;
        pipeline.join(&self.owner);
        Some(pipeline)
    }

    /// Sends every event that was accepted before, at once, and waits at most `timeout` until each one is settled or
    /// kept. The limit holds even if a server does not answer.
    pub fn flush(&self, timeout: Duration) -> Flushed {
        let timeout = timeout.min(WAIT_MAX);
        let Some(pipeline) = self.joined() else { return Flushed::Delivered };
        let account = &self.owner.account;
        let (begin, target, told) = (Instant::now(), account.accepted(), account.lost_told());
        // An event that failed to be sent and is not on disk waits for another attempt. This call does not wait for it.
        let is_done = || account.settled() + account.stalled() >= target || !account.is_waiting();
        if !is_done() && !pipeline.wait_for_answers(&self.owner.route, timeout, &is_done) {
            return Flushed::TimedOut;
        }
        let is_there = || self.is_on_disk(pipeline);
        let rest = || timeout.saturating_sub(begin.elapsed());
        if !is_there() && !pipeline.wait_for_answers(&self.owner.route, rest(), &is_there) {
            return Flushed::TimedOut;
        }
        if account.tell_of_losses(told) {
            Flushed::Lost
        } else if account.stalled() > 0 {
            Flushed::TimedOut
        } else if account.snapshot().spooled > 0 {
            // What was on disk may have vanished from it since.
            if account.unstored() > 0 { Flushed::TimedOut } else { Flushed::Kept }
        } else {
            Flushed::Delivered
        }
    }

    /// Whether nothing that waits is in a folder that has vanished since, as far as is known. What was there is put on
    /// disk again when the uploader looks.
    fn is_on_disk(&self, pipeline: &Pipeline) -> bool {
        let account = &self.owner.account;
        let is_any = account.is_waiting() || account.snapshot().spooled > 0;
        !is_any || pipeline.has_folder(&self.owner.route)
    }

    /// Writes every event that was accepted before to disk, at once, and waits at most `timeout` for that. Does not
    /// wait for a server.
    pub fn persist(&self, timeout: Duration) -> Flushed {
        let deadline = Instant::now() + timeout.min(WAIT_MAX);
        let Some(pipeline) = self.joined() else { return Flushed::Delivered };
        let account = &self.owner.account;
        let told = account.lost_told();
        // Of a client that is off, nothing may be left on disk: the process may be killed when this returns.
        let is_removed = || !account.is_waiting() && account.snapshot().spooled == 0;
        let is_stored = || !account.is_waiting() || pipeline.is_taken();
        let is_done = || if self.owner.is_on() { is_stored() } else { is_removed() };
        if !is_done() {
            pipeline.hurry_worker();
            if !pipeline.wait(deadline, &is_done) {
                return Flushed::TimedOut;
            }
        }
        if !self.is_on_disk(pipeline) {
            pipeline.hurry_uploader();
            if !pipeline.wait(deadline, &|| self.is_on_disk(pipeline)) {
                return Flushed::TimedOut;
            }
        }
        if account.tell_of_losses(told) {
            Flushed::Lost
        } else if account.unstored() > 0 {
            Flushed::TimedOut
        } else if account.is_waiting() || account.snapshot().spooled > 0 {
            Flushed::Kept
        } else {
            Flushed::Delivered
        }
    }

    /// Takes no further events, then does what [`Client::flush`] does. A client may be closed again; each call waits
    /// for what is left. If there is time left, and the exit of the process might wait as long, it waits also until
    /// what earlier processes left is sent: this process may end without its exit handlers.
    pub fn close(&self, timeout: Duration) -> Flushed {
        self.owner.off.add(Reason::Closed);
        let begin = Instant::now();
        let flushed = self.flush(timeout);
        let rest = timeout.saturating_sub(begin.elapsed()).min(self.owner.exit_timeout());
        if let Some(pipeline) = existing().filter(|_| !rest.is_zero()) {
            pipeline.wait_for_leftovers(&self.owner.route, rest);
        }
        flushed
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(pipeline) = existing() {
            pipeline.part(&self.owner);
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("identity", &self.owner.settings.identity).finish_non_exhaustive()
    }
}
