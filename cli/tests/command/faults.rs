//! Promises of `collect --answers`: each scripted answer as a client meets it, and what is printed of it.

use std::io::Read;
use std::time::{Duration, Instant};

use crate::support::{Collector, GA4_BODY, GA4_TARGET, head};

fn scripted(script: &str) -> Collector {
    Collector::start(&["--answers", script, "--requests"])
}

/// Checks the answer to the request of an event, and whether its event was accepted.
fn assert_recorded(collector: &Collector, answer: impl Into<serde_json::Value>, is_taken_in: bool) {
    let request = collector.line();
    assert_eq!((&request["type"], &request["answer"]), (&"request".into(), &answer.into()));
    if is_taken_in {
        assert_eq!(collector.line()["request"], request["number"]);
    } else {
        // Lines come in order: what follows must be the next request.
        collector.connect().ask("GET", "/next", "");
        assert_eq!(collector.line()["target"], "/next");
    }
}

#[test]
fn steps_are_taken_in_turn_and_then_answers_are_normal() {
    let collector = scripted("500,ok,429*2");
    let mut client = collector.connect();
    let statuses: Vec<u16> = (0..6).map(|_| client.ask("POST", GA4_TARGET, GA4_BODY).status).collect();
    assert_eq!(statuses, [500, 204, 429, 429, 204, 204]);
}

#[test]
fn a_status_comes_with_its_headers_and_takes_nothing_in() {
    let collector = scripted("503 retry-after=120");
    let answer = collector.connect().ask("POST", GA4_TARGET, GA4_BODY);
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("120")));
    assert_recorded(&collector, 503, false);
}

#[test]
fn a_scripted_success_takes_the_event_in() {
    let collector = scripted("202");
    assert_eq!(collector.connect().ask("POST", GA4_TARGET, GA4_BODY).status, 202);
    assert_recorded(&collector, 202, true);
}

#[test]
fn a_delay_ends_in_the_normal_answer() {
    let collector = scripted("delay=200");
    let since = Instant::now();
    assert_eq!(collector.connect().ask("POST", GA4_TARGET, GA4_BODY).status, 204);
    assert!(since.elapsed() >= Duration::from_millis(200));
    assert_recorded(&collector, 204, true);
}

#[test]
fn hang_never_answers() {
    let collector = scripted("hang");
    let mut client = collector.connect();
    client.send_event();
    assert_recorded(&collector, "hang", false);
    assert!(client.is_silent());
}

#[test]
fn hang_body_sends_a_part_and_then_nothing() {
    let collector = scripted("hang-body");
    let mut client = collector.connect();
    client.send_event();
    let answer = head(&mut client.0);
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("2000")));
    let mut part = [0; 11];
    client.0.read_exact(&mut part).unwrap();
    assert_eq!(&part, b"only a part");
    assert!(client.is_silent());
    assert_recorded(&collector, "hang-body", false);
}

#[test]
fn close_closes_without_an_answer() {
    let collector = scripted("close");
    let mut client = collector.connect();
    client.send_event();
    assert!(client.is_closed());
    assert_recorded(&collector, "close", false);
}

#[test]
fn drip_sends_its_body_byte_by_byte() {
    let collector = scripted("drip=20");
    let mut client = collector.connect();
    client.send_event();
    let answer = head(&mut client.0);
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("2000")));
    let since = Instant::now();
    client.0.read_exact(&mut [0; 6]).unwrap();
    assert!(since.elapsed() >= Duration::from_millis(80), "six bytes came at once");
    assert_recorded(&collector, 200, true);
}

#[test]
fn a_drip_ends_and_the_connection_goes_on() {
    let collector = scripted("drip=1");
    let mut client = collector.connect();
    assert_eq!(client.ask("POST", GA4_TARGET, GA4_BODY).body.len(), 2_000);
    assert_eq!(client.ask("POST", GA4_TARGET, GA4_BODY).status, 204);
}

#[test]
fn big_sends_a_body_of_just_that_size() {
    let collector = scripted("big=3000001,big=0");
    let mut client = collector.connect();
    assert_eq!(client.ask("POST", GA4_TARGET, GA4_BODY).body.len(), 3_000_001);
    assert_recorded(&collector, 200, true);
    assert_eq!(client.ask("POST", GA4_TARGET, GA4_BODY).body.len(), 0);
}

#[test]
fn html_is_a_captive_portal_that_takes_nothing_in() {
    let collector = scripted("html");
    let answer = collector.connect().ask("POST", GA4_TARGET, GA4_BODY);
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").unwrap().starts_with("text/html"));
    assert!(answer.body.starts_with(b"<!DOCTYPE html>"));
    assert_recorded(&collector, "html", false);
}
