//! What the functions promise, each program in C and in C++.

use crate::support::programs::{Language, Sandbox, library};
use crate::support::{Collector, wait_until};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often each event arrived, by its name. Also checks that the collector finds nothing wrong with any.
fn names(events: &[Value]) -> BTreeMap<&str, usize> {
    let mut names = BTreeMap::new();
    for event in events {
        assert_eq!(event["problems"], serde_json::json!([]), "{event}");
        *names.entry(event["fields"]["event"].as_str().unwrap()).or_default() += 1;
    }
    names
}

/// Runs the program in both languages, each with a collector; returns what each printed and what arrived there.
fn beside_a_collector(name: &str, arguments: &[&str]) -> Vec<(crate::support::programs::Ended, Vec<Value>)> {
    let sandbox = Sandbox::new();
    let run = |program| {
        let collector = Collector::start(&[]);
        let run = sandbox.run(program).endpoint(&collector.url);
        let ended = arguments.iter().fold(run, |run, argument| run.argument(argument)).succeed();
        (ended, collector.events_until_end())
    };
    sandbox.programs(name).into_iter().map(run).collect()
}

#[test]
fn null_for_every_pointer_is_a_status() {
    for (_, events) in beside_a_collector("nulls", &[]) {
        assert_eq!(names(&events), [("e", 2)].into());
    }
}

#[test]
fn every_text_is_taken_at_its_limit_and_refused_beyond_it() {
    for (ended, events) in beside_a_collector("texts", &[]) {
        assert_eq!(events.len(), ended.delivered());
    }
}

#[test]
fn whatever_track_returns_is_counted() {
    for (_, events) in beside_a_collector("counted", &[]) {
        assert_eq!(events.len(), 0);
    }
}

#[test]
fn a_wrong_config_is_explained_in_a_buffer_of_any_size() {
    let sandbox = Sandbox::new();
    for program in sandbox.programs("configs") {
        sandbox.run(program).succeed();
    }
}

#[test]
fn text_comes_out_cut_between_characters_in_a_buffer_of_any_size() {
    let sandbox = Sandbox::new();
    for program in sandbox.programs("buffers") {
        sandbox.run(program).succeed();
    }
}

#[test]
fn every_call_is_defined_after_close_and_while_turned_off() {
    for (_, events) in beside_a_collector("lifecycle", &[]) {
        let mut names = names(&events);
        // The client was turned off while they waited. On a machine that paused, one may have left before that.
        names.remove("thrown away");
        names.remove("is too many");
        let expected = ["before", "on again", "kept", "orphan", "takeover", "fits"];
        assert_eq!(names, expected.map(|name| (name, 1)).into());
    }
}

#[test]
fn with_no_time_flush_and_close_ask_and_do_not_wait() {
    let sandbox = Sandbox::new();
    for program in sandbox.programs("zero_timeout") {
        let collector = Collector::start(&["--answers", "delay=500*"]);
        sandbox.run(program).endpoint(&collector.url).succeed();
        assert_eq!(names(&collector.events_until_end()), [("no time", 1), ("no time either", 1)].into());
    }
}

#[test]
fn nothing_leaves_after_it_was_turned_off_even_in_the_midst_of_tracking() {
    let sandbox = Sandbox::new();
    for program in sandbox.programs("turned_off") {
        // A request that was cancelled may still have been read by the server, so the program itself checks the result.
        let collector = Collector::start(&["--answers", "delay=300*"]);
        sandbox.run(program).endpoint(&collector.url).succeed();
    }
}

#[test]
fn the_environment_may_change_on_another_thread_all_the_while() {
    let sandbox = Sandbox::new();
    for program in sandbox.programs("environment_storm") {
        let collector = Collector::start(&[]);
        sandbox.run(program).endpoint(&collector.url).succeed();
    }
}

#[test]
fn an_opt_out_in_place_of_another_variable_is_seen_by_the_next_event() {
    let sandbox = Sandbox::new();
    for program in sandbox.programs("environment_in_place") {
        let collector = Collector::start(&[]);
        sandbox.run(program).endpoint(&collector.url).succeed();
    }
}

#[test]
fn the_counters_balance_while_eight_threads_track_and_one_closes() {
    for (ended, events) in beside_a_collector("threads", &[]) {
        assert_eq!(names(&events), [("Pacts verified", ended.delivered())].into());
    }
}

#[test]
fn a_flush_does_not_wait_for_an_event_that_was_refused() {
    for (ended, events) in beside_a_collector("full_queue", &[]) {
        assert_eq!(names(&events), [("one too many", ended.delivered())].into());
    }
}

#[test]
fn two_clients_with_two_destinations_stay_apart() {
    let sandbox = Sandbox::new();
    for program in sandbox.programs("two_clients") {
        let collectors = [Collector::start(&["--requests"]), Collector::start(&["--requests"])];
        sandbox.run_bare(program).argument(&collectors[0].url).argument(&collectors[1].url).succeed();
        for (collector, (own, event, count)) in
            collectors.into_iter().zip([("1", "of the first", 30), ("2", "of the second", 32)])
        {
            let lines = collector.end();
            let events: Vec<_> = lines.iter().filter(|line| line["type"] == "event").cloned().collect();
            assert_eq!(names(&events), [(event, count)].into());
            assert_eq!(identities(&events), [identity(own, event)].into());
            let targets: BTreeSet<_> = lines.iter().filter_map(|line| line["target"].as_str()).collect();
            let target = format!("/mp/collect?measurement_id=G-{own}&api_secret=secret-{own}");
            assert_eq!(targets, [target.as_str()].into());
        }
    }
}

#[test]
fn two_clients_with_one_destination_keep_their_identities() {
    let sandbox = Sandbox::new();
    for program in sandbox.programs("two_clients") {
        let collector = Collector::start(&[]);
        sandbox.run_bare(program).argument(&collector.url).argument(&collector.url).succeed();
        let events = collector.events_until_end();
        assert_eq!(names(&events), [("of the first", 30), ("of the second", 32)].into());
        assert_eq!(identities(&events), [identity("1", "of the first"), identity("2", "of the second")].into());
    }
}

fn identity(own: &str, event: &str) -> [String; 5] {
    [format!("id-{own}"), format!("Name {own}"), format!("{own}.0"), format!("Framework {own}"), event.into()]
}

fn identities(events: &[Value]) -> BTreeSet<[String; 5]> {
    let fields = ["library_name", "library_title", "library_version", "test_framework", "event"];
    events.iter().map(|event| fields.map(|field| event["fields"][field].as_str().unwrap().to_owned())).collect()
}

#[test]
fn an_accepted_event_costs_one_allocation_and_a_refused_one_none() {
    for (_, events) in beside_a_collector("allocations", &[]) {
        assert_eq!(events.len(), 1 + 100 + 5 * (1 + 100 + 100) + 2_000 + 1 + 2_000 + 1);
    }
}

#[test]
fn a_burst_is_delivered_whole_and_once() {
    for (_, events) in beside_a_collector("burst", &[]) {
        assert_eq!(crate::support::values(&events), Vec::from_iter(0..2000));
        assert_eq!(names(&events), [("burst", 2000)].into());
    }
}

#[test]
fn a_program_that_frees_its_clients_ends_without_a_thread_and_without_a_leak() {
    let sandbox = Sandbox::new();
    for program in sandbox.programs("freed") {
        let collector = Collector::start(&[]);
        let run = sandbox.run(program).endpoint(&collector.url);
        run.variable("VALGRIND_OPTS", "--leak-check=full").succeed(); // counts where Valgrind runs the programs
        assert_eq!(names(&collector.events_until_end()), [("one event", 1)].into());
    }
}

#[test]
fn the_exit_waits_for_no_attempt_that_is_due_later() {
    let sandbox = Sandbox::new();
    for program in sandbox.programs("freed") {
        let collector = Collector::start(&["--answers", "503*"]);
        sandbox.run(program).endpoint(&collector.url).argument("kept").succeed();
        collector.end();
    }
}

#[test]
fn parent_child_and_grandchild_each_deliver_their_own_events_once() {
    for (how, of_the_parent) in [
        ("threads", vec!["long before", "before", "after"]),
        ("fresh", vec!["before", "after"]),
        ("unused", vec!["after"]),
    ] {
        for (_, events) in beside_a_collector("forks", &[how]) {
            let expected = of_the_parent.iter().chain(&["child", "grandchild"]);
            assert_eq!(names(&events), expected.map(|name| (*name, 1)).collect(), "{how}");
        }
    }
}

#[test]
fn a_child_forked_in_the_midst_of_it_all_works() {
    for (ended, events) in beside_a_collector("forks_under_load", &[]) {
        assert_eq!(names(&events), [("child", 25), ("parent", ended.delivered())].into());
    }
}

#[test]
fn unloading_and_loading_again_loses_nothing() {
    let path = library().join("libpact_telemetry.so");
    for (_, events) in beside_a_collector("reloads", &["100", path.to_str().unwrap()]) {
        assert_eq!(names(&events), [("loaded again", 100)].into());
    }
}

#[test]
fn an_event_tracked_right_before_the_end_of_main_arrives() {
    let sandbox = Sandbox::new();
    for program in sandbox.programs("exits_at_once") {
        let collector = Collector::start(&[]);
        sandbox.run(program).endpoint(&collector.url).variable("CI", "true").succeed();
        assert_eq!(names(&collector.events_until_end()), [("on the way out", 1)].into());
    }
}

#[test]
fn what_is_tracked_while_the_process_exits_arrives() {
    let by_language = [
        (Language::C, vec!["in a destructor function", "in an exit handler", "in main"]),
        (Language::Cpp, vec!["in a destructor function", "in a static object", "in an exit handler", "in main"]),
    ];
    for (language, all) in by_language {
        let (sandbox, collector) = (Sandbox::new(), Collector::start(&[]));
        let program = sandbox.program("tracks_in_destructors", language);
        sandbox.run(&program).endpoint(&collector.url).variable("CI", "true").succeed();
        sandbox.run(&program).endpoint(&collector.url).variable("CI", "true").argument("by quick_exit").succeed();
        let mut expected: BTreeMap<&str, usize> = all.into_iter().map(|name| (name, 1)).collect();
        expected.insert("in main", 2);
        assert_eq!(names(&collector.events_until_end()), expected);
    }
}

#[test]
fn the_end_of_the_process_waits_as_long_as_allowed_and_no_longer() {
    let collector = Collector::start(&["--answers", "hang*"]);
    let took = |config: &str, ci: &str| {
        let sandbox = Sandbox::new(); // a new home for each, because a server that hangs is remembered
        let program = sandbox.program("exits_at_once", Language::C);
        let run = sandbox.run(&program).endpoint(&collector.url).variable("CI", ci).argument(config);
        run.succeed().took.as_millis()
    };
    let long = took("\"exit_timeout_ms\": 3000", "");
    assert!((3000..4000).contains(&long), "{long} ms with a budget of 3000");
    let none = took("\"exit_timeout_ms\": 0", "");
    assert!(none < 1000, "{none} ms with no budget");
    let at_home = took("", "");
    assert!(at_home < 1100, "{at_home} ms on a person's machine");
    let in_ci = took("", "true");
    assert!((500..1500).contains(&in_ci), "{in_ci} ms in CI");
}

#[test]
fn a_process_whose_main_thread_has_ended_ends_by_itself_and_by_sigterm() {
    /// Longer than one attempt to reach a server that hangs, and shorter than two and the wait between them.
    const LONGEST: Duration = Duration::from_secs(24);
    let sandbox = Sandbox::new();
    let program = sandbox.program("main_thread_exits", Language::C);
    let mut running = Vec::new();
    for (answers, is_terminated) in [("ok", false), ("ok", true), ("hang*", false), ("hang*", true)] {
        let home = sandbox.path().join(running.len().to_string());
        let collector = Collector::start(&["--answers", answers]);
        let mut command = sandbox.run(&program).home(&home).endpoint(&collector.url).command();
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = [0; b"tracked\n".len()];
        process.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
        let main_thread = format!("/proc/{}/stat", process.id());
        wait_until(|| std::fs::read_to_string(&main_thread).unwrap().contains(") Z "));
        let mut delivered = Vec::new();
        if is_terminated {
            if answers == "ok" {
                delivered.push(collector.next_event()); // a signal may arrive before anything was sent
            }
            assert!(Command::new("kill").arg(process.id().to_string()).status().unwrap().success());
        }
        running.push((answers, is_terminated, collector, process, delivered));
    }
    let since = Instant::now();
    for (answers, is_terminated, collector, mut process, mut delivered) in running {
        while process.try_wait().unwrap().is_none() {
            assert!(since.elapsed() < LONGEST, "{answers}, {is_terminated}: it lives on");
            // A call of the system that it waits in is interrupted each time, which must not prolong the wait.
            let stopped = format!("kill -STOP {0}; kill -CONT {0}", process.id());
            Command::new("sh").args(["-c", &stopped]).stderr(Stdio::null()).status().unwrap();
            std::thread::sleep(Duration::from_millis(10));
        }
        let status = process.wait().unwrap();
        assert_eq!(status.success(), !is_terminated, "{answers}: {status}");
        if answers == "ok" {
            delivered.extend(collector.events_until_end());
            assert_eq!(names(&delivered), [("before the main thread ends", 1)].into());
        }
    }
}
