//! OpenTelemetry Protocol 1.x over HTTP: JSON, one log record an event (specification, "OTLP/HTTP", and the JSON
//! encoding of `opentelemetry/proto/collector/logs/v1`). Events of the same library share one resource.

use super::fields::{FieldValue, HOST_ARCH, OS_TYPE, OtlpPlace, WRITTEN};
use super::{Context, Hit, Protocol};
use crate::json::{push_number, push_string};
use serde_json::Value;

/// Records in a request.
pub const MAX_RECORDS: usize = 512;
/// Bytes in a request's body. The protocol has no limit. Collectors take 20 MiB, and nginx in front of one 1 MiB.
pub const MAX_BODY_BYTES: usize = 1_000_000;

/// The body up to the first event.
pub const START: &str = r#"{"resourceLogs":["#;
/// What closes a body that has at least one event.
pub const END: &str = "]}]}]}";

/// What closes the previous resource.
const END_OF_RESOURCE: &str = "]}]}";
/// `INFO`, in the data model of logs.
const SEVERITY: &str = r#","severityNumber":9"#;

/// Appends one event to the body.
pub fn record(out: &mut String, context: &Context<'_>, previous: Option<&Hit<'_>>, hit: &Hit<'_>) {
    match previous {
        Some(previous) if previous.is_of_client_of(hit) => out.push(','),
        previous => {
            if previous.is_some() {
                out.push_str(END_OF_RESOURCE);
                out.push(',');
            }
            out.push_str(r#"{"resource":{"attributes":["#);
            attributes(out, context, hit, true);
            out.push_str(r#"]},"scopeLogs":[{"scope":{"name":"pact_telemetry"},"logRecords":["#);
        }
    }
    out.push('{');
    if context.now_micros > 0 {
        let at = context.now_micros.saturating_sub(hit.age_ms.saturating_mul(1_000)).max(1);
        for key in [r#""timeUnixNano":""#, r#""observedTimeUnixNano":""#] {
            out.push_str(key);
            push_number(out, at);
            out.push_str("000\","); // from microseconds
        }
    }
    out.push_str(r#""eventName":""#);
    push_name(out, hit.event); // letters, digits, _ and .
    out.push('"');
    out.push_str(SEVERITY);
    out.push_str(r#","body":{"stringValue":"#);
    push_string(out, hit.event);
    out.push_str(r#"},"attributes":["#);
    attributes(out, context, hit, false);
    out.push_str("]}");
}

/// What `partialSuccess` says. Such a request must not be sent again (specification, "Partial Success").
pub fn rejected(answer: &str) -> usize {
    let answer: Value = serde_json::from_slice(answer.as_bytes()).unwrap_or_default();
    let number = answer.get("partialSuccess").and_then(|partial| partial.get("rejectedLogRecords"));
    let number = number.and_then(|number| number.as_u64().or_else(|| number.as_str()?.parse().ok()));
    number.unwrap_or(0) as usize
}

/// Writes the fields of the list that belong to the resource, or those that belong to the record.
fn attributes(out: &mut String, context: &Context<'_>, hit: &Hit<'_>, of_resource: bool) {
    let start = out.len();
    let mut attribute = |key: &str, value: FieldValue<'_>| {
        if value == FieldValue::Text("") {
            return;
        }
        if out.len() > start {
            out.push(',');
        }
        out.push_str(r#"{"key":""#);
        out.push_str(key);
        match value {
            FieldValue::Text(text) => {
                out.push_str(r#"","value":{"stringValue":"#);
                push_string(out, text);
                out.push_str("}}");
            }
            FieldValue::Integer(number) => {
                out.push_str(r#"","value":{"intValue":""#); // 64-bit numbers are strings in protobuf's JSON
                push_number(out, number);
                out.push_str("\"}}");
            }
        }
    };
    for field in WRITTEN.iter().filter(|field| field.otlp.is_of_client() == of_resource) {
        let value = (field.value)(Protocol::Otlp, context, hit);
        match (field.otlp, value) {
            (OtlpPlace::Resource(key) | OtlpPlace::Record(key), value) => attribute(key, value),
            (OtlpPlace::System, FieldValue::Text(os_arch)) => {
                let (os, arch) = os_arch.split_once('-').unwrap_or((os_arch, ""));
                attribute(OS_TYPE, FieldValue::Text(os_type(os)));
                attribute(HOST_ARCH, FieldValue::Text(host_arch(arch)));
            }
            (OtlpPlace::System, FieldValue::Integer(_)) => {}
        }
    }
}

/// The semantic conventions' `os.type`. Other systems have the same name there.
fn os_type(os: &str) -> &str {
    match os {
        "macos" => "darwin",
        other => other,
    }
}

/// The semantic conventions' `host.arch`. Other architectures have the same name there, or none.
fn host_arch(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

/// An event's text as an event name: `pact.`, and then in lower case with every run of other characters as one `_`.
fn push_name(out: &mut String, text: &str) {
    out.push_str("pact.");
    let mut gap = false;
    let start = out.len();
    for byte in text.bytes() {
        if !byte.is_ascii_alphanumeric() {
            gap = true;
            continue;
        }
        if gap && out.len() > start {
            out.push('_');
        }
        gap = false;
        out.push(byte.to_ascii_lowercase().into());
    }
    if out.len() == start {
        out.push_str("event"); // the text has no ASCII letter or digit
    }
}

#[cfg(test)]
#[path = "otlp_tests.rs"]
mod tests;
