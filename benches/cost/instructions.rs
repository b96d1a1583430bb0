//! The instructions and the allocations of one event on its caller's thread: callgrind counts inside the exported
//! function, and a preloaded library counts allocations. The count of instructions is guarded: `make bench-check`.

use crate::child::{Place, Printed, subjects};
use crate::figure::{Figure, Unit};
use crate::scenes::REFUSED;
use crate::subject::ROOT;
use crate::table::{Goal, Row, Table};
use std::process::Command;

/// More than benches/instructions times this factor is a failure.
const GROWTH: f64 = 1.05;

fn exported(subject: &str) -> &str {
    if subject == "pact_telemetry" { "pact_telemetry_track" } else { "bench_event" }
}

/// Instructions of all calls of a scene together; the output stays in that file.
pub fn counted(place: &Place, scene: &str, subject: &str, file: &str) -> Option<f64> {
    let mut command = Command::new("valgrind");
    place.prepare(&mut command, subject, &place.fresh());
    command
        .args(["-q", "--tool=callgrind", "--collect-atstart=no", "--max-threads=2000"])
        .args([format!("--callgrind-out-file={file}"), format!("--toggle-collect={}", exported(subject))])
        .arg(std::env::current_exe().ok()?)
        .args(["scene", scene, subject, &place.sink.url, &place.sink.url]);
    place.run(&mut command, scene, subject);
    let text = std::fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

/// The instructions of the second to the hundred-and-first event, on average.
fn retired(place: &Place, subject: &str) -> Option<f64> {
    let file = format!("{ROOT}/build/callgrind.{subject}");
    let first = counted(place, "count-1", subject, &file)?;
    Some((counted(place, "count-101", subject, &file)? - first) / 100.0)
}

/// The instructions of an event that is refused because its client has used up its share of the queue, or because the
/// queue is full.
fn refused(place: &Place, whose: &str) -> Option<f64> {
    let file = format!("{ROOT}/build/callgrind.full");
    let before = counted(place, &format!("full {whose}"), "pact_telemetry", &file)?;
    Some((counted(place, &format!("full {whose} more"), "pact_telemetry", &file)? - before) / REFUSED as f64)
}

pub fn measure(place: &Place, table: &mut Table) {
    let mut instructions: [Option<Figure>; 5] = Default::default();
    let mut allocations: [Printed; 5] = Default::default();
    let preloaded = format!("{ROOT}/build/bench/allocations.so");
    let valgrind = Command::new("valgrind").arg("--version").output().is_ok();
    for (at, name) in subjects() {
        if valgrind {
            instructions[at] = retired(place, name).and_then(|count| Figure::of(vec![count]));
        }
        let mut command = place.command("allocations", name, &place.sink.url, &place.fresh());
        allocations[at] = place.run(command.env("LD_PRELOAD", &preloaded), "allocations", name);
    }
    let committed = committed();
    let accepted = instructions[0].as_ref().map_or(0.0, Figure::median);
    let mut row = Row::new("instructions of an event", Unit::Count, vec![Goal::AtMost(committed * GROWTH)]);
    row.figures = instructions;
    table.add(row);
    for (what, whose) in [
        ("instructions of one that is refused, its client's share being full", "own"),
        ("instructions of one that is refused, the queue being full", "shared"),
    ] {
        let mut row = Row::new(what, Unit::Count, vec![Goal::AtMost(accepted)]);
        row.figures[0] = refused(place, whose).filter(|_| valgrind).and_then(|count| Figure::of(vec![count]));
        table.add(row);
    }
    let row = Row::new("allocations of an event", Unit::Count, vec![Goal::AtMost(1.0)]);
    table.add(row.figures(&allocations, "allocations"));
}

fn file() -> String {
    format!("{ROOT}/benches/instructions")
}

fn committed() -> f64 {
    std::fs::read_to_string(file()).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(f64::INFINITY)
}

/// Returns the exit code: 0 if an event is as cheap as before, and a refused one not more expensive; 77 if it could not
/// be counted; otherwise 1. With `PACT_TELEMETRY_BLESS` it keeps the new count.
pub fn check() -> i32 {
    let place = Place::new();
    let counted = retired(&place, "pact_telemetry").zip(refused(&place, "own")).zip(refused(&place, "shared"));
    let Some(((now, own), shared)) = counted else {
        eprintln!("instructions of an event: not counted, there is no valgrind");
        return 77;
    };
    if std::env::var_os("PACT_TELEMETRY_BLESS").is_some() {
        std::fs::write(file(), format!("{now:.0}\n")).unwrap();
    }
    let committed = committed();
    println!("instructions of an accepted event: {now:.0}, committed: {committed:.0}");
    if now > committed * GROWTH {
        eprintln!(
            "an event costs its caller more than before; if that is intended: PACT_TELEMETRY_BLESS=1 make bench-check"
        );
        return 1;
    }
    println!("of one that is refused: {own:.0} by its client's share, {shared:.0} by the queue");
    if own > now || shared > now {
        eprintln!("an event that is refused costs its caller more than one that is accepted");
        return 1;
    }
    0
}
