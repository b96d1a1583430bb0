//! Universal Analytics Measurement Protocol v1: one URL-encoded line a hit (Measurement Protocol reference, "Batching
//! multiple hits" and "Parameter reference"). The server answers a malformed hit with success, so every limit is
//! checked here.

use super::fields::{FieldValue, WRITTEN};
use super::{Context, Credentials, Destination, Hit, Protocol, cut_bytes, percent_encode};

/// Hits in a request.
pub const MAX_HITS: usize = 20;
/// Bytes in a request's body. One hit may have 8,192. A hit of this library always has less, even with every field at
/// its limit and every byte percent-encoded (see the tests).
pub const MAX_BATCH_BYTES: usize = 16_384;
/// The longest waiting time that a hit may state: Google may drop a hit that states more than four hours. An older hit
/// states four hours, so it arrives with a wrong time instead of not at all.
const MAX_QUEUE_TIME_MS: u64 = 4 * 60 * 60 * 1_000;

/// Writes one hit as a line without its line break.
pub fn hit(line: &mut String, destination: &Destination, context: &Context<'_>, hit: &Hit<'_>) {
    for field in &WRITTEN {
        match (field.value)(Protocol::UniversalAnalytics, context, hit) {
            FieldValue::Text("") => {}
            FieldValue::Text(text) => add(line, field.ua, cut_bytes(text, field.ua_max_bytes)),
            FieldValue::Integer(number) => add(line, field.ua, &number.to_string()),
        }
    }
    add(line, "t", "event");
    if let Some(Credentials::UniversalAnalytics { tracking_id }) = &destination.credentials {
        add(line, "tid", tracking_id);
    }
    add(line, "qt", &hit.age_ms.min(MAX_QUEUE_TIME_MS).to_string());
}

fn add(line: &mut String, key: &str, value: &str) {
    if !line.is_empty() && !line.ends_with('\n') {
        line.push('&');
    }
    line.push_str(key);
    line.push('=');
    percent_encode(value, line);
}
