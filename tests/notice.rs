//! The notice: before anything leaves a machine, the person was told once and had time to opt out.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // tests

mod support;

use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};
use support::processes::*;
use support::*;

/// How often a text contains the notice.
fn notices(text: &str) -> usize {
    text.matches("Pact collects anonymous usage data").count()
}

fn counts(stats: &Value) -> [u64; 2] {
    ["delivered", "spooled"].map(|key| stats[key].as_u64().unwrap())
}

#[test]
fn on_a_persons_machine_nothing_leaves_before_the_hold_is_over_and_then_everything_does() {
    let home = Home::of_a_new_person();
    let collector = Collector::start(&["--requests"]);
    let first = home.process(&collector.url, "track 1, flush Kept, track 2, close, print").start();
    let (stats, errors) = first.end_with_errors();
    assert_eq!((counts(&stats[0]), notices(&errors)), ([0, 2], 1), "{errors}");
    // The next processes of the same command, or of a command soon after.
    for value in [3, 4] {
        let next = home.process(&collector.url, &format!("track {value}, flush Kept, close, print")).start();
        let (stats, errors) = next.end_with_errors();
        assert_eq!((counts(&stats[0]), notices(&errors)), ([0, 1], 0), "{errors}");
    }
    home.let_hours_pass(2);
    let (stats, errors) = home.process(&collector.url, "track 5, flush Kept, close, print").start().end_with_errors();
    assert_eq!((counts(&stats[0]), notices(&errors)), ([0, 1], 1), "nobody can say that it was seen: {errors}");
    home.let_hours_pass(22);
    let last = home.process(&collector.url, "track 6, close, until /left_by_others/delivered=5, print").start();
    let (stats, errors) = last.end_with_errors();
    assert_eq!((counts(&stats[0]), notices(&errors)), ([1, 0], 0), "{errors}");
    assert_eq!(values(&collector.events_until_end()), [1, 2, 3, 4, 5, 6]);
}

#[test]
fn the_notice_says_in_five_lines_what_is_sent_where_to_and_how_to_stop_it() {
    let home = Home::of_a_new_person();
    let said = home.process("https://relay.example/x", "track 1, close").errors();
    let notice = &said[said.find("Pact collects").unwrap()..];
    assert!(notice.lines().count() == 5 && notice.lines().all(|line| line.len() <= 80), "{notice}");
    for part in [
        "anonymous usage data",
        "(relay.example)",
        "in an hour or later",
        "off, or set PACT_DO_NOT_TRACK=true",
        "privacy.md",
    ] {
        assert!(notice.contains(part), "{part}: {notice}");
    }
    let file = home.state().join("notice.json");
    assert_eq!(std::fs::metadata(file).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn a_person_who_opts_out_after_the_notice_was_never_counted() {
    let home = Home::of_a_new_person();
    let collector = Collector::start(&["--requests"]);
    home.run(&collector.url, "track 1, close");
    home.run(&collector.url, "choose off, track 2, flush, until /dropped/opted_out");
    home.run(&collector.url, "refused, close");
    assert_eq!((collector.end().len(), home.batches().len()), (0, 0));
}

#[test]
fn in_ci_the_notice_is_shown_and_events_go_at_once() {
    let home = Home::of_a_new_person();
    let collector = Collector::start(&["--requests"]);
    let said = home.process(&collector.url, "track 1, flush Delivered, close").variable("CI", "true").errors();
    assert_eq!(notices(&said), 1, "{said}");
    let said = home.process(&collector.url, "track 2, flush Delivered, close").variable("CI", "true").errors();
    assert_eq!(notices(&said), 0, "{said}");
    assert_eq!(values(&collector.events_until_end()), [1, 2]);
}

#[test]
fn a_child_that_is_forked_after_the_notice_is_of_the_same_run() {
    let home = Home::of_a_new_person();
    let collector = Collector::start(&["--requests"]);
    let said = home.process(&collector.url, "track 1, flush Kept, fork 2").errors();
    assert_eq!((notices(&said), home.batches().len()), (1, 2), "{said}");
    assert_eq!(collector.end().len(), 0);
}

#[test]
fn of_many_processes_at_once_one_shows_it() {
    let home = Home::of_a_new_person();
    let collector = Collector::start(&["--requests"]);
    let process = || home.process(&collector.url, "track 1, close").variable("CI", "true").start();
    let running: Vec<_> = (0..12).map(|_| process()).collect();
    let shown: usize = running.into_iter().map(|process| notices(&process.end_with_errors().1)).sum();
    assert_eq!(shown, 1);
    assert_eq!(collector.events_until_end().len(), 12);
}

#[test]
fn of_many_processes_at_once_one_shows_it_and_that_is_remembered() {
    let collector = Collector::start(&["--requests"]);
    for _ in 0..5 {
        let home = Home::of_a_new_person();
        let process = || home.process(&collector.url, "track 1, flush Kept").start();
        let running: Vec<_> = (0..8).map(|_| process()).collect();
        let shown: usize = running.into_iter().map(|process| notices(&process.end_with_errors().1)).sum();
        assert_eq!(shown, 1);
        assert!(home.notice().unwrap()["shown_ms"].as_u64().unwrap() > 0, "{:?}", home.notice());
    }
    assert_eq!(collector.end().len(), 0);
}

#[test]
fn if_the_notice_cannot_be_remembered_nothing_is_sent_and_the_events_count_as_lost() {
    let home = Home::of_a_new_person();
    let collector = Collector::start(&["--requests"]);
    std::fs::write(home.path().join("file"), "").unwrap();
    let nowhere = json!(home.path().join("file/state"));
    let process =
        home.process(&collector.url, "track 1, flush Lost, close, print").config("state_dir", nowhere.clone());
    let (stats, said) = process.start().end_with_errors();
    assert_eq!((&stats[0]["dropped"]["no_notice"], notices(&said)), (&json!(1), 0), "{}", stats[0]);
    // In CI every run is the first one of its machine, so the notice is shown in each run, and events are sent.
    let process = home.process(&collector.url, "track 2, flush Delivered, track 3, close").config("state_dir", nowhere);
    assert_eq!(notices(&process.variable("CI", "true").errors()), 1);
    assert_eq!(values(&collector.events_until_end()), [2, 3]);
}

#[test]
fn a_notice_that_cannot_be_seen_was_not_shown() {
    let home = Home::of_a_new_person();
    let collector = Collector::start(&["--requests"]);
    let mut process = home.process(&collector.url, "track 1, close");
    process.command.stderr(Stdio::null());
    process.run();
    assert!(!home.was_told());
    let closed = home.process(&collector.url, "track 2, close").after("exec 2>&-", &["--user", "--map-root-user"]);
    closed.run();
    assert!(!home.was_told());
    assert_eq!(home.batches().len(), 2);
    assert_eq!(collector.end().len(), 0);
}

#[cfg(target_os = "linux")] // /proc says that the pipe is full
#[test]
fn a_standard_error_that_nobody_reads_holds_up_nobody() {
    let (home, collector) = (Home::of_a_new_person(), Collector::start(&[]));
    let (_reader, writer) = std::io::pipe().unwrap();
    let mut filling = Command::new("cat").arg("/dev/zero").stdout(writer.try_clone().unwrap()).spawn().unwrap();
    let waits_in = format!("/proc/{}/wchan", filling.id());
    wait_until(|| std::fs::read_to_string(&waits_in).unwrap().contains("pipe_write"));
    let in_ci = |steps: &str| home.process(&collector.url, steps).variable("CI", "true");
    let mut stalled = in_ci("track 1, flush, print, sleep 60000");
    stalled.command.stderr(writer);
    let mut stalled = stalled.start();
    stalled.wait_for_print();
    let said: Vec<_> =
        (2..5).map(|number| notices(&in_ci(&format!("track {number}, flush Delivered, close")).errors())).collect();
    assert_eq!(said, [1, 0, 0], "the first one whose standard error is read tells the person");
    stalled.kill();
    filling.kill().unwrap();
    filling.wait().unwrap();
    assert_eq!(values(&collector.events_until_end()).iter().filter(|value| (2..5).contains(*value)).count(), 3);
}

/// How many notices reached the journal that is the standard error of a service, and whether they count as shown.
/// `name` gives the value of `JOURNAL_STREAM` for a connection of that device and inode.
#[cfg(target_os = "linux")]
fn told_the_journal(name: &dyn Fn(u64, u64) -> String, is_full: bool) -> (usize, bool) {
    let home = Home::of_a_new_person();
    let journal = UnixListener::bind(home.path().join("journal")).unwrap();
    let mut connection = UnixStream::connect(home.path().join("journal")).unwrap();
    let (mut received, _) = journal.accept().unwrap();
    if is_full {
        connection.set_nonblocking(true).unwrap();
        while connection.write(b"line\n").is_ok() {}
        connection.set_nonblocking(false).unwrap();
    }
    let connection = std::fs::File::from(OwnedFd::from(connection));
    let about = connection.metadata().unwrap();
    let mut process = home.process("https://relay.example", "track 1, flush Kept, close");
    process = process.variable("JOURNAL_STREAM", name(about.dev(), about.ino()));
    process.command.stderr(connection);
    process.run();
    let mut text = String::new();
    received.read_to_string(&mut text).unwrap();
    (notices(&text), home.was_told())
}

#[test]
#[cfg(target_os = "linux")]
fn a_service_is_told_in_the_journal_and_no_other_socket_is_taken_for_it() {
    let right = |device: u64, inode: u64| format!("{device}:{inode}");
    assert_eq!(told_the_journal(&right, false), (1, true));
    assert_eq!(told_the_journal(&right, true), (0, false), "it is never waited for");
    assert_eq!(told_the_journal(&|device, inode| format!("{device}:{}", inode + 1), false), (0, false));
    assert_eq!(told_the_journal(&|device, inode| format!("{}:{inode}", device + 1), false), (0, false));
    assert_eq!(told_the_journal(&|_, _| String::new(), false), (0, false));
}

#[test]
fn a_host_that_shows_it_in_its_own_way_confirms_and_is_asked_for_nothing_else() {
    let home = Home::of_a_new_person();
    let collector = Collector::start(&["--requests"]);
    let host = |steps: &str, notice: &str| home.process(&collector.url, steps).config("notice", notice.into());
    // Not confirmed: events are kept, in CI too, and nothing is printed.
    for ci in ["false", "true"] {
        assert_eq!(notices(&host("track 1, flush Kept, close", "host").variable("CI", ci).errors()), 0);
        assert_eq!(home.notice(), None);
    }
    // Confirmed: now the person has an hour to opt out.
    assert_eq!(notices(&host("track 2, flush Kept, close", "shown").errors()), 0);
    assert!(home.notice().unwrap()["seen_ms"].as_u64().unwrap() > 1_700_000_000_000);
    home.let_hours_pass(1);
    assert_eq!(notices(&host("track 3, close, until /left_by_others/delivered=3", "host").errors()), 0);
    assert_eq!(values(&collector.events_until_end()), [1, 1, 2, 3]);
}

#[test]
fn explain_has_the_notice_and_when_it_was_shown() {
    if !in_its_own_process("explain_has_the_notice_and_when_it_was_shown", &[]) {
        return;
    }
    let client = client("https://relay.example/x", json!({"notice": "host"}));
    let notice = || client.explain().notice;
    assert_eq!(notice().shown_ms, Some(1));
    assert!(notice().text.contains("relay.example"));
    std::fs::remove_file(state_below(&home()).join("notice.json")).unwrap();
    assert_eq!(notice().shown_ms, None);
}

#[test]
fn a_torn_note_is_no_note_and_a_foreign_thing_in_its_place_stops_the_sending() {
    let home = Home::of_a_new_person();
    let collector = Collector::start(&["--requests"]);
    std::fs::create_dir_all(home.state()).unwrap();
    std::fs::set_permissions(home.state(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let file = home.state().join("notice.json");
    std::fs::write(&file, "{\"shown_ms\": 17").unwrap();
    assert_eq!(notices(&home.process(&collector.url, "track 1, flush Kept, close").errors()), 1);
    assert!(home.notice().is_some(), "written anew");
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(home.path().join("elsewhere"), &file).unwrap();
    assert_eq!(
        notices(&home.process(&collector.url, "track 2, until /dropped/no_notice, flush Lost, close").errors()),
        0
    );
    assert!(!home.path().join("elsewhere").exists());
    assert_eq!(collector.end().len(), 0);
}

#[test]
fn a_clock_that_was_set_back_since_the_notice_ends_no_hold_early_and_holds_nothing_for_ever() {
    let home = Home::of_a_new_person();
    let collector = Collector::start(&["--requests"]);
    std::fs::create_dir_all(home.state()).unwrap();
    std::fs::write(home.state().join("notice.json"), "{\"shown_ms\": 99999999999999}").unwrap();
    home.run(&collector.url, "track 1, flush Kept, close");
    home.let_hours_pass(24);
    home.run(&collector.url, "track 2, flush Delivered, close, until /left_by_others/delivered=1");
    assert_eq!(values(&collector.events_until_end()), [1, 2]);
}

/// Changes the record as if the wall clock had been set ahead by that many hours (negative: back) since the notice.
fn set_clock_ahead(home: &Home, hours: i64) {
    for (file, keys) in [("notice.json", &["shown_ms", "seen_ms", "tried_ms"][..]), ("notice.clock", &["began_ms"])] {
        let path = home.state().join(file);
        let mut text: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for key in keys.iter().filter(|key| text[key] != 0).collect::<Vec<_>>() {
            text[key] = (text[key].as_i64().unwrap() - hours * 3_600_000).into();
        }
        std::fs::write(&path, text.to_string()).unwrap();
    }
}

#[test]
fn a_clock_that_was_set_in_either_direction_changes_no_hold_until_the_machine_boots() {
    for hours in [25, -25, 400_000] {
        let home = Home::of_a_new_person();
        let collector = Collector::start(&["--requests"]);
        home.run(&collector.url, "track 1, flush Kept, close");
        set_clock_ahead(&home, hours);
        let explained = home.process(&collector.url, "track 2, flush Kept, explain").start().end();
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        let day = 24 * 3_600_000;
        let left_ms = explained[0]["notice"]["hold_until_ms"].as_u64().unwrap() - now_ms;
        assert!((day - 600_000..=day).contains(&left_ms), "{hours}: {left_ms}");
        home.let_hours_pass(24);
        home.run(&collector.url, "track 3, flush Delivered, close, until /left_by_others/delivered=2");
        assert_eq!(values(&collector.events_until_end()), [1, 2, 3]);
    }
    // After another boot, only the wall clock counts.
    let home = Home::of_a_new_person();
    let collector = Collector::start(&["--requests"]);
    home.run(&collector.url, "track 1, flush Kept, close");
    set_clock_ahead(&home, 25);
    std::fs::write(home.state().join("notice.clock"), r#"{"boot": "another", "began_ms": 1}"#).unwrap();
    home.run(&collector.url, "track 2, flush Delivered, close, until /left_by_others/delivered=1");
    assert_eq!(values(&collector.events_until_end()), [1, 2]);
}

#[test]
fn a_yes_ends_the_hold() {
    for (name, value) in [("PACT_TELEMETRY_NOTICE", "seen"), ("SAVED", "on")] {
        let home = Home::of_a_new_person();
        let collector = Collector::start(&["--requests"]);
        if name == "SAVED" {
            home.process(&collector.url, "choose on").run();
        }
        let process = home.process(&collector.url, "track 1, flush Delivered, close").variable(name, value);
        assert_eq!(notices(&process.errors()), 0, "{name}");
        assert_eq!(values(&collector.events_until_end()), [1]);
    }
}

#[test]
fn an_opted_out_person_gets_no_notice() {
    let home = Home::of_a_new_person();
    let said = home.process("https://relay.example", "refused, close").variable("DO_NOT_TRACK", "1").errors();
    assert_eq!((notices(&said), home.state().exists()), (0, false), "{said}");
}
