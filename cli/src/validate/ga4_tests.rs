//! One promise for each limit of GA4, just inside it and just outside.

use serde_json::json;

use super::*;

const QUERY: &str = "measurement_id=G-X&api_secret=Y";
const HOURS_72: u64 = 259_200_000_000;
const NOW: u64 = 1_790_000_000_000_000;

fn good() -> Value {
    json!({
        "client_id": "123.456",
        "timestamp_micros": NOW,
        "consent": {"ad_user_data": "DENIED", "ad_personalization": "GRANTED"},
        "events": [{"name": "pacts_verified", "params": {"os_arch": "linux-x86_64", "metric_value": 3}}],
    })
}

fn found(query: &str, body: &[u8]) -> Vec<(Code, String)> {
    let messages = request(query, body, NOW).into_iter();
    messages.map(|message| (message.code, message.path)).collect()
}

/// What is found in a good request in which this place (a JSON pointer) has this value.
fn with(place: &str, value: Value) -> Vec<(Code, String)> {
    let mut body = good();
    let (parent, name) = place.rsplit_once('/').unwrap_or_default();
    match body.pointer_mut(parent) {
        Some(Value::Object(object)) => _ = object.insert(name.to_owned(), value),
        Some(Value::Array(array)) => array.push(value),
        _ => {}
    }
    found(QUERY, body.to_string().as_bytes())
}

fn only(code: Code, path: &str) -> Vec<(Code, String)> {
    vec![(code, path.to_owned())]
}

#[test]
fn a_request_as_pact_sends_it_is_valid() {
    assert_eq!(found(QUERY, good().to_string().as_bytes()), []);
}

#[test]
fn the_query_has_both_credentials() {
    let body = good().to_string();
    let missing = |query: &str| found(query, body.as_bytes());
    assert_eq!(missing("measurement_id=G-X"), only(Code::ValueRequired, "query.api_secret"));
    assert_eq!(missing("api_secret=Y&measurement_id="), only(Code::ValueRequired, "query.measurement_id"));
    assert_eq!(missing(&format!("{QUERY}&api_secret=Z")), only(Code::NameDuplicated, "query.api_secret"));
    assert_eq!(missing(&format!("{QUERY}%")), only(Code::ValueInvalid, "query.api_secret"));
}

#[test]
fn the_body_is_a_json_object() {
    assert_eq!(found(QUERY, b"{"), only(Code::ValueInvalid, "body"));
    assert_eq!(found(QUERY, b""), only(Code::ValueInvalid, "body"));
    assert_eq!(found(QUERY, b"[]"), only(Code::ValueInvalid, "body"));
    assert_eq!(found(QUERY, b"{} {}"), only(Code::ValueInvalid, "body"));
}

#[test]
fn the_body_is_smaller_than_130_kilobytes() {
    let mut body = good().to_string();
    let padding = " ".repeat(129_999 - body.len());
    body.push_str(&padding);
    assert_eq!(found(QUERY, body.as_bytes()), []);
    body.push(' ');
    assert_eq!(found(QUERY, body.as_bytes()), only(Code::ValueOutOfBounds, "body"));
}

#[test]
fn a_request_has_1_to_25_events() {
    let events = |count: usize| with("/events", vec![json!({"name": "a"}); count].into());
    assert_eq!(events(25), []);
    assert_eq!(events(26), only(Code::ExceededMaxEntities, "events"));
    assert_eq!(events(0), only(Code::ValueRequired, "events"));
    assert_eq!(with("/events", json!({})), only(Code::ValueInvalid, "events"));
    assert_eq!(with("/events/-", json!("x")), only(Code::ValueInvalid, "events[1]"));
}

#[test]
fn an_event_has_at_most_25_params() {
    let params = |count: usize| {
        let params: Map<String, Value> = (0..count).map(|at| (format!("p{at}"), json!("x"))).collect();
        with("/events/0/params", params.into())
    };
    assert_eq!(params(0), []);
    assert_eq!(params(25), []);
    assert_eq!(params(26), only(Code::ExceededMaxEntities, "events[0].params"));
    assert_eq!(with("/events/0/params", json!([])), only(Code::ValueInvalid, "events[0].params"));
}

#[test]
fn an_event_name_is_a_letter_then_letters_digits_underscores_40_in_all() {
    let name = |name: &str| with("/events/0/name", json!(name));
    for good in ["a", "Z9_", &"n".repeat(40)] {
        assert_eq!(name(good), [], "{good}");
    }
    for bad in ["", "1a", "_a", "a-b", "a b", "é", "aé", &"n".repeat(41)] {
        assert_eq!(name(bad), only(Code::NameInvalid, "events[0].name"), "{bad}");
    }
    assert_eq!(with("/events/0/name", json!(1)), only(Code::NameInvalid, "events[0].name"));
    assert_eq!(with("/events/-", json!({})), only(Code::ValueRequired, "events[1].name"));
}

#[test]
fn a_param_name_obeys_the_same_rule() {
    let name = |name: &str| with(&format!("/events/0/params/{name}"), json!("x"));
    for good in ["a", "Z9_", &"n".repeat(40)] {
        assert_eq!(name(good), [], "{good}");
    }
    for bad in ["1a", "a-b", "a.b", &"n".repeat(41)] {
        assert_eq!(name(bad), only(Code::NameInvalid, &format!("events[0].params.{bad}")), "{bad}");
    }
}

#[test]
fn reserved_event_names_are_refused() {
    for name in ["error", "session_start", "first_visit", "user_engagement", "app_update", "app_exception"] {
        assert_eq!(with("/events/0/name", json!(name)), only(Code::NameReserved, "events[0].name"));
    }
    assert_eq!(with("/events/0/name", json!("errors")), []);
}

#[test]
fn reserved_param_prefixes_are_refused() {
    for name in ["_x", "firebase_x", "ga_x", "google_x", "gtag.x"] {
        let path = format!("events[0].params.{name}");
        assert_eq!(with(&format!("/events/0/params/{name}"), json!("x")), only(Code::NameReserved, &path));
    }
    assert_eq!(with("/events/0/params/gas", json!("x")), []);
}

#[test]
fn a_param_value_has_at_most_100_characters_not_bytes() {
    let value = |count: usize| with("/events/0/params/os_arch", json!("é".repeat(count)));
    assert_eq!(value(100), []);
    assert_eq!(value(101), only(Code::ValueOutOfBounds, "events[0].params.os_arch"));
}

#[test]
fn a_param_value_is_a_string_or_a_number() {
    for bad in [json!(null), json!(true), json!([1]), json!({})] {
        assert_eq!(with("/events/0/params/x", bad), only(Code::ValueInvalid, "events[0].params.x"));
    }
    assert_eq!(with("/events/0/params/x", json!(1.5)), []);
}

#[test]
fn the_client_id_is_two_positive_numbers_joined_by_a_dot() {
    assert_eq!(with("/client_id", json!("4294967295.1")), []);
    for bad in ["", "1", "1.", ".1", "0.1", "1.0", "1.2.3", "-1.2", "1.a", "+1.2", " 1.2"] {
        assert_eq!(with("/client_id", json!(bad)), only(Code::ValueInvalid, "client_id"), "{bad}");
    }
    assert_eq!(with("/client_id", json!(1.2)), only(Code::ValueInvalid, "client_id"));
    let without = json!({"events": [{"name": "a"}]}).to_string();
    assert_eq!(found(QUERY, without.as_bytes()), only(Code::ValueRequired, "client_id"));
}

#[test]
fn the_session_id_is_digits() {
    let session = |value: Value| with("/events/0/params/session_id", value);
    assert_eq!(session(json!("0123")), []);
    assert_eq!(session(json!(123)), []);
    for bad in [json!(""), json!("1a"), json!("-1"), json!(-1), json!(1.5)] {
        assert_eq!(session(bad), only(Code::ValueInvalid, "events[0].params.session_id"));
    }
}

#[test]
fn the_engagement_time_is_at_least_1() {
    let time = |value: Value| with("/events/0/params/engagement_time_msec", value);
    assert_eq!(time(json!(1)), []);
    assert_eq!(time(json!("100")), []);
    for bad in [json!(0), json!("0"), json!(-1), json!(0.5)] {
        assert_eq!(time(bad), only(Code::ValueOutOfBounds, "events[0].params.engagement_time_msec"));
    }
}

#[test]
fn a_timestamp_is_in_the_past_and_at_most_72_hours_back() {
    for (prefix, place) in [("", "/timestamp_micros"), ("events[0].", "/events/0/timestamp_micros")] {
        let path = format!("{prefix}timestamp_micros");
        for good in [json!(NOW), json!(NOW - HOURS_72), json!(NOW.to_string())] {
            assert_eq!(with(place, good), []);
        }
        for bad in [NOW + 1, NOW - HOURS_72 - 1, 0] {
            assert_eq!(with(place, json!(bad)), only(Code::ValueOutOfBounds, &path));
        }
        for bad in [json!(-1), json!("soon"), json!(1.5), json!(null)] {
            assert_eq!(with(place, bad), only(Code::ValueInvalid, &path));
        }
    }
}

#[test]
fn consent_is_granted_or_denied() {
    assert_eq!(with("/consent/ad_user_data", json!("GRANTED")), []);
    for bad in [json!("denied"), json!(""), json!(false)] {
        assert_eq!(with("/consent/ad_user_data", bad), only(Code::ValueInvalid, "consent.ad_user_data"));
    }
    assert_eq!(with("/consent/ads", json!("DENIED")), only(Code::NameInvalid, "consent.ads"));
    assert_eq!(with("/consent", json!("DENIED")), only(Code::ValueInvalid, "consent"));
}

#[test]
fn a_device_has_texts_under_its_known_names() {
    let device = |value: Value| with("/device", value);
    assert_eq!(device(json!({"operating_system": "Linux", "category": "desktop"})), []);
    assert_eq!(device(json!({"operating_system": 7})), only(Code::ValueInvalid, "device.operating_system"));
    assert_eq!(device(json!({"hostname": "x"})), only(Code::NameInvalid, "device.hostname"));
    assert_eq!(device(json!("Linux")), only(Code::ValueInvalid, "device"));
}

#[test]
fn a_name_given_twice_is_found() {
    let body = good().to_string().replace("{\"metric", "{\"os_arch\":\"x\",\"metric");
    assert_eq!(found(QUERY, body.as_bytes()), only(Code::NameDuplicated, "events[0].params.os_arch"));
}

#[test]
fn a_field_that_the_protocol_does_not_have_is_found() {
    assert_eq!(with("/hostname", json!("x")), only(Code::NameInvalid, "hostname"));
    assert_eq!(with("/events/0/timestamp", json!(1)), only(Code::NameInvalid, "events[0].timestamp"));
}
