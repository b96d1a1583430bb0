//! Compares requests with those that were written by hand from the documentation of the protocols.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // tests

mod support;

use pact_telemetry::{Client, Event, Flushed, names};
use serde_json::{Value, json};
use std::process::Command;
use support::*;

/// The MD5 digest of this machine's name, computed without the library.
fn digest_of_hostname() -> String {
    let output = Command::new("sh").args(["-c", "uname -n | tr A-Z a-z | tr -d '\\n' | md5sum"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()[..32].to_owned()
}

fn track_the_four(client: &Client) {
    let plugin = Event::new(names::EVENT_PLUGIN_LOADED, names::CATEGORY_PLUGIN, names::ACTION_LOADED, 1)
        .about_plugin("protobuf", "0.3.15");
    for event in [
        Event::new(names::EVENT_PACT_CONSUMER_TESTS_RAN, names::CATEGORY_CONSUMER_TEST, names::ACTION_COMPLETED, 4),
        Event::new(names::EVENT_PACTS_VERIFIED, names::CATEGORY_PROVIDER_TEST, names::ACTION_COMPLETED, 3),
        plugin,
        Event::new(
            names::EVENT_PACT_MOCK_SERVER_STARTED,
            names::CATEGORY_CONSUMER_TEST,
            names::ACTION_MOCK_SERVER_STARTED,
            1,
        ),
    ] {
        client.track(&event).unwrap();
    }
}

const IDENTITY: &str = r#"{"data_source": "cli", "test_framework": "JUnit", "platform_version": "17.0.1"}"#;

#[test]
fn the_four_events_are_written_in_ga4_as_documented() {
    if !in_its_own_process("the_four_events_are_written_in_ga4_as_documented", &[]) {
        return;
    }
    let collector = Collector::start(&["--requests"]);
    let client = client(&collector.url, serde_json::from_str(IDENTITY).unwrap());
    let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() as u64;
    track_the_four(&client);
    assert_eq!(client.close(PATIENCE), Flushed::Delivered);

    let request = collector.next_request();
    assert_eq!(request["method"], "POST");
    assert_eq!(request["target"], "/mp/collect?measurement_id=G-TEST&api_secret=secret");
    assert_eq!(request["headers"]["content-type"], "application/json");
    let mut body: Value = serde_json::from_str(request["body"].as_str().unwrap()).unwrap();
    for event in body["events"].as_array_mut().unwrap() {
        let stamp = event.as_object_mut().unwrap().remove("timestamp_micros").unwrap().as_u64().unwrap();
        assert!((before - 50_000..before + 60_000_000).contains(&stamp), "when it was tracked, by a 10 ms clock");
        let session = event["params"].as_object_mut().unwrap().remove("session_id").unwrap();
        assert!(session.as_str().unwrap().bytes().all(|byte| byte.is_ascii_digit()), "{session}");
    }
    let digest = digest_of_hostname();
    let number = |digits: &str| u32::from_str_radix(digits, 16).unwrap().max(1);
    let client_id = format!("{}.{}", number(&digest[..8]), number(&digest[8..16]));
    let event = |name: &str, category: &str, action: &str, label: &str, value: i64| {
        json!({"name": name, "params": {
            "api_version": "2", "library_title": "Pact Test", "library_name": "pact-test", "library_version": "1.2.3",
            "data_source": "cli", "os_arch": "linux-x86_64", "test_framework": "JUnit", "platform_version": "17.0.1",
            "event_label": label, "event_category": category, "event_action": action, "metric_value": value,
            "engagement_time_msec": 1,
        }})
    };
    let mut plugin = event("plugin_loaded", "Plugin", "Loaded", "Plugin loaded", 1);
    plugin["params"]["plugin_name"] = "protobuf".into();
    plugin["params"]["plugin_version"] = "0.3.15".into();
    let expected = json!({
        "client_id": client_id,
        "consent": {"ad_user_data": "DENIED", "ad_personalization": "DENIED"},
        "device": {"operating_system": "Linux"},
        "events": [
            event("pact_consumer_tests_ran", "ConsumerTest", "Completed", "Pact consumer tests ran", 4),
            event("pacts_verified", "ProviderTest", "Completed", "Pacts verified", 3),
            plugin,
            event("pact_mock_server_started", "ConsumerTest", "MockServerStarted", "Pact mock server started", 1),
        ],
    });
    assert_eq!(body, expected);
    for _ in 0..4 {
        assert_eq!(collector.next_event()["problems"], json!([]));
    }
}

#[test]
fn the_four_events_are_written_in_universal_analytics_as_documented() {
    if !in_its_own_process("the_four_events_are_written_in_universal_analytics_as_documented", &[]) {
        return;
    }
    let collector = Collector::start(&["--requests"]);
    let mut more: Value = serde_json::from_str(IDENTITY).unwrap();
    more["protocol"] = "universal-analytics".into();
    let client = client(&collector.url, more);
    track_the_four(&client);
    assert_eq!(client.close(PATIENCE), Flushed::Delivered);

    let request = collector.next_request();
    assert_eq!(request["target"], "/batch");
    let body = request["body"].as_str().unwrap();
    let cid = digest_of_hostname();
    let common = |rest: &str| {
        format!(
            "v=1&cid={cid}&an=Pact%20Test&aid=pact-test&av=1.2.3&aip=1&ds=cli&cd3=linux-x86_64{rest}\
             &t=event&tid=UA-117-1"
        )
    };
    let expected = [
        common("&cd6=JUnit&cd7=17.0.1&el=Pact%20consumer%20tests%20ran&ec=ConsumerTest&ea=Completed&ev=4"),
        common("&cd6=JUnit&cd7=17.0.1&el=Pacts%20verified&ec=ProviderTest&ea=Completed&ev=3"),
        common("&cd4=protobuf&cd5=0.3.15&cd6=JUnit&cd7=17.0.1&el=Plugin%20loaded&ec=Plugin&ea=Loaded&ev=1"),
        common("&cd6=JUnit&cd7=17.0.1&el=Pact%20mock%20server%20started&ec=ConsumerTest&ea=MockServerStarted&ev=1"),
    ];
    let lines: Vec<_> = body.split('\n').collect();
    assert_eq!(lines.len(), 4);
    for (line, expected) in lines.iter().zip(&expected) {
        let (line, queue_time) = line.rsplit_once("&qt=").unwrap();
        assert_eq!(line, expected);
        assert!(queue_time.parse::<u64>().unwrap() < 60_000);
    }
    for _ in 0..4 {
        assert_eq!(collector.next_event()["problems"], json!([]));
    }
}

#[test]
fn a_relay_with_a_path_of_its_own_gets_the_request_there() {
    if !in_its_own_process("a_relay_with_a_path_of_its_own_gets_the_request_there", &[]) {
        return;
    }
    let collector = Collector::start(&["--requests"]);
    let relay = format!("{}/com.google.analytics/v1", collector.url);
    let client = client(&relay, json!({"protocol": "universal-analytics"}));
    client.track(&numbered(1)).unwrap();
    assert_eq!(client.close(PATIENCE), Flushed::Delivered);
    assert_eq!(collector.next_request()["target"], "/com.google.analytics/v1");
    assert_eq!(collector.next_event()["fields"]["value"], "1");
}

#[test]
fn a_preview_is_what_is_sent() {
    if !in_its_own_process("a_preview_is_what_is_sent", &[]) {
        return;
    }
    for protocol in ["ga4", "universal-analytics"] {
        let collector = Collector::start(&["--requests"]);
        let client = client(&collector.url, json!({"protocol": protocol}));
        let preview = client.preview(&numbered(5)).unwrap();
        client.track(&numbered(5)).unwrap();
        assert_eq!(client.flush(PATIENCE), Flushed::Delivered);
        let request = collector.next_request();
        assert_eq!(preview.url, format!("{}{}", collector.url, request["target"].as_str().unwrap()));
        assert_eq!(preview.content_type, request["headers"]["content-type"]);
        // Without the times, which differ.
        let timeless = |text: &str| {
            let digits = |c: char| c.is_ascii_digit();
            ["\"session_id\":\"", "\"timestamp_micros\":", "&qt="].iter().fold(text.to_owned(), |text, key| match text
                .split_once(key)
            {
                Some((before, after)) => format!("{before}{key}{}", after.trim_start_matches(digits)),
                None => text,
            })
        };
        assert_eq!(timeless(&preview.body), timeless(request["body"].as_str().unwrap()));
    }
}

#[test]
fn two_thousand_events_at_once_arrive_whole_and_in_few_requests() {
    if !in_its_own_process("two_thousand_events_at_once_arrive_whole_and_in_few_requests", &[]) {
        return;
    }
    let collector = Collector::start(&[]);
    let client = client(&collector.url, json!({}));
    for value in 0..2_000 {
        client.track(&numbered(value)).unwrap();
    }
    assert_eq!(client.close(PATIENCE), Flushed::Delivered);
    assert_eq!(balanced(&client.stats().json()), 0);
    let events = collector.events_until_end();
    assert_eq!(values(&events), (0..2_000).collect::<Vec<_>>());
    // The first event is written to disk at once, and alone. The others are taken in a few parts.
    let requests = events.last().unwrap()["request"].as_u64().unwrap();
    assert!((80..=84).contains(&requests), "{requests} requests");
}

#[test]
fn production_limits_are_those_that_the_strict_validator_checks() {
    if !in_its_own_process("production_limits_are_those_that_the_strict_validator_checks", &[]) {
        return;
    }
    let collector = Collector::start(&[]);
    for protocol in ["ga4", "universal-analytics"] {
        let long = |length: usize| "ü".repeat(length / 2);
        let more = json!({
            "protocol": protocol,
            "library": {"id": long(150), "name": long(100), "version": long(100)},
            "test_framework": long(150), "platform_version": long(150),
        });
        let client = client(&collector.url, more);
        let (event, category, action, plugin) = (long(500), long(150), long(500), long(150));
        for value in 0..60 {
            let event = Event::new(&event, &category, &action, value).about_plugin(&plugin, &plugin);
            client.track(&event).unwrap();
        }
        assert_eq!(client.close(PATIENCE), Flushed::Delivered);
        for _ in 0..60 {
            assert_eq!(collector.next_event()["problems"], json!([]));
        }
    }
}

#[test]
fn otlp_drops_what_a_partial_success_rejects_and_sends_it_never_again() {
    if !in_its_own_process("otlp_drops_what_a_partial_success_rejects_and_sends_it_never_again", &[]) {
        return;
    }
    let collector = Collector::start(&["--requests", "--answers", "partial=2"]);
    let client = client(&collector.url, json!({"protocol": "otlp"}));
    (0..5).for_each(|value| client.track(&numbered(value)).unwrap());
    client.close(PATIENCE);
    let stats = client.stats().json();
    assert_eq!(balanced(&stats), 0, "nothing waits");
    let lines = collector.end();
    let events: Vec<_> = lines.into_iter().filter(|line| line["type"] == "event").collect();
    assert_eq!(values(&events), [0, 1, 2, 3, 4], "a partial success must not be sent again");
    // The first event may leave before the others are tracked.
    let first = events.iter().filter(|event| event["request"] == 1).count();
    let dropped = first.min(2);
    assert_eq!(
        (&stats["delivered"], &stats["dropped"]["http_status"]),
        (&json!(5 - dropped), &json!(dropped)),
        "{stats}"
    );
}

#[test]
fn otlp_tries_again_after_the_four_statuses_of_its_specification_and_after_no_other() {
    if !in_its_own_process("otlp_tries_again_after_the_four_statuses_of_its_specification_and_after_no_other", &[]) {
        return;
    }
    for status in [400, 408, 429, 500, 501, 502, 503, 504, 505] {
        let collector = Collector::start(&["--answers", &format!("{status} retry-after=3600*")]);
        let client = client(&collector.url, json!({"protocol": "otlp"}));
        client.track(&numbered(1)).unwrap();
        client.close(PATIENCE);
        let stats = client.stats().json();
        let is_kept = [429, 502, 503, 504].contains(&status);
        let found = (stats["spooled"] == 1, stats["dropped"]["http_status"] == 1);
        assert_eq!(found, (is_kept, !is_kept), "{status}: {stats}");
    }
}
