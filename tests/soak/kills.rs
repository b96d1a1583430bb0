//! kill -9 at any moment: what was on disk arrives from the next process, and only events that the worker had not yet
//! taken are lost.

use super::exits::sorted;
use super::leftovers::Leftovers;
use crate::support::programs::{Language, Sandbox};
use crate::support::{Collector, values};
use crate::{Asked, Chance, Row, Seen, each};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::time::Duration;

/// Numbers of one try, more than it can track in its time.
const NUMBERS: i64 = 1_000_000;
/// As many events as one request holds: what may be sent again after a kill between an answer and the removal of its
/// file.
const REQUEST: usize = 25;

pub fn rows() -> Vec<Row> {
    vec![
        Row { name: "kill -9 at a random instant loses only what was not yet taken", tries: [24, 2_000], run: kill },
        Row { name: "kill -9 10 ms after a lone first event loses nothing", tries: [30, 200], run: soon },
    ]
}

/// When a process that tracked one event is killed, in milliseconds.
const SOON_MS: u64 = 10;
/// The promised median time from `track` to the disk, and the time that is allowed on a busy machine, in milliseconds.
const TO_DISK_MS: [f64; 2] = [5.0, 25.0];
/// If a thread of the program itself needs this long to write a file, the machine is too busy for a measurement. The
/// same is true if a thread still waits for a processor when the program is killed.
const BUSY_MS: f64 = 2.0;

/// The event is on disk when the process is killed, unless the machine was too busy. Measures the time to the disk.
fn soon(asked: &Asked) -> Seen {
    let sandbox = Sandbox::new();
    let program = sandbox.program("killed_soon", Language::C);
    let attempt = |seed: u64| {
        let (home, beside) = (sandbox.path().join(seed.to_string()), sandbox.path().join(format!("{seed}.beside")));
        let spool = home.join(".local/state/pact-telemetry/spool");
        let run = |milliseconds: u64| {
            let _ = std::fs::remove_dir_all(&home);
            let _ = std::fs::remove_file(&beside);
            std::fs::create_dir(&home).unwrap();
            let run = sandbox.run(&program).home(&home).endpoint("http://127.0.0.1:9");
            run.argument(seed.to_string()).argument(&beside).argument(&spool).argument(milliseconds.to_string()).end()
        };
        let milliseconds = |text: &str| text.trim().parse::<f64>().map(|number| number / 1e6);
        let killed = run(SOON_MS);
        let could_run: u32 = killed.out.trim().parse().map_err(|_| format!("{}{}", killed.out, killed.err))?;
        let is_on_disk = Leftovers::in_home(&home).values() == [seed as i64];
        let floor = std::fs::read_to_string(&beside).ok().and_then(|text| milliseconds(&text).ok());
        let is_busy = could_run > 0 || floor.is_none_or(|floor| floor > BUSY_MS);
        if !is_on_disk && !is_busy {
            return Err(format!("lost; the program's own thread wrote after {floor:?} ms"));
        }
        let measured = run(0);
        let to_disk = milliseconds(&measured.out).map_err(|_| format!("{}{}", measured.out, measured.err))?;
        std::fs::remove_dir_all(&home).unwrap();
        Ok((is_on_disk, to_disk, floor.unwrap_or(f64::INFINITY)))
    };
    let (tries, mut failures) = each(asked, 1, attempt);
    let median = |of: fn(&(bool, f64, f64)) -> f64| sorted(tries.iter().map(of)).get(tries.len() / 2).copied();
    let (to_disk, floor) = (median(|one| one.1).unwrap_or_default(), median(|one| one.2).unwrap_or_default());
    let busy = tries.iter().filter(|one| !one.0).count();
    let note = format!(
        "{busy} where the machine was too busy to tell; from track to disk: median {to_disk:.2} ms ({} ms promised), \
         a thread and a file of the program's own: {floor:.2} ms",
        TO_DISK_MS[0]
    );
    if to_disk > TO_DISK_MS[1] {
        failures.push(note.clone());
    }
    Seen { tries: asked.tries, failures, note }
}

struct Try {
    seed: u64,
    first: i64,
    accepted: Vec<i64>,
    on_disk: Vec<i64>,
}

fn kill(asked: &Asked) -> Seen {
    let sandbox = Sandbox::new();
    let (program, deliver_leftovers) =
        (sandbox.program("tracks_on", Language::C), sandbox.program("deliver_leftovers", Language::C));
    let collectors = ["ok", "delay=30*"].map(|answers| Collector::start(&["--answers", answers]));
    let urls = [0, 1].map(|at: usize| collectors[at].url.clone());
    let attempt = |seed: u64| {
        let mut chance = Chance(seed);
        let (home, first) = (sandbox.path().join(seed.to_string()), (seed - asked.seed) as i64 * NUMBERS);
        std::fs::create_dir(&home).unwrap();
        let url = &urls[chance.below(2) as usize];
        let run = sandbox.run(&program).home(&home).endpoint(url);
        let mut command = run.argument(first.to_string()).argument("0").argument("100").command();
        let mut process = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(chance.below(250_000)));
        process.kill().unwrap();
        process.wait().unwrap();
        let mut out = String::new();
        process.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        let accepted = out.lines().map(|line| line.parse().map_err(|_| line.to_owned())).collect::<Result<_, _>>()?;
        let on_disk = Leftovers::in_home(&home).values();
        Leftovers::in_home(&home).deliver(sandbox.run(&deliver_leftovers).home(&home).endpoint(url))?;
        std::fs::remove_dir_all(&home).unwrap();
        Ok(Try { seed, first, accepted, on_disk })
    };
    let (tries, mut failures) = each(asked, 4, attempt);
    let mut arrived = BTreeMap::<i64, usize>::new();
    let events = collectors.into_iter().flat_map(Collector::events_until_end);
    let numbered: Vec<_> = events.filter(|event| event["fields"]["event"] == "numbered").collect();
    values(&numbered).into_iter().for_each(|value| *arrived.entry(value).or_default() += 1);
    let (mut accepted, mut lost, mut most, mut again) = (0, 0, 0, 0);
    for one in &tries {
        match check(one, &arrived) {
            Ok((lost_here, again_here)) => {
                accepted += one.accepted.len();
                lost += lost_here;
                most = most.max(lost_here);
                again += again_here;
            }
            Err(why) => failures.push(format!("seed {}: {why}", one.seed)),
        }
    }
    let note = format!("{accepted} accepted, {lost} not yet taken (at most {most} in a try), {again} sent again");
    Seen { tries: asked.tries, failures, note }
}

/// Returns how many events were lost, and how many were sent again.
fn check(one: &Try, arrived: &BTreeMap<i64, usize>) -> Result<(usize, usize), String> {
    let own: BTreeMap<_, _> = arrived.range(one.first..one.first + NUMBERS).collect();
    let accepted: BTreeSet<_> = one.accepted.iter().collect();
    let expect = |what: String, is_so: bool| is_so.then_some(()).ok_or(what);
    // The last one may have been taken and the kill have come before its number was printed.
    let more = own.keys().filter(|value| !accepted.contains(**value)).count();
    expect(format!("{more} arrived that were not accepted"), more <= 1)?;
    let missing = one.on_disk.iter().filter(|value| !own.contains_key(value)).count();
    expect(format!("{missing} were on disk and did not arrive"), missing == 0)?;
    let lost: Vec<_> = one.accepted.iter().filter(|value| !own.contains_key(value)).collect();
    let last = own.keys().next_back().copied();
    let early = lost.iter().filter(|value| Some(**value) < last).count();
    expect(format!("{early} were lost though later ones arrived"), early == 0)?;
    let again = own.values().map(|times| **times - 1).sum();
    expect(format!("{again} were sent again, more than a request holds"), again <= REQUEST)?;
    Ok((lost.len(), again))
}
