//! Hostile programs and systems: without threads, descriptors or memory, or with storms of signals.

use crate::support::programs::{Ended, Language, Sandbox, library, root};
use crate::support::{Collector, notice_shown, state_below};
use std::os::unix::fs::PermissionsExt;

/// The user that `limits` becomes if it runs as root.
const NOBODY: u32 = 65_534;

fn names(collector: Collector) -> Vec<String> {
    let events = collector.events_until_end();
    let mut names: Vec<_> = events.iter().map(|event| event["fields"]["event"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// Runs `limits` with each of these amounts of that resource, and then without a limit. The program itself checks that
/// every call returns and that the counters balance; with `all`, also that every event is delivered in the end. This
/// test checks that as many events arrived as the program counted.
fn lives_with(resource: &str, amounts: &[usize], promise: &str) {
    let sandbox = Sandbox::new();
    // The program may run as another user.
    std::fs::set_permissions(sandbox.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let program = sandbox.program("limits", Language::C);
    let live = |amount: &usize| {
        let home = sandbox.path().join(format!("{resource}-{amount}"));
        let state = state_below(&home);
        notice_shown(&state);
        for folder in state.ancestors().take_while(|folder| folder.starts_with(&home)) {
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777)).unwrap();
            if resource == "processes" {
                // The limit does not hold for root. If this is not root, the program runs as this user.
                let _ = std::os::unix::fs::chown(folder, Some(NOBODY), None);
            }
        }
        let collector = Collector::start(&[]);
        let run = sandbox.run(&program).endpoint(&collector.url).home(&home).variable("XDG_CONFIG_HOME", &home);
        let ended = run.argument(resource).argument(amount.to_string()).argument(promise).end();
        let what = format!("{resource} {amount}: {}\n{}{}", ended.status, ended.out, ended.err);
        if !ended.status.success() || !ended.err.is_empty() {
            return Some(what);
        }
        let arrived = names(collector);
        (arrived.len() != ended.delivered()).then(|| format!("{what}\n{arrived:?}"))
    };
    let live = &live;
    let faults: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = amounts.iter().map(|amount| scope.spawn(move || live(amount))).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn where_no_thread_can_be_had_events_wait_until_one_can() {
    lives_with("processes", &[0], "all");
}

#[test]
fn where_no_descriptor_can_be_had_every_call_answers_and_the_counters_balance() {
    lives_with("files", &[0, 3, 4, 5, 6], "answers");
}

#[test]
fn where_no_descriptor_can_be_had_events_wait_until_one_can() {
    lives_with("files", &[3, 4, 5, 6], "all");
}

const KIB: usize = 1024;

#[test]
fn where_memory_is_short_no_call_ends_the_process() {
    lives_with("memory", &[KIB * KIB, 2 * KIB * KIB, 16 * KIB * KIB], "all");
}

#[test]
fn where_there_is_no_memory_no_call_ends_the_process() {
    lives_with("memory", &[0, 64 * KIB, 128 * KIB, 256 * KIB, 512 * KIB], "answers");
}

fn outlives_the_closing(answers: &str, milliseconds: &[u32], files: u32) {
    let sandbox = Sandbox::new();
    let program = sandbox.program("closed_descriptors", Language::C);
    for wait in milliseconds {
        let collector = Collector::start(&["--answers", answers]);
        let home = sandbox.path().join(wait.to_string());
        std::fs::create_dir(&home).unwrap();
        let run = sandbox.run(&program).endpoint(&collector.url).home(&home);
        run.argument(wait.to_string()).argument(files.to_string()).succeed();
        let mut arrived = names(collector);
        arrived.dedup(); // a request that was cancelled may still have been read by the server
        assert_eq!(arrived, ["after", "before", "in between"], "{wait} ms");
    }
}

#[test]
fn a_host_that_closes_every_descriptor_loses_no_event() {
    outlives_the_closing("ok", &[0, 300], 0);
    outlives_the_closing("delay=100*", &[40, 60, 80, 120], 0);
}

#[test]
fn a_host_that_gets_our_numbers_between_events_keeps_its_files() {
    outlives_the_closing("ok", &[300, 301], 24);
}

#[test]
fn a_host_that_gets_our_numbers_right_after_a_flush_keeps_its_files() {
    for _ in 0..3 {
        outlives_the_closing("ok", &[0], 24);
    }
}

#[test]
fn a_host_that_gets_our_numbers_during_a_request_keeps_its_files() {
    outlives_the_closing("delay=100*", &[40, 60, 80, 120], 24);
}

#[test]
fn a_storm_of_signals_runs_on_the_hosts_threads_alone_and_loses_nothing() {
    let sandbox = Sandbox::new();
    for program in sandbox.programs("signals") {
        let collector = Collector::start(&[]);
        let ended = sandbox.run(program).endpoint(&collector.url).succeed();
        assert_eq!(names(collector), vec!["in a storm"; ended.delivered()]);
    }
}

#[test]
fn every_function_runs_on_a_stack_of_64_kib() {
    let sandbox = Sandbox::new();
    for program in sandbox.programs("small_stack") {
        let collector = Collector::start(&[]);
        sandbox.run(program).endpoint(&collector.url).succeed();
        assert_eq!(names(collector), ["in a small stack"; 2]);
    }
}

/// Checks that it succeeded and printed nothing.
fn expect_silence(what: &str, ended: &Ended) {
    let Ended { status, out, err, .. } = ended;
    assert!(status.success() && out.is_empty() && err.is_empty(), "{what}: {status}\n{out}{err}");
}

#[test]
fn a_program_that_is_linked_statically_reports_nothing_and_says_why() {
    let sandbox = Sandbox::new();
    let collector = Collector::start(&["--requests"]);
    let (include, archive) = (root("include"), library().join("libpact_telemetry.a"));
    for kind in ["-static", "-static-pie"] {
        let arguments = [kind.into(), format!("-I{}", include.display()), archive.display().to_string(), "-ldl".into()];
        let program = sandbox.program_with("unsupported", Language::C, &arguments);
        let ended = sandbox.run(program).endpoint(&collector.url).argument("static program").end();
        expect_silence(kind, &ended);
    }
    for kind in ["-static", "-static-pie"] {
        let program = sandbox.program_with("static_opens", Language::C, &[kind.into(), "-ldl".into()]);
        let shared = library().join("libpact_telemetry.so");
        let ended = sandbox.run(program).endpoint(&collector.url).argument(shared).end();
        if ended.status.code() == Some(77) {
            println!("skipped: a program linked with {kind} opens no library here: {}", ended.out);
            continue;
        }
        expect_silence(kind, &ended);
    }
    assert_eq!(collector.end().len(), 0);
    assert!(!state_below(sandbox.path()).join("spool").exists());
}

#[test]
fn a_set_user_id_program_reports_nothing_and_makes_no_file() {
    let sandbox = Sandbox::new();
    let program = sandbox.program("unsupported", Language::C);
    std::fs::set_permissions(sandbox.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o4755)).unwrap();
    let nobody = NOBODY.to_string();
    let mut command = std::process::Command::new("setpriv");
    command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]).arg(&program).arg("privileged process");
    command.env_clear().env("HOME", sandbox.path()).env("CI", "true").env("PATH", "/usr/bin:/bin");
    let output = command.env("PACT_TELEMETRY_ENDPOINT", "http://127.0.0.1:1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("setpriv") || said.contains("cannot open shared object file") {
        println!("skipped: takes root, and a library that another user can read: {said}");
        return;
    }
    assert!(output.status.success() && said.is_empty(), "{}: {said}", output.status);
    assert!(!state_below(sandbox.path()).join("spool").exists());
}
