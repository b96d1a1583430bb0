//! What arrives, and at what cost: a steady flood, an idle process, many short processes, and the lowest possible cost
//! of a request.

use crate::child::{Place, Printed, gather, subjects};
use crate::figure::{Figure, Unit};
use crate::table::{Goal, Row, Table};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

pub fn measure(place: &Place, table: &mut Table) {
    quiet(place, table);
    many(place, table);
    let printed = [place.play("post", "nobody", "")];
    for (key, what) in
        [("kept", "one POST to loopback, connection kept"), ("new", "one POST to loopback, new connection")]
    {
        let mut row = Row::new(what, Unit::Seconds, vec![]);
        row.floors[0] = printed[0].get(key).cloned().and_then(Figure::of);
        table.add(row.floor_is("std alone"));
    }
}

/// The floods that are measured: the subject, the scene, and the most records in a request of opentelemetry (512 is its
/// default too).
const FLOODS: [(&str, &str, &str); 8] = [
    ("pact_telemetry", "sustained", ""),
    ("pact_matching", "sustained", ""),
    ("sentry", "sustained", ""),
    ("opentelemetry", "sustained", "512"),
    ("libdatadog", "sustained", ""),
    ("opentelemetry", "sustained 25", "25"),
    ("libdatadog", "sustained 25", ""),
    ("pact_telemetry", "sustained otlp", ""),
];

/// Each is run three times, in turns, so that all are measured under the same load.
pub fn flood(place: &Place, table: &mut Table) {
    let mut all: [Printed; FLOODS.len()] = Default::default();
    for _ in 0..3 {
        for (printed, (name, scene, batch)) in all.iter_mut().zip(FLOODS) {
            if !subjects().iter().any(|(_, built)| *built == name) {
                continue;
            }
            let mut command = place.command(scene, name, &place.sink.url, &place.fresh());
            let command = command.env("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", batch);
            gather(printed, place.run(command, scene, name));
        }
    }
    let [own, matching, sentry, opentelemetry, libdatadog, few_opentelemetry, few_libdatadog, otlp] = all;
    let few = [own.clone(), matching.clone(), sentry.clone(), few_opentelemetry, few_libdatadog];
    let names = [
        "events delivered, at most 25 a request",
        "CPU of a million of them, at most 25 a request",
        "of them lost",
        "of them in a request",
    ];
    add(table, names, &few, [vec![Goal::AboveAll], vec![Goal::BelowAll]]);
    let both = [otlp, Printed::new(), Printed::new(), opentelemetry.clone(), Printed::new()];
    let names = [
        "events delivered, OTLP, at most 512 a request",
        "CPU of a million of them, OTLP",
        "of them lost",
        "of them in a request",
    ];
    add(table, names, &both, [vec![Goal::AboveAll], vec![]]);
    let as_is = [own, matching, sentry, opentelemetry, libdatadog];
    let names = [
        "events delivered, each as it is",
        "CPU of a million of them, each as it is",
        "of them lost",
        "of them in a request",
    ];
    let goals = [vec![Goal::AtLeast(60_000.0), Goal::AboveAll], vec![Goal::BelowAll]];
    add(table, names, &as_is, goals);
}

/// Rows of what arrived of a flood.
fn add(table: &mut Table, names: [&'static str; 4], printed: &[Printed; 5], goals: [Vec<Goal>; 2]) {
    let ([rate, cpu, lost, each], [rate_goals, cpu_goals]) = (names, goals);
    table.add(Row::new(rate, Unit::PerSecond, rate_goals).figures(printed, "rate"));
    table.add(Row::new(cpu, Unit::Seconds, cpu_goals).figures(printed, "cpu"));
    table.add(Row::new(lost, Unit::Count, vec![Goal::AtMost(0.0)]).figures(printed, "lost"));
    table.add(Row::new(each, Unit::Count, vec![]).figures(printed, "each"));
}

/// All run at once, because none of them should need a processor.
fn quiet(place: &Place, table: &mut Table) {
    let mut row = Row::new("wake-ups a second while idle", Unit::Count, vec![Goal::AtMost(0.0)]);
    std::thread::scope(|scope| {
        let playing: Vec<_> = subjects()
            .into_iter()
            .map(|(at, name)| (at, scope.spawn(move || place.play("idle", name, &place.sink.url))))
            .collect();
        for (at, playing) in playing {
            row.figures[at] = playing.join().unwrap().remove("switches").and_then(Figure::of);
        }
    });
    table.add(row);
}

const PROCESSES: u64 = 500;

fn many(place: &Place, table: &mut Table) {
    let mut rows = [
        Row::new("arrived of 500 processes of one event, and one after them", Unit::Count, vec![Goal::AtLeast(501.0)]),
        Row::new("before that one", Unit::Count, vec![]),
        Row::new("requests for them", Unit::Count, vec![Goal::AtMost(60.0)]),
        Row::new("until all had ended", Unit::Seconds, vec![]),
    ];
    for (at, name) in subjects() {
        let (state, before, asked, start) = (place.fresh(), place.arrived(), place.requests(), Instant::now());
        at_once(place, name, &state, PROCESSES);
        let ended = start.elapsed().as_secs_f64();
        let arrived = wait(place, before + PROCESSES) - before;
        // What is on disk belongs to the process that wrote it for five seconds, in case it still lives.
        std::thread::sleep(Duration::from_secs(if arrived < PROCESSES { 6 } else { 0 }));
        at_once(place, name, &state, 1);
        let all = wait(place, before + PROCESSES + 1) - before;
        let figures = [all as f64, arrived as f64, (place.requests() - asked) as f64, ended];
        for (row, figure) in rows.iter_mut().zip(figures) {
            row.figures[at] = Figure::of(vec![figure]);
        }
    }
    rows.into_iter().for_each(|row| table.add(row));
}

/// Eight at a time, all with the same state folder.
fn at_once(place: &Place, name: &str, state: &str, processes: u64) {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while next.fetch_add(1, Relaxed) < processes {
                    let mut command = place.command("one", name, &place.sink.url, state);
                    let _ = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
                }
            });
        }
    });
}

/// Waits until `wanted` events have arrived, for a second at most. Returns how many have.
fn wait(place: &Place, wanted: u64) -> u64 {
    let patience = Instant::now();
    while place.arrived() < wanted && patience.elapsed() < Duration::from_secs(1) {
        std::thread::sleep(Duration::from_millis(5));
    }
    place.arrived()
}
