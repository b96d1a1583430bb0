//! kill -9 at any instant: what was on disk arrives with the next process, and only what the worker had not yet taken
//! is lost.

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
    vec![Row { name: "kill -9 at a random instant loses only what was not yet taken", tries: [24, 2_000], run: kill }]
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

/// How many were lost, and how many sent again.
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
