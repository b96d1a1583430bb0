//! Turns a batch of events into the requests that carry it. Pure functions: no clock, no environment, no I/O.
//!
//! What is collected is the table in [`fields`]; how a protocol writes it is in [`ga4`], [`ua`] and
//! [`otlp`].

pub mod fields;
mod ga4;
mod otlp;
mod ua;

use crate::identity::Identity;
use crate::machine::Machine;
use crate::retry::{self, Verdict};
use std::fmt;
use std::ops::Range;
use std::time::Duration;

/// The wire formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Google Analytics 4 Measurement Protocol.
    Ga4,
    /// Universal Analytics Measurement Protocol, version 1, which relays and Snowplow collectors still take.
    UniversalAnalytics,
    /// OpenTelemetry Protocol over HTTP, logs in JSON.
    Otlp,
}

impl Protocol {
    /// By the name that the config uses.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "ga4" => Some(Protocol::Ga4),
            "universal-analytics" => Some(Protocol::UniversalAnalytics),
            "otlp" => Some(Protocol::Otlp),
            _ => None,
        }
    }

    /// The name that the config uses.
    pub const fn name(self) -> &'static str {
        match self {
            Protocol::Ga4 => "ga4",
            Protocol::UniversalAnalytics => "universal-analytics",
            Protocol::Otlp => "otlp",
        }
    }

    /// The path at which the protocol's own servers take a batch.
    pub const fn default_path(self) -> &'static str {
        match self {
            Protocol::Ga4 => "/mp/collect",
            Protocol::UniversalAnalytics => "/batch",
            Protocol::Otlp => "/v1/logs",
        }
    }

    /// The `Content-Type` of a request's body.
    pub const fn content_type(self) -> &'static str {
        match self {
            Protocol::Ga4 | Protocol::Otlp => "application/json",
            Protocol::UniversalAnalytics => "application/x-www-form-urlencoded",
        }
    }

    /// The most events in one request.
    pub const fn max_events(self) -> usize {
        match self {
            Protocol::Ga4 => ga4::MAX_EVENTS,
            Protocol::UniversalAnalytics => ua::MAX_HITS,
            Protocol::Otlp => otlp::MAX_RECORDS,
        }
    }

    /// The most bytes in one request's body.
    pub const fn max_body_bytes(self) -> usize {
        match self {
            Protocol::Ga4 => ga4::MAX_BODY_BYTES,
            Protocol::UniversalAnalytics => ua::MAX_BATCH_BYTES,
            Protocol::Otlp => otlp::MAX_BODY_BYTES,
        }
    }

    /// How many events of a request the server did not take although it answered with success. The server does not say
    /// which.
    pub fn rejected(self, answer: &str) -> usize {
        match self {
            Protocol::Otlp => otlp::rejected(answer),
            Protocol::Ga4 | Protocol::UniversalAnalytics => 0,
        }
    }

    /// What a status means for the events of a request. OTLP allows another attempt only after 429, 502, 503 and 504,
    /// and after an answer that did not come from its server: a redirect, or the answer of a proxy.
    pub fn verdict(self, status: u16, retry_after: Option<Duration>) -> Verdict {
        match (self, status) {
            (Protocol::Otlp, 408 | 500 | 501 | 505..=599) => Verdict::Refused,
            _ => retry::verdict(status, retry_after),
        }
    }
}

/// The credentials by which a server recognises an account.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Of a GA4 data stream.
    Ga4 {
        /// `G-…`
        measurement_id: String,
        /// Made under Admin, Data streams, Measurement Protocol.
        api_secret: String,
    },
    /// Of a Universal Analytics property.
    UniversalAnalytics {
        /// `UA-…-…`
        tracking_id: String,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)") // so that no log contains them
    }
}

/// Where events go and in which form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The wire format.
    pub protocol: Protocol,
    /// The URL, without the credentials that GA4 expects in the query.
    pub endpoint: String,
    /// `None` if there are none. Then nothing is sent to Google's own endpoints.
    pub credentials: Option<Credentials>,
}

/// The domain of all of Google's endpoints, including that of the European Union.
const GOOGLE: &str = "google-analytics.com";

impl Destination {
    /// Whether somebody takes the events. Google silently ignores events without credentials. Any other server may be a
    /// relay that adds them.
    pub fn is_configured(&self) -> bool {
        self.credentials.is_some() || !self.is_google()
    }

    /// Host and port, as the endpoint has them.
    pub fn server(&self) -> &str {
        server_of(&self.endpoint).unwrap_or_default()
    }

    fn is_google(&self) -> bool {
        let host = self.server().split(':').next().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        host.strip_suffix(GOOGLE).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    /// A name that differs from that of every other destination: 32 hexadecimal digits, from which neither the URL nor
    /// the credentials can be read.
    pub fn id(&self) -> String {
        let tracking_id = match &self.credentials {
            Some(Credentials::UniversalAnalytics { tracking_id }) => tracking_id,
            _ => "",
        };
        crate::machine::digest_of([self.protocol.name(), &self.url(), tracking_id].join("\n").as_bytes())
    }

    /// The URL of a request.
    pub fn url(&self) -> String {
        match &self.credentials {
            Some(Credentials::Ga4 { measurement_id, api_secret }) => {
                ga4::url(&self.endpoint, measurement_id, api_secret)
            }
            _ => self.endpoint.clone(),
        }
    }
}

/// Host and port, as a URL has them.
pub fn server_of(url: &str) -> Option<&str> {
    url.split('/').nth(2)
}

/// One event as an encoder sees it.
#[derive(Debug, Clone, Copy)]
pub struct Hit<'a> {
    /// Who reports it.
    pub identity: &'a Identity,
    /// What happened.
    pub event: &'a str,
    /// Group of the event.
    pub category: &'a str,
    /// What was done.
    pub action: &'a str,
    /// A count that belongs to it.
    pub value: i64,
    /// Name of the plugin, or empty.
    pub plugin_name: &'a str,
    /// Version of the plugin, or empty.
    pub plugin_version: &'a str,
    /// A number for this process, in digits.
    pub session_id: u64,
    /// How long ago it happened, in milliseconds.
    pub age_ms: u64,
}

impl Hit<'_> {
    /// Whether clients with the same identity report both, so that what is written of it can be written once.
    fn is_of_client_of(&self, other: &Hit<'_>) -> bool {
        // Most are of one client, and not compared.
        std::ptr::eq(self.identity, other.identity) || self.identity == other.identity
    }
}

/// What the time and the machine add to every event.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The machine.
    pub machine: &'a Machine,
    /// The current time in microseconds since 1970; 0 if the machine's clock is before that.
    pub now_micros: u64,
}

/// The body of one request, and which of the hits it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The bytes to send.
    pub text: String,
    /// The hits in it, as positions in the slice that was encoded.
    pub hits: Range<usize>,
}

/// Writes hits in their order into as few requests as the protocol's limits allow.
pub fn encode(destination: &Destination, context: &Context<'_>, hits: &[Hit<'_>]) -> Vec<Body> {
    let protocol = destination.protocol;
    let (start, end) = match protocol {
        Protocol::Ga4 => (ga4::start(context), ga4::END),
        Protocol::UniversalAnalytics => (String::new(), ""),
        Protocol::Otlp => (otlp::START.into(), otlp::END),
    };
    let mut of_client = 0..0;
    let mut write = |text: &mut String, previous: Option<&Hit<'_>>, hit: &Hit<'_>| match protocol {
        Protocol::Ga4 => {
            text.push_str(if previous.is_some() { "," } else { "" });
            let same = previous.filter(|previous| previous.is_of_client_of(hit)).map(|_| of_client.clone());
            of_client = ga4::event(text, context, same, hit);
        }
        Protocol::UniversalAnalytics => {
            text.push_str(if previous.is_some() { "\n" } else { "" });
            ua::hit(text, destination, context, hit);
        }
        Protocol::Otlp => otlp::record(text, context, previous, hit),
    };
    let mut bodies: Vec<Body> = Vec::new();
    let mut previous: Option<&Hit<'_>> = None;
    for (index, hit) in hits.iter().enumerate() {
        let before_it = previous.replace(hit);
        if let Some(body) = bodies.last_mut().filter(|body| body.hits.len() < protocol.max_events()) {
            let before = body.text.len();
            write(&mut body.text, before_it, hit);
            if body.text.len() + end.len() <= protocol.max_body_bytes() {
                body.hits.end = index + 1;
                continue;
            }
            body.text.truncate(before);
        }
        let mut text = start.clone();
        write(&mut text, None, hit);
        bodies.push(Body { text, hits: index..index + 1 });
    }
    for body in &mut bodies {
        body.text.push_str(end);
    }
    bodies
}

/// The start of a text of at most that many bytes, cut between characters.
fn cut_bytes(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// The start of a text of at most that many characters.
fn cut_chars(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text; // each character has at least one byte
    }
    match text.char_indices().nth(max) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986 section 2.3.
fn percent_encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).map_or('0', |digit| char::from(*digit));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod limits_tests;
