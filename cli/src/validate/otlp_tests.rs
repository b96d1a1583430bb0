//! One promise for each rule of OTLP's logs, just inside it and just outside.

use serde_json::json;

use super::*;

const NOW: u64 = 1_790_000_000_000_000;

fn good() -> Value {
    json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "pact-js"}}]},
        "scopeLogs": [{"scope": {"name": "pact_telemetry"}, "logRecords": [{
            "timeUnixNano": "1790000000000000000", "observedTimeUnixNano": "1790000000000000000", "severityNumber": 9,
            "eventName": "pact.pacts_verified", "body": {"stringValue": "Pacts verified"},
            "attributes": [{"key": "pact.value", "value": {"intValue": "3"}}],
        }]}],
    }]})
}

const RECORD: &str = "/resourceLogs/0/scopeLogs/0/logRecords/0";
const PATH: &str = "resourceLogs[0].scopeLogs[0].logRecords[0]";

fn paths(body: &[u8]) -> Vec<String> {
    request(body, NOW).into_iter().map(|message| message.path).collect()
}

/// What is found in a good request in which this place (a JSON pointer) has this value, or is gone.
fn with(place: &str, value: Option<Value>) -> Vec<String> {
    let mut body = good();
    let (parent, name) = place.rsplit_once('/').unwrap_or_default();
    if let Some(Value::Object(object)) = body.pointer_mut(parent) {
        match value {
            Some(value) => _ = object.insert(name.to_owned(), value),
            None => _ = object.remove(name),
        }
    }
    paths(body.to_string().as_bytes())
}

fn in_record(name: &str, value: Option<Value>) -> Vec<String> {
    with(&format!("{RECORD}/{name}"), value)
}

#[test]
fn a_request_as_pact_sends_it_is_valid() {
    assert_eq!(paths(good().to_string().as_bytes()), [""; 0]);
    assert_eq!(records(&good()).len(), 1);
}

#[test]
fn the_body_is_a_json_object() {
    for body in ["", "[]", "7", "{", "null"] {
        assert_eq!(paths(body.as_bytes()), ["body"], "{body}");
    }
    assert_eq!(paths(b"{}"), ["resourceLogs"]);
}

#[test]
fn a_field_that_the_protocol_does_not_have_is_found() {
    assert_eq!(with("/resource_logs", Some(json!([]))), ["resource_logs"]);
    assert_eq!(in_record("event_name", Some(json!("x"))), [format!("{PATH}.event_name")]);
    assert_eq!(with("/resourceLogs/0/resource/name", Some(json!("x"))), ["resourceLogs[0].resource.name"]);
}

#[test]
fn every_list_has_an_entry() {
    assert_eq!(with("/resourceLogs/0/scopeLogs", Some(json!([]))), ["resourceLogs[0].scopeLogs"]);
    assert_eq!(with("/resourceLogs/0/scopeLogs/0/logRecords", None), ["resourceLogs[0].scopeLogs[0].logRecords"]);
}

#[test]
fn a_resource_names_its_service() {
    assert_eq!(with("/resourceLogs/0/resource", None), ["resourceLogs[0].resource"]);
    let other = json!([{"key": "os.type", "value": {"stringValue": "linux"}}]);
    assert_eq!(with("/resourceLogs/0/resource/attributes", Some(other)), ["resourceLogs[0].resource.attributes"]);
}

#[test]
fn a_time_is_a_text_of_digits_and_not_in_the_future() {
    for bad in [json!(1_790_000_000), json!("soon"), json!(""), json!("-1"), json!("1790000061000000001")] {
        assert_eq!(in_record("timeUnixNano", Some(bad.clone())), [format!("{PATH}.timeUnixNano")], "{bad}");
    }
    assert_eq!(in_record("timeUnixNano", None), [""; 0]);
    assert_eq!(in_record("observedTimeUnixNano", Some(json!(7))), [format!("{PATH}.observedTimeUnixNano")]);
}

#[test]
fn an_event_has_a_name() {
    for bad in [None, Some(json!("")), Some(json!(7))] {
        assert_eq!(in_record("eventName", bad), [format!("{PATH}.eventName")]);
    }
}

#[test]
fn a_severity_is_a_number_from_0_to_24() {
    assert_eq!(in_record("severityNumber", Some(json!(24))), [""; 0]);
    for bad in [json!(25), json!("9"), json!(-1)] {
        assert_eq!(in_record("severityNumber", Some(bad)), [format!("{PATH}.severityNumber")]);
    }
}

#[test]
fn a_value_is_of_the_type_that_it_says() {
    let attribute = |value: Value| in_record("attributes", Some(json!([{"key": "k", "value": value}])));
    for good in [
        json!({"stringValue": ""}),
        json!({"intValue": "-3"}),
        json!({"intValue": 3}),
        json!({"boolValue": false}),
        json!({"doubleValue": 0.5}),
        json!({"arrayValue": {"values": []}}),
        json!({}), // the empty value
    ] {
        assert_eq!(attribute(good.clone()), [""; 0], "{good}");
    }
    for bad in [
        json!({"stringValue": 3}),
        json!({"intValue": "three"}),
        json!({"intValue": 0.5}),
        json!({"boolValue": "true"}),
        json!({"text": "x"}),
        json!(null),
        json!({"stringValue": "", "intValue": "3"}),
        json!("x"),
    ] {
        let found = attribute(bad.clone());
        assert!(
            matches!(found.as_slice(), [path] if path.starts_with(&format!("{PATH}.attributes[0].value"))),
            "{bad}"
        );
    }
}

#[test]
fn an_attribute_has_a_key_of_its_own() {
    let value = || json!({"stringValue": "x"});
    let twice = json!([{"key": "k", "value": value()}, {"key": "k", "value": value()}]);
    assert_eq!(in_record("attributes", Some(twice)), [format!("{PATH}.attributes[1].key")]);
    for bad in [json!({"value": value()}), json!({"key": "", "value": value()})] {
        assert_eq!(in_record("attributes", Some(json!([bad]))), [format!("{PATH}.attributes[0].key")]);
    }
    assert_eq!(in_record("attributes", Some(json!([{"key": "k"}]))), [format!("{PATH}.attributes[0].value")]);
}

#[test]
fn what_an_sdk_writes_for_nothing_is_no_fault() {
    assert_eq!(in_record("attributes", Some(json!([]))), [""; 0]);
    assert_eq!(in_record("body", Some(json!({}))), [""; 0]);
    assert_eq!(with("/resourceLogs/0/resource/entityRefs", Some(json!([]))), [""; 0]);
    assert_eq!(in_record("attributes", Some(json!({}))), [format!("{PATH}.attributes")]);
}

#[test]
fn a_name_given_twice_is_found() {
    let body = good().to_string().replace("\"severityNumber\":9", "\"severityNumber\":9,\"severityNumber\":9");
    assert_eq!(paths(body.as_bytes()), [format!("{PATH}.severityNumber")]);
}
