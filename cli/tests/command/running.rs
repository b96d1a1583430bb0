//! Promises to a person who opts out while programs run: against real programs and a real collector.

use serde_json::Value;

use crate::home::Home;
use crate::program::{Program, account};
use crate::support::Collector;

/// The values of the events that arrive until the one of this value, which a program without an opt-out reports last.
fn values_until(collector: &Collector, last: u32) -> Vec<String> {
    let mut values = Vec::new();
    while values.last() != Some(&last.to_string()) {
        let line = collector.line();
        if line["type"] == "event" {
            values.push(line["fields"]["value"].as_str().unwrap().to_owned());
        }
    }
    values
}

/// Another person's program, whose event arrives after everything that could have arrived before.
fn someone_else_reports(collector: &Collector, value: u32) {
    let home = Home::new();
    let mut program = Program::start(&home, collector);
    assert_eq!((program.track(value).as_str(), program.flush().as_str()), ("Ok(())", "Delivered"));
    program.end();
}

fn next_request(collector: &Collector) -> Value {
    let line = collector.line();
    assert_eq!(line["type"], "request");
    line
}

#[test]
fn an_off_holds_in_a_running_program_before_its_next_request() {
    for says_off in [false, true] {
        let (home, collector) = (Home::new(), Collector::start(&[]));
        let mut program = Program::start(&home, &collector);
        assert_eq!((program.track(1).as_str(), program.flush().as_str()), ("Ok(())", "Delivered"));
        if says_off {
            home.run(&["off"]).good();
        }
        program.track(2);
        assert_eq!(program.flush(), if says_off { "Lost" } else { "Delivered" });
        program.end();
        someone_else_reports(&collector, 3);
        let expected: &[&str] = if says_off { &["1", "3"] } else { &["1", "2", "3"] };
        assert_eq!(values_until(&collector, 3), expected);
    }
}

#[test]
fn an_off_holds_for_what_waits_behind_a_slow_answer() {
    for says_off in [false, true] {
        let (home, collector) = (Home::new(), Collector::start(&["--requests", "--answers", "delay=2000"]));
        let mut program = Program::start(&home, &collector);
        program.track(1);
        next_request(&collector); // its answer is two seconds away
        program.track(2);
        if says_off {
            home.run(&["off"]).good();
        }
        program.flush();
        program.end();
        someone_else_reports(&collector, 3);
        let expected: &[&str] = if says_off { &["1", "3"] } else { &["1", "2", "3"] };
        assert_eq!(values_until(&collector, 3), expected);
    }
}

#[test]
fn an_off_takes_back_what_waits_after_a_failure_and_an_on_does_not_bring_it_back() {
    let (home, collector) = (Home::new(), Collector::start(&["--requests", "--answers", "503"]));
    let mut program = Program::start(&home, &collector);
    program.track(1);
    assert_eq!((program.flush().as_str(), &next_request(&collector)["answer"]), ("Kept", &503.into()));
    let waiting = &home.run_with(&["status", "--json"], &account(&collector.url)).json()["waiting"];
    assert_eq!((&waiting["events"], &waiting["batches"]), (&1.into(), &1.into()), "{waiting}");
    assert_eq!(waiting["destinations"][0]["failures"], 1);
    assert_eq!(waiting["destinations"][0]["url"], format!("{}/mp/collect", collector.url));
    assert!(waiting["destinations"][0]["not_before_ms"].is_u64() && waiting["oldest_ms"].is_u64());

    home.run(&["off"]).good();
    program.track(2);
    assert_eq!(program.flush(), "Lost");
    program.end();
    assert!(!home.state().join("spool").exists(), "{:?}", home.files());

    home.run(&["on"]).good();
    let mut program = Program::start(&home, &collector);
    program.track(3);
    assert_eq!(program.flush(), "Delivered");
    program.end();
    assert_eq!(values_until(&collector, 3), ["3"]);
}

#[test]
fn a_retry_that_comes_due_after_an_off_is_not_made_and_is_counted() {
    let retry = |says_off: bool| {
        let (home, collector) = (Home::new(), Collector::start(&["--answers", "503 retry-after=5"]));
        let mut program = Program::start(&home, &collector);
        program.track(1);
        assert_eq!(program.flush(), "Kept");
        if says_off {
            home.run(&["off"]).good();
        }
        assert_eq!(program.settle(), if says_off { "0 delivered, 1 opted out" } else { "1 delivered, 0 opted out" });
        program.end();
        someone_else_reports(&collector, 3);
        let expected: &[&str] = if says_off { &["3"] } else { &["1", "3"] };
        assert_eq!(values_until(&collector, 3), expected);
    };
    std::thread::scope(|scope| [true, false].map(|says_off| scope.spawn(move || retry(says_off))).map(|_| ()));
}

#[test]
fn what_waits_is_told_in_words() {
    let (home, collector) = (Home::new(), Collector::start(&["--answers", "503"]));
    let mut program = Program::start(&home, &collector);
    program.track(1);
    assert_eq!(program.flush(), "Kept");
    let text = home.run(&["status"]).good();
    assert!(text.contains("1 event in 1 batch, the oldest since 2"), "{text}");
    assert!(text.contains("for another address (") && text.contains("; after 1 failure not before 2"), "{text}");
    let text = home.run_with(&["status"], &account(&collector.url)).good();
    assert!(text.contains(&format!("for {}/mp/collect; after", collector.url)), "{text}");
    program.end();
}
