//! What arrives at the collector: a query, a NUL, and a body, to the strict readers of all protocols.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../cli/src/validate/mod.rs"]
#[allow(dead_code)]
mod validate;

fuzz_target!(|bytes: &[u8]| {
    let at = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let (query, body) = (&bytes[..at], bytes.get(at + 1..).unwrap_or_default());
    let query = String::from_utf8_lossy(query);
    let now = 1_800_000_000_000_000;
    validate::ga4::request(&query, body, now);
    let limits = validate::ua::RequestLimits { hits: 20, bytes: 16_384 };
    for message in validate::ua::request(body, limits) {
        assert!(!format!("{message:?}").is_empty());
    }
    for payload in validate::ua::payloads(body) {
        validate::ua::hit(payload);
    }
    validate::otlp::request(body, now);
    if let Ok(body) = serde_json::from_slice(body) {
        validate::otlp::records(&body);
    }
    validate::json::duplicated_names(body);
    assert!(validate::form::pairs(body).len() <= body.len() + 1);
});
