//! What the person and the host program decide holds at every step of an event.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // tests

mod support;

use pact_telemetry::{Client, DropReason, Flushed, Opinion, Refusal, State, TrackError};
use serde_json::{Value, json};
use std::time::Duration;
use support::*;

/// Nothing listens here: an attempt to send fails, and the counters show it.
const NOWHERE: &str = "http://127.0.0.1:9";

fn disabled_by(client: &Client, rule: &str) {
    assert_eq!(client.track(&numbered(1)), Err(TrackError::Disabled));
    assert!(!client.is_enabled());
    let explained = client.explain();
    assert_eq!((explained.state, explained.rule), (State::Disabled, Some(rule)), "{explained:?}");
}

#[test]
fn each_spelling_of_each_variable_opts_out_and_is_named() {
    if !in_its_own_process("each_spelling_of_each_variable_opts_out_and_is_named", &[]) {
        return;
    }
    let client = client(NOWHERE, json!({}));
    for name in ["PACT_DO_NOT_TRACK", "pact_do_not_track", "DO_NOT_TRACK"] {
        for value in ["true", "1", "TRUE", "yes", " Y ", "anything"] {
            environment::set(name, value);
            disabled_by(&client, name);
        }
        for value in ["", "0", "false", "No", " OFF "] {
            environment::set(name, value);
            assert!(client.is_enabled(), "{name}={value:?}");
        }
        environment::remove(name);
    }
    assert_eq!(client.stats().accepted(), 0);
    assert_eq!(client.stats().not_accepted(Refusal::Disabled), 18);
}

#[test]
fn an_opt_out_is_found_wherever_it_stands_among_the_variables() {
    if !in_its_own_process("an_opt_out_is_found_wherever_it_stands_among_the_variables", &[]) {
        return;
    }
    let client = client(NOWHERE, json!({}));
    let names: Vec<String> = (0..20).map(|number| format!("P_{number}")).collect();
    for name in &names {
        environment::set(name, "1");
    }
    environment::set("PACT_DO_NOT_TRACK", "1");
    disabled_by(&client, "PACT_DO_NOT_TRACK");
    for name in &names {
        environment::remove(name); // the later variables move up
        disabled_by(&client, "PACT_DO_NOT_TRACK");
    }
    environment::set("DO_NOT_TRACK", "1");
    environment::remove("PACT_DO_NOT_TRACK");
    disabled_by(&client, "DO_NOT_TRACK");
    environment::set("DO_NOT_TRACK", "0");
    assert!(client.is_enabled());
    environment::set("pact_do_not_track", "1");
    disabled_by(&client, "pact_do_not_track");
    environment::remove("pact_do_not_track");
    assert!(client.is_enabled());
}

#[test]
fn an_opt_out_that_comes_late_holds_from_the_next_call_and_takes_back_what_waits() {
    if !in_its_own_process("an_opt_out_that_comes_late_holds_from_the_next_call_and_takes_back_what_waits", &[]) {
        return;
    }
    let collector = Collector::start(&["--requests"]);
    let client = client(&collector.url, json!({}));
    client.track(&numbered(1)).unwrap();
    environment::set("DO_NOT_TRACK", "1");
    assert_eq!(client.track(&numbered(2)), Err(TrackError::Disabled));
    assert_eq!(client.flush(PATIENCE), Flushed::Lost);
    environment::remove("DO_NOT_TRACK");
    client.track(&numbered(3)).unwrap();
    assert_eq!(client.flush(PATIENCE), Flushed::Delivered);
    assert_eq!(client.stats().dropped(DropReason::OptedOut), 1);
    assert_eq!(values(&collector.events_until_end()), [3]);
}

#[test]
fn the_hosts_switch_throws_away_what_waits_and_can_be_turned_on_again() {
    if !in_its_own_process("the_hosts_switch_throws_away_what_waits_and_can_be_turned_on_again", &[]) {
        return;
    }
    let collector = Collector::start(&["--requests"]);
    let client = client(&collector.url, json!({"enabled": false}));
    disabled_by(&client, "host");
    client.set_enabled(true);
    client.track(&numbered(1)).unwrap();
    client.set_enabled(false);
    disabled_by(&client, "host");
    client.set_enabled(true);
    client.track(&numbered(2)).unwrap();
    assert_eq!(client.close(PATIENCE), Flushed::Lost);
    let stats = client.stats().json();
    assert_eq!((&stats["delivered"], &stats["dropped"]["opted_out"]), (&json!(1), &json!(1)), "{stats}");
    assert_eq!(balanced(&stats), 0);
    assert_eq!(values(&collector.events_until_end()), [2]);
}

#[test]
fn an_upload_in_flight_is_cut_and_the_events_of_other_clients_still_arrive() {
    if !in_its_own_process("an_upload_in_flight_is_cut_and_the_events_of_other_clients_still_arrive", &[]) {
        return;
    }
    // The first request is never answered: it is in flight until it is cancelled.
    let collector = Collector::start(&["--requests", "--answers", "hang"]);
    let (one, other) = (client(&collector.url, json!({})), client(&collector.url, json!({})));
    one.track(&numbered(1)).unwrap();
    other.track(&numbered(2)).unwrap();
    assert_eq!(one.flush(Duration::from_millis(1)), Flushed::TimedOut);
    let first = collector.next_request();
    assert_eq!(first["answer"], "hang");
    one.set_enabled(false);
    assert_eq!(other.close(PATIENCE), Flushed::Delivered);
    assert_eq!(one.close(PATIENCE), Flushed::Lost);
    assert_eq!(one.stats().dropped(DropReason::OptedOut), 1);
    assert_eq!(other.stats().delivered(), 1);
    let second = collector.next_request();
    assert!(!second["body"].as_str().unwrap().contains("\"metric_value\":1,"), "{second}");
    assert_eq!(values(&collector.events_until_end()), [2]);
}

#[test]
fn a_saved_choice_that_says_off_or_cannot_be_read_is_obeyed() {
    if !in_its_own_process("a_saved_choice_that_says_off_or_cannot_be_read_is_obeyed", &[]) {
        return;
    }
    for text in ["{\"enabled\": false}", "", "garbage", "{\"enabled\": 1}"] {
        save_choice(text);
        disabled_by(&client(NOWHERE, json!({})), "saved choice");
    }
    save_choice("{\"enabled\": true}");
    let client = client(NOWHERE, json!({}));
    assert!(client.is_enabled());
    let says = |index: usize| client.explain().rules[index].says;
    assert_eq!([says(0), says(1), says(4)], [Opinion::On, Opinion::None, Opinion::On]);
}

#[test]
fn a_choice_that_is_saved_while_a_process_runs_holds_before_its_next_request() {
    if !in_its_own_process("a_choice_that_is_saved_while_a_process_runs_holds_before_its_next_request", &[]) {
        return;
    }
    let collector = Collector::start(&[]);
    let client = client(&collector.url, json!({}));
    client.track(&numbered(1)).unwrap();
    assert_eq!(client.flush(PATIENCE), Flushed::Delivered);
    save_choice("{\"enabled\": false}");
    client.track(&numbered(2)).unwrap();
    assert_eq!(client.flush(PATIENCE), Flushed::Lost);
    assert_eq!(client.flush(PATIENCE), Flushed::Delivered, "a loss is reported once");
    disabled_by(&client, "saved choice");
    assert_eq!(client.stats().dropped(DropReason::OptedOut), 1);
    assert_eq!(values(&collector.events_until_end()), [1]);
}

#[test]
fn after_an_off_that_removed_the_spool_nothing_is_put_on_disk_again() {
    if !in_its_own_process("after_an_off_that_removed_the_spool_nothing_is_put_on_disk_again", &[]) {
        return;
    }
    let collector = Collector::start(&["--answers", "503*"]);
    let (client, other) = (client(&collector.url, json!({})), client(NOWHERE, json!({})));
    client.track(&numbered(1)).unwrap();
    assert_eq!(client.flush(PATIENCE), Flushed::Kept);
    let spool = state_below(&home()).join("spool");
    save_choice("{\"enabled\": false}");
    remove_folder(&spool); // as the command does it
    other.set_enabled(false); // the uploader then checks everything that waits
    wait_until(|| client.stats().dropped(DropReason::OptedOut) == 1);
    assert_eq!(client.flush(PATIENCE), Flushed::Lost);
    assert!(!spool.exists());
}

#[test]
fn a_choice_is_read_late_where_the_environment_spoke_first() {
    if !in_its_own_process("a_choice_is_read_late_where_the_environment_spoke_first", &[("DO_NOT_TRACK", "1")]) {
        return;
    }
    save_choice("{\"enabled\": false}");
    let client = client(NOWHERE, json!({}));
    disabled_by(&client, "DO_NOT_TRACK");
    environment::remove("DO_NOT_TRACK");
    disabled_by(&client, "saved choice");
}

#[test]
fn without_credentials_nothing_is_queued_and_the_state_says_so() {
    if !in_its_own_process("without_credentials_nothing_is_queued_and_the_state_says_so", &[]) {
        return;
    }
    let client = client(NOWHERE, json!({"endpoint": null, "api_secret": null}));
    assert_eq!(client.track(&numbered(1)), Err(TrackError::NotConfigured));
    assert_eq!(client.explain().state, State::NotConfigured);
    assert_eq!(client.stats().not_accepted(Refusal::NotConfigured), 1);
    environment::set("PACT_DO_NOT_TRACK", "1");
    disabled_by(&client, "PACT_DO_NOT_TRACK");
}

#[test]
fn explain_shows_no_secret() {
    if !in_its_own_process("explain_shows_no_secret", &[]) {
        return;
    }
    let explained = client("https://relay.example", json!({"api_secret": "hush-hush"})).explain();
    assert_eq!(explained.endpoint, "https://relay.example/mp/collect");
    assert!(!explained.to_json().contains("hush"), "{explained:?}");
}

/// What a test prints in a process of its own in which `PACT_TELEMETRY_DEBUG` is set.
fn printed_by(test: &str, name: &str, value: impl AsRef<std::ffi::OsStr>) -> String {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("PACT_TELEMETRY_DEBUG", "true")
        .env(name, value)
        .env_remove("DO_NOT_TRACK")
        .env_remove("PACT_DO_NOT_TRACK")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

#[test]
fn debug_prints_the_request_and_sends_nothing() {
    const NAME: &str = "debug_prints_the_request_and_sends_nothing";
    if std::env::var_os("PACT_TELEMETRY_DEBUG").is_some() {
        let endpoint = std::env::var("COLLECTOR").unwrap();
        let client = client(&endpoint, json!({}));
        client.track(&numbered(77)).unwrap();
        wait_until(|| client.stats().dropped(DropReason::Debug) == 1);
        assert_eq!(client.close(PATIENCE), Flushed::Lost, "though it was lost before the call");
        return;
    }
    let collector = Collector::start(&["--requests"]);
    let text = printed_by(NAME, "COLLECTOR", &collector.url);
    let mut lines = text.lines().skip_while(|line| !line.starts_with("pact_telemetry: would send: POST "));
    assert!(lines.next().unwrap().ends_with("/mp/collect?measurement_id=G-TEST&api_secret=secret"), "{text}");
    let body: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    assert_eq!(body["events"][0]["params"]["metric_value"], 77);
    assert_eq!(collector.end().len(), 0);
}

#[test]
fn debug_prints_the_request_without_credentials_too() {
    const NAME: &str = "debug_prints_the_request_without_credentials_too";
    if std::env::var_os("PACT_TELEMETRY_DEBUG").is_some() {
        let client = Client::new(r#"{"library": {"id": "a", "name": "b", "version": "1"}}"#).unwrap();
        client.track(&numbered(78)).unwrap();
        wait_until(|| client.stats().dropped(DropReason::Debug) == 1);
        let explained = client.explain();
        assert_eq!((explained.state, explained.is_configured), (State::Enabled, false));
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let text = printed_by(NAME, "HOME", home.path());
    assert!(text.contains("would send: POST https://www.google-analytics.com/mp/collect\n"), "{text}");
    assert!(text.contains("\"metric_value\":78"), "{text}");
}
