//! Every event arrives, and once, however slow the server is: short processes one after the other, then a few
//! that have the time to deliver what was left.

use super::exits::{MARGIN, milliseconds_to_end, sorted};
use super::leftovers::Leftovers;
use crate::support::programs::{Language, Sandbox};
use crate::support::{Collector, values};
use crate::{Asked, Row, Seen, each};

/// How long the server takes to answer, in milliseconds.
const ANSWERS_MS: [u64; 5] = [5, 50, 150, 400, 1_500];
/// Each of them for a person's machine and for continuous integration.
const CELLS: u64 = 2 * ANSWERS_MS.len() as u64;
/// Processes of a cell in the long form, and where there are fewer cells than all.
const RUNS: [u64; 2] = [20, 5];
/// Of so many events, one may arrive twice where processes do not live as long as the answer takes: the first request
/// to a destination that has never answered is sent again.
const ONE_TWICE_IN: u64 = 40;
/// How many processes with time may come afterwards to deliver what was left.
const DELIVERERS_MAX: u64 = 4;
/// Events of a process.
const EVENTS: u64 = 2;
/// The longest that a process of the library waits at its exit, in milliseconds: on a person's machine and in CI.
const BUDGETS_MS: [u64; 2] = [100, 500];

pub fn rows() -> Vec<Row> {
    let row = |name, tries, run| Row { name, tries, run };
    vec![
        row("once: processes that live 20 ms after their last event", [CELLS, CELLS], |asked| lives(asked, 20)),
        row("once: processes that live 200 ms after their last event", [CELLS, CELLS], |asked| lives(asked, 200)),
        row("once: processes that live 2 s after their last event", [4, CELLS], |asked| lives(asked, 2_000)),
        row("once: processes that live 20 s after their last event", [0, CELLS], |asked| lives(asked, 20_000)),
    ]
}

/// What came of one cell.
struct Cell {
    name: String,
    arrived_twice: usize,
    waiting: usize,
    exits: Vec<f64>,
}

fn lives(asked: &Asked, lives_ms: u64) -> Seen {
    let sandbox = Sandbox::new();
    let program = sandbox.program("lives_on", Language::C);
    let runs = RUNS[usize::from(asked.tries < CELLS)];
    let attempt = |seed: u64| {
        let (answer_ms, is_ci) = (ANSWERS_MS[(seed % 5) as usize], seed / 5 % 2 == 1);
        let collector = Collector::start(&["--answers", &format!("delay={answer_ms}*")]);
        let home = sandbox.path().join(seed.to_string());
        std::fs::create_dir(&home).unwrap();
        let run = |first: u64, events: u64| {
            let run = sandbox.run(&program).home(&home).endpoint(&collector.url);
            let run = run.variable("CI", if is_ci { "true" } else { "" });
            run.argument(first.to_string()).argument(events.to_string())
        };
        let name = format!("{answer_ms} ms, {}", if is_ci { "CI" } else { "person" });
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
        let mut arrived = values(&collector.events_until_end());
        arrived.sort_unstable();
        let twice: Vec<_> = arrived.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
        arrived.dedup();
        let (exits, arrived_twice) = (sorted(exits.into_iter()), twice.len());
        let worst = exits.last().copied().unwrap_or_default();
        let missing = (0..events as i64).filter(|number| !arrived.contains(number)).count();
        let is_once = arrived_twice == 0 || lives_ms <= answer_ms; // else judged over the row
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
    let (mut cells, mut failures) = each(asked, CELLS as usize, attempt);
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
            "\n    {name:<16} {arrived_twice} twice, {waiting:>2} left for the last, \
             exit: median {median:>6.1} ms, worst {worst:>6.1} ms"
        )
    };
    Seen { tries: asked.tries, failures, note: cells.iter().map(line).collect() }
}
