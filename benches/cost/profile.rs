//! Where the cost is: an event's instructions by function (callgrind, over the library built once more with its
//! symbols), and the system calls of a request (strace).

use crate::child::Place;
use crate::instructions;
use crate::subject::ROOT;
use std::collections::HashMap;
use std::process::{Command, Stdio};

/// The scene `count-101` counts this many events more than `count-1`.
const EVENTS: f64 = 100.0;

/// The system calls that one request takes while events flood in, of all threads.
pub fn calls(place: &Place) -> String {
    let file = format!("{ROOT}/build/strace");
    let own = place.command("sustained", "pact_telemetry", &place.sink.url, &place.fresh());
    let mut command = Command::new("strace");
    place.prepare(&mut command, "pact_telemetry", &place.fresh());
    command.args(["-f", "-c", "-U", "calls,name", "-o", &file]).arg(own.get_program()).args(own.get_args());
    let before = place.requests();
    if command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        return "Not traced: there is no strace.\n".into();
    }
    let requests = (place.requests() - before) as f64;
    let text = std::fs::read_to_string(&file).unwrap_or_default();
    let split = |line: &str| {
        let (count, name) = line.trim().split_once(' ')?;
        Some((count.parse::<f64>().ok()? / requests, name.trim().to_owned()))
    };
    // The benchmark itself sleeps while the library's queue is full.
    let wanted = |(each, name): &(f64, String)| *each >= 0.1 && name != "total" && name != "clock_nanosleep";
    let mut rows: Vec<_> = text.lines().filter_map(split).filter(wanted).collect();
    rows.sort_by(|one, other| other.0.total_cmp(&one.0));
    let line = |(each, name): &(f64, String)| format!("| {each:.1} | `{name}` |\n");
    format!("| a request | system call |\n|---|---|\n{}", rows.iter().map(line).collect::<String>())
}

/// The instructions of the first event of a process, and of a later one.
pub fn instructions(place: &Place) -> [String; 2] {
    let library = format!("{ROOT}/build/profiled/release/libpact_telemetry.so");
    if !std::path::Path::new(&library).exists() {
        return ["Not profiled: there is no library with symbols.\n"; 2].map(String::from);
    }
    // SAFETY: this program has one thread here; it hands the variable to its children.
    unsafe { std::env::set_var("BENCH_LIBRARY", library) };
    let by_function = |scene| {
        let file = format!("{ROOT}/build/callgrind.profile");
        instructions::counted(place, scene, "pact_telemetry", &file)?;
        Some(functions(&std::fs::read_to_string(&file).ok()?))
    };
    let both = by_function("count-1").zip(by_function("count-101"));
    // SAFETY: as above.
    unsafe { std::env::remove_var("BENCH_LIBRARY") };
    let Some((first, all)) = both else {
        return ["Not profiled: there is no valgrind.\n"; 2].map(String::from);
    };
    let each = all.iter().map(|(name, count)| (name, (count - first.get(name).unwrap_or(&0.0)) / EVENTS));
    [largest(first.iter().map(|(name, count)| (name, *count))), largest(each)]
}

fn largest<'a>(functions: impl Iterator<Item = (&'a String, f64)>) -> String {
    let mut rows: Vec<_> = functions.filter(|(_, count)| *count >= 1.0).collect();
    rows.sort_by(|one, other| other.1.total_cmp(&one.1));
    let total: f64 = rows.iter().map(|(_, count)| count).sum();
    let line = |(name, count): &(&String, f64)| {
        format!("| {count:.0} | {:.0} % | `{}` |\n", count / total * 100.0, name.replace('|', "/"))
    };
    let lines = rows.iter().take(15).map(line).collect::<String>();
    format!("| instructions | share | function |\n|---|---|---|\n| {total:.0} | | together |\n{lines}")
}

/// Instructions of each function itself. The format: `fn=(1) name` or `fn=(1)`, then lines of a place and a count; the
/// line after `calls=` is the cost of the called function, which is counted there.
fn functions(text: &str) -> HashMap<String, f64> {
    let (mut names, mut counts): (HashMap<&str, &str>, HashMap<String, f64>) = Default::default();
    let (mut current, mut called) = (String::new(), false);
    for line in text.lines() {
        if let Some(named) = ["fn=", "cfn="].into_iter().find_map(|start| line.strip_prefix(start)) {
            let (number, name) = named.split_once(' ').unwrap_or((named, ""));
            if !name.is_empty() {
                names.insert(number, name);
            }
            if line.starts_with("fn=") {
                current = names.get(number).unwrap_or(&number).to_string();
            }
        } else if line.starts_with("calls=") {
            called = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let count = line.split(' ').nth(1).and_then(|count| count.parse::<f64>().ok()).unwrap_or(0.0);
            if !std::mem::take(&mut called) {
                *counts.entry(current.clone()).or_default() += count;
            }
        }
    }
    counts
}
