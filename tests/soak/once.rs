//! Every event arrives, and only once, however slow the server is and however far away, over HTTP and HTTPS: short
//! processes run one after the other, then a few that live long enough to deliver what was left.

use super::exits::{MARGIN, milliseconds_to_end, sorted};
use super::leftovers::Leftovers;
use super::links::{self, Link};
use crate::support::programs::{Language, Sandbox};
use crate::support::values;
use crate::{Asked, Row, Seen, each};
use std::process::Stdio;
use std::time::Duration;

/// How long the server takes to answer, in milliseconds.
const ANSWERS_MS: [u64; 5] = [5, 50, 150, 400, 1_500];
/// The ways to it.
const LINKS: [Link; 5] = [link(false, 0), link(false, 30), link(false, 100), link(true, 30), link(true, 100)];
/// Each of them for a person's machine and for continuous integration.
const CELLS: u64 = (2 * ANSWERS_MS.len() * LINKS.len()) as u64;
/// The step from the cell of one seed to that of the next, so that they differ in everything.
const STRIDE: u64 = 17;
/// How many processes a cell has: usually, and if processes live for seconds and few cells are tried.
const RUNS: [u64; 2] = [20, 3];
/// One of this many events may arrive twice if processes exit before the answer arrives: the first request to a
/// destination that has never answered is sent again.
const ONE_TWICE_IN: u64 = 40;
/// How many processes that live long enough may come afterwards to deliver what was left.
const DELIVERERS_MAX: u64 = 4;
/// Longer than a request takes until the server has printed its events.
const ON_ITS_WAY: Duration = Duration::from_secs(10);
/// Events of a process.
const EVENTS: u64 = 2;
/// The longest that a process of the library waits at its exit, in milliseconds: on a person's machine and in CI.
const BUDGETS_MS: [u64; 2] = [100, 500];

const fn link(is_https: bool, round_trip_ms: u64) -> Link {
    Link { is_https, round_trip_ms }
}

pub fn rows() -> Vec<Row> {
    let row = |name, tries, run| Row { name, tries, run };
    vec![
        row("once: processes that live 20 ms after their last event", [6, CELLS], |asked| lives(asked, 20)),
        row("once: processes that live 200 ms after their last event", [6, CELLS], |asked| lives(asked, 200)),
        row("once: processes that live 2 s after their last event", [3, CELLS], |asked| lives(asked, 2_000)),
        row("once: processes that live 20 s after their last event", [0, CELLS], |asked| lives(asked, 20_000)),
    ]
}

/// The result of one cell.
struct Cell {
    name: String,
    arrived_twice: usize,
    waiting: usize,
    exits: Vec<f64>,
}

/// Runs the cells. If the kernel has `netem`, those with a round trip run in networks of their own.
fn lives(asked: &Asked, lives_ms: u64) -> Seen {
    let inside: Option<u64> = std::env::var(links::NETEM).ok().map(|text| text.parse().unwrap());
    if inside.is_some() || !links::has_netem() {
        return lives_behind(asked, lives_ms, &|link| inside.is_none_or(|inside| link.round_trip_ms == inside));
    }
    let part = |share: u64| Asked { tries: (asked.tries * share / LINKS.len() as u64).max(1), seed: asked.seed };
    let others = [30, 100].map(|round_trip_ms| {
        let mut command = links::in_netem(round_trip_ms);
        command.arg(std::env::current_exe().unwrap()).arg(format!("once: processes that live {}", name_of(lives_ms)));
        command.args(["--seed", &asked.seed.to_string(), "--tries", &part(2).tries.to_string()]);
        command.stdout(Stdio::piped()).spawn().unwrap()
    });
    let mut seen = lives_behind(&part(1), lives_ms, &|link| link.round_trip_ms == 0);
    for other in others {
        let output = other.wait_with_output().unwrap();
        let text = format!("\n{}", String::from_utf8_lossy(&output.stdout).trim_end()).replace('\n', "\n    ");
        seen.tries += part(2).tries;
        match output.status.success() {
            true => seen.note += &text,
            false => seen.failures.push(text),
        }
    }
    seen
}

fn name_of(lives_ms: u64) -> String {
    if lives_ms < 1_000 { format!("{lives_ms} ms") } else { format!("{} s", lives_ms / 1_000) }
}

fn lives_behind(asked: &Asked, lives_ms: u64, is_meant: &dyn Fn(&Link) -> bool) -> Seen {
    let sandbox = Sandbox::new();
    let program = sandbox.program("lives_on", Language::C);
    let links: Vec<_> = LINKS.into_iter().filter(is_meant).collect();
    let cells = 2 * ANSWERS_MS.len() * links.len();
    let runs = RUNS[usize::from(lives_ms >= 1_000 && asked.tries < cells as u64)];
    let attempt = |seed: u64| {
        let cell = (seed % cells as u64 * STRIDE) as usize % cells;
        let (answer_ms, link) = (ANSWERS_MS[cell % 5], links[cell / 5 % links.len()]);
        let is_ci = cell / 5 / links.len() == 1;
        let home = sandbox.path().join(seed.to_string());
        std::fs::create_dir(&home).unwrap();
        let far = link.collector(&home, &format!("delay={answer_ms}*"));
        let run = |first: u64, events: u64| {
            let run = far.reached_by(sandbox.run(&program).home(&home));
            let run = run.variable("CI", if is_ci { "true" } else { "" });
            run.argument(first.to_string()).argument(events.to_string())
        };
        let place = if is_ci { "CI" } else { "person" };
        let name = format!("{answer_ms:>5} ms, {}, {place}", link.name());
        let mut exits = Vec::new();
        for number in 0..runs {
            let command = run(number * EVENTS, EVENTS).argument(lives_ms.to_string()).command();
            exits.push(milliseconds_to_end(command, false).map_err(|why| format!("{name}: {why}"))?);
        }
        let left = Leftovers::in_home(&home);
        left.age_batches();
        let waiting = left.values().len();
        let mut events = runs * EVENTS;
        // Each sends one request at least, which holds 25 events.
        for _ in 0..DELIVERERS_MAX {
            let last = run(events, 1).argument("0").argument("5000").end();
            if !last.status.success() {
                return Err(format!("{name}: {}\n{}{}", last.status, last.out, last.err));
            }
            events += 1;
            if left.values().is_empty() {
                break;
            }
            left.age_batches();
        }
        let left = left.values();
        // The last request may still be on its way when its process has exited.
        let (mut came, mut different) = (Vec::new(), std::collections::BTreeSet::new());
        while (different.len() as u64) < events {
            let Some(event) = far.collector.event_within(ON_ITS_WAY) else { break };
            different.extend(values(std::slice::from_ref(&event)));
            came.push(event);
        }
        came.extend(far.collector.events_until_end());
        let mut arrived = values(&came);
        arrived.sort_unstable();
        let twice: Vec<_> = arrived.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        arrived.dedup();
        let (exits, arrived_twice) = (sorted(exits.into_iter()), twice.len());
        let worst = exits.last().copied().unwrap_or_default();
        let missing = (0..events as i64).filter(|number| !arrived.contains(number)).count();
        let is_once = arrived_twice == 0 || lives_ms <= answer_ms + link.request_ms(); // else judged over the row
        let is_good = missing == 0 && left.is_empty() && is_once;
        if !is_good || worst > BUDGETS_MS[usize::from(is_ci)] as f64 + MARGIN {
            return Err(format!(
                "{name}: {missing} missing, {twice:?} twice, {waiting} waited for the last processes, {left:?} \
                 wait after them; worst exit {worst:.0} ms"
            ));
        }
        std::fs::remove_dir_all(&home).unwrap();
        Ok(Cell { name, arrived_twice, waiting, exits })
    };
    let (mut cells, mut failures) = each(asked, cells, attempt);
    let (twice, events) =
        (cells.iter().map(|cell| cell.arrived_twice).sum::<usize>(), cells.len() as u64 * runs * EVENTS);
    if twice as u64 * ONE_TWICE_IN > events {
        failures.push(format!("{twice} of {events} arrived twice"));
    }
    cells.sort_by(|a, b| a.name.cmp(&b.name));
    let line = |cell: &Cell| {
        let (median, worst) = (cell.exits[cell.exits.len() / 2], cell.exits[cell.exits.len() - 1]);
        let Cell { name, arrived_twice, waiting, .. } = cell;
        format!(
            "\n    {name:<36} {arrived_twice} twice, {waiting:>2} left for the last, \
             exit: median {median:>6.1} ms, worst {worst:>6.1} ms"
        )
    };
    Seen { tries: asked.tries, failures, note: cells.iter().map(line).collect() }
}
