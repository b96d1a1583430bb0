//! System calls of the library fail at random: the counters balance, and accepted events arrive once.

use super::leftovers::Leftovers;
use super::tarpits::{Kind, Tarpit};
use crate::support::programs::{Language, Sandbox, root, run_tool};
use crate::support::{Collector, values};
use crate::{Asked, Chance, Row, Seen, each};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

/// Events of one try, numbered from a thousand times its number.
const EVENTS: i64 = 200;

/// Calls that may fail without an event being sent twice or lost on disk.
const HARMLESS: [&str; 7] = ["connect", "socket", "send", "flock", "pthread_create", "mmap", "malloc"];
/// Calls whose failure loses the events that are only in memory when the process exits.
const OF_THE_DISK: [&str; 4] = ["write", "open", "rename", "fsync"];
/// Calls whose failure may send an event again: an answer is lost, or a file cannot be removed.
const OF_THE_ANSWER: [&str; 2] = ["recv", "unlink"];

pub fn rows() -> Vec<Row> {
    let row = |name, run| Row { name, tries: [16, 400], run };
    vec![
        row("calls fail at random: what was accepted arrives once", |asked| with(asked, &HARMLESS)),
        row("the disk fails at random: what is on it arrives once", |asked| {
            with(asked, &["write", "open", "rename", "fsync", "connect"])
        }),
        row("answers are lost at random: what was accepted arrives", |asked| with(asked, &OF_THE_ANSWER)),
        Row { name: "a disk that is slow gets one batch and no more", tries: [4, 40], run: slow },
    ]
}

/// What comes after the first batch waits in memory only, and the host program is not held up: events are accepted all
/// the time.
fn slow(asked: &Asked) -> Seen {
    let sandbox = Sandbox::new();
    let (program, preload) = (sandbox.program("tracks_on", Language::C), preload(&sandbox));
    let attempt = |seed: u64| {
        let (home, tarpit) = (sandbox.path().join(seed.to_string()), Tarpit::open(Kind::Refused).unwrap());
        std::fs::create_dir(&home).unwrap();
        let run =
            tarpit.run(&sandbox, &home, &program).variable("LD_PRELOAD", &preload).variable("FAULTS", "slow=1000");
        // Three times as long as the first batch takes.
        let ended = run.argument("0").argument(EVENTS.to_string()).argument("9000").end();
        let stats: Value = serde_json::from_str(last_line(&ended.out)).map_err(|_| ended.out + &ended.err)?;
        let count = |name: &str| stats[name].as_u64().unwrap();
        let on_disk = Leftovers::in_home(&home).values().len() as u64;
        // The first batch contains what came within 50 ms, and nothing of the time in which it was written. The rest is
        // in memory to the end, and nothing was dropped before.
        let in_memory = count("queued") + unstored(&stats);
        let all_wait = count("accepted") == EVENTS as u64 && in_memory + count("spooled") == EVENTS as u64;
        let is_one_batch = (1..60).contains(&on_disk) && on_disk == count("spooled");
        (all_wait && is_one_batch).then_some(()).ok_or(format!("{on_disk} on disk: {stats}"))
    };
    let (_, failures) = each(asked, 4, attempt);
    Seen { tries: asked.tries, failures, note: String::new() }
}

/// The library that is loaded before a program and makes its calls fail.
fn preload(sandbox: &Sandbox) -> PathBuf {
    let built = sandbox.path().join("faults.so");
    let mut command = Command::new("cc");
    command.args(["-std=gnu99", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-fPIC", "-shared", "-o"]);
    run_tool(command.arg(&built).arg(root("tests/c/faults.c")).arg("-ldl"));
    built
}

/// The result of one try.
struct Try {
    seed: u64,
    first: i64,
    faults: String,
    stats: Value,
    on_disk: Vec<i64>,
    accepted: Vec<i64>,
    /// How often fsync was called.
    synced: u64,
}

fn with(asked: &Asked, kinds: &[&str]) -> Seen {
    let sandbox = Sandbox::new();
    let (program, deliver_leftovers) =
        (sandbox.program("tracks_on", Language::C), sandbox.program("deliver_leftovers", Language::C));
    let (preload, collector) = (preload(&sandbox), Collector::start(&[]));
    let url = collector.url.clone();
    let attempt = |seed: u64| {
        let (home, first) = (sandbox.path().join(seed.to_string()), (seed - asked.seed) as i64 * 1_000);
        std::fs::create_dir(&home).unwrap();
        let faults = faults_of(kinds, seed);
        let run = sandbox.run(&program).home(&home).endpoint(&url);
        let run =
            run.variable("LD_PRELOAD", &preload).variable("FAULTS", &faults).variable("FAULT_SEED", seed.to_string());
        let run = run.argument(first.to_string()).argument(EVENTS.to_string()).argument("100");
        let ended = run.end();
        // In CI: if the record of the notice cannot be opened, the notice is shown again.
        let is_silent = ended.err.is_empty() || (kinds.contains(&"open") && ended.err.starts_with("Pact collects"));
        if !ended.status.success() || !is_silent {
            return Err(format!("{faults}: {}\n{}{}", ended.status, last_line(&ended.out), ended.err));
        }
        let stats = serde_json::from_str(last_line(&ended.out)).map_err(|error| format!("{faults}: {error}"))?;
        let synced = ended.out.lines().find_map(|line| line.strip_prefix("fsync ")?.parse().ok());
        let synced = synced.ok_or("nobody counted fsync")?;
        let accepted = ended.out.lines().filter_map(|line| line.parse().ok()).collect();
        let on_disk = Leftovers::in_home(&home).values();
        // A file that cannot be opened at the moment is not a foreign file.
        let its_faults = if kinds.contains(&"open") { "open=200" } else { "" };
        let last = sandbox.run(&deliver_leftovers).home(&home).endpoint(&url).variable("FAULTS", its_faults);
        Leftovers::in_home(&home).deliver(last.variable("LD_PRELOAD", &preload))?;
        Ok(Try { seed, first, faults, stats, on_disk, accepted, synced })
    };
    let (tries, mut failures) = each(asked, 4, attempt);
    let mut sums = Sums::default();
    let mut arrived = BTreeMap::<i64, usize>::new();
    let events: Vec<_> = collector.events_until_end();
    let numbered: Vec<_> = events.into_iter().filter(|event| event["fields"]["event"] == "numbered").collect();
    values(&numbered).into_iter().for_each(|value| *arrived.entry(value).or_default() += 1);
    for one in &tries {
        if let Err(why) = check(one, &arrived, kinds, &mut sums) {
            failures.push(format!("seed {}: {}: {why}\n{}", one.seed, one.faults, one.stats));
        }
    }
    Seen { tries: asked.tries, failures, note: sums.to_string() }
}

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or_default()
}

/// Each kind fails never, sometimes, or always, by the seed.
fn faults_of(kinds: &[&str], seed: u64) -> String {
    let mut chance = Chance(seed);
    let of = |kind: &&str| format!("{kind}={}", [0, 20, 200, 1_000][chance.below(4) as usize]);
    kinds.iter().map(of).collect::<Vec<_>>().join(",")
}

#[derive(Default)]
struct Sums {
    accepted: usize,
    kept: u64,
    in_memory: u64,
    twice: usize,
    synced: u64,
}

impl std::fmt::Display for Sums {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Sums { accepted, kept, in_memory, twice, synced } = self;
        let fates = format!("{kept} kept, {in_memory} in memory alone at the end, {twice} sent again");
        write!(f, "{accepted} accepted, {fates}, {synced} times fsync")
    }
}

/// What no disk took counts as lost when the process exits, which may be before it writes its counters.
fn unstored(stats: &Value) -> u64 {
    stats["dropped"]["not_persisted"].as_u64().unwrap()
}

fn check(one: &Try, arrived: &BTreeMap<i64, usize>, kinds: &[&str], sums: &mut Sums) -> Result<(), String> {
    let count = |name: &str| one.stats[name].as_u64().unwrap();
    let dropped: u64 = one.stats["dropped"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    let own: BTreeMap<_, _> = arrived.range(one.first..one.first + 1_000).collect();
    let unstored = unstored(&one.stats);
    let has_disk = !kinds.iter().any(|kind| OF_THE_DISK.contains(kind));
    let (waits, on_disk) = (count("queued") + count("spooled"), one.on_disk.len() as u64);
    let twice: usize = own.values().map(|times| **times - 1).sum();
    let is_exact = !kinds.iter().any(|kind| OF_THE_ANSWER.contains(kind));
    let expect = |what: &str, is_so: bool| is_so.then_some(()).ok_or_else(|| what.to_owned());
    expect("accepted is what track said it took", one.accepted.len() as u64 == count("accepted"))?;
    expect("nothing is dropped but what no disk took", dropped == unstored && (unstored == 0 || !has_disk))?;
    expect("fsync, which may take seconds, is never called", one.synced == 0)?;
    expect("what arrived was accepted", own.keys().all(|value| one.accepted.contains(value)))?;
    expect("what is on disk arrives", one.on_disk.iter().all(|value| own.contains_key(value)))?;
    if is_exact {
        let what = format!("{} arrived, {} delivered and {on_disk} on disk", own.len(), count("delivered"));
        expect(&what, own.len() as u64 == count("delivered") + on_disk)?;
        expect(&format!("{twice} arrived twice"), twice == 0)?;
    }
    if has_disk {
        let missing = one.accepted.iter().filter(|value| !own.contains_key(value)).count();
        expect(&format!("{missing} accepted events did not arrive"), missing == 0)?;
    }
    sums.accepted += one.accepted.len();
    sums.kept += waits;
    sums.in_memory += waits.saturating_sub(on_disk) + unstored;
    sums.twice += twice;
    sums.synced += one.synced;
    Ok(())
}
