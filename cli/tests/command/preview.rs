//! Promises of `preview`.

use serde_json::{Value, json};

use crate::home::Home;
use crate::program::{Program, account};
use crate::support::Collector;

/// The body without the values that differ in each moment and process.
fn timeless(body: &Value) -> Value {
    let mut body: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
    body["events"][0]["timestamp_micros"].take();
    body["events"][0]["params"]["session_id"].take();
    body
}

#[test]
fn it_is_the_request_that_a_program_sends() {
    let (home, collector) = (Home::new(), Collector::start(&["--requests"]));
    let mut program = Program::start(&home, &collector);
    program.track(3);
    assert_eq!(program.flush(), "Delivered");
    program.end();
    let sent = collector.line();
    let shown = home.run_with(&["preview", "--json"], &account(&collector.url)).json();
    assert_eq!((&shown["headers"], &shown["method"]), (&sent["headers"], &sent["method"]));
    assert_eq!(shown["url"], format!("{}{}", collector.url, sent["target"].as_str().unwrap()));
    assert_eq!(timeless(&shown["body"]), timeless(&sent["body"]));
}

#[test]
fn every_part_of_it_is_explained_in_each_protocol() {
    let home = Home::new();
    let credentials = [
        ("PACT_TELEMETRY_MEASUREMENT_ID", "G-1"),
        ("PACT_TELEMETRY_API_SECRET", "s"),
        ("PACT_TELEMETRY_TRACKING_ID", "UA-1-1"),
    ];
    for (protocol, least) in [("ga4", 23), ("universal-analytics", 19), ("otlp", 22)] {
        let arguments = ["preview", "--protocol", protocol, "--plugin-name", "protobuf", "--plugin-version", "0.3.15"];
        let shown = home.run_with(&[&arguments[..], &["--json"]].concat(), &credentials).json();
        let parts = shown["parts"].as_array().unwrap();
        assert!(parts.len() >= least, "{shown}");
        for part in parts {
            assert_ne!(part["what"], "part of the address", "{part} is not explained");
            assert!(part["why"].as_str().unwrap().len() > 10, "{part}");
        }
        assert_eq!(shown["left_out"], json!([]), "{protocol}");
        let text = home.run_with(&arguments, &credentials).good();
        assert!(parts.iter().all(|part| text.contains(part["why"].as_str().unwrap())), "{text}");
        assert!(!text.contains("Left out") && !text.contains("knows no account"), "{text}");
    }
}

#[test]
fn each_option_is_what_is_shown() {
    let home = Home::new();
    let options = [
        ("--event", "Plugin loaded", "event_label"),
        ("--category", "Plugin", "event_category"),
        ("--action", "Loaded", "event_action"),
        ("--value", "7", "metric_value"),
        ("--plugin-name", "csv", "plugin_name"),
        ("--plugin-version", "0.0.6", "plugin_version"),
        ("--library-id", "pact-x", "library_name"),
        ("--library-name", "Pact X", "library_title"),
        ("--library-version", "9.9", "library_version"),
        ("--data-source", "broker", "data_source"),
        ("--test-framework", "RSpec", "test_framework"),
        ("--platform-version", "3.4", "platform_version"),
    ];
    let mut arguments = vec!["preview", "--protocol", "ga4", "--raw"];
    arguments.extend(options.iter().flat_map(|(option, value, _)| [*option, *value]));
    let body: Value = serde_json::from_str(&home.run(&arguments).good()).unwrap();
    for (option, value, key) in options {
        let shown = &body["events"][0]["params"][key];
        assert_eq!(shown.as_str().map_or_else(|| shown.to_string(), str::to_owned), value, "{option}");
    }
    assert_eq!(body["events"][0]["name"], "plugin_loaded");
}

#[test]
fn it_works_while_opted_out_and_without_credentials() {
    let home = Home::new();
    home.run(&["off"]).good();
    let text = home.run_with(&["preview"], &[("DO_NOT_TRACK", "1")]).good();
    assert!(text.contains("Nothing was sent") && text.contains("knows no account to send to"), "{text}");
}

#[test]
fn what_would_not_be_taken_is_an_error_that_says_why() {
    let home = Home::new();
    assert!(home.run(&["preview", "--event", "/home/ann"]).failed().contains("event looks like a file path"));
    assert!(home.run(&["preview", "--value", "-1"]).failed().contains("value"));
    assert!(home.run(&["preview", "--data-source", "x"]).failed().contains("data_source"));
    assert!(home.run(&["preview", "--library-id", ""]).failed().contains("library.id"));
    assert_eq!(home.run(&["preview", "--raw", "--json"]).code, 2);
}
