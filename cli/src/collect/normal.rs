//! What each address answers if the script says nothing else. It knows neither sockets nor scripts.

use hyper::body::Bytes;
use serde_json::{Value, json};

use super::endpoint::Endpoint;
use super::request::Received;
use crate::validate::{ga4, ua};

/// A transparent GIF of one pixel, as the Universal Analytics endpoints send.
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00\x21\xf9\x04\x01\x00\x00\x00\x00\
    \x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

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
            Some(Endpoint::OtlpLogs) => otlp(received),
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

/// Answers like a receiver of the OpenTelemetry Collector, which accepts what it can read, and ignores fields that it
/// does not know.
fn otlp(received: &Received) -> Normal {
    let refused = |status, code: u8, message: &str| Normal {
        status,
        content_type: "application/json",
        body: json!({"code": code, "message": message}).to_string().into(),
    };
    let header = |name: &str| received.header(name).unwrap_or_default();
    let media_type = header("content-type").split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        return refused(415, 3, "only application/json is taken here");
    }
    if !matches!(header("content-encoding"), "" | "identity") {
        return refused(415, 3, "no content-encoding is taken here");
    }
    match serde_json::from_slice::<Value>(&received.body) {
        Ok(Value::Object(_)) => Normal::json(&json!({"partialSuccess": {}})),
        _ => refused(400, 3, "the body is not JSON of ExportLogsServiceRequest"),
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
