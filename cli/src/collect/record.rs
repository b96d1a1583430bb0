//! A request with the events that it carries and what was found wrong in them, and the JSON lines of both. It checks
//! through `validate` and answers nothing.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::endpoint::{Endpoint, Protocol};
use super::request::Received;
use crate::text::escaped_json;
use crate::validate::{form, ga4, otlp, ua};

/// What is collected.
pub const FIELDS: [Field; 16] = [
    field("api_version", "Version of the API", ["v", "api_version", "pact.api_version"]),
    field("client_id", "Hash of hostname", ["cid", "client_id", "host.id"]),
    field("library_title", "Human-readable library name", ["an", "library_title", "pact.library_title"]),
    field("library_name", "Library name", ["aid", "library_name", "service.name"]),
    field("library_version", "Library version", ["av", "library_version", "service.version"]),
    field("anonymize_ip", "Anonymised IP address", ["aip", "", "pact.anonymize_ip"]),
    field("data_source", "Data source", ["ds", "data_source", "pact.data_source"]),
    field("os_arch", "Operating system and architecture", ["cd3", "os_arch", OS_ARCH]),
    field("plugin_name", "Plugin name", ["cd4", "plugin_name", "pact.plugin_name"]),
    field("plugin_version", "Plugin version", ["cd5", "plugin_version", "pact.plugin_version"]),
    field("test_framework", "Pact verification mode", ["cd6", "test_framework", "pact.test_framework"]),
    field("platform_version", "Platform version", ["cd7", "platform_version", "process.runtime.version"]),
    field("event", "Event", ["el", "event_label", "pact.event"]),
    field("category", "Category", ["ec", "event_category", "pact.category"]),
    field("action", "Action", ["ea", "event_action", "pact.action"]),
    field("value", "Value", ["ev", "metric_value", "pact.value"]),
];

/// The two attributes of OTLP that one field of the other protocols holds.
const OS_ARCH: &str = "os.type, host.arch";

/// A field of the published list, or what a protocol itself needs.
pub struct Field {
    /// Its name in the lines, the same for all protocols.
    pub neutral: &'static str,
    /// Its name for people, in the words of the published list.
    pub label: &'static str,
    /// Its key in Universal Analytics, GA4 and OTLP; empty where a protocol does not have it.
    keys: [&'static str; 3],
}

const fn field(neutral: &'static str, label: &'static str, keys: [&'static str; 3]) -> Field {
    Field { neutral, label, keys }
}

impl Field {
    /// Its key in a protocol; empty where that does not have it.
    pub fn key(&self, protocol: Protocol) -> &'static str {
        let [ua, ga4, otlp] = self.keys;
        match protocol {
            Protocol::UniversalAnalytics => ua,
            Protocol::Ga4 => ga4,
            Protocol::Otlp => otlp,
        }
    }
}

/// How the name of a GA4 event stands beside its parameters.
pub const NAME: &str = "event.name";

/// What the protocols themselves need, and what it is for.
pub const NEEDED: [(Field, &str); 15] = [
    (field("", "Event name", ["", NAME, NAME]), "the event once more, spelled as the server takes names"),
    (field("", "Hit type", ["t", "", ""]), "says that this is an event"),
    (field("", "Property", ["tid", "", ""]), "the account of the Pact project that it is counted in"),
    (field("", "Queue time, ms", ["qt", "", ""]), "how long ago it happened: events wait for a connection"),
    (field("", "Session id", ["", "session_id", ""]), "when this program began, so that its events are one visit"),
    (
        field("", "Engagement time, ms", ["", "engagement_time_msec", ""]),
        "always 1; without it the reports leave the event out",
    ),
    (field("", "Time, microseconds", ["", "timestamp_micros", ""]), "when it happened: events wait for a connection"),
    (
        field("", "System, for reports", ["", "device.operating_system", ""]),
        "the operating system once more, where built-in reports look",
    ),
    (field("", "Consent, ad user data", ["", "consent.ad_user_data", ""]), "forbids the use for advertisements"),
    (
        field("", "Consent, ad personalisation", ["", "consent.ad_personalization", ""]),
        "forbids the use for personalised advertisements",
    ),
    (field("", "Time, nanoseconds", ["", "", "timeUnixNano"]), "when it happened: events wait for a connection"),
    (
        field("", "Time observed, nanoseconds", ["", "", "observedTimeUnixNano"]),
        "the same, for servers that ask for it",
    ),
    (field("", "Scope", ["", "", "scope.name"]), "tells this library's records from those of others"),
    (field("", "Severity", ["", "", "severityNumber"]), "always 9, which is INFO"),
    (field("", "Body", ["", "", "body"]), "the event once more, as the line that log viewers show"),
];

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
                    Protocol::Otlp => otlp_events(&received, now),
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
    /// The name that GA4 and OTLP have.
    pub name: Option<String>,
    /// Every parameter as received.
    pub wire: Map<String, Value>,
    /// What the strict reader says.
    pub problems: Vec<String>,
}

impl Event {
    /// The collected values under their neutral names, as text in all protocols so that they compare.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        FIELDS.iter().filter_map(|field| Some((field.neutral, self.value(field.key(self.protocol))?))).collect()
    }

    fn value(&self, key: &str) -> Option<String> {
        if key == OS_ARCH {
            return self.os_arch();
        }
        self.wire.get(key).map(text)
    }

    /// The system and architecture of OTLP in the words of the other protocols.
    fn os_arch(&self) -> Option<String> {
        let text = |key| self.wire.get(key).and_then(Value::as_str);
        let (os, arch) = text("os.type").zip(text("host.arch"))?;
        let os = if os == "darwin" { "macos" } else { os };
        let arch = match arch {
            "amd64" => "x86_64",
            "arm64" => "aarch64",
            other => other,
        };
        Some(format!("{os}-{arch}"))
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

/// A JSON object on one line that keeps this order; a map would sort it. Safe to show on a terminal.
pub fn line(entries: &[(&str, Value)]) -> String {
    let mut text = String::from("{");
    for (at, (name, value)) in entries.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}\"{name}\":{value}");
    }
    text.push('}');
    escaped_json(&text)
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
    let messages = ga4_messages(received, now);
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

/// The findings of the strict reader. A request without credentials is valid here, because a relay adds them; a request
/// with half of them is not.
fn ga4_messages(received: &Received, now: u64) -> Vec<ga4::Message> {
    let mut messages = ga4::request(received.query(), &received.body, now);
    let is_bare = !["measurement_id=", "api_secret="].iter().any(|key| received.query().contains(key));
    messages.retain(|message| !(is_bare && message.path.starts_with("query.")));
    messages
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
    let read = |hit: &[u8]| {
        let wire: Map<String, Value> = form::pairs(hit).into_iter().map(|pair| (pair.key, pair.value.into())).collect();
        // A relay adds the property.
        let concerns = |message: &&ua::Message| message.parameter != "tid" || wire.contains_key("tid");
        let problems = ua::hit(hit).iter().chain(&whole).filter(concerns).map(ua_problem).collect();
        Event { protocol: Protocol::UniversalAnalytics, name: None, wire, problems }
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

fn otlp_events(received: &Received, now: u64) -> Vec<Event> {
    let Ok(body) = serde_json::from_slice(&received.body) else { return Vec::new() };
    let messages = otlp::request(&received.body, now);
    let read = |record: otlp::Record<'_>| {
        // What concerns its resource or scope concerns it too.
        let concerns = |path: &str| !path.contains(".logRecords[") || within(path, &record.path);
        let in_its_resource = |path: &str| {
            let resource = record.path.split('.').next().unwrap_or_default();
            !path.starts_with("resourceLogs[") || within(path, resource)
        };
        let problems = messages.iter().filter(|message| concerns(&message.path) && in_its_resource(&message.path));
        Event {
            protocol: Protocol::Otlp,
            name: record.record.get("eventName").and_then(Value::as_str).map(str::to_owned),
            wire: otlp_wire(&record),
            problems: problems.map(|message| format!("{}: {}", message.path, message.description)).collect(),
        }
    };
    otlp::records(&body).into_iter().map(read).collect()
}

fn within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The attributes of the resource, then those of the record, then the rest of the record. Where a name is taken
/// already, the later one is kept as `record.name`.
pub fn otlp_wire(record: &otlp::Record<'_>) -> Map<String, Value> {
    let attributes = |list: Option<&Value>| {
        let list = list.and_then(Value::as_array).cloned().unwrap_or_default();
        let entry = |attribute: Value| {
            let key = attribute.get("key").and_then(Value::as_str)?.to_owned();
            Some((key, plain(attribute.get("value"))))
        };
        list.into_iter().filter_map(entry).collect::<Vec<_>>()
    };
    let rest = record.record.iter().filter(|(key, _)| !["attributes", "eventName"].contains(&key.as_str()));
    let rest = rest.map(|(key, value)| match key.as_str() {
        "body" => (key.clone(), plain(Some(value))),
        _ => (key.clone(), value.clone()),
    });
    let mut wire = Map::new();
    let scope = record.scope.map(|name| ("scope.name".to_owned(), name.clone()));
    let all = attributes(record.resource)
        .into_iter()
        .chain(scope)
        .chain(attributes(record.record.get("attributes")))
        .chain(rest);
    for (key, value) in all {
        let is_taken = wire.contains_key(&key);
        wire.insert(if is_taken { format!("record.{key}") } else { key }, value);
    }
    wire
}

/// The value of an `AnyValue`: a text or a number by itself, anything else as it stands.
fn plain(value: Option<&Value>) -> Value {
    let entries: Vec<_> = value.and_then(Value::as_object).into_iter().flatten().collect();
    match entries.as_slice() {
        [(kind, value)] if ["stringValue", "intValue", "doubleValue", "boolValue"].contains(&kind.as_str()) => {
            (*value).clone()
        }
        _ => value.cloned().unwrap_or_default(),
    }
}

fn unreadable(received: &Received, endpoint: Endpoint, now: u64) -> String {
    let reason = match endpoint.protocol() {
        Protocol::Ga4 => ga4_messages(received, now)
            .into_iter()
            .find(|message| ["body", "events"].contains(&message.path.as_str()))
            .map(|message| format!("{} {}", message.path, message.description)),
        Protocol::UniversalAnalytics => None,
        Protocol::Otlp => otlp::request(&received.body, now)
            .into_iter()
            .next()
            .map(|message| format!("{} {}", message.path, message.description)),
    };
    format!("carries no event: {}", reason.as_deref().unwrap_or("the payload is empty"))
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
