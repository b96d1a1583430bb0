//! What the library costs its host program, compared with the lowest possible cost and with other libraries that could
//! report an event.
//!
//! `make bench` runs this without arguments: it measures everything, prints one table, and writes docs/performance.md
//! and its plot. `only WORD…` measures the steps whose names hold one of these words, and writes nothing. `check`
//! compares the instructions of an event with benches/instructions. `scene …` is one measured process.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // a benchmark

mod caller;
mod child;
mod delivery;
mod figure;
mod instructions;
mod page;
mod plot;
mod probe;
mod process;
mod profile;
mod scenes;
mod sink;
mod subject;
mod table;

use child::Place;
use table::Table;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("scene") => scenes::play(&arguments[1..]),
        Some("check") => std::process::exit(instructions::check()),
        Some("only") => measure(&arguments[1..]),
        _ => measure(&[]),
    }
}

fn measure(only: &[String]) {
    let place = Place::new();
    let mut table = Table::default();
    type Step = fn(&Place, &mut Table);
    let steps: [(&str, Step); 5] = [
        ("what the caller pays", caller::measure),
        ("what an event retires and allocates", instructions::measure),
        ("what the process pays", process::measure),
        ("what arrives of a flood, and at what price", delivery::flood),
        ("what arrives otherwise", delivery::measure),
    ];
    for (what, step) in steps {
        if !only.is_empty() && !only.iter().any(|word| what.contains(word.as_str())) {
            continue;
        }
        eprintln!("== {what}");
        step(&place, &mut table);
    }
    println!("{}", table.plain());
    if only.is_empty() {
        page::write(&place, &table);
    }
}
