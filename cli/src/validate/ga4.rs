//! The strict reader of the GA4 Measurement Protocol: every limit of a request, as messages with Google's codes.
//! It is a function of the query, the body and the time it is given; it decides no answer.

use serde_json::{Map, Value};

use super::{form, json};

const EVENTS: usize = 25;
const PARAMS: usize = 25;
/// "Smaller than 130 kB".
const BODY_BYTES_BELOW: usize = 130_000;
const NAME_CHARACTERS: usize = 40;
const VALUE_CHARACTERS: usize = 100;
const PAST_MICROSECONDS: u64 = 72 * 60 * 60 * 1_000_000;

const REQUEST_KEYS: [&str; 9] = [
    "client_id",
    "device",
    "user_id",
    "timestamp_micros",
    "user_properties",
    "consent",
    "non_personalized_ads",
    "validation_behavior",
    "events",
];
const EVENT_KEYS: [&str; 3] = ["name", "params", "timestamp_micros"];
const CONSENT_KEYS: [&str; 2] = ["ad_user_data", "ad_personalization"];
const DEVICE_KEYS: [&str; 9] = [
    "category",
    "language",
    "screen_resolution",
    "operating_system",
    "operating_system_version",
    "model",
    "brand",
    "browser",
    "browser_version",
];
const RESERVED_PREFIXES: [&str; 5] = ["_", "firebase_", "ga_", "google_", "gtag."];
const RESERVED_EVENTS: [&str; 6] =
    ["error", "session_start", "first_visit", "user_engagement", "app_update", "app_exception"];

/// The codes of Google's validation server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// `VALUE_INVALID`
    ValueInvalid,
    /// `VALUE_REQUIRED`
    ValueRequired,
    /// `NAME_INVALID`
    NameInvalid,
    /// `NAME_RESERVED`
    NameReserved,
    /// `VALUE_OUT_OF_BOUNDS`
    ValueOutOfBounds,
    /// `EXCEEDED_MAX_ENTITIES`
    ExceededMaxEntities,
    /// `NAME_DUPLICATED`
    NameDuplicated,
}

impl Code {
    /// The word on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Code::ValueInvalid => "VALUE_INVALID",
            Code::ValueRequired => "VALUE_REQUIRED",
            Code::NameInvalid => "NAME_INVALID",
            Code::NameReserved => "NAME_RESERVED",
            Code::ValueOutOfBounds => "VALUE_OUT_OF_BOUNDS",
            Code::ExceededMaxEntities => "EXCEEDED_MAX_ENTITIES",
            Code::NameDuplicated => "NAME_DUPLICATED",
        }
    }
}

/// One finding; what concerns one event has a path that begins with `events[index]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where: `events[0].params.os_arch`, or `query.api_secret`.
    pub path: String,
    /// What is wrong, what was found and what is allowed.
    pub description: String,
    /// Google's code for it.
    pub code: Code,
}

/// What is wrong with a request that arrived at `now`, in microseconds since 1970. Empty: nothing.
pub fn request(query: &str, body: &[u8], now: u64) -> Vec<Message> {
    let mut check = Check { now, found: Vec::new() };
    check.query(query);
    if body.len() >= BODY_BYTES_BELOW {
        let found = format!("has {} bytes; fewer than {BODY_BYTES_BELOW} are allowed", body.len());
        check.report(Code::ValueOutOfBounds, "body", found);
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(top)) => check.top(&top),
        Ok(_) => check.report(Code::ValueInvalid, "body", "is not a JSON object"),
        Err(error) => check.report(Code::ValueInvalid, "body", format!("is not JSON: {error}")),
    }
    for path in json::duplicated_names(body) {
        check.report(Code::NameDuplicated, path, "is given more than once");
    }
    check.found
}

struct Check {
    now: u64,
    found: Vec<Message>,
}

impl Check {
    fn report(&mut self, code: Code, path: impl Into<String>, description: impl Into<String>) {
        self.found.push(Message { path: path.into(), description: description.into(), code });
    }

    fn query(&mut self, query: &str) {
        let pairs = form::pairs(query.as_bytes());
        for key in ["measurement_id", "api_secret"] {
            if !pairs.iter().any(|pair| pair.key == key && !pair.value.is_empty()) {
                self.report(Code::ValueRequired, format!("query.{key}"), "is required");
            }
        }
        for (at, pair) in pairs.iter().enumerate() {
            if let Some(fault) = pair.fault {
                self.report(Code::ValueInvalid, format!("query.{}", pair.key), fault);
            }
            if pairs.iter().take(at).any(|earlier| earlier.key == pair.key) {
                self.report(Code::NameDuplicated, format!("query.{}", pair.key), "is given more than once");
            }
        }
    }

    fn top(&mut self, top: &Map<String, Value>) {
        self.known_keys(top, &REQUEST_KEYS, "");
        match top.get("client_id") {
            None => self.report(Code::ValueRequired, "client_id", "is required"),
            Some(Value::String(id)) if is_client_id(id) => {}
            Some(id) => {
                let found = format!("is {id}; a string of two positive numbers joined by '.' is needed");
                self.report(Code::ValueInvalid, "client_id", found);
            }
        }
        self.timestamp(top, "");
        if let Some(consent) = top.get("consent") {
            self.consent(consent);
        }
        if let Some(device) = top.get("device") {
            self.device(device);
        }
        match top.get("events") {
            Some(Value::Array(events)) if !events.is_empty() => self.events(events),
            None | Some(Value::Array(_)) => self.report(Code::ValueRequired, "events", "needs at least one event"),
            Some(_) => self.report(Code::ValueInvalid, "events", "is not an array"),
        }
    }

    fn known_keys(&mut self, object: &Map<String, Value>, known: &[&str], prefix: &str) {
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            self.report(Code::NameInvalid, format!("{prefix}{key}"), "is not a field of the protocol");
        }
    }

    fn timestamp(&mut self, object: &Map<String, Value>, prefix: &str) {
        let Some(value) = object.get("timestamp_micros") else {
            return;
        };
        let path = format!("{prefix}timestamp_micros");
        match whole_number(value) {
            None => self.report(Code::ValueInvalid, path, format!("is {value}; microseconds since 1970 are needed")),
            Some(at) if at > self.now => {
                let ahead = at - self.now;
                self.report(Code::ValueOutOfBounds, path, format!("is {ahead} microseconds in the future"));
            }
            Some(at) if self.now - at > PAST_MICROSECONDS => {
                self.report(Code::ValueOutOfBounds, path, format!("is {at}, which is more than 72 h back"));
            }
            Some(_) => {}
        }
    }

    fn device(&mut self, device: &Value) {
        let Value::Object(device) = device else {
            return self.report(Code::ValueInvalid, "device", "is not an object");
        };
        self.known_keys(device, &DEVICE_KEYS, "device.");
        for (key, value) in device.iter().filter(|(_, value)| !value.is_string()) {
            self.report(Code::ValueInvalid, format!("device.{key}"), format!("is {value}; a string is needed"));
        }
    }

    fn consent(&mut self, consent: &Value) {
        let Value::Object(consent) = consent else {
            return self.report(Code::ValueInvalid, "consent", "is not an object");
        };
        self.known_keys(consent, &CONSENT_KEYS, "consent.");
        for (key, value) in consent {
            if !matches!(value.as_str(), Some("GRANTED" | "DENIED")) {
                let found = format!("is {value}; \"GRANTED\" or \"DENIED\" is needed");
                self.report(Code::ValueInvalid, format!("consent.{key}"), found);
            }
        }
    }

    fn events(&mut self, events: &[Value]) {
        if events.len() > EVENTS {
            let found = format!("has {} events; at most {EVENTS} are allowed", events.len());
            self.report(Code::ExceededMaxEntities, "events", found);
        }
        for (at, event) in events.iter().enumerate() {
            let path = format!("events[{at}]");
            match event {
                Value::Object(event) => self.event(event, &path),
                _ => self.report(Code::ValueInvalid, path, "is not an object"),
            }
        }
    }

    fn event(&mut self, event: &Map<String, Value>, path: &str) {
        self.known_keys(event, &EVENT_KEYS, &format!("{path}."));
        self.timestamp(event, &format!("{path}."));
        let name_path = format!("{path}.name");
        match event.get("name") {
            None => self.report(Code::ValueRequired, name_path, "is required"),
            Some(Value::String(name)) if RESERVED_EVENTS.contains(&name.as_str()) => {
                self.report(Code::NameReserved, name_path, format!("is {name:?}, which is reserved"));
            }
            Some(Value::String(name)) => self.name(name, name_path),
            Some(_) => self.report(Code::NameInvalid, name_path, "is not a string"),
        }
        match event.get("params") {
            None => {}
            Some(Value::Object(params)) => self.params(params, &format!("{path}.params")),
            Some(_) => self.report(Code::ValueInvalid, format!("{path}.params"), "is not an object"),
        }
    }

    fn params(&mut self, params: &Map<String, Value>, path: &str) {
        if params.len() > PARAMS {
            let found = format!("has {} parameters; at most {PARAMS} are allowed", params.len());
            self.report(Code::ExceededMaxEntities, path, found);
        }
        for (name, value) in params {
            let path = format!("{path}.{name}");
            match RESERVED_PREFIXES.iter().find(|prefix| name.starts_with(**prefix)) {
                Some(prefix) => {
                    let found = format!("begins with {prefix:?}, which is reserved");
                    self.report(Code::NameReserved, &path, found);
                }
                None => self.name(name, &path),
            }
            self.param_value(name, value, path);
        }
    }

    fn name(&mut self, name: &str, path: impl Into<String>) {
        let characters = name.chars().count();
        if characters > NAME_CHARACTERS {
            let found = format!("has {characters} characters; at most {NAME_CHARACTERS} are allowed in a name");
            self.report(Code::NameInvalid, path, found);
        } else if !is_name(name) {
            let found = format!("{name:?} is no name: a letter, then letters, digits and '_'");
            self.report(Code::NameInvalid, path, found);
        }
    }

    fn param_value(&mut self, name: &str, value: &Value, path: String) {
        let characters = value.as_str().unwrap_or_default().chars().count();
        if characters > VALUE_CHARACTERS {
            let found = format!("has {characters} characters; at most {VALUE_CHARACTERS} are allowed");
            self.report(Code::ValueOutOfBounds, path, found);
        } else if !(value.is_string() || value.is_number()) {
            self.report(Code::ValueInvalid, path, format!("is {value}; a string or a number is needed"));
        } else if name == "session_id" && !is_digits(&plain(value)) {
            self.report(Code::ValueInvalid, path, format!("is {value}; digits only are allowed"));
        } else if name == "engagement_time_msec" && whole_number(value).is_none_or(|time| time == 0) {
            self.report(Code::ValueOutOfBounds, path, format!("is {value}; a whole number from 1 is needed"));
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A JSON integer, or a string of digits, which Google's own examples use for 64-bit numbers.
fn whole_number(value: &Value) -> Option<u64> {
    let text = plain(value);
    is_digits(&text).then(|| text.parse().ok()).flatten()
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_client_id(id: &str) -> bool {
    let is_positive = |number: &str| is_digits(number) && number.bytes().any(|digit| digit != b'0');
    id.split_once('.').is_some_and(|(first, second)| is_positive(first) && is_positive(second))
}

#[cfg(test)]
#[path = "ga4_tests.rs"]
mod tests;
