//! A client: who reports, with which settings, and the way of an event on the host's thread. Does no I/O but the one
//! small read of the person's saved choice, and no waiting but in `flush` and `close`.

use crate::config::{self, ConfigError, Settings, EXIT_TIMEOUT_CI_MS, EXIT_TIMEOUT_MS};
use crate::consent::{opted_out_by_environment, ChoiceFiles, Choices, Readings};
use crate::event::{Event, InvalidEvent, Packed, Texts};
use crate::host::{self, Host};
use crate::identifier;
use crate::json::object;
use crate::notice;
use crate::pipeline::{self, Account, Pipeline, Queued, Refusal, Snapshot};
use crate::platform::clock::coarse_millis;
use crate::platform::paths;
use crate::protocol::{self, Context, Destination, Hit};
use serde_json::Value;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Why an event was not queued. None of these is a reason to stop a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackError {
    /// Opted out by the person, or turned off by the host.
    Disabled,
    /// No credentials were given or built in.
    NotConfigured,
    /// As many events as allowed wait already; this one is dropped and counted.
    QueueFull,
    /// The client was closed.
    Closed,
    /// The event is not as it must be.
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
pub enum Flushed {
    /// Everything that was accepted before is delivered.
    Delivered,
    /// Nothing is waiting any more, but some of it was lost; the counters say why.
    Lost,
    /// Nothing was lost, but some of it is kept for another attempt, of this process or of a later one: the server
    /// cannot be reached, or asked to be left alone.
    Kept,
    /// The time is over and some of it still waits. The sender goes on with it.
    TimedOut,
}

/// Reasons for which no event is taken, as bits, so that one load tells that there is none.
mod off {
    /// The host's switch.
    pub const HOST: u32 = 1;
    /// The person's saved choice.
    pub const SAVED: u32 = 2;
    /// The saved choice was not looked at yet: something before it said "off".
    pub const UNREAD: u32 = 4;
    /// No credentials.
    pub const NOT_CONFIGURED: u32 = 8;
    /// Closed.
    pub const CLOSED: u32 = 16;
    /// The environment, when it was last looked at.
    pub const ENVIRONMENT: u32 = 32;
}

/// Where the events of a client go, and where they are kept until they got there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub destination: Destination,
    /// Of the destination, credentials included.
    pub url: String,
    /// The destination's name in the spool.
    pub id: String,
    pub state_folder: Option<PathBuf>,
    /// Under a random identifier, also where the person did not ask for it.
    pub random_id: bool,
}

impl Route {
    fn new(destination: Destination, state_folder: Option<PathBuf>, random_id: bool) -> Self {
        Route { url: destination.url(), id: destination.id(), destination, state_folder, random_id }
    }
}

/// What [`Shared::look_at_choices`] found.
pub(crate) enum Look {
    /// Nothing speaks against it. The person may want a random identifier.
    On { random_id: bool },
    /// Off; perhaps since now.
    Off { news: bool },
    /// It cannot be said now.
    NotNow,
}

/// What the handle, the queued events and the sender share of a client.
pub(crate) struct Shared {
    pub settings: Settings,
    pub route: Arc<Route>,
    pub account: Account,
    choice_files: ChoiceFiles,
    pub is_ci: bool,
    off: AtomicU32,
    /// Goes up whenever the client is turned off: an event of an earlier epoch may not leave any more.
    epoch: AtomicU32,
    /// The pipeline that the account belongs to; another one means that this is a forked child.
    pipeline_id: AtomicU64,
}

impl Shared {
    #[inline(always)]
    pub fn consent_epoch(&self) -> u32 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Reads the saved choices again and obeys them. Called by the sender before every request.
    pub fn look_at_choices(&self) -> Look {
        let choices = self.choice_files.read();
        match choices.off_by() {
            None => Look::On { random_id: choices.user.random_id },
            Some(_) if choices.is_not_now() => Look::NotNow,
            Some(_) => Look::Off { news: self.turn_off(off::SAVED) },
        }
    }

    /// Is nothing known that would keep an event from leaving?
    pub fn is_on(&self) -> bool {
        self.off.load(Ordering::SeqCst) & !off::CLOSED == 0
    }

    /// From now on off for this reason: no event that was admitted before, queued or about to be, may leave. Returns
    /// whether that is new.
    fn turn_off(&self, reason: u32) -> bool {
        let new = self.off.fetch_or(reason, Ordering::SeqCst) & reason == 0;
        if new {
            self.epoch.fetch_add(1, Ordering::SeqCst);
        }
        new
    }

    /// Makes the account this process's own.
    #[inline(always)]
    fn join(&self, pipeline: &Pipeline) {
        if self.pipeline_id.load(Ordering::Acquire) != pipeline.id {
            self.join_anew(pipeline);
        }
    }

    #[cold]
    #[inline(never)]
    fn join_anew(&self, pipeline: &Pipeline) {
        pipeline.gate.alone(|| {
            let before = self.pipeline_id.load(Ordering::Acquire);
            if before != pipeline.id {
                if before != 0 {
                    self.account.reset(); // a forked child: its parent's events are its parent's
                }
                pipeline.exit_timeout_ms.fetch_max(self.exit_timeout_ms(), Ordering::Relaxed);
                pipeline.is_ci.fetch_or(self.is_ci, Ordering::Relaxed);
                self.pipeline_id.store(pipeline.id, Ordering::Release);
            }
        });
    }

    fn exit_timeout_ms(&self) -> u32 {
        let default = if self.is_ci { EXIT_TIMEOUT_CI_MS } else { EXIT_TIMEOUT_MS };
        self.settings.exit_timeout.map_or(default as u32, |timeout| timeout.as_millis() as u32)
    }
}

/// Reports the events of one library. Cheap to make, safe on any thread; all clients of a process share one sender.
///
/// Dropping it loses nothing: what was accepted stays with the sender.
///
/// ```
/// use pact_telemetry::{names, Client, Event, TrackError};
///
/// let client = Client::new(r#"{"library": {"id": "my-pact", "name": "My Pact", "version": "1.0.0"}}"#)?;
/// let event = Event::new(names::EVENT_PACTS_VERIFIED, names::CATEGORY_PROVIDER_TEST, names::ACTION_COMPLETED, 3);
/// // Nobody gave credentials here, so nothing is sent, and the answer says so (or that the person opted out).
/// let answer = client.track(&event);
/// assert!(matches!(answer, Err(TrackError::NotConfigured | TrackError::Disabled)));
/// # Ok::<(), pact_telemetry::ConfigError>(())
/// ```
pub struct Client {
    shared: Arc<Shared>,
}

impl Client {
    /// A client by its config, a JSON object (see `docs/config.md`). Reads the environment, and the person's saved
    /// choice unless something before it says "off". Starts nothing.
    ///
    /// # Errors
    /// Names the key or environment variable that is wrong, what was found and what is allowed.
    pub fn new(config: &str) -> Result<Self, ConfigError> {
        let variable = |name: &str| std::env::var_os(name);
        let settings = config::parse(config, variable)?;
        let mut bits = if settings.enabled { 0 } else { off::HOST };
        if !settings.destination.is_configured() {
            bits |= off::NOT_CONFIGURED;
        }
        let state_folder = settings.state_dir.clone().or_else(|| paths::user_state_dir(variable));
        notice::run_begins(pipeline::unix_micros() / 1_000);
        let shared = Arc::new(Shared {
            route: Arc::new(Route::new(settings.destination.clone(), state_folder, settings.random_id)),
            settings,
            account: Account::default(),
            choice_files: ChoiceFiles::here(),
            is_ci: host::is_ci(variable),
            off: AtomicU32::new(bits | off::UNREAD),
            epoch: AtomicU32::new(0),
            pipeline_id: AtomicU64::new(0),
        });
        let client = Client { shared };
        if bits == 0 && !opted_out_by_environment() {
            client.read_choices();
        }
        Ok(client)
    }

    /// Queues an event. Never blocks, makes one allocation (a few more the first time that over 256 events wait) and no system
    /// call (but to wake or start a resting sender).
    ///
    /// # Errors
    /// Says why the event was not queued.
    pub fn track(&self, event: &Event<'_>) -> Result<(), TrackError> {
        self.queue(self.admit()?, &event.texts(), event.value)
    }

    /// May an event be tracked now? Answers with the consent epoch to track it under.
    #[inline(always)]
    pub(crate) fn admit(&self) -> Result<u32, TrackError> {
        // Before the rules are asked: who turns it off after this makes the event stale.
        let epoch = self.shared.consent_epoch();
        let opted_out = opted_out_by_environment();
        if opted_out || self.shared.off.load(Ordering::Acquire) != 0 {
            self.may_track(opted_out)?;
        }
        Ok(epoch)
    }

    /// Counts an event that is not even texts.
    #[cfg(feature = "capi")]
    pub(crate) fn refuse_invalid(&self) {
        self.shared.account.refuse(Refusal::Invalid);
    }

    /// Checks, copies and queues an event that was admitted.
    #[inline(always)]
    pub(crate) fn queue(&self, epoch: u32, texts: &Texts<'_>, value: i64) -> Result<(), TrackError> {
        let shared = &self.shared;
        let event = match Packed::new(texts, value, coarse_millis(), epoch) {
            Ok(event) => event,
            Err(InvalidEvent::NoMemory) => return Err(self.no_room()),
            Err(invalid) => {
                shared.account.refuse(Refusal::Invalid);
                return Err(invalid.into());
            }
        };
        let Some(pipeline) = pipeline::for_this_process() else { return Err(self.no_room()) };
        shared.join(pipeline);
        let capacity = shared.settings.queue_capacity as u64;
        let Some(waiting) = shared.account.accept(capacity) else { return Err(self.no_room()) };
        if pipeline.push(Queued { client: shared.clone(), event }).is_err() {
            shared.account.give_back();
            pipeline.announce(); // a flush may have begun to wait for it
            return Err(self.no_room());
        }
        if waiting == capacity / 2 {
            pipeline.nudge();
        }
        Ok(())
    }

    #[cold]
    fn no_room(&self) -> TrackError {
        self.shared.account.refuse(Refusal::QueueFull);
        TrackError::QueueFull
    }

    /// The rules in their order, for when the quick look found that something may be off.
    fn may_track(&self, opted_out: bool) -> Result<(), TrackError> {
        let bits = self.shared.off.load(Ordering::Acquire);
        let refusal = if bits & off::CLOSED != 0 {
            (Refusal::Closed, TrackError::Closed)
        } else if !self.consents(opted_out) {
            (Refusal::Disabled, TrackError::Disabled)
        } else if bits & off::NOT_CONFIGURED != 0 {
            (Refusal::NotConfigured, TrackError::NotConfigured)
        } else {
            return Ok(());
        };
        self.shared.account.refuse(refusal.0);
        Err(refusal.1)
    }

    /// Does every rule agree that events are taken, given what the environment says? Obeys what changed since.
    fn consents(&self, opted_out: bool) -> bool {
        let bits = self.shared.off.load(Ordering::Acquire);
        if opted_out != (bits & off::ENVIRONMENT != 0) {
            self.environment_changed(opted_out);
        }
        if opted_out || bits & off::HOST != 0 {
            return false;
        }
        if bits & off::UNREAD != 0 {
            self.read_choices();
        }
        self.shared.off.load(Ordering::Acquire) & (off::SAVED | off::UNREAD) == 0
    }

    #[cold]
    #[inline(never)]
    fn environment_changed(&self, opted_out: bool) {
        if opted_out {
            self.turn_off(off::ENVIRONMENT);
        } else {
            self.shared.off.fetch_and(!off::ENVIRONMENT, Ordering::SeqCst);
        }
    }

    #[cold]
    #[inline(never)]
    fn read_choices(&self) {
        let choices = self.shared.choice_files.read();
        if choices.is_not_now() {
            return;
        }
        if choices.off_by().is_some() {
            self.shared.off.fetch_or(off::SAVED, Ordering::SeqCst);
        }
        self.shared.off.fetch_and(!off::UNREAD, Ordering::SeqCst);
    }

    /// Turns this client on or off for the host. Off: what waits is thrown away, an upload that carries events of this
    /// client is cut, and nothing leaves after the call returns. On: the person's own choice still holds.
    pub fn set_enabled(&self, enabled: bool) {
        if enabled {
            self.shared.off.fetch_and(!off::HOST, Ordering::SeqCst);
        } else {
            self.turn_off(off::HOST);
        }
    }

    /// Off for this reason: what waits is thrown away by the sender, what is on the wire is cut here.
    fn turn_off(&self, reason: u32) {
        let is_new = self.shared.turn_off(reason);
        let Some(pipeline) = self.joined() else { return };
        // In any case: another thread may have turned it off this moment and not have cut yet.
        pipeline.gate.cut(&self.shared);
        if is_new {
            if reason == off::ENVIRONMENT {
                pipeline.ask_for_purge(&self.shared.route); // the person spoke, not the host
            }
            pipeline.hurry();
        }
    }

    /// Would an event be taken now?
    pub fn is_enabled(&self) -> bool {
        self.consents(opted_out_by_environment()) && self.shared.off.load(Ordering::Acquire) == 0
    }

    /// The state of this client and the rule that decided it, with what each rule read. Looks at everything anew.
    pub fn explain(&self) -> Value {
        let bits = self.shared.off.load(Ordering::Acquire);
        let settings = &self.shared.settings;
        let readings = Readings::take(bits & off::HOST == 0, self.shared.choice_files.clone());
        // A saved "off" that was obeyed holds for this client, also when the file is gone by now.
        let rule = readings.off_by().or_else(|| (bits & off::SAVED != 0).then_some("saved choice"));
        let configured = bits & off::NOT_CONFIGURED == 0;
        let state = match (bits & off::CLOSED != 0, rule.is_some(), configured) {
            (true, ..) => "closed",
            (_, true, _) => "disabled",
            (.., false) => "not configured",
            _ => "enabled",
        };
        object(vec![
            ("enabled", (state == "enabled").into()),
            ("state", state.into()),
            ("rule", rule.into()),
            ("rules", readings.to_json()),
            ("protocol", settings.destination.protocol.name().into()),
            ("endpoint", settings.destination.endpoint.as_str().into()),
            ("destination", self.shared.route.id.as_str().into()),
            ("configured", configured.into()),
            ("debug", settings.debug.into()),
            ("ci", self.shared.is_ci.into()),
            ("exit_timeout_ms", self.shared.exit_timeout_ms().into()),
            ("queue_capacity", settings.queue_capacity.into()),
            ("state_dir", self.shared.route.state_folder.as_ref().map(|path| path.to_string_lossy()).into()),
            ("id", if self.has_random_id(&readings.choices) { "random" } else { "hostname" }.into()),
            ("notice", notice::explain(self.shared.route.state_folder.as_deref(), &settings.destination.endpoint)),
            ("diagnostics", settings.diagnostics.as_slice().into()),
        ])
    }

    /// The request that would carry this event alone if it were sent now, by the encoder that the sender uses: `method`,
    /// `url`, `content_type` and `body`, whatever the person decided. Nothing is sent or kept.
    ///
    /// # Errors
    /// [`TrackError::Invalid`] for an event that would not be taken.
    pub fn preview(&self, event: &Event<'_>) -> Result<Value, TrackError> {
        Packed::new(&event.texts(), event.value, 0, 0)?;
        let now_micros = pipeline::unix_micros();
        let hit = Hit {
            identity: &self.shared.settings.identity,
            event: event.event,
            category: event.category,
            action: event.action,
            value: event.value,
            plugin_name: event.plugin_name,
            plugin_version: event.plugin_version,
            session_id: now_micros / 1_000_000,
            age_ms: 0,
        };
        let context = Context { host: &self.host_to_show(), now_micros };
        let destination = &self.shared.settings.destination;
        let body = protocol::encode(destination, &context, &[hit]).pop().map(|body| body.text).unwrap_or_default();
        Ok(object(vec![
            ("method", "POST".into()),
            ("url", self.shared.route.url.as_str().into()),
            ("content_type", destination.protocol.content_type().into()),
            ("body", body.into()),
        ]))
    }

    /// The machine as a request names it; nothing is made for that.
    fn host_to_show(&self) -> Host {
        if !self.has_random_id(&self.shared.choice_files.read()) {
            return Host::this_machine();
        }
        let kept = self.shared.route.state_folder.as_deref().and_then(identifier::kept);
        Host::identified_by(kept.unwrap_or_else(identifier::random))
    }

    fn has_random_id(&self, choices: &Choices) -> bool {
        choices.user.random_id || self.shared.route.random_id
    }

    /// The counters of this client in this process, as one consistent JSON object:
    /// `accepted = delivered + queued + spooled + the sum of dropped`; beside them, of the whole process, why the last
    /// request failed (`null` after a success), and what it did with events that earlier processes had left.
    pub fn stats(&self) -> Value {
        let mut stats = self.counters().to_json();
        let process = pipeline::existing().map(Pipeline::report).unwrap_or_default();
        if let Some(map) = stats.as_object_mut() {
            map.insert("last_failure".into(), process.last_failure.into());
            let others = vec![("delivered", process.delivered.into()), ("dropped", process.dropped.into())];
            map.insert("left_by_others".into(), object(others));
        }
        stats
    }

    fn counters(&self) -> Snapshot {
        match self.joined() {
            Some(_) => self.shared.account.snapshot(),
            // No pipeline, though there was one: a forked child that has not tracked yet.
            None if self.shared.pipeline_id.load(Ordering::Acquire) != 0 => Snapshot::default(),
            None => self.shared.account.snapshot(),
        }
    }

    /// This process's pipeline, if it has one, with the account made this process's own.
    fn joined(&self) -> Option<&'static Pipeline> {
        let pipeline = pipeline::existing()?;
        self.shared.join(pipeline);
        Some(pipeline)
    }

    /// Has everything delivered that was accepted before, at once and without linger, and waits for that at most so
    /// long. Holds its time also when a server hangs.
    pub fn flush(&self, timeout: Duration) -> Flushed {
        let deadline = Instant::now() + timeout;
        let Some(pipeline) = self.joined() else { return Flushed::Delivered };
        let account = &self.shared.account;
        let (target, lost_before) = (account.accepted(), account.lost());
        if account.settled() < target {
            pipeline.hurry();
            if !pipeline.wait(deadline, || account.settled() >= target || !account.is_waiting()) {
                return Flushed::TimedOut;
            }
        }
        if account.lost() > lost_before {
            Flushed::Lost
        } else if account.snapshot().spooled > 0 {
            Flushed::Kept
        } else {
            Flushed::Delivered
        }
    }

    /// Has everything on disk that was accepted before, at once, and waits for that at most so long. Waits for no server.
    pub fn persist(&self, timeout: Duration) -> Flushed {
        let deadline = Instant::now() + timeout;
        let Some(pipeline) = self.joined() else { return Flushed::Delivered };
        let account = &self.shared.account;
        let lost_before = account.lost();
        if account.is_waiting() {
            pipeline.hurry();
            if !pipeline.wait(deadline, || !account.is_waiting() || pipeline.is_taken()) {
                return Flushed::TimedOut;
            }
        }
        if account.lost() > lost_before {
            Flushed::Lost
        } else if account.is_waiting() || account.snapshot().spooled > 0 {
            Flushed::Kept
        } else {
            Flushed::Delivered
        }
    }

    /// Takes no more events, and flushes. Closing again is allowed and waits for what is left.
    pub fn close(&self, timeout: Duration) -> Flushed {
        self.shared.off.fetch_or(off::CLOSED, Ordering::SeqCst);
        self.flush(timeout)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("identity", &self.shared.settings.identity).finish_non_exhaustive()
    }
}
