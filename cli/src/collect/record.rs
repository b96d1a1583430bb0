//! A request as it arrived, the events it carries, and the JSON lines of both. It judges through `validate`
//! and answers nothing.

use std::fmt::Write;

use serde_json::{json, Map, Value};

use super::endpoint::{Endpoint, Protocol};
use crate::validate::{form, ga4, ua};

/// What is collected: the neutral name, the name for people (the words of the published list), the key in Universal
/// Analytics, the key in GA4 (empty: it has none).
pub const FIELDS: [(&str, &str, &str, &str); 16] = [
    ("api_version", "Version of the API", "v", "api_version"),
    ("client_id", "Hash of hostname", "cid", "client_id"),
    ("library_title", "Human-readable library name", "an", "library_title"),
    ("library_name", "Library name", "aid", "library_name"),
    ("library_version", "Library version", "av", "library_version"),
    ("anonymize_ip", "Anonymised IP address", "aip", ""),
    ("data_source", "Data source", "ds", "data_source"),
    ("os_arch", "Operating system and architecture", "cd3", "os_arch"),
    ("plugin_name", "Plugin name", "cd4", "plugin_name"),
    ("plugin_version", "Plugin version", "cd5", "plugin_version"),
    ("test_framework", "Pact verification mode", "cd6", "test_framework"),
    ("platform_version", "Platform version", "cd7", "platform_version"),
    ("event", "Event", "el", "event_label"),
    ("category", "Category", "ec", "event_category"),
    ("action", "Action", "ea", "event_action"),
    ("value", "Value", "ev", "metric_value"),
];

/// How the name of a GA4 event stands beside its parameters.
pub const NAME: &str = "event.name";

/// What the protocols themselves need: the name for people, the key in Universal Analytics, the key in GA4, and what it
/// is for.
pub const NEEDED: [(&str, &str, &str, &str); 10] = [
    ("Event name", "", NAME, "the event once more, spelled as the server takes names"),
    ("Hit type", "t", "", "says that this is an event"),
    ("Property", "tid", "", "the account of the Pact project that it is counted in"),
    ("Queue time, ms", "qt", "", "how long ago it happened: events wait for a connection"),
    ("Session id", "", "session_id", "when this program began, so that its events are one visit"),
    ("Engagement time, ms", "", "engagement_time_msec", "always 1; without it the reports leave the event out"),
    ("Time, microseconds", "", "timestamp_micros", "when it happened: events wait for a connection"),
    (
        "System, for reports",
        "",
        "device.operating_system",
        "the operating system once more, where built-in reports look",
    ),
    ("Consent, ad user data", "", "consent.ad_user_data", "forbids the use for advertisements"),
    (
        "Consent, ad personalisation",
        "",
        "consent.ad_personalization",
        "forbids the use for personalised advertisements",
    ),
];

/// One request, read to its end.
#[derive(Debug, Default)]
pub struct Received {
    /// Upper case.
    pub method: String,
    /// Path and query as sent.
    pub target: String,
    /// Lower-case names, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// As received; cut off where it became too large.
    pub body: Vec<u8>,
    /// The body was larger than the collector reads.
    pub is_too_large: bool,
}

impl Received {
    /// The endpoint it asks for.
    pub fn endpoint(&self) -> Option<Endpoint> {
        let path = self.target.split('?').next().unwrap_or_default();
        Endpoint::of(&self.method, path)
    }

    /// What follows the question mark.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// Where Universal Analytics has its hits: the query of a GET, otherwise the body.
    pub fn payload(&self) -> &[u8] {
        match self.method.as_str() {
            "GET" => self.query().as_bytes(),
            _ => &self.body,
        }
    }
}

/// What a request is answered with, as its line says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// A whole answer.
    Status(u16),
    /// A scripted fault that takes nothing in.
    Fault(&'static str),
}

/// One request with all that is said about it.
#[derive(Debug)]
pub struct Arrival {
    /// Counted from 1.
    pub number: u64,
    /// When, in microseconds since 1970.
    pub at: u64,
    /// The request.
    pub received: Received,
    /// Its answer.
    pub outcome: Outcome,
    /// Its events, if it was taken in.
    pub events: Vec<Event>,
    /// Why a request that was taken in carries no event.
    pub unreadable: Option<String>,
}

impl Arrival {
    /// Reads the events of a request that arrived at `now`, in microseconds since 1970.
    pub fn new(number: u64, received: Received, outcome: Outcome, now: u64) -> Arrival {
        let is_taken_in = matches!(outcome, Outcome::Status(200..=299));
        let (events, unreadable) = match received.endpoint().filter(|_| is_taken_in) {
            None => (Vec::new(), None),
            Some(endpoint) => {
                let events = match endpoint.protocol() {
                    Protocol::Ga4 => ga4_events(&received, now),
                    Protocol::UniversalAnalytics => ua_events(&received, endpoint),
                };
                let unreadable = events.is_empty().then(|| unreadable(&received, endpoint, now));
                (events, unreadable)
            }
        };
        Arrival { number, at: now, received, outcome, events, unreadable }
    }

    /// Its line in the output.
    pub fn request_line(&self) -> String {
        let mut headers: Map<String, Value> = Map::new();
        for (name, value) in &self.received.headers {
            let joined = match headers.get(name).and_then(Value::as_str) {
                Some(earlier) => format!("{earlier}, {value}"),
                None => value.clone(),
            };
            headers.insert(name.clone(), joined.into());
        }
        line(&[
            ("type", json!("request")),
            ("number", json!(self.number)),
            ("method", json!(self.received.method)),
            ("target", json!(self.received.target)),
            ("headers", headers.into()),
            ("body", json!(String::from_utf8_lossy(&self.received.body))),
            (
                "answer",
                match self.outcome {
                    Outcome::Status(status) => json!(status),
                    Outcome::Fault(name) => json!(name),
                },
            ),
        ])
    }
}

/// One event that was taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// How it came.
    pub protocol: Protocol,
    /// The name that only GA4 has.
    pub name: Option<String>,
    /// Every parameter as received.
    pub wire: Map<String, Value>,
    /// What the strict reader says.
    pub problems: Vec<String>,
}

impl Event {
    /// The collected values under their neutral names, as text in both protocols so that they compare.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        FIELDS
            .into_iter()
            .filter_map(|(neutral, _, ua, ga4)| {
                let key = match self.protocol {
                    Protocol::Ga4 => ga4,
                    Protocol::UniversalAnalytics => ua,
                };
                self.wire.get(key).map(|value| (neutral, text(value)))
            })
            .collect()
    }

    /// Its line in the output.
    pub fn line(&self, request: u64) -> String {
        let fields: Map<String, Value> =
            self.fields().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let mut entries =
            vec![("type", json!("event")), ("request", json!(request)), ("protocol", json!(self.protocol.name()))];
        entries.extend(self.name.iter().map(|name| ("name", json!(name))));
        entries.extend([
            ("fields", fields.into()),
            ("wire", self.wire.clone().into()),
            ("problems", json!(self.problems)),
        ]);
        line(&entries)
    }
}

/// A JSON object on one line, in this order, which a map would sort away.
pub fn line(entries: &[(&str, Value)]) -> String {
    let mut text = String::from("{");
    for (at, (name, value)) in entries.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}\"{name}\":{value}");
    }
    text.push('}');
    text
}

/// A JSON value without the quotes of a string.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn ga4_events(received: &Received, now: u64) -> Vec<Event> {
    let Ok(Value::Object(mut top)) = serde_json::from_slice(&received.body) else {
        return Vec::new();
    };
    let Some(Value::Array(events)) = top.remove("events") else {
        return Vec::new();
    };
    let messages = ga4::request(received.query(), &received.body, now);
    let read = |(at, event): (usize, Value)| {
        let own_path = format!("events[{at}]");
        let concerns = |path: &str| !path.starts_with("events[") || path.starts_with(&own_path);
        let problems = messages.iter().filter(|message| concerns(&message.path));
        Event {
            protocol: Protocol::Ga4,
            name: event.get("name").and_then(Value::as_str).map(str::to_owned),
            wire: ga4_wire(&top, event),
            problems: problems
                .map(|message| format!("{} {}: {}", message.code.word(), message.path, message.description))
                .collect(),
        }
    };
    events.into_iter().enumerate().map(read).collect()
}

/// The parameters, then the rest of the event, then the rest of the request. Where a name is taken already, the
/// outer one is kept as `event.name` or `request.name`, which no parameter can be called.
fn ga4_wire(top: &Map<String, Value>, event: Value) -> Map<String, Value> {
    let Value::Object(mut event) = event else {
        return Map::new();
    };
    event.remove("name");
    let mut wire = Map::new();
    match event.remove("params") {
        Some(Value::Object(params)) => wire = params,
        Some(other) => _ = event.insert("params".to_owned(), other),
        None => {}
    }
    let request = top.iter().map(|(name, value)| ("request", name.clone(), value.clone()));
    let event = event.into_iter().map(|(name, value)| ("event", name, value));
    for (owner, name, value) in event.chain(request) {
        let is_taken = wire.contains_key(&name);
        wire.insert(if is_taken { format!("{owner}.{name}") } else { name }, value);
    }
    wire
}

fn ua_events(received: &Received, endpoint: Endpoint) -> Vec<Event> {
    let payload = received.payload();
    let whole = ua::request(payload, endpoint.limits());
    let read = |hit: &[u8]| Event {
        protocol: Protocol::UniversalAnalytics,
        name: None,
        wire: form::pairs(hit).into_iter().map(|pair| (pair.key, pair.value.into())).collect(),
        problems: ua::hit(hit).iter().chain(&whole).map(ua_problem).collect(),
    };
    ua::payloads(payload).into_iter().map(read).collect()
}

fn ua_problem(message: &ua::Message) -> String {
    let subject = match message.parameter.as_str() {
        "" => "request",
        parameter => parameter,
    };
    format!("{} {subject}: {}", message.severity.word(), message.description)
}

fn unreadable(received: &Received, endpoint: Endpoint, now: u64) -> String {
    let reason = match endpoint.protocol() {
        Protocol::Ga4 => ga4::request(received.query(), &received.body, now)
            .into_iter()
            .find(|message| ["body", "events"].contains(&message.path.as_str()))
            .map(|message| format!("{} {}", message.path, message.description)),
        Protocol::UniversalAnalytics => None,
    };
    format!("carries no event: {}", reason.as_deref().unwrap_or("the payload is empty"))
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
