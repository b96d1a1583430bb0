//! The exit of a process takes no longer than promised, for every way to exit and whatever hangs.

use super::leftovers::Leftovers;
use super::tarpits::{self, Kind, Tarpit};
use crate::support::programs::{Language, Run, Sandbox};
use crate::support::{Collector, values};
use crate::{Asked, Chance, Row, Seen, each};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

/// The ways to exit that run an exit handler.
const HANDLED: [&str; 2] = ["return", "exit"];
/// The ways to exit that run no exit handler.
const SUDDEN: [&str; 7] = ["_exit", "quick_exit", "abort", "throw", "terminate", "kill", "stop"];
/// What a busy machine may add to what is promised, in milliseconds.
pub const MARGIN: f64 = 1_500.0;

pub fn rows() -> Vec<Row> {
    let budget = |name, run| Row { name, tries: [63, 315], run };
    vec![
        budget("the end takes 500 ms at most in CI", |asked| ends(asked, 500, Place::Ci)),
        budget("the end takes 100 ms at most on a person's machine", |asked| ends(asked, 100, Place::Person)),
        Row { name: "with no budget the end waits for nothing", tries: [14, 280], run: without_budget },
        Row {
            name: "a person's end waits for an answer, not for a connection",
            tries: [16, 160],
            run: without_an_answer,
        },
        Row { name: "a person's end lets a server nearby have its event", tries: [16, 400], run: nearby },
        Row { name: "after a failed connect the end does not wait", tries: [6, 100], run: after_a_failure },
        Row { name: "a thread that tracks on does not hold up the end", tries: [6, 100], run: paced },
    ]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Ci,
    Person,
    /// The configured limit for runs as in CI.
    Configured(u64),
    /// The configured limit for runs as on a person's machine.
    PersonConfigured(u64),
}

/// One end of one process.
struct End {
    tarpit: Kind,
    way: &'static str,
    milliseconds: f64,
    without: f64,
}

/// Every tarpit with every way to end, as often as there are tries.
fn ends(asked: &Asked, budget_ms: u64, place: Place) -> Seen {
    let ways: Vec<_> = HANDLED.into_iter().chain(SUDDEN).collect();
    let pick = |seed: u64| (tarpits::ALL[(seed % 7) as usize], ways[(seed / 7) as usize % ways.len()]);
    tried(asked, &pick, budget_ms, place)
}

fn without_budget(asked: &Asked) -> Seen {
    tried(asked, &|seed| (tarpits::ALL[(seed % 7) as usize], HANDLED[(seed / 7 % 2) as usize]), 0, Place::Configured(0))
}

/// For a name, a connection, a handshake or a proxy the exit waits 20 ms at most, whatever was configured.
fn without_an_answer(asked: &Asked) -> Seen {
    const NOTHING_WRITTEN: [Kind; 4] = [Kind::Name, Kind::Connect, Kind::Handshake, Kind::Proxy];
    let pick = |seed: u64| (NOTHING_WRITTEN[(seed % 4) as usize], HANDLED[(seed / 4 % 2) as usize]);
    tried(asked, &pick, 0, Place::PersonConfigured(10_000))
}

/// The event of a process that returns from main right after it arrives at the server, or is on disk if the machine was
/// too busy.
fn nearby(asked: &Asked) -> Seen {
    let sandbox = Sandbox::new();
    let program = sandbox.program("exits_at_once", Language::C);
    let attempt = |seed: u64| {
        let (home, collector) = (sandbox.path().join(seed.to_string()), Collector::start(&[]));
        std::fs::create_dir(&home).unwrap();
        let ended = sandbox.run(&program).home(&home).endpoint(&collector.url).variable("CI", "").end();
        let (arrived, on_disk) = (collector.events_until_end().len(), Leftovers::in_home(&home).values().len());
        match ended.status.success() && ended.err.is_empty() && arrived.max(on_disk) == 1 {
            true => Ok(arrived),
            false => Err(format!("{}, {arrived} arrived, {on_disk} on disk\n{}", ended.status, ended.err)),
        }
    };
    let (arrived, mut failures) = each(asked, 2, attempt);
    let arrived: usize = arrived.iter().sum();
    if (arrived as u64) < asked.tries * 3 / 4 {
        failures.push(format!("only {arrived} arrived in that run"));
    }
    Seen { tries: asked.tries, failures, note: format!("{arrived} arrived in that run") }
}

/// Events that were accepted before the exit are answered, and the exit does not wait for later ones.
fn paced(asked: &Asked) -> Seen {
    let sandbox = Sandbox::new();
    let program = sandbox.program("exits", Language::Cpp);
    let attempt = |seed: u64| {
        let (home, collector) = (sandbox.path().join(seed.to_string()), Collector::start(&[]));
        std::fs::create_dir(&home).unwrap();
        let run = sandbox.run(&program).home(&home).endpoint(&collector.url);
        // If it waited for a moment without tracking, it would wait for most of 10 s.
        let milliseconds = end(run, HANDLED[(seed % 2) as usize], "paced", Place::Configured(10_000))?;
        let arrived = values(&collector.events_until_end());
        let missing = (1_000..1_020).filter(|number| !arrived.contains(number)).count();
        let what = format!("{missing} of 20 events from before the end are missing, after {milliseconds:.0} ms");
        (missing == 0 && milliseconds < 5_000.0).then_some(milliseconds).ok_or(what)
    };
    let (ends, failures) = each(asked, 2, attempt);
    let ends = sorted(ends.into_iter());
    let note = ends
        .get(ends.len() / 2)
        .zip(ends.last())
        .map(|(median, worst)| format!("median {median:.1} ms, worst {worst:.1} ms"));
    Seen { tries: asked.tries, failures, note: note.unwrap_or_default() }
}

fn after_a_failure(asked: &Asked) -> Seen {
    // If it waited, it would wait for all of 10 s.
    tried(asked, &|seed| (Kind::Refused, HANDLED[(seed % 2) as usize]), 0, Place::Configured(10_000))
}

fn tried(asked: &Asked, pick: &(impl Fn(u64) -> (Kind, &'static str) + Sync), budget_ms: u64, place: Place) -> Seen {
    let sandbox = Sandbox::new();
    let program = sandbox.program("exits", Language::Cpp);
    let attempt = |seed: u64| {
        let (kind, way) = pick(seed);
        let Some(tarpit) = Tarpit::open(kind) else { return Ok(None) };
        let home = sandbox.path().join(seed.to_string());
        let who = if Chance(seed).below(3) == 0 { "busy" } else { "with" };
        let run = || tarpit.run(&sandbox, &home, &program);
        let milliseconds = end(run(), way, who, place)?;
        if who == "busy" && kind == Kind::Refused && place == Place::Configured(10_000) {
            let on_disk = Leftovers::in_home(&home).values();
            let missing = (1_000..1_020).filter(|number| !on_disk.contains(number)).count();
            if missing > 0 {
                return Err(format!("{way}: {missing} of 20 events from before the end are not on disk"));
            }
        }
        let without = end(run(), way, "without", place)?;
        std::fs::remove_dir_all(&home).unwrap();
        let allowed = MARGIN + if HANDLED.contains(&way) { budget_ms as f64 } else { 0.0 };
        if milliseconds > allowed {
            return Err(format!("{kind:?}, {way}, {who}: {milliseconds:.0} ms, {without:.0} ms without the library"));
        }
        Ok(Some(End { tarpit: kind, way, milliseconds, without }))
    };
    let (ends, failures) = each(asked, 2, attempt);
    let ends: Vec<_> = ends.into_iter().flatten().collect();
    Seen { tries: asked.tries, failures, note: table(&ends) }
}

/// How long one process took to end, in milliseconds.
fn end(mut run: Run, way: &str, who: &str, place: Place) -> Result<f64, String> {
    match place {
        Place::Ci => {}
        Place::Person => run = run.variable("CI", ""),
        Place::Configured(milliseconds) => run = run.variable("EXIT_TIMEOUT_MS", milliseconds.to_string()),
        Place::PersonConfigured(milliseconds) => {
            run = run.variable("EXIT_TIMEOUT_MS", milliseconds.to_string()).variable("CI", "");
        }
    }
    let mut command = run.argument(way).argument(who).command();
    if way == "stop" {
        // A container: a process namespace whose first process is killed.
        let mut inside = Command::new("unshare");
        inside.args(["--pid", "--fork", "--kill-child"]).arg(command.get_program()).args(command.get_args());
        inside.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command = inside;
    }
    milliseconds_to_end(command, way == "stop").map_err(|line| format!("{way}: {line}"))
}

/// How long a process takes to end: after the moment that it prints or, if it `is_killed`, after the kill.
pub fn milliseconds_to_end(mut command: Command, is_killed: bool) -> Result<f64, String> {
    let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(process.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let killed_at = now_ns();
    if is_killed {
        process.kill().unwrap();
    }
    let _ = out.read_to_end(&mut Vec::new()); // the last process that has it ended
    process.wait().unwrap();
    let ended_at = now_ns();
    let said: f64 = line.trim().parse().map_err(|_| line)?;
    Ok((ended_at - if is_killed { killed_at } else { said }) / 1e6)
}

/// The monotonic clock, which the program reads too.
#[allow(unsafe_code)]
fn now_ns() -> f64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as f64 * 1e9 + now.tv_nsec as f64
}

/// Median and worst with the library, and the median without, by tarpit and way to end.
fn table(ends: &[End]) -> String {
    let mut by = BTreeMap::<(String, &str), Vec<&End>>::new();
    for end in ends {
        by.entry((format!("{:?}", end.tarpit), end.way)).or_default().push(end);
    }
    let line = |((tarpit, way), ends): (&(String, &str), &Vec<&End>)| {
        let with = sorted(ends.iter().map(|end| end.milliseconds));
        let without = sorted(ends.iter().map(|end| end.without));
        let (median, worst, without) = (with[with.len() / 2], with[with.len() - 1], without[without.len() / 2]);
        format!(
            "\n    {tarpit:<10} {way:<10} median {median:>6.1} ms, worst {worst:>6.1} ms, without {without:>5.1} ms"
        )
    };
    by.iter().map(line).collect()
}

pub fn sorted(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers
}
