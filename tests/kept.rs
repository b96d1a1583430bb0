//! What is on disk when it is promised to be, and what becomes of it: `persist`, and batches that wait for the next
//! process, that are too old, that are from before an "on", or that were changed on disk.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests

mod support;

use pact_telemetry::Flushed;
use serde_json::{Value, json};
use std::time::Duration;
#[cfg(target_os = "linux")]
use std::{process::Command, time::UNIX_EPOCH};
use support::processes::*;
#[cfg(target_os = "linux")]
use support::programs::{Sandbox, root, run_tool};
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
fn a_call_may_be_told_to_wait_for_ever() {
    let home = Home::new();
    let collector = Collector::start(&[]);
    home.run(&collector.url, "track 1, endless");
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
        assert_eq!(home.events(), 40, "{answers}");
    }
}

#[test]
fn persist_of_a_client_that_is_off_leaves_nothing_on_disk() {
    for _ in 0..20 {
        let home = Home::new();
        let steps = "burst 5, persist Kept, off, persist Lost, print, sleep 60000";
        let mut process = home.process("http://127.0.0.1:9", steps).start();
        process.wait_for_print();
        process.kill();
        assert_eq!(home.batches(), Vec::<String>::new());
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
    // The library may make the folder again in between.
    wait_until(|| {
        remove_folder(&state);
        std::fs::write(&state, "mine").is_ok()
    });
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
fn what_vanished_with_its_folder_is_put_on_disk_again_but_not_in_a_home_that_is_gone() {
    if !in_its_own_process("what_vanished_with_its_folder_is_put_on_disk_again_but_not_in_a_home_that_is_gone", &[]) {
        return;
    }
    let collector = Collector::start(&["--answers", "503*"]);
    let client = client(&collector.url, json!({}));
    let state = state_below(&support::home());
    let events = || events_in(&state.join("spool"));
    client.track(&numbered(1)).unwrap();
    assert_eq!(client.flush(PATIENCE), Flushed::Kept);
    remove_folder(&state);
    client.track(&numbered(2)).unwrap();
    assert_eq!((client.flush(PATIENCE), events()), (Flushed::Kept, 2), "the second one made the folder again");
    remove_folder(&state);
    assert_eq!((client.persist(PATIENCE), events()), (Flushed::Kept, 2), "no event came since");

    let above = state.parent().unwrap();
    remove_folder(above);
    client.track(&numbered(3)).unwrap();
    assert_eq!(client.persist(PATIENCE), Flushed::TimedOut);
    assert_eq!(client.close(PATIENCE), Flushed::TimedOut);
    assert!(!above.exists());
}

#[test]
fn no_call_says_kept_before_every_batch_is_on_disk_again() {
    if !in_its_own_process("no_call_says_kept_before_every_batch_is_on_disk_again", &[]) {
        return;
    }
    let collector = Collector::start(&["--answers", "503*"]);
    let (one, other) = (client(&collector.url, json!({})), client("http://127.0.0.1:9", json!({})));
    let state = state_below(&support::home());
    let mut tracked = 0;
    for client in [&one, &other].into_iter().cycle().take(20) {
        client.track(&numbered(tracked)).unwrap();
        assert_eq!(client.flush(PATIENCE), Flushed::Kept); // so that each event is in a batch of its own
        tracked += 1;
    }
    for round in 0..40 {
        let gone = state.with_file_name(format!("gone{round}"));
        std::fs::rename(&state, &gone).unwrap();
        if round % 2 == 0 {
            one.track(&numbered(tracked)).unwrap(); // the worker, or the uploader, makes the folder again
            tracked += 1;
        }
        let call = if round % 4 < 2 { one.persist(PATIENCE) } else { one.flush(PATIENCE) };
        assert_eq!((call, events_in(&state.join("spool"))), (Flushed::Kept, tracked as usize), "in round {round}");
    }
}

#[test]
fn persist_does_not_say_kept_of_what_vanished_while_a_request_with_it_waits() {
    if !in_its_own_process("persist_does_not_say_kept_of_what_vanished_while_a_request_with_it_waits", &[]) {
        return;
    }
    let (works, hangs) = (Collector::start(&[]), Collector::start(&["--requests", "--answers", "hang*"]));
    let (done, waits) = (client(&works.url, json!({})), client(&hangs.url, json!({})));
    done.track(&numbered(1)).unwrap();
    assert_eq!(done.flush(PATIENCE), Flushed::Delivered);
    waits.track(&numbered(2)).unwrap();
    assert_eq!(waits.persist(PATIENCE), Flushed::Kept);
    hangs.next_request();
    let state = state_below(&support::home());
    std::fs::rename(&state, state.with_file_name("gone")).unwrap();
    assert_eq!(waits.persist(Duration::from_millis(50)), Flushed::TimedOut);
    assert_eq!(done.persist(Duration::from_millis(50)), Flushed::Delivered, "of which nothing waits");
}

#[test]
fn what_an_off_removed_is_not_put_on_disk_again_after_an_on() {
    if !in_its_own_process("what_an_off_removed_is_not_put_on_disk_again_after_an_on", &[]) {
        return;
    }
    let client = client("http://127.0.0.1:9", json!({}));
    client.track(&numbered(1)).unwrap();
    assert_eq!(client.flush(PATIENCE), Flushed::Kept);
    let now_ms = || std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
    let since_ms = now_ms() + 1;
    // Before the folder is removed, as by the command: the library may look in between.
    save_choice(&json!({"enabled": true, "since_ms": since_ms}).to_string());
    remove_folder(&state_below(&support::home()).join("spool"));
    // An event's time may be a tick of the scheduler too early: 10 ms at most.
    wait_until(|| now_ms() > since_ms + 20);
    client.track(&numbered(2)).unwrap();
    client.flush(PATIENCE);
    let stats = client.stats().json();
    assert_eq!((count(&stats, "/dropped/opted_out"), count(&stats, "/spooled")), (1, 1), "{stats}");
}

#[test]
fn a_spool_that_became_a_link_while_a_process_runs_gets_nothing() {
    if !in_its_own_process("a_spool_that_became_a_link_while_a_process_runs_gets_nothing", &[]) {
        return;
    }
    let client = client("http://127.0.0.1:9", json!({}));
    client.track(&numbered(1)).unwrap();
    assert_eq!(client.flush(PATIENCE), Flushed::Kept);
    let (spool, elsewhere) = (state_below(&support::home()).join("spool"), support::home().join("elsewhere"));
    std::fs::rename(&spool, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &spool).unwrap();
    let batches = || files_in(&elsewhere, ".batch").len();
    let before = batches();
    client.track(&numbered(2)).unwrap();
    assert_eq!((client.persist(PATIENCE), batches()), (Flushed::TimedOut, before));
}

/// Tracks this event, and is killed while a request waits for an answer. Returns the request.
fn is_killed_while_it_waits(home: &Home, collector: &Collector, number: usize) -> Value {
    let mut process =
        home.process(&collector.url, &format!("track {number}, persist Kept, print, sleep 60000")).start();
    process.wait_for_print();
    let request = collector.next_request();
    assert_eq!(request["answer"], "hang");
    // The process notes what it sent as soon as it has sent it, which the server may see sooner.
    let lock = home.spool().join(&home.files(".lock")[0]);
    wait_until(|| std::fs::read_to_string(&lock).is_ok_and(|note| note.ends_with('\n')));
    process.kill();
    request
}

/// How often the event with this number is in these requests.
fn times(requests: &[Value], number: usize) -> usize {
    let pattern = format!(r#"metric_value\":{number},"#);
    requests.iter().map(|request| request.to_string().matches(&pattern).count()).sum()
}

#[test]
fn what_a_killed_process_had_sent_is_not_sent_again_to_a_server_that_answered_lately() {
    let home = Home::new();
    let collector = Collector::start(&["--requests", "--answers", "ok,hang"]);
    home.run(&collector.url, "track 0, flush Delivered");
    collector.next_request();
    is_killed_while_it_waits(&home, &collector, 1);
    let stats = home.run(&collector.url, "until /left_by_others/unconfirmed, track 2, flush Delivered, print");
    assert_eq!(count(&stats[0], "/left_by_others/delivered"), 0);
    assert_eq!(home.batches(), Vec::<String>::new());
    let after = collector.end();
    assert_eq!([times(&after, 1), times(&after, 2)], [0, 1]);
}

#[test]
fn what_a_killed_process_had_sent_is_sent_again_to_a_server_that_never_answered() {
    let home = Home::new();
    let collector = Collector::start(&["--requests", "--answers", "hang,hang,hang,ok"]);
    for number in 1..=3 {
        is_killed_while_it_waits(&home, &collector, number);
        home.age(RESERVED);
    }
    let stats = home.run(&collector.url, "until /left_by_others/delivered=3, print");
    assert_eq!(count(&stats[0], "/left_by_others/unconfirmed"), 0);
    assert_eq!(home.batches(), Vec::<String>::new());
}

#[test]
fn a_server_that_many_killed_processes_did_not_hear_is_slow_and_does_not_hang() {
    const KILLED: usize = 15;
    const SENT_AGAIN_MAX: usize = 10;
    let home = Home::new();
    let collector = Collector::start(&["--requests", "--answers", &format!("{}ok", "hang,".repeat(KILLED))]);
    let mut requests = Vec::new();
    for number in 1..=KILLED {
        requests.push(is_killed_while_it_waits(&home, &collector, number));
        home.age(RESERVED);
    }
    let last = KILLED + 1;
    home.run(&collector.url, &format!("track {last}, flush Delivered, until /left_by_others/unconfirmed=1"));
    home.run(&collector.url, "track 0, flush Delivered");
    requests.extend(collector.end());
    let sent: Vec<_> = (1..=last).map(|number| times(&requests, number)).collect();
    assert!(sent.iter().all(|times| *times > 0), "{sent:?}");
    assert!(sent.iter().sum::<usize>() <= last + SENT_AGAIN_MAX, "{sent:?}");
    assert_eq!(home.batches(), Vec::<String>::new());
}

#[test]
fn what_a_killed_process_had_not_yet_written_is_not_taken_for_sent() {
    let home = Home::new();
    // Accepts a connection and sends nothing in the handshake.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let mut process = home.process(&url, "track 1, print, sleep 60000").start();
    process.wait_for_print();
    let connection = listener.accept().unwrap();
    let batch = home.batches().remove(0);
    let health = home.spool().join(format!("{}.retry", batch.split('-').next().unwrap()));
    process.kill();
    std::fs::write(health, format!(r#"{{"answered_ms":{}}}"#, unix_millis())).unwrap();
    drop((connection, listener));
    home.age(RESERVED);
    let stats = home.run(&url, "track 2, flush Kept, print");
    assert_eq!(count(&stats[0], "/left_by_others/unconfirmed"), 0);
    assert_eq!(home.events(), 2);
}

fn unix_millis() -> u128 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()
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
fn what_is_still_left_to_a_killed_process_is_looked_for_early_by_later_ones() {
    let (home, collector) = (Home::new(), Collector::start(&["--answers", "503"]));
    home.run(&collector.url, "track 1, flush Kept");
    home.forget_failures();
    // As a process leaves it that is killed before it gives its batch away.
    let given_away = home.spool().join(&home.batches()[0]);
    let name = given_away.to_str().unwrap().strip_suffix("-0.batch").unwrap();
    std::fs::rename(&given_away, format!("{name}.batch")).unwrap();
    home.run(&collector.url, "track 2, flush Delivered, sleep 200");
    assert_eq!(home.batches().len(), 1, "left to the process that wrote it");
    home.age(RESERVED);
    home.run(&collector.url, "until /left_by_others/delivered=1");
    assert_eq!(values(&collector.events_until_end()), [1, 2]);
}

#[cfg(target_os = "linux")] // LD_PRELOAD
#[test]
fn what_was_recorded_before_an_on_is_not_sent_also_from_a_hosts_folder_and_by_a_clock_that_was_set_back() {
    let (sandbox, now_ms) = (Sandbox::new(), || UNIX_EPOCH.elapsed().unwrap().as_millis() as u64);
    let clock = clock(&sandbox);
    // How far the clock was ahead, and whether the person turned it on after the event was recorded.
    for (ahead, is_on_later) in [("0", false), ("0", true), ("3600", false)] {
        for is_hosts in [false, true] {
            let (home, collector) = (Home::of_a_new_person(), Collector::start(&[]));
            let process = |steps: &str| match home.process(&collector.url, steps) {
                process if is_hosts => process.config("state_dir", json!(home.path().join("host"))),
                process => process,
            };
            let before_ms = now_ms() - 1_000;
            process("track 1, flush Kept").variable("LD_PRELOAD", &clock).variable("CLOCK_AHEAD", ahead).run();
            let since_ms = if is_on_later { now_ms() } else { before_ms };
            // An event's time may be a tick of the scheduler too early: 10 ms at most.
            wait_until(|| now_ms() > since_ms + 20);
            home.choose(&json!({"enabled": true, "since_ms": since_ms}).to_string());
            let (fate, arrived) =
                if ahead == "0" && !is_on_later { ("delivered", vec![1, 2]) } else { ("dropped", vec![2]) };
            process(&format!("track 2, flush Delivered, until /left_by_others/{fate}=1")).run();
            let mut values = values(&collector.events_until_end());
            values.sort();
            assert_eq!(values, arrived, "{ahead}, {is_on_later}, {is_hosts}");
        }
    }
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

#[cfg(target_os = "linux")] // LD_PRELOAD
#[test]
fn what_was_recorded_by_a_clock_that_was_set_back_by_days_counts_as_expired_in_its_own_process_too() {
    let (sandbox, home, collector) = (Sandbox::new(), Home::new(), Collector::start(&["--answers", "503"]));
    let steps = "track 1, flush Kept, unset CLOCK_AHEAD, track 2, flush Lost, print";
    let ahead = TOO_OLD.as_secs().to_string();
    let process = home.process(&collector.url, steps).variable("LD_PRELOAD", clock(&sandbox));
    let stats = process.variable("CLOCK_AHEAD", ahead).run();
    let counted = ["/delivered", "/dropped/expired", "/spooled", "/left_by_others/dropped"];
    assert_eq!(counted.map(|pointer| count(&stats[0], pointer)), [1, 1, 0, 0], "{}", stats[0]);
    assert_eq!(values(&collector.events_until_end()), [2]);
}

/// Builds the library that, loaded before a program, changes its wall clock.
#[cfg(target_os = "linux")]
fn clock(sandbox: &Sandbox) -> std::path::PathBuf {
    let clock = sandbox.path().join("clock.so");
    let compile = ["-D_GNU_SOURCE", "-fPIC", "-shared", "-ldl", "-o"];
    run_tool(Command::new("cc").arg(root("tests/c/clock.c")).args(compile).arg(&clock));
    clock
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
