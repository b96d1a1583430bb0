//! What the library keeps on this machine for the person to see, as the command shows it: real programs wrote it.

use serde_json::json;

use crate::home::Home;
use crate::program::{Program, account};
use crate::support::Collector;

const UNIVERSAL: [(&str, &str); 2] =
    [("PACT_TELEMETRY_PROTOCOL", "universal-analytics"), ("PACT_TELEMETRY_TRACKING_ID", "UA-1-1")];

/// A run of a program that reports one event.
fn one_event(home: &Home, collector: &Collector, variables: &[(&str, &str)]) {
    let mut program = Program::start_with(home, collector, variables);
    assert_eq!((program.track(1).as_str(), program.flush().as_str()), ("Ok(())", "Delivered"));
    program.end();
}

#[test]
fn the_log_holds_what_arrived_byte_for_byte() {
    for variables in [&[][..], &UNIVERSAL] {
        let (home, collector) = (Home::new(), Collector::start(&["--requests"]));
        one_event(&home, &collector, variables);
        let arrived = collector.line();
        let log = home.run(&["log", "--json"]).json();
        assert_eq!((&log["earlier"], &log["torn_lines"]), (&json!(0), &json!(0)));
        let [request] = &log["requests"].as_array().unwrap()[..] else { panic!("one request: {log}") };
        assert_eq!(request["url"], format!("{}{}", collector.url, arrived["target"].as_str().unwrap()));
        for part in ["method", "headers", "body"] {
            assert_eq!(request[part], arrived[part], "{part}");
        }
        assert_eq!(request["answer"]["status"], arrived["answer"]);
        let text = home.run(&["log"]).good();
        assert!(text.contains(arrived["body"].as_str().unwrap()) && text.contains("delivered: answered 20"), "{text}");
        let status = home.run(&["status", "--json"]).json();
        assert_eq!(status["last_delivery"]["answer"], request["answer"]);
        assert!(status["notice_shown_ms"].is_u64(), "{status}");
    }
}

#[test]
fn a_failure_is_in_the_log_too() {
    let (home, collector) = (Home::new(), Collector::start(&["--answers", "503"]));
    let mut program = Program::start(&home, &collector);
    program.track(1);
    assert_eq!(program.flush(), "Kept");
    program.end();
    assert!(home.run(&["log"]).good().contains("not delivered: answered 503"));
    let status = home.run(&["status", "--json"]).json();
    assert_eq!((&status["last_failure"]["answer"]["status"], &status["last_delivery"]), (&json!(503), &json!(null)));
    drop(collector);
}

#[test]
fn the_identifier_that_is_shown_is_the_one_that_arrives() {
    let (home, collector) = (Home::new(), Collector::start(&[]));
    let mut shown = Vec::new();
    let mut run = |is_new: bool| {
        one_event(&home, &collector, &UNIVERSAL);
        let arrived = collector.line()["fields"]["client_id"].clone();
        assert_eq!(home.run(&["id", "--json"]).json()["value"], arrived);
        let preview = home.run_with(&["preview", "--raw"], &UNIVERSAL).good();
        assert!(preview.contains(&format!("cid={}&", arrived.as_str().unwrap())), "{preview}");
        assert_eq!(!shown.contains(&arrived), is_new, "{arrived} after {shown:?}");
        shown.push(arrived);
    };
    run(true); // the hash of the hostname
    home.run(&["id", "random"]).good();
    run(true);
    run(false);
    home.run(&["reset-id"]).good();
    run(true);
    home.run(&["id", "hostname"]).good();
    run(false);
}

#[test]
fn an_answer_that_comes_after_an_off_begins_no_new_log() {
    let (home, collector) = (Home::new(), Collector::start(&["--requests", "--answers", "delay=1000"]));
    let mut program = Program::start(&home, &collector);
    program.track(1);
    assert_eq!(collector.line()["type"], "request");
    home.run(&["off"]).good();
    program.flush();
    program.end();
    let left: Vec<_> = home.files().into_iter().filter(|file| !file.ends_with("notice.json")).collect();
    assert_eq!(left, [".config/pact-telemetry/choice.json"]);
}

#[test]
fn what_the_first_run_keeps_back_is_waiting_until_an_off_takes_it() {
    let (home, collector) = (Home::new(), Collector::start(&[]));
    let mut program = Program::start_with(&home, &collector, &[("CI", "false")]);
    program.track(1);
    assert_eq!(program.flush(), "Kept");
    program.end();
    let waiting = || home.run_with(&["status", "--json"], &account(&collector.url)).json()["waiting"]["events"].clone();
    assert_eq!(waiting(), 1);
    home.run(&["off"]).good();
    assert_eq!(waiting(), 0);
    home.run(&["on"]).good();
    one_event(&home, &collector, &[("CI", "false")]); // the second run
    assert_eq!(collector.line()["request"], 1, "and nothing came before");
}
