//! What the library costs a process: loading, memory, bytes on disk, and the additional time of its exit.

use crate::child::{Place, Printed, gather, subjects};
use crate::figure::{Figure, Unit};
use crate::probe::monotonic;
use crate::subject;
use crate::table::{Goal, Row, Table};

pub fn measure(place: &Place, table: &mut Table) {
    load(place, table);
    memory(place, table);
    end(place, table);
}

fn load(place: &Place, table: &mut Table) {
    let mut opened: [Printed; 5] = Default::default();
    let mut bare = Vec::new();
    place.play("dlopen", "bare", ""); // into the page cache
    for _ in 0..30 {
        for (at, name) in subjects() {
            gather(&mut opened[at], place.play("dlopen", name, ""));
        }
        bare.extend(place.play("dlopen", "bare", "").remove("dlopen").unwrap_or_default());
    }
    let stack = "the TLS stack alone";
    let mut row = Row::new("`dlopen`", Unit::Seconds, vec![Goal::TimesFloor(1.2)]).figures(&opened, "dlopen");
    let bare = Figure::of(bare);
    row.floors = std::array::from_fn(|_| bare.clone());
    table.add(row.floor_is(stack));
    let size = |name: &str| Some(std::fs::metadata(subject::path(name)).ok()?.len() as f64);
    let mut row = Row::new("stripped library", Unit::Bytes, vec![Goal::AtMost(1.8e6)]);
    for (at, name) in subjects() {
        row.figures[at] = size(name).and_then(|size| Figure::of(vec![size]));
    }
    row.floors = std::array::from_fn(|_| size("bare").and_then(|size| Figure::of(vec![size])));
    table.add(row.floor_is(stack));
}

fn memory(place: &Place, table: &mut Table) {
    let mut plain: [Printed; 5] = Default::default();
    let mut secure: [Printed; 5] = Default::default();
    for _ in 0..5 {
        for (at, name) in subjects() {
            for (printed, url) in [(&mut plain[at], &place.sink.url), (&mut secure[at], &place.https)] {
                let played = place.play("memory", name, url);
                // A subject that does not trust the benchmark's root did not deliver, and has no figure.
                if played.get("arrived").is_some_and(|arrived| arrived[0] >= 1.0) {
                    played.into_iter().for_each(|(key, samples)| printed.entry(key).or_default().extend(samples));
                }
            }
        }
    }
    let row = |what, goal, printed, key| Row::new(what, Unit::Bytes, vec![goal]).figures(printed, key);
    table.add(row("resident memory, loaded", Goal::AtMost(0.6e6), &plain, "loaded"));
    table.add(row("resident memory, an event delivered over HTTP", Goal::AtMost(3e6), &plain, "delivered"));
    table.add(row("resident memory, an event delivered over HTTPS", Goal::AtMost(3e6), &secure, "delivered"));
    table.add(row("of it written to (dirty)", Goal::AtMost(1e6), &secure, "dirty"));
}

/// A loopback address on which nobody listens, so that the server is offline and no packet leaves the machine.
const NOBODY: &str = "http://127.0.0.1:9";

fn end(place: &Place, table: &mut Table) {
    let scenes = [
        ("exit idle", "process end, nothing reported", 1.5),
        ("exit delivered", "process end, all delivered", 3.0),
        ("exit offline", "process end, server not there", 10.0),
    ];
    for (scene, what, times) in scenes {
        let mut samples: [Vec<f64>; 5] = Default::default();
        let mut bare = Vec::new();
        for round in 0..25 {
            bare.extend(seconds(place, "exit idle", "nobody"));
            for (at, name) in subjects() {
                // Some subjects wait for seconds; two samples of those are enough.
                let slow = samples[at].iter().any(|seconds| *seconds > 0.3);
                if !slow || round < 2 {
                    samples[at].extend(seconds(place, scene, name));
                }
            }
        }
        let bare = Figure::of(bare);
        let mut row = Row::new(what, Unit::Seconds, vec![Goal::TimesFloor(times)]);
        row.figures = samples.map(Figure::of);
        row.floors = std::array::from_fn(|_| bare.clone());
        table.add(row.floor_is("a process that opened nothing"));
    }
}

/// From the end of the work to the end of the process, as its parent sees it.
fn seconds(place: &Place, scene: &str, name: &str) -> Option<f64> {
    let url = if scene == "exit offline" { NOBODY } else { &place.sink.url };
    let mut command = place.command(scene, name, url, &place.fresh());
    if scene == "exit offline" && name == "pact_matching" {
        command.env("HTTPS_PROXY", NOBODY);
    }
    let printed = place.run(&mut command, scene, name);
    let gone = monotonic();
    Some(gone - printed.get("ended")?[0])
}
