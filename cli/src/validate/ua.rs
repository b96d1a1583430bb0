//! The strict reader of Universal Analytics v1: every limit of a hit and of a request, as messages.
//! It is a function of the bytes alone and decides no answer.

use super::form::{self, Pair};

/// The largest payload in bytes.
pub const PAYLOAD_BYTES: usize = 8_192;

/// How long a hit may have waited, in milliseconds, before Google may drop it.
const QUEUE_MILLISECONDS: u64 = 4 * 60 * 60 * 1_000;

const HIT_TYPES: [&str; 8] =
    ["pageview", "screenview", "event", "transaction", "item", "social", "exception", "timing"];

const KEY_BYTES: [(&str, usize); 11] = [
    ("an", 100),
    ("aid", 150),
    ("av", 100),
    ("ec", 150),
    ("ea", 500),
    ("el", 500),
    ("cd3", 150),
    ("cd4", 150),
    ("cd5", 150),
    ("cd6", 150),
    ("cd7", 150),
];

/// Whether the hit is refused or only in danger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The hit breaks the protocol.
    Error,
    /// The hit is valid, but may be dropped.
    Warn,
}

impl Severity {
    /// The word that the debug endpoint uses.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Error => "ERROR",
            Severity::Warn => "WARN",
        }
    }
}

/// One finding about one parameter; the parameter is empty when it is about the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// How bad.
    pub severity: Severity,
    /// What is wrong, what was found and what is allowed.
    pub description: String,
    /// The key on the wire.
    pub parameter: String,
}

/// What one request of an endpoint may carry.
#[derive(Debug, Clone, Copy)]
pub struct RequestLimits {
    /// Payloads.
    pub hits: usize,
    /// Bytes of the whole body.
    pub bytes: usize,
}

/// `/collect`: one payload.
pub const COLLECT: RequestLimits = RequestLimits { hits: 1, bytes: PAYLOAD_BYTES };

/// `/batch`, and what else takes lines.
pub const BATCH: RequestLimits = RequestLimits { hits: 20, bytes: 16_384 };

/// The payloads of a body: its lines without the empty ones.
pub fn payloads(body: &[u8]) -> Vec<&[u8]> {
    body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect()
}

/// What is wrong with the request as a whole.
pub fn request(body: &[u8], limits: RequestLimits) -> Vec<Message> {
    let mut found = Vec::new();
    let hits = payloads(body).len();
    if hits == 0 {
        found.push(error("", "the request carries no hit"));
    }
    if hits > limits.hits {
        let allowed = limits.hits;
        found.push(error("", format!("the request carries {hits} hits; at most {allowed} are allowed")));
    }
    if body.len() > limits.bytes {
        let (bytes, allowed) = (body.len(), limits.bytes);
        found.push(error("", format!("the request body has {bytes} bytes; at most {allowed} are allowed")));
    }
    found
}

/// What is wrong with one payload.
pub fn hit(payload: &[u8]) -> Vec<Message> {
    let pairs = form::pairs(payload);
    let mut found = Vec::new();
    if payload.len() > PAYLOAD_BYTES {
        let bytes = payload.len();
        found.push(error("", format!("the payload has {bytes} bytes; at most {PAYLOAD_BYTES} are allowed")));
    }
    encoding(&pairs, &mut found);
    required(&pairs, &mut found);
    lengths(&pairs, &mut found);
    numbers(&pairs, &mut found);
    found
}

fn encoding(pairs: &[Pair], found: &mut Vec<Message>) {
    for (at, pair) in pairs.iter().enumerate() {
        if let Some(fault) = pair.fault {
            found.push(error(&pair.key, fault));
        }
        if pairs.iter().take(at).any(|earlier| earlier.key == pair.key) {
            found.push(error(&pair.key, "is given more than once"));
        }
    }
}

fn required(pairs: &[Pair], found: &mut Vec<Message>) {
    let mut check = |key: &str, is_good: &dyn Fn(&str) -> bool, allowed: &str| match value(pairs, key) {
        None | Some("") => found.push(error(key, "is missing or empty; it is required")),
        Some(text) if !is_good(text) => found.push(error(key, format!("is {text:?}; {allowed}"))),
        Some(_) => {}
    };
    check("v", &|text| text == "1", "only 1 is allowed");
    check("t", &|text| HIT_TYPES.contains(&text), "this is no hit type");
    check("tid", &is_property, "a property has the form UA-digits-digits");
    check("cid", &|_| true, "");
    if value(pairs, "t") == Some("event") {
        check("ec", &|_| true, "");
        check("ea", &|_| true, "");
    }
}

fn lengths(pairs: &[Pair], found: &mut Vec<Message>) {
    for (key, allowed) in KEY_BYTES {
        let bytes = value(pairs, key).unwrap_or_default().len();
        if bytes > allowed {
            found.push(error(key, format!("has {bytes} bytes; at most {allowed} are allowed")));
        }
    }
}

fn numbers(pairs: &[Pair], found: &mut Vec<Message>) {
    for key in ["ev", "qt"] {
        let Some(text) = value(pairs, key) else {
            continue;
        };
        if !is_digits(text) {
            found.push(error(key, format!("is {text:?}; a whole number from 0 is needed")));
        } else if key == "qt" && text.parse().unwrap_or(u64::MAX) > QUEUE_MILLISECONDS {
            found.push(Message {
                severity: Severity::Warn,
                description: format!("is {text}; hits that waited over {QUEUE_MILLISECONDS} ms (4 h) may be dropped"),
                parameter: key.to_owned(),
            });
        }
    }
}

fn value<'a>(pairs: &'a [Pair], key: &str) -> Option<&'a str> {
    pairs.iter().find(|pair| pair.key == key).map(|pair| pair.value.as_str())
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_property(text: &str) -> bool {
    let numbers = text.strip_prefix("UA-").and_then(|rest| rest.split_once('-'));
    numbers.is_some_and(|(account, property)| is_digits(account) && is_digits(property))
}

fn error(parameter: &str, description: impl Into<String>) -> Message {
    Message { severity: Severity::Error, description: description.into(), parameter: parameter.to_owned() }
}

#[cfg(test)]
#[path = "ua_tests.rs"]
mod tests;
