//! What a client answers when it is asked: its counters, its state, and the request of one event. Each answer is a
//! typed value, with one function that turns it into the JSON of the C ABI. Reads nothing; [`crate::Client`] fills it
//! in.

use crate::consent::Rule;
use crate::json::{Object, push_string};
use crate::notice::Notice;
use crate::pipeline::{DropReason, Refusal, Report, Snapshot};
use std::path::PathBuf;
use std::time::Duration;

/// The counters of one client in this process, all taken at one moment.
///
/// [`accepted`](Stats::accepted) always equals the sum of [`delivered`](Stats::delivered),
/// [`unconfirmed`](Stats::unconfirmed), [`queued`](Stats::queued), [`spooled`](Stats::spooled) and
/// [`dropped`](Stats::dropped) for every reason.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    counters: Snapshot,
    process: Report,
}

impl Stats {
    pub(crate) fn new(counters: Snapshot, process: Report) -> Self {
        Stats { counters, process }
    }

    /// Events that [`crate::Client::track`] took.
    pub fn accepted(&self) -> u64 {
        self.counters.accepted
    }

    /// Events that a server answered with a status from 200 to 299.
    pub fn delivered(&self) -> u64 {
        self.counters.delivered
    }

    /// Events that were sent whole, but whose answer did not arrive in time. They are not sent again.
    pub fn unconfirmed(&self) -> u64 {
        self.counters.unconfirmed
    }

    /// Events that wait in memory.
    pub fn queued(&self) -> u64 {
        self.counters.queued()
    }

    /// Events that wait on disk for another attempt, of this process or of a later one.
    pub fn spooled(&self) -> u64 {
        self.counters.spooled
    }

    /// Accepted events that were lost for this reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.counters.dropped.get(reason as usize).copied().unwrap_or_default()
    }

    /// Events that [`crate::Client::track`] did not take for this reason.
    pub fn not_accepted(&self, reason: Refusal) -> u64 {
        self.counters.refused.get(reason as usize).copied().unwrap_or_default()
    }

    /// Why the last request of this process failed, for any of its clients; `None` after a success.
    /// `docs/config.md` lists the values.
    pub fn last_failure(&self) -> Option<&str> {
        self.process.last_failure.as_deref()
    }

    /// What became of the events that earlier processes had left and this process took over.
    pub fn left_by_others(&self) -> LeftByOthers {
        let Report { delivered, unconfirmed, dropped, .. } = self.process;
        LeftByOthers { delivered, unconfirmed, dropped }
    }

    /// The object that `pact_telemetry_stats` returns. Every reason is in it, also with 0.
    pub fn to_json(&self) -> String {
        Object::text(|object| {
            object.number("accepted", self.accepted());
            object.number("delivered", self.delivered());
            object.object("dropped", |object| {
                DropReason::all().for_each(|reason| object.number(reason.name(), self.dropped(reason)));
            });
            object.string_or_null("last_failure", self.last_failure());
            object.object("left_by_others", |object| {
                object.number("delivered", self.process.delivered);
                object.number("dropped", self.process.dropped);
                object.number("unconfirmed", self.process.unconfirmed);
            });
            object.object("not_accepted", |object| {
                Refusal::all().for_each(|reason| object.number(reason.name(), self.not_accepted(reason)));
            });
            object.number("queued", self.queued());
            object.number("spooled", self.spooled());
            object.number("unconfirmed", self.unconfirmed());
        })
    }
}

/// What became of the events that earlier processes had left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftByOthers {
    /// Delivered by this process.
    pub delivered: u64,
    /// Sent whole by this process, but the answer did not arrive in time.
    pub unconfirmed: u64,
    /// Dropped by this process.
    pub dropped: u64,
}

/// Whether a client takes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It does.
    Enabled,
    /// A rule says "off".
    Disabled,
    /// No rule says "off", but there are no credentials.
    NotConfigured,
    /// It was closed.
    Closed,
}

impl State {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            State::Enabled => "enabled",
            State::Disabled => "disabled",
            State::NotConfigured => "not configured",
            State::Closed => "closed",
        }
    }
}

/// The state of a client and the rule that decided it, with everything that the rules read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Explanation {
    /// Whether the client takes events.
    pub state: State,
    /// The name of the rule that turns the client off; `None` if none does.
    pub rule: Option<&'static str>,
    /// Every rule in the order in which it is asked.
    pub rules: Vec<Rule>,
    /// The name of the protocol.
    pub protocol: &'static str,
    /// Where events go, without credentials.
    pub endpoint: String,
    /// The name of the destination in the spool.
    pub destination: String,
    /// Whether there is a destination: credentials, or an endpoint that needs none.
    pub is_configured: bool,
    /// Whether requests are printed instead of sent.
    pub is_debug: bool,
    /// Whether this is a machine of continuous integration.
    pub is_ci: bool,
    /// The longest that the exit of the process may wait for this client's events.
    pub exit_timeout: Duration,
    /// How many events of this client may wait in memory.
    pub queue_capacity: usize,
    /// The folder of the spool and the ledger; `None` if there is no home folder.
    pub state_folder: Option<PathBuf>,
    /// Whether events carry a random identifier instead of the digest of the hostname.
    pub has_random_id: bool,
    /// What is known about the notice.
    pub notice: Notice,
    /// What is odd in the config or the environment but is no error, such as an unknown key.
    pub diagnostics: Vec<String>,
}

impl Explanation {
    /// The object that `pact_telemetry_explain` returns.
    pub fn to_json(&self) -> String {
        let state_folder = self.state_folder.as_ref().map(|path| path.to_string_lossy());
        Object::text(|object| {
            object.boolean("ci", self.is_ci);
            object.boolean("configured", self.is_configured);
            object.boolean("debug", self.is_debug);
            object.string("destination", &self.destination);
            object.array("diagnostics", &self.diagnostics, |out, text| push_string(out, text));
            object.boolean("enabled", self.state == State::Enabled);
            object.string("endpoint", &self.endpoint);
            object.number("exit_timeout_ms", self.exit_timeout.as_millis() as u64);
            object.string("id", if self.has_random_id { "random" } else { "hostname" });
            object.object("notice", |object| self.notice.write(object));
            object.string("protocol", self.protocol);
            object.number("queue_capacity", self.queue_capacity as u64);
            object.string_or_null("rule", self.rule);
            object.array("rules", &self.rules, |out, rule| Object::write(out, |object| rule.write(object)));
            object.string("state", self.state.name());
            object.string_or_null("state_dir", state_folder.as_deref());
        })
    }
}

/// The request that would carry one event alone. Its body is exact, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preview {
    /// The method of HTTP.
    pub method: &'static str,
    /// The whole URL, with credentials.
    pub url: String,
    /// The value of the header `content-type`.
    pub content_type: &'static str,
    /// The body.
    pub body: String,
}

impl Preview {
    /// The object that `pact_telemetry_preview` returns.
    pub fn to_json(&self) -> String {
        Object::text(|object| {
            object.string("body", &self.body);
            object.string("content_type", self.content_type);
            object.string("method", self.method);
            object.string("url", &self.url);
        })
    }
}
