//! Writes docs/performance.md and its plot: the text is that of benches/performance.md.in, and every figure is of the
//! run that writes them.

use crate::child::Place;
use crate::plot;
use crate::profile;
use crate::subject;
use crate::subject::ROOT;
use crate::table::Table;
use std::process::Command;

const PLOTTED: [&str; 5] = [
    "one event a millisecond",
    "first event of a process",
    "one of 500 at once",
    "the same from 4 threads",
    "one that is opted out",
];

pub fn write(place: &Place, table: &Table) {
    let words = std::fs::read_to_string(format!("{ROOT}/benches/performance.md.in")).unwrap();
    let [first, each] = profile::instructions(place);
    let page = words
        .replace("@MACHINE@", &machine())
        .replace("@MISSED@", &missed(table))
        .replace("@ABSENT@", &absent())
        .replace("@TABLE@", &table.markdown())
        .replace("@FIRST@", &first)
        .replace("@INSTRUCTIONS@", &each)
        .replace("@CALLS@", &profile::calls(place));
    let lines: Vec<_> = page.lines().map(wrapped).collect();
    std::fs::write(format!("{ROOT}/docs/performance.md"), lines.join("\n") + "\n").unwrap();
    let rows: Vec<_> = table.rows.iter().filter(|row| PLOTTED.contains(&row.what)).collect();
    std::fs::write(format!("{ROOT}/docs/performance.svg"), plot::svg(&rows)).unwrap();
    println!("{}\nWritten: docs/performance.md, docs/performance.svg", missed(table));
}

/// A line of prose, broken where it is too long. A row of a table stays one line.
fn wrapped(line: &str) -> String {
    const WIDTH: usize = 120;
    if line.starts_with('|') {
        return line.into();
    }
    let (mut text, mut width) = (String::new(), 0);
    for word in line.split(' ') {
        let is_over = width > 0 && width + 1 + word.len() > WIDTH;
        let between = if is_over { "\n" } else { " " };
        text.push_str(if text.is_empty() { "" } else { between });
        text.push_str(word);
        width = if width == 0 || is_over { word.len() } else { width + 1 + word.len() };
    }
    text
}

fn missed(table: &Table) -> String {
    let goals = table.rows.iter().filter(|row| !row.goals.is_empty()).count();
    let with = |verdict| table.rows.iter().filter(move |row| row.verdict() == verdict).map(|row| row.what);
    let list = |rows: Vec<&str>, nothing: &str| if rows.is_empty() { nothing.into() } else { rows.join("; ") };
    let unknown: Vec<_> = with("not measured").collect();
    let unknown = if unknown.is_empty() { String::new() } else { format!(" Not measured: {}.", unknown.join("; ")) };
    format!(
        "{} of {goals} goals met. Missed: {}.{unknown}",
        with("met").count(),
        list(with("MISSED").collect(), "none")
    )
}

fn absent() -> String {
    let absent: Vec<_> = subject::NAMES.into_iter().filter(|name| !subject::exists(name)).collect();
    if absent.is_empty() {
        return String::new();
    }
    format!(" Did not build here, and has no figure: {}.", absent.join(", "))
}

/// What a reader needs to compare with a machine of their own.
fn machine() -> String {
    let line = |file: &str, field: &str| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(field)).unwrap_or_default();
        line.split_once([':', '=']).map_or(String::new(), |(_, value)| value.trim().trim_matches('"').to_owned())
    };
    let said = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output();
        output.map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{processors} processors ({}), {}, Linux {}, {}, load {} at the end, {}",
        line("/proc/cpuinfo", "model name"),
        line("/etc/os-release", "PRETTY_NAME"),
        said("uname", "-r"),
        said("rustc", "--version"),
        load.split(' ').next().unwrap_or_default(),
        said("date", "+%F")
    )
}
