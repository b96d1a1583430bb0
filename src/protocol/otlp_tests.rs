//! Requests of OTLP: their shape, their limits, and which records share a resource.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test that cannot go on should stop

use super::super::fields::FIELDS;
use super::super::{Body, Destination, encode};
use super::*;
use crate::config::tests::identity;
use crate::identity::Identity;
use crate::machine::Machine;
use proptest::prelude::*;
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000_000_000;

fn hit<'a>(identity: &'a Identity, event: &'a str) -> Hit<'a> {
    let (category, action) = ("ProviderTest", "Completed");
    let (plugin_name, plugin_version) = ("protobuf", "0.3.15");
    Hit { identity, event, category, action, value: 3, plugin_name, plugin_version, session_id: 1, age_ms: 5 }
}

fn encoded(hits: &[Hit<'_>], now_micros: u64) -> Vec<Body> {
    let destination =
        Destination { protocol: Protocol::Otlp, endpoint: "https://example.com/v1/logs".into(), credentials: None };
    let machine = Machine { os_arch: "macos-x86_64".into(), ..Machine::named("build-7") };
    encode(&destination, &Context { machine: &machine, now_micros }, hits)
}

fn json(body: &Body) -> Value {
    serde_json::from_str(&body.text).unwrap()
}

/// The attributes of a resource or a record, by key.
fn attributes(of: &Value) -> Value {
    let list = of["attributes"].as_array().unwrap();
    let entries = list.iter().map(|one| (one["key"].as_str().unwrap().to_owned(), one["value"].clone()));
    let map: serde_json::Map<_, _> = entries.collect();
    assert_eq!(map.len(), list.len(), "each key once");
    Value::Object(map)
}

#[test]
fn an_event_is_a_log_record_with_the_fields_of_the_list() {
    let identity = identity();
    let body = json(&encoded(&[hit(&identity, "Pacts verified")], NOW)[0]);
    let logs = &body["resourceLogs"][0];
    let text = |text: &str| json!({"stringValue": text});
    let resource = json!({
        "pact.api_version": text("3"), "host.id": text(&Machine::named("build-7").digest),
        "pact.library_title": text(&identity.library_name), "service.name": text(&identity.library_id),
        "service.version": text(&identity.library_version), "pact.anonymize_ip": text("1"),
        "pact.data_source": text(&identity.data_source), "os.type": text("darwin"), "host.arch": text("amd64"),
        "pact.test_framework": text(&identity.test_framework),
        "process.runtime.version": text(&identity.platform_version),
    });
    let mut resource = resource.as_object().unwrap().clone();
    resource.retain(|_, value| *value != text(""));
    assert_eq!(attributes(&logs["resource"]), Value::Object(resource));
    assert_eq!(logs["scopeLogs"][0]["scope"], json!({"name": "pact_telemetry"}));
    let mut record = logs["scopeLogs"][0]["logRecords"][0].clone();
    let expected = json!({
        "pact.plugin_name": text("protobuf"), "pact.plugin_version": text("0.3.15"),
        "pact.event": text("Pacts verified"), "pact.category": text("ProviderTest"), "pact.action": text("Completed"),
        "pact.value": {"intValue": "3"},
    });
    assert_eq!(attributes(&record), expected);
    record.as_object_mut().unwrap().remove("attributes");
    let at = "1799999999995000000";
    let expected = json!({"timeUnixNano": at, "observedTimeUnixNano": at, "eventName": "pact.pacts_verified",
        "severityNumber": 9, "body": text("Pacts verified")});
    assert_eq!(record, expected);
}

#[test]
fn no_two_fields_have_the_same_key() {
    let mut keys: Vec<_> = FIELDS.iter().flat_map(|row| row.field.otlp.keys().to_vec()).collect();
    let count = keys.len();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!((keys.len(), count), (17, 17));
}

#[test]
fn events_of_the_same_library_share_a_resource_and_others_have_their_own() {
    let (one, mut other) = (identity(), identity());
    other.library_id.push('x');
    let hits = [hit(&one, "a"), hit(&one, "b"), hit(&other, "c"), hit(&one, "d")];
    let body = json(&encoded(&hits, NOW)[0]);
    let names: Vec<Vec<String>> = body["resourceLogs"].as_array().unwrap().iter().map(names).collect();
    assert_eq!(names, [vec!["pact.a", "pact.b"], vec!["pact.c"], vec!["pact.d"]]);
}

fn names(logs: &Value) -> Vec<String> {
    let records = logs["scopeLogs"][0]["logRecords"].as_array().unwrap();
    records.iter().map(|record| record["eventName"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_request_has_at_most_512_records_and_a_million_bytes() {
    let identity = identity();
    let short = vec![hit(&identity, "e"); MAX_RECORDS + 1];
    let bodies = encoded(&short, NOW);
    assert_eq!(bodies.iter().map(|body| body.hits.clone()).collect::<Vec<_>>(), [0..512, 512..513]);
    let long = "\u{1}".repeat(500);
    let long = vec![hit(&identity, &long); MAX_RECORDS];
    let bodies = encoded(&long, NOW);
    assert!(bodies.len() > 1 && bodies.iter().all(|body| body.text.len() <= MAX_BODY_BYTES));
    let records = bodies.iter().map(|body| names(&json(body)["resourceLogs"][0]).len()).sum::<usize>();
    assert_eq!(records, MAX_RECORDS);
}

#[test]
fn a_clock_before_1970_leaves_the_time_to_the_server() {
    let identity = identity();
    let body = json(&encoded(&[hit(&identity, "e")], 0)[0]);
    assert!(body.pointer("/resourceLogs/0/scopeLogs/0/logRecords/0/timeUnixNano").is_none());
}

#[test]
fn an_event_name_is_made_of_lower_case_letters_digits_and_underscores() {
    let identity = identity();
    for (event, name) in [
        ("Pacts verified", "pact.pacts_verified"),
        ("  A--b!  ", "pact.a_b"),
        ("Größe 2", "pact.gr_e_2"),
        ("日本", "pact.event"),
    ] {
        let body = json(&encoded(&[hit(&identity, event)], NOW)[0]);
        assert_eq!(names(&body["resourceLogs"][0]), [name]);
    }
}

#[test]
fn a_partial_success_is_read_as_number_or_text_and_anything_else_is_none() {
    for (answer, rejected) in [
        (r#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"x"}}"#, 3),
        (r#"{"partialSuccess":{"rejectedLogRecords":2}}"#, 2),
        (r#"{"partialSuccess":{"rejectedLogRecords":"-1"}}"#, 0),
        (r#"{"partialSuccess":{"errorMessage":"a warning"}}"#, 0),
        (r#"{"partialSuccess":{}}"#, 0),
        ("{}", 0),
        ("", 0),
        ("{\"partialSuccess", 0),
        ("[7]", 0),
    ] {
        assert_eq!(Protocol::Otlp.rejected(answer), rejected, "{answer}");
    }
    assert_eq!(Protocol::Ga4.rejected(r#"{"partialSuccess":{"rejectedLogRecords":"3"}}"#), 0);
}

proptest! {
    #[test]
    fn any_texts_come_back_from_the_body(event in ".{1,60}", library in ".{1,60}", plugin in ".{1,60}") {
        let identity = Identity { library_id: library.clone(), ..identity() };
        let hit = Hit { plugin_name: &plugin, ..hit(&identity, &event) };
        let body = json(&encoded(&[hit, hit], NOW)[0]);
        let logs = &body["resourceLogs"][0];
        prop_assert_eq!(&attributes(&logs["resource"])["service.name"], &json!({"stringValue": library}));
        let records = logs["scopeLogs"][0]["logRecords"].as_array().unwrap();
        prop_assert_eq!(records.len(), 2);
        for record in records {
            prop_assert_eq!(record["body"]["stringValue"].as_str(), Some(event.as_str()));
            prop_assert_eq!(&attributes(record)["pact.plugin_name"], &json!({"stringValue": &plugin}));
        }
    }
}
