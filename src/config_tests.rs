//! Each key, each type, each limit, each override; what is wrong is named.
#![allow(clippy::unwrap_used)] // a test that cannot go on should stop

use super::*;
use proptest::prelude::*;
use serde_json::json;

/// An identity for other rooms' tests.
pub(crate) fn identity() -> Identity {
    Identity::clone(&parse(&minimal().to_string(), |_| None).unwrap().identity)
}

fn minimal() -> Value {
    json!({"library": {"id": "pact-js", "name": "Pact JS", "version": "12.1.0"}})
}

fn with(key: &str, value: Value) -> Value {
    let mut config = minimal();
    config.as_object_mut().unwrap().insert(key.into(), value);
    config
}

fn parsed(config: &Value) -> Settings {
    parse(&config.to_string(), |_| None).unwrap()
}

fn problem(config: &Value) -> String {
    parse(&config.to_string(), |_| None).unwrap_err().to_string()
}

fn in_environment(config: &Value, name: &'static str, value: &'static str) -> Result<Settings, String> {
    parse(&config.to_string(), |asked| (asked == name).then(|| value.into())).map_err(|error| error.to_string())
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let settings = parsed(&minimal());
    assert!(settings.enabled && !settings.debug && settings.diagnostics.is_empty());
    assert_eq!(settings.destination.endpoint, "https://www.google-analytics.com/mp/collect");
    assert_eq!(settings.destination.protocol, Protocol::Ga4);
    assert_eq!(settings.destination.credentials, None);
    assert_eq!(settings.queue_capacity, 4_096);
    assert_eq!((settings.exit_timeout, settings.state_dir), (None, None));
    assert_eq!(settings.identity.data_source, "client");
    assert_eq!(settings.identity.test_framework, "");
}

#[test]
fn every_key_is_taken() {
    let settings = parsed(&json!({
        "library": {"id": "pact-ruby", "name": " Pact Ruby ", "version": "1"},
        "data_source": "broker", "test_framework": "RSpec", "platform_version": "3.1", "enabled": false,
        "protocol": "universal-analytics", "endpoint": "https://relay.example/com.google.analytics/v1",
        "tracking_id": "UA-1-2", "queue_capacity": 7, "state_dir": "/var/x", "exit_timeout_ms": 0,
        "measurement_id": null, "api_secret": "",
    }));
    let identity = settings.identity;
    assert_eq!((identity.library_name.as_str(), identity.data_source.as_str()), ("Pact Ruby", "broker"));
    assert_eq!((identity.test_framework.as_str(), identity.platform_version.as_str()), ("RSpec", "3.1"));
    assert!(!settings.enabled);
    assert_eq!(settings.destination.endpoint, "https://relay.example/com.google.analytics/v1");
    let credentials = Credentials::UniversalAnalytics { tracking_id: "UA-1-2".into() };
    assert_eq!(settings.destination.credentials, Some(credentials));
    assert_eq!(settings.queue_capacity, 7);
    assert_eq!(settings.state_dir, Some("/var/x".into()));
    assert_eq!(settings.exit_timeout, Some(Duration::ZERO));
}

#[test]
fn an_error_names_the_key_what_was_found_and_what_is_allowed() {
    for (config, expected) in [
        (json!([]), "config: must be a JSON object, found an array"),
        (json!({}), "config: `library` is missing; give {\"id\": …, \"name\": …, \"version\": …}"),
        (json!({"library": 1}), "config: `library` must be an object, found 1"),
        (json!({"library": {}}), "config: `library.id` is missing or empty"),
        (json!({"library": {"id": "x", "name": " "}}), "config: `library.name` is missing or empty"),
        (json!({"library": {"id": 5}}), "config: `library.id` must be a string, found 5"),
        (with("enabled", json!("no")), "config: `enabled` must be true or false, found a string"),
        (with("queue_capacity", json!(0)), "config: `queue_capacity` must be an integer from 1 to 4096, found 0"),
        (with("queue_capacity", json!(4097)), "config: `queue_capacity` must be an integer from 1 to 4096, found 4097"),
        (with("queue_capacity", json!(1.5)), "config: `queue_capacity` must be an integer from 1 to 4096, found 1.5"),
        (with("queue_capacity", json!(-1)), "config: `queue_capacity` must be an integer from 1 to 4096, found -1"),
        (
            with("exit_timeout_ms", json!(10_001)),
            "config: `exit_timeout_ms` must be an integer from 0 to 10000, found 10001",
        ),
        (with("data_source", json!("web")), "config: `data_source` must be one of cli, client, broker, found \"web\""),
        (
            with("protocol", json!("ga3")),
            "config: `protocol` must be \"ga4\", \"universal-analytics\" or \"otlp\", found \"ga3\"",
        ),
        (with("endpoint", json!(["x"])), "config: `endpoint` must be a string, found an array"),
        (with("test_framework", json!("a\nb")), "config: `test_framework` must not hold control characters"),
        (
            with("api_secret", json!("two words")),
            "config: `api_secret` must be 1 to 100 printable ASCII characters without spaces",
        ),
        (with("state_dir", json!("relative")), "config: `state_dir` must be an absolute path, found \"relative\""),
    ] {
        assert_eq!(problem(&config), expected);
    }
    assert!(parse("{", |_| None).unwrap_err().to_string().starts_with("config: not JSON: "));
    let deep = "[".repeat(100_000);
    assert_eq!(parse(&deep, |_| None).unwrap_err().to_string(), "config: 100000 bytes, at most 65536 are allowed");
    assert!(parse(&"[".repeat(60_000), |_| None).is_err(), "depth ends in an error, not in the stack");
}

#[test]
fn texts_are_taken_up_to_their_limit_and_no_byte_further() {
    for (key, limit) in [("id", 150), ("name", 100), ("version", 100)] {
        let mut config = minimal();
        config["library"][key] = "x".repeat(limit).into();
        parsed(&config);
        config["library"][key] = "x".repeat(limit + 1).into();
        assert_eq!(
            problem(&config),
            format!("config: `library.{key}` must be at most {limit} bytes, found {}", limit + 1)
        );
    }
    for key in ["test_framework", "platform_version"] {
        parsed(&with(key, "x".repeat(150).into()));
        assert!(problem(&with(key, "x".repeat(151).into())).contains("at most 150 bytes"));
    }
}

#[test]
fn unknown_keys_are_ignored_with_a_remark() {
    let mut config = with("endpint", json!("https://x.example"));
    config["library"]["licence"] = json!("MIT");
    let remarks = parsed(&config).diagnostics;
    assert_eq!(remarks[0], "config: `endpint` is not a known key and was ignored");
    assert_eq!(remarks[1], "config: `library.licence` is not a known key and was ignored");
}

#[test]
fn endpoints_are_https_or_loopback_and_get_the_protocols_path_only_where_they_have_none() {
    for (given, taken) in [
        ("https://a.example", "https://a.example/mp/collect"),
        ("https://a.example/", "https://a.example/mp/collect"),
        ("https://a.example:", "https://a.example:/mp/collect"),
        ("https://a.example:8443", "https://a.example:8443/mp/collect"),
        ("https://a.example/relay", "https://a.example/relay"),
        ("https://a.example/relay/?x=1", "https://a.example/relay/?x=1"),
        ("https://a.example?x=1", "https://a.example/mp/collect?x=1"),
        ("http://localhost:1", "http://localhost:1/mp/collect"),
        ("http://LOCALHOST/x", "http://LOCALHOST/x"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1/mp/collect"),
        ("http://127.9.9.9", "http://127.9.9.9/mp/collect"),
        ("http://[::1]:9", "http://[::1]:9/mp/collect"),
    ] {
        assert_eq!(parsed(&with("endpoint", given.into())).destination.endpoint, taken, "{given}");
    }
    let mut ua = with("endpoint", "https://a.example".into());
    ua["protocol"] = "universal-analytics".into();
    assert_eq!(parsed(&ua).destination.endpoint, "https://a.example/batch");
    for (given, why) in [
        ("http://a.example", "must be https, or http with a loopback host"),
        ("http://127.0.0.1.example", "must be https, or http with a loopback host"),
        ("http://localhost.example", "must be https, or http with a loopback host"),
        ("ftp://localhost", "must be https, or http with a loopback host"),
        ("a.example", "must be a URL such as https://relay.example/path"),
        ("/path", "must be a URL such as https://relay.example/path"),
        ("https://", "must be a URL such as https://relay.example/path"),
        ("https://a b", "must be a URL such as https://relay.example/path"),
        ("https://me:pw@a.example", "must have no user name or password"),
        ("https://a.example/#x", "must have no fragment (#)"),
        ("https://a.example:99999", "must have a port from 1 to 65535"),
        ("http://[::1]:0", "must have a port from 1 to 65535"),
    ] {
        let expected = format!("config: `endpoint` {why}, found {:?}", given.replace("me:pw", "…"));
        assert_eq!(problem(&with("endpoint", given.into())), expected, "{given}");
    }
}

#[test]
fn the_environment_wins_over_the_config_and_an_empty_variable_does_not() {
    let config = with("endpoint", "https://a.example/x".into());
    let settings = in_environment(&config, "PACT_TELEMETRY_ENDPOINT", "http://localhost:5").unwrap();
    assert_eq!(settings.destination.endpoint, "http://localhost:5/mp/collect");
    let settings = in_environment(&config, "PACT_TELEMETRY_ENDPOINT", "").unwrap();
    assert_eq!(settings.destination.endpoint, "https://a.example/x");
    let error = in_environment(&config, "PACT_TELEMETRY_ENDPOINT", "nowhere").unwrap_err();
    assert!(error.starts_with("environment: PACT_TELEMETRY_ENDPOINT must be a URL"), "{error}");
    let error = in_environment(&config, "PACT_TELEMETRY_STATE_DIR", "here").unwrap_err();
    assert_eq!(error, "environment: PACT_TELEMETRY_STATE_DIR must be an absolute path, found \"here\"");
    let settings = in_environment(&config, "PACT_TELEMETRY_PROTOCOL", "universal-analytics").unwrap();
    assert_eq!(settings.destination.protocol, Protocol::UniversalAnalytics);
    for (value, on) in [("true", true), ("1", true), ("", false), ("0", false), ("false", false), ("Off", false)] {
        assert_eq!(in_environment(&config, "PACT_TELEMETRY_DEBUG", value).unwrap().debug, on, "{value}");
    }
    let both = parse(&minimal().to_string(), |name| match name {
        "PACT_TELEMETRY_MEASUREMENT_ID" => Some("G-ENV".into()),
        "PACT_TELEMETRY_API_SECRET" => Some("secret".into()),
        _ => None,
    });
    let expected = Credentials::Ga4 { measurement_id: "G-ENV".into(), api_secret: "secret".into() };
    assert_eq!(both.unwrap().destination.credentials, Some(expected));
    let half = in_environment(&minimal(), "PACT_TELEMETRY_MEASUREMENT_ID", "G-ENV").unwrap();
    assert_eq!(half.destination.credentials, None, "half of the credentials are none");
}

#[test]
fn an_endpoint_of_ones_own_needs_no_credentials_and_google_does() {
    let configured = |config: Value| parsed(&config).destination.is_configured();
    assert!(!configured(minimal()));
    assert!(!configured(with("endpoint", "https://region1.google-analytics.com".into())));
    assert!(configured(with("endpoint", "https://relay.example".into())));
    let otlp =
        json!({"library": minimal()["library"], "protocol": "otlp", "endpoint": "https://collector.example:4318"});
    let settings = parsed(&otlp);
    assert_eq!(settings.destination.endpoint, "https://collector.example:4318/v1/logs");
    assert!(settings.destination.is_configured() && settings.destination.credentials.is_none());
    let error = problem(&with("protocol", "otlp".into()));
    assert!(error.starts_with("config: `endpoint` is missing; \"otlp\" needs one"), "{error}");
    let half = parsed(&with("measurement_id", "G-1".into()));
    assert!(half.diagnostics.iter().any(|line| line.contains("only one is there")), "{:?}", half.diagnostics);
}

#[test]
fn the_environment_says_that_the_person_has_seen_the_notice() {
    for notice in ["stderr", "host", "shown"] {
        let config = with("notice", notice.into());
        let settings = in_environment(&config, "PACT_TELEMETRY_NOTICE", "seen").unwrap();
        assert_eq!(settings.notice, NoticeBy::Seen, "{notice}");
    }
    assert_eq!(in_environment(&minimal(), "PACT_TELEMETRY_NOTICE", "").unwrap().notice, NoticeBy::Stderr);
    let error = in_environment(&minimal(), "PACT_TELEMETRY_NOTICE", "yes").unwrap_err();
    assert_eq!(error, "environment: PACT_TELEMETRY_NOTICE must be \"seen\", found \"yes\"");
}

#[test]
fn no_error_shows_a_password() {
    for url in [
        "https://ann:s3cret@relay.example/x",
        "https://ann:s3cret@",
        "ann:s3cret@relay.example",
        "http://ann:s3c@s3cret@relay.example",
        "ftp://ann:s3cret@relay.example/x#y",
        "https://ann:s3cret@relay.example:99999/",
    ] {
        let error = problem(&with("endpoint", url.into()));
        assert!(!error.contains("s3c") && error.contains("…@"), "{url}: {error}");
        let error = in_environment(&minimal(), "PACT_TELEMETRY_ENDPOINT", url).unwrap_err();
        assert!(!error.contains("s3c"), "{url}: {error}");
    }
}

#[test]
#[cfg(unix)]
fn a_variable_that_is_not_utf_8_is_an_error_that_names_it() {
    use std::os::unix::ffi::OsStringExt;
    let bytes = || OsString::from_vec(vec![0xff]);
    let error = parse(&minimal().to_string(), |name| (name == "PACT_TELEMETRY_ENDPOINT").then(bytes)).unwrap_err();
    assert_eq!(error.to_string(), "environment: PACT_TELEMETRY_ENDPOINT must be UTF-8 without control characters");
}

proptest! {
    #[test]
    fn no_text_is_too_wrong_for_a_clear_error(text in ".{0,300}") {
        if let Err(error) = parse(&text, |_| None) {
            prop_assert!(error.to_string().starts_with("config: "));
        }
        if let Err(error) = parse(&with("endpoint", text.into()).to_string(), |_| None) {
            prop_assert!(error.to_string().starts_with("config: `endpoint` must"), "{}", error);
        }
    }
}
