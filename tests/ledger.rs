//! What stays on this machine for the person to read: the ledger of what was sent, and the random identifier.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // tests

mod support;

use serde_json::{Value, json};
use std::os::unix::fs::MetadataExt;
use support::processes::*;
use support::*;

/// The lines of the ledger.
fn ledger(home: &Home) -> Vec<Value> {
    let text = std::fs::read_to_string(home.state().join("ledger.jsonl")).unwrap_or_default();
    text.lines().map(with_text_of_body).collect()
}

/// The line, with a body of JSON as the text that it is.
fn with_text_of_body(line: &str) -> Value {
    let mut parsed: Value = serde_json::from_str(line).unwrap();
    if parsed["body"].is_object() {
        let (_, body) = line.split_once(",\"body\":").unwrap();
        parsed["body"] = body.strip_suffix('}').unwrap().into();
    }
    parsed
}

#[test]
fn the_ledger_has_each_request_byte_for_byte_as_it_arrived_and_what_came_back() {
    let home = Home::new();
    let collector = Collector::start(&["--requests", "--answers", "ok,404,503"]);
    home.run(&collector.url, "track 1, close");
    home.run(&collector.url, "track 2, close");
    home.run(&collector.url, "track 3, close");
    let arrived: Vec<_> = collector.end().into_iter().filter(|line| line["type"] == "request").collect();
    let lines = ledger(&home);
    assert_eq!((arrived.len(), lines.len()), (3, 6), "{lines:?}");
    for (index, arrived) in arrived.iter().enumerate() {
        let (sent, end) = (&lines[2 * index], &lines[2 * index + 1]);
        assert_eq!(sent["request"], end["request"]);
        assert_eq!(sent["method"], arrived["method"]);
        assert!(sent["url"].as_str().unwrap().ends_with(arrived["target"].as_str().unwrap()), "{sent} {arrived}");
        assert_eq!(sent["headers"], arrived["headers"]);
        assert_eq!(sent["body"], arrived["body"]);
        assert_eq!(end["status"], [204, 404, 503][index]);
        assert!(sent["at_ms"].as_u64().unwrap() <= end["at_ms"].as_u64().unwrap());
    }
    let mode = std::fs::metadata(home.state().join("ledger.jsonl")).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_ledger_tells_of_a_server_that_cannot_be_reached() {
    let home = Home::new();
    home.run("http://127.0.0.1:9", "track 1, flush Kept, close");
    let lines = ledger(&home);
    assert_eq!((lines.len(), &lines[1]["failure"]), (2, &json!("unreachable")), "{lines:?}");
}

#[test]
fn the_ledger_is_bounded_and_keeps_the_newest() {
    let home = Home::new();
    let collector = Collector::start(&[]);
    let rounds: Vec<_> = (0..120).map(|_| "burst 25, flush Delivered").collect();
    home.run(&collector.url, &rounds.join(", "));
    home.run(&collector.url, "track 777, close");
    let size = |name: &str| std::fs::metadata(home.state().join(name)).unwrap().len();
    let limit = 256 * 1024 + 64 * 1024; // and one request beyond it
    assert!(size("ledger.jsonl") < limit && size("ledger.1.jsonl") < limit);
    assert!(size("ledger.1.jsonl") > 256 * 1024, "nothing was thrown away before there was need to");
    let lines = ledger(&home);
    let last = lines.iter().rfind(|line| line["body"].is_string()).unwrap();
    assert!(last["body"].as_str().unwrap().contains("777"));
}

#[test]
fn an_opt_out_removes_the_ledger() {
    let home = Home::new();
    let collector = Collector::start(&[]);
    for no in ["choose off", "set DO_NOT_TRACK, refused"] {
        home.run(&collector.url, "track 1, close");
        assert_eq!(ledger(&home).len(), 2);
        let steps = format!("track 2, flush, track 3, {no}, close, unset DO_NOT_TRACK, until /dropped/opted_out");
        home.run(&collector.url, &steps);
        wait_until(|| ledger(&home).is_empty());
        home.choose("{\"enabled\": true}");
    }
}

#[test]
fn without_a_folder_there_is_no_ledger_and_events_arrive() {
    let home = Home::new();
    let collector = Collector::start(&[]);
    std::fs::write(home.path().join("file"), "").unwrap();
    let process = home.process(&collector.url, "track 1, flush Delivered, close").variable("CI", "true");
    process.config("state_dir", json!(home.path().join("file"))).run();
    assert_eq!(ledger(&home).len(), 0);
    assert_eq!(values(&collector.events_until_end()), [1]);
}

/// The identifiers of all events, in the order of their arrival.
fn client_ids(collector: Collector) -> Vec<String> {
    let requests = collector.end().into_iter().filter(|line| line["type"] == "request");
    let bodies = requests.map(|line| serde_json::from_str::<Value>(line["body"].as_str().unwrap()).unwrap());
    bodies.map(|body| body["client_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_random_identifier_replaces_the_digest_is_kept_and_can_be_made_anew() {
    let home = Home::new();
    let collector = Collector::start(&["--requests"]);
    let file = home.state().join("id");
    home.run(&collector.url, "track 1, close");
    assert!(!file.exists(), "nobody asked for one");
    home.choose("{\"id\": \"random\"}");
    home.run(&collector.url, "track 2, close");
    let kept = std::fs::read_to_string(&file).unwrap();
    assert_eq!((kept.len(), kept.trim().len()), (33, 32));
    assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    home.run(&collector.url, "track 3, close");
    std::fs::remove_file(&file).unwrap();
    home.run(&collector.url, "track 4, close");
    home.choose("{\"id\": \"hostname\"}");
    home.process(&collector.url, "track 5, close").config("id", json!("random")).run();
    home.run(&collector.url, "track 6, close");
    let ids = client_ids(collector);
    let [digest, one, same, other, by_host, digest_again] = &ids[..] else { panic!("{ids:?}") };
    assert_eq!((digest, one, other), (digest_again, same, by_host));
    assert!(digest != one && one != other && other != digest, "{ids:?}");
    let first = u32::from_str_radix(&kept[..8], 16).unwrap();
    assert!(one.starts_with(&format!("{first}.")), "{one} of {kept}");
}

#[test]
fn a_person_who_chooses_a_random_identifier_gets_it_from_the_next_request_on() {
    let home = Home::new();
    let collector = Collector::start(&["--requests"]);
    home.run(&collector.url, "track 1, flush Delivered, identify random, track 2, flush Delivered");
    let ids = client_ids(collector);
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
}

#[test]
fn a_preview_makes_no_identifier_and_shows_the_one_that_is_there() {
    const NAME: &str = "a_preview_makes_no_identifier_and_shows_the_one_that_is_there";
    if !in_its_own_process(NAME, &[]) {
        return;
    }
    let file = state_below(&home()).join("id");
    let client = client("https://relay.example", json!({"id": "random"}));
    assert!(client.explain().has_random_id);
    client.preview(&numbered(1)).unwrap();
    assert!(!file.exists());
    std::fs::write(&file, "0000000100000002ffffffffffffffff\n").unwrap();
    let body: Value = serde_json::from_str(&client.preview(&numbered(1)).unwrap().body).unwrap();
    assert_eq!(body["client_id"], "1.2");
}

#[test]
fn where_no_disk_keeps_it_the_random_identifier_lasts_as_long_as_the_process() {
    let home = Home::new();
    let collector = Collector::start(&["--requests"]);
    std::fs::write(home.path().join("file"), "").unwrap();
    let process = || {
        let process = home.process(&collector.url, "track 1, flush Delivered, track 2, flush Delivered");
        let process = process.config("id", json!("random")).variable("CI", "true");
        process.config("state_dir", json!(home.path().join("file"))).run();
    };
    process();
    process();
    let ids = client_ids(collector);
    let [a, b, c, d] = &ids[..] else { panic!("{ids:?}") };
    assert!(a == b && c == d && a != c, "{ids:?}");
}
