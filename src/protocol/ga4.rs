//! Google Analytics 4 Measurement Protocol: JSON. Google answers 2xx to any request, so every limit is checked here
//! (Measurement Protocol reference, "Limitations" and "Reserved names").

use super::fields::{FieldValue, Ga4Place, WRITTEN};
use super::{Context, Hit, Protocol, cut_chars, percent_encode};
use crate::json::{push_number, push_string};
use std::ops::Range;

/// Events in a request.
pub const MAX_EVENTS: usize = 25;
/// Bytes in a request's body: "under 130 kB".
pub const MAX_BODY_BYTES: usize = 129_999;
/// Characters in a parameter's value; a longer one is silently ignored by Google.
const MAX_VALUE_CHARS: usize = 100;
/// Characters in an event's name.
const MAX_NAME_CHARS: usize = 40;
/// The greatest age of an event: 72 hours, less a minute for the transport.
const MAX_AGE_MICROS: u64 = (72 * 60 - 1) * 60 * 1_000_000;

/// What closes a body that [`start`] opened.
pub const END: &str = "]}";

/// The URL with the credentials in its query.
pub fn url(endpoint: &str, measurement_id: &str, api_secret: &str) -> String {
    let mut url = String::from(endpoint);
    url.push(if endpoint.contains('?') { '&' } else { '?' });
    url.push_str("measurement_id=");
    percent_encode(measurement_id, &mut url);
    url.push_str("&api_secret=");
    percent_encode(api_secret, &mut url);
    url
}

/// The body up to the first event.
pub fn start(context: &Context<'_>) -> String {
    let client_id = &context.machine.client_id; // digits and a dot
    let mut text =
        format!(r#"{{"client_id":"{client_id}","consent":{{"ad_user_data":"DENIED","ad_personalization":"DENIED"}},"#);
    if let Some(system) = operating_system(&context.machine.os_arch) {
        text.push_str(r#""device":{"operating_system":""#);
        text.push_str(system);
        text.push_str(r#""},"#);
    }
    text.push_str(r#""events":["#);
    text
}

/// The name under which GA4's built-in reports count an operating system.
fn operating_system(os_arch: &str) -> Option<&'static str> {
    match os_arch.split_once('-')?.0 {
        "linux" => Some("Linux"),
        "macos" => Some("macOS"),
        "windows" => Some("Windows"),
        _ => None,
    }
}

/// Writes one event. `of_client` is where the parameters that belong to its client stand already. Returns where they
/// stand in this event.
pub fn event(out: &mut String, context: &Context<'_>, of_client: Option<Range<usize>>, hit: &Hit<'_>) -> Range<usize> {
    out.push_str(r#"{"name":""#);
    out.push_str(&slug(hit.event)); // letters, digits and _
    out.push_str(r#"","params":{"#);
    let start = out.len();
    match of_client {
        Some(of_client) => out.extend_from_within(of_client),
        None => parameters(out, context, hit, true),
    }
    let of_client = start..out.len();
    parameters(out, context, hit, false);
    // Reports and user counts need both. The session is this process.
    out.push_str(r#""engagement_time_msec":1,"session_id":""#);
    push_number(out, hit.session_id);
    out.push_str(r#""}"#);
    if context.now_micros > 0 {
        // Only times in the past are allowed, at most 72 hours ago.
        let age = hit.age_ms.saturating_mul(1_000).min(MAX_AGE_MICROS);
        out.push_str(r#","timestamp_micros":"#);
        push_number(out, context.now_micros.saturating_sub(age));
    }
    out.push('}');
    of_client
}

/// Writes the fields of the list that belong to the client, or those that belong to the event.
fn parameters(out: &mut String, context: &Context<'_>, hit: &Hit<'_>, of_client: bool) {
    for field in WRITTEN.iter().filter(|field| field.otlp.is_of_client() == of_client) {
        let Ga4Place::Parameter(name) = field.ga4 else { continue };
        let value = (field.value)(Protocol::Ga4, context, hit);
        if value == FieldValue::Text("") {
            continue;
        }
        push_string(out, name);
        out.push(':');
        match value {
            FieldValue::Text(text) => push_string(out, cut_chars(text, MAX_VALUE_CHARS)),
            FieldValue::Integer(number) => push_number(out, number),
        }
        out.push(',');
    }
}

/// An event's text as a GA4 event name: lower-case, every run of other characters one `_`, `pact_` before a name that
/// starts with no letter or is reserved, at most 40 characters.
pub fn slug(text: &str) -> String {
    let mut name = String::with_capacity(MAX_NAME_CHARS);
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.ends_with('_') {
            name.push('_');
        }
    }
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || is_reserved(&name) {
        name.insert_str(0, "pact_");
    }
    name.truncate(MAX_NAME_CHARS); // ASCII alone
    name
}

/// Names that Google keeps for itself: the reserved events and prefixes of the Measurement Protocol reference.
fn is_reserved(name: &str) -> bool {
    let is_prefixed = matches!(name.split_once('_'), Some(("" | "firebase" | "ga" | "google" | "gtag", _)));
    // Not a table: the loader would have to relocate each entry in every host program.
    let is_name = matches!(
        name,
        "ad_activeview"
            | "ad_click"
            | "ad_exposure"
            | "ad_impression"
            | "ad_query"
            | "ad_reward"
            | "adunit_exposure"
            | "app_background"
            | "app_clear_data"
            | "app_exception"
            | "app_install"
            | "app_remove"
            | "app_store_refund"
            | "app_store_subscription_cancel"
            | "app_store_subscription_convert"
            | "app_store_subscription_renew"
            | "app_update"
            | "app_upgrade"
            | "dynamic_link_app_open"
            | "dynamic_link_app_update"
            | "dynamic_link_first_open"
            | "error"
            | "first_open"
            | "first_visit"
            | "in_app_purchase"
            | "notification_dismiss"
            | "notification_foreground"
            | "notification_open"
            | "notification_receive"
            | "notification_send"
            | "os_update"
            | "screen_view"
            | "session_start"
            | "session_start_with_rollout"
            | "user_engagement"
    );
    is_prefixed || is_name
}
