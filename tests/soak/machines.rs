//! Unusual machines: a clock that jumps, a kernel that forbids sockets, and a trace that counts system calls.

use crate::support::Collector;
use crate::support::programs::{Language, Sandbox, root, run_tool};
use crate::{Asked, Row, Seen, each};
use serde_json::Value;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

pub fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "a clock set back and forth within hours loses nothing",
            tries: [4, 100],
            run: |asked| clock(asked, false),
        },
        Row {
            name: "a clock set back and forth by months: delivered or expired",
            tries: [4, 100],
            run: |asked| clock(asked, true),
        },
        Row { name: "opted out under a kernel that kills at the first socket", tries: [3, 30], run: sealed },
        Row { name: "events cost no system call", tries: [1, 5], run: system_calls },
    ]
}

fn clock(asked: &Asked, is_wild: bool) -> Seen {
    let sandbox = Sandbox::new();
    let (program, preload) = (sandbox.program("tracks_on", Language::C), sandbox.path().join("clock.so"));
    let mut command = Command::new("cc");
    command.args(["-std=gnu99", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-fPIC", "-shared", "-o"]);
    run_tool(command.arg(&preload).arg(root("tests/c/clock.c")).arg("-ldl"));
    let attempt = |seed: u64| {
        let collector = Collector::start(&[]);
        let home = sandbox.path().join(seed.to_string());
        std::fs::create_dir(&home).unwrap();
        let run = sandbox.run(&program).home(&home).endpoint(&collector.url).variable("LD_PRELOAD", &preload);
        let run = match is_wild {
            true => run.variable("CLOCK_WILD", "1").variable("CLOCK_SECONDS", "8640000"),
            false => run.variable("CLOCK_SECONDS", "7200"),
        };
        let ended = run.argument("0").argument("300").argument("500").end();
        let last = ended.out.lines().last().unwrap_or_default();
        if !ended.status.success() || !ended.err.is_empty() {
            return Err(format!("{}\n{last}{}", ended.status, ended.err));
        }
        let stats: Value = serde_json::from_str(last).unwrap();
        let [delivered, expired] =
            ["/delivered", "/dropped/expired"].map(|at| stats.pointer(at).unwrap().as_u64().unwrap());
        let events = collector.events_until_end();
        if events.len() as u64 != delivered || delivered + expired != 300 || (!is_wild && expired > 0) {
            return Err(format!("{} arrived: {stats}", events.len()));
        }
        let faulty = events.iter().find(|event| !is_wild && event["problems"] != serde_json::json!([]));
        faulty.map_or(Ok(expired), |event| Err(event.to_string()))
    };
    let (expired, failures) = each(asked, 4, attempt);
    let expired: u64 = expired.iter().sum();
    Seen { tries: asked.tries, failures, note: format!("{expired} expired") }
}

fn sealed(asked: &Asked) -> Seen {
    let (sandbox, collector) = (Sandbox::new(), Collector::start(&[]));
    let program = sandbox.program("sealed", Language::C);
    let run = |opt_out: &str| sandbox.run(&program).endpoint(&collector.url).variable("DO_NOT_TRACK", opt_out).end();
    let not_opted_out = run("0");
    let mut seen = Seen { tries: asked.tries, ..Seen::default() };
    if not_opted_out.status.signal() != Some(libc::SIGSYS) {
        seen.failures.push(format!("it shows nothing: not opted out it ends with {}", not_opted_out.status));
    }
    for _ in 0..asked.tries {
        let ended = run("1");
        if !ended.status.success() {
            seen.failures.push(format!("{}\n{}{}", ended.status, ended.out, ended.err));
        }
    }
    seen
}

/// Of a thousand events only a few make a system call: those that find the worker asleep, or no free memory.
fn system_calls(asked: &Asked) -> Seen {
    const EVENTS: usize = 1_000;
    let mut seen = Seen { tries: asked.tries, ..Seen::default() };
    if !Command::new("strace").args(["-o", "/dev/null", "true"]).output().is_ok_and(|output| output.status.success()) {
        println!("NOT RUN: strace cannot trace here, so system calls were not counted");
        return seen;
    }
    let (sandbox, collector) = (Sandbox::new(), Collector::start(&[]));
    let (program, log) = (sandbox.program("many_events", Language::C), sandbox.path().join("log"));
    let mut most = 0;
    for _ in 0..asked.tries {
        let run = sandbox.run("strace").argument("-f").argument("-qq").argument("-o").argument(&log).argument(&program);
        let ended = run.endpoint(&collector.url).argument(EVENTS.to_string()).end();
        let text = std::fs::read_to_string(&log).unwrap();
        let begin =
            text.lines().position(|line| line.contains("write(1, \"begin")).unwrap_or_else(|| panic!("{}", ended.out));
        let end = text.lines().position(|line| line.contains("write(1, \"end")).unwrap();
        let host = text.lines().nth(begin).unwrap().split(' ').next().unwrap();
        let calls: Vec<_> = text.lines().take(end).skip(begin + 1).filter(|line| line.starts_with(host)).collect();
        most = most.max(calls.len());
        if calls.len() > EVENTS / 20 {
            seen.failures.push(format!("{} system calls of {EVENTS} events: {:?}", calls.len(), &calls[..10]));
        }
    }
    seen.note = format!("{most} system calls of {EVENTS} events at most");
    seen
}
