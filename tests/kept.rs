//! What is on disk when it is promised to be, and what becomes of it: `persist`, what a killed process had sent,
//! batches that wait for the next process, that are too old, or that were changed on disk.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests

mod support;

use pact_telemetry::Flushed;
use serde_json::{Value, json};
use std::time::Duration;
use support::processes::*;
use support::*;

/// Longer than a batch is left to the process that wrote it.
const RESERVED: Duration = Duration::from_millis(5_300);
/// Longer than a batch is kept.
const TOO_OLD: Duration = Duration::from_secs(73 * 60 * 60);

fn count(stats: &Value, pointer: &str) -> u64 {
    stats.pointer(pointer).unwrap_or_else(|| panic!("{pointer} in {stats}")).as_u64().unwrap()
}

/// A home in which a process left these events for a server that answered 503 once and works since.
fn with_left(steps: &str) -> (Home, Collector) {
    let home = Home::new();
    let collector = Collector::start(&["--answers", "503"]);
    home.run(&collector.url, &format!("{steps}, flush Kept"));
    home.forget_failures();
    home.age(RESERVED);
    (home, collector)
}

#[test]
fn persist_is_done_at_once_where_nothing_waits() {
    let home = Home::new();
    let collector = Collector::start(&[]);
    home.run(&collector.url, "persist Delivered, track 1, flush Delivered, persist Delivered");
    assert_eq!(values(&collector.events_until_end()), [1]);
}

#[test]
fn persist_puts_events_on_disk_and_waits_for_no_server() {
    for answers in ["hang*", "503*"] {
        let home = Home::new();
        let collector = Collector::start(&["--answers", answers]);
        let process = home.process(&collector.url, "burst 40, persist Kept, print, sleep 60000");
        let mut process = process.start();
        process.wait_for_print();
        process.kill();
        let events: usize = home.batches().iter().map(|name| home.events_in(name)).sum();
        assert_eq!(events, 40, "{answers}");
    }
}

#[test]
fn persist_does_not_say_kept_of_what_no_disk_takes() {
    let home = Home::new();
    let file = home.path().join("file");
    std::fs::write(&file, "mine").unwrap();
    for answers in ["hang*", "503*"] {
        let collector = Collector::start(&["--answers", answers]);
        let process = home.process(&collector.url, "track 1, persist TimedOut, print").config("state_dir", json!(file));
        let stats = process.variable("CI", "true").run();
        assert_eq!((count(&stats[0], "/queued"), count(&stats[0], "/spooled")), (1, 0), "{answers}: {}", stats[0]);
    }
}

#[test]
fn no_call_says_kept_of_what_vanished_from_the_disk() {
    if !in_its_own_process("no_call_says_kept_of_what_vanished_from_the_disk", &[]) {
        return;
    }
    let collector = Collector::start(&["--answers", "503*"]);
    let (one, other) = (client(&collector.url, json!({})), client("http://127.0.0.1:9", json!({})));
    one.track(&numbered(1)).unwrap();
    assert_eq!(one.flush(PATIENCE), Flushed::Kept);
    let state = state_below(&support::home());
    std::fs::remove_dir_all(&state).unwrap();
    std::fs::write(&state, "mine").unwrap();
    other.set_enabled(false); // the uploader then checks everything that waits
    wait_until(|| one.persist(PATIENCE) == Flushed::TimedOut);
    assert_eq!(one.flush(PATIENCE), Flushed::TimedOut);
    std::fs::remove_file(&state).unwrap();
    one.set_enabled(true);
    other.set_enabled(true);
    other.set_enabled(false);
    wait_until(|| one.flush(PATIENCE) == Flushed::Kept);
}

#[test]
fn a_process_that_only_makes_its_client_sends_what_waits() {
    let (home, collector) = with_left("track 1, track 2");
    let stats = home.run(&collector.url, "until /left_by_others/delivered=2, print");
    assert_eq!(count(&stats[0], "/accepted"), 0);
    assert_eq!(home.batches(), Vec::<String>::new());
    assert_eq!(values(&collector.events_until_end()), [1, 2]);
}

#[test]
fn what_is_too_old_is_counted_by_the_process_that_removes_it() {
    let (home, collector) = with_left("track 1, track 2, track 3");
    home.age(TOO_OLD);
    let stats = home.run(&collector.url, "until /left_by_others/dropped=3, print");
    assert_eq!(count(&stats[0], "/left_by_others/delivered"), 0);
    assert_eq!(home.batches(), Vec::<String>::new());
    assert_eq!(values(&collector.events_until_end()), Vec::<i64>::new());
}

#[test]
fn a_batch_with_one_changed_bit_is_set_aside_and_not_sent() {
    const POSITIONS: usize = 12;
    let (home, collector) = with_left("track 1000");
    let path = home.spool().join(&home.batches()[0]);
    let good = std::fs::read(&path).unwrap();
    let event = good.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for number in 0..POSITIONS {
        let mut changed = good.clone();
        changed[event + number * (good.len() - event) / POSITIONS] ^= 1 << (number % 8);
        std::fs::write(&path, changed).unwrap();
        home.run(&collector.url, &format!("track {number}, flush, until /left_by_others/dropped"));
        assert_eq!((home.batches().len(), home.files(".torn").len()), (0, 1), "position {number}");
        std::fs::remove_file(home.spool().join(&home.files(".torn")[0])).unwrap();
    }
    // The same batch, unchanged.
    std::fs::write(&path, good).unwrap();
    home.run(&collector.url, "track 12, flush, until /left_by_others/delivered");
    assert_eq!(values(&collector.events_until_end()), (0..=12).chain([1_000]).collect::<Vec<_>>());
}
