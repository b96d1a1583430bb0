//! The addresses that the collector knows, and what each answers when nothing else was scripted.
//! It knows neither sockets nor scripts.

use hyper::body::Bytes;
use serde_json::{json, Value};

use super::record::Received;
use crate::validate::{ga4, ua};

/// A transparent GIF of one pixel, as the Universal Analytics endpoints send.
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00\x21\xf9\x04\x01\x00\x00\x00\x00\
    \x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// One address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /mp/collect`
    Ga4,
    /// `POST /debug/mp/collect`
    Ga4Debug,
    /// `POST /collect`, `GET /collect?payload`
    Collect,
    /// `POST /batch`
    Batch,
    /// `POST /debug/collect`, `GET /debug/collect?payload`
    CollectDebug,
    /// `POST /com.google.analytics/v1`
    Snowplow,
}

/// Which family of events an endpoint takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Google Analytics 4.
    Ga4,
    /// Universal Analytics v1.
    UniversalAnalytics,
}

impl Protocol {
    /// Its name in the lines.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Ga4 => "ga4",
            Protocol::UniversalAnalytics => "universal-analytics",
        }
    }
}

impl Endpoint {
    /// The endpoint of a request; none is a 404.
    pub fn of(method: &str, path: &str) -> Option<Endpoint> {
        match (method, path) {
            ("POST", "/mp/collect") => Some(Endpoint::Ga4),
            ("POST", "/debug/mp/collect") => Some(Endpoint::Ga4Debug),
            ("POST" | "GET", "/collect") => Some(Endpoint::Collect),
            ("POST", "/batch") => Some(Endpoint::Batch),
            ("POST" | "GET", "/debug/collect") => Some(Endpoint::CollectDebug),
            ("POST", "/com.google.analytics/v1") => Some(Endpoint::Snowplow),
            _ => None,
        }
    }

    /// What it takes.
    pub fn protocol(self) -> Protocol {
        match self {
            Endpoint::Ga4 | Endpoint::Ga4Debug => Protocol::Ga4,
            _ => Protocol::UniversalAnalytics,
        }
    }

    /// What one of its requests may carry; of use to Universal Analytics only.
    pub fn limits(self) -> ua::RequestLimits {
        match self {
            Endpoint::Collect => ua::COLLECT,
            _ => ua::BATCH,
        }
    }
}

/// The answer when nothing else was scripted.
pub struct Normal {
    /// HTTP status.
    pub status: u16,
    /// `content-type`; empty when there is no body.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

impl Normal {
    /// The answer to one request that arrived at `now`, in microseconds since 1970.
    pub fn to(received: &Received, now: u64) -> Normal {
        if received.is_too_large {
            return Normal::empty(413);
        }
        match received.endpoint() {
            None => Normal::empty(404),
            Some(Endpoint::Ga4) => Normal::empty(204),
            Some(Endpoint::Snowplow) => Normal::empty(200),
            Some(Endpoint::Collect | Endpoint::Batch) => {
                Normal { status: 200, content_type: "image/gif", body: Bytes::from_static(PIXEL) }
            }
            Some(Endpoint::Ga4Debug) => Normal::json(&ga4_findings(received, now)),
            Some(Endpoint::CollectDebug) => Normal::json(&ua_findings(received)),
        }
    }

    fn empty(status: u16) -> Normal {
        Normal { status, content_type: "", body: Bytes::new() }
    }

    fn json(value: &Value) -> Normal {
        Normal { status: 200, content_type: "application/json", body: value.to_string().into() }
    }
}

fn ga4_findings(received: &Received, now: u64) -> Value {
    let messages = ga4::request(received.query(), &received.body, now);
    let messages: Vec<Value> = messages
        .into_iter()
        .map(|message| {
            json!({
                "fieldPath": message.path,
                "description": message.description,
                "validationCode": message.code.word(),
            })
        })
        .collect();
    json!({ "validationMessages": messages })
}

fn ua_findings(received: &Received) -> Value {
    let payload = received.payload();
    let hits: Vec<Value> = ua::payloads(payload)
        .into_iter()
        .map(|hit| {
            let messages = ua::hit(hit);
            json!({
                "valid": !messages.iter().any(|message| message.severity == ua::Severity::Error),
                "parserMessage": parser_messages(messages),
                "hit": String::from_utf8_lossy(hit),
            })
        })
        .collect();
    let whole = ua::request(payload, Endpoint::CollectDebug.limits());
    json!({ "hitParsingResult": hits, "parserMessage": parser_messages(whole) })
}

fn parser_messages(messages: Vec<ua::Message>) -> Vec<Value> {
    messages
        .into_iter()
        .map(|message| {
            json!({
                "messageType": message.severity.word(),
                "description": message.description,
                "parameter": message.parameter,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_addresses_and_methods_are_known() {
        assert_eq!(Endpoint::of("POST", "/mp/collect"), Some(Endpoint::Ga4));
        assert_eq!(Endpoint::of("GET", "/mp/collect"), None);
        assert_eq!(Endpoint::of("GET", "/collect"), Some(Endpoint::Collect));
        assert_eq!(Endpoint::of("GET", "/batch"), None);
        assert_eq!(Endpoint::of("POST", "/mp/collect/"), None);
        assert_eq!(Endpoint::of("POST", "/"), None);
    }
}
