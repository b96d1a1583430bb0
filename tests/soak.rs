//! Promises that a single run cannot show: each row tries one many times, and a failure can be repeated by its seed. C
//! programs over the release library, beside a real collector.
//!
//! `cargo test --test soak` tries each row a few times; `make soak` takes minutes. Arguments: `--long`, `--seed N`,
//! `--tries N` and the beginning of the names of the rows to run.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests

mod support;

mod soak {
    pub mod exits;
    pub mod faults;
    pub mod forks;
    pub mod kills;
    mod leftovers;
    mod links;
    pub mod machines;
    pub mod once;
    mod tarpits;
    pub mod unloads;
}

use soak::{exits, faults, forks, kills, machines, once, unloads};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

/// A promise, and how to try it.
#[derive(Clone)]
struct Row {
    name: &'static str,
    /// How many tries in the short form, and in the long one.
    tries: [u64; 2],
    run: fn(&Asked) -> Seen,
}

/// The options of a row.
struct Asked {
    tries: u64,
    /// The seed of the first try. Each further try has the next one.
    seed: u64,
}

/// The result. A failure begins with its seed.
#[derive(Default)]
struct Seen {
    tries: u64,
    failures: Vec<String>,
    note: String,
}

fn rows() -> Vec<Row> {
    [exits::rows(), forks::rows(), unloads::rows(), machines::rows(), faults::rows(), kills::rows(), once::rows()]
        .concat()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        Some(arguments.get(at + 1).and_then(|text| text.parse::<u64>().ok()).expect("a number after it"))
    };
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let names: Vec<_> =
        arguments.iter().filter(|name| !name.starts_with('-') && name.parse::<u64>().is_err()).collect();
    let is_wanted = |row: &Row| names.is_empty() || names.iter().any(|name| row.name.starts_with(name.as_str()));
    let rows: Vec<_> = rows().into_iter().filter(is_wanted).collect();
    if rows.is_empty() {
        println!("no row begins with {names:?}");
    }
    if has("--list") {
        rows.iter().for_each(|row| println!("{}: test", row.name));
        return ExitCode::SUCCESS;
    }
    let seed = number("--seed").unwrap_or_else(|| u64::from(std::process::id()));
    println!("{:<62} {:>7} {:>8} {:>6}  seed {seed}", "promise", "tries", "failures", "s");
    let failed = rows.iter().filter(|row| !keeps(row, seed, has("--long"), number("--tries"))).count();
    if failed > 0 {
        println!("{failed} of {} rows failed; `cargo test --test soak -- ROW --seed N` repeats one", rows.len());
    }
    ExitCode::from(u8::from(failed > 0))
}

/// Runs a row and prints the result. Returns whether no try failed.
fn keeps(row: &Row, seed: u64, is_long: bool, tries: Option<u64>) -> bool {
    let asked = Asked { tries: tries.unwrap_or(row.tries[usize::from(is_long)]), seed };
    let since = Instant::now();
    let seen = catch_unwind(AssertUnwindSafe(|| (row.run)(&asked))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "panicked".into());
        Seen { tries: asked.tries, failures: vec![text], note: String::new() }
    });
    let (took, failures) = (since.elapsed().as_secs_f64(), seen.failures.len());
    println!("{:<62} {:>7} {failures:>8} {took:>6.1}  {}", row.name, seen.tries, seen.note);
    for failure in seen.failures.iter().take(10) {
        println!("    {}", failure.trim_end().replace('\n', "\n    "));
    }
    failures == 0
}

/// Runs independent tries, a few at once. Each gets its seed, and returns a word about itself or the reason for its
/// failure.
fn each<T: Send>(
    asked: &Asked,
    at_once: usize,
    attempt: impl Fn(u64) -> Result<T, String> + Sync,
) -> (Vec<T>, Vec<String>) {
    let next = std::sync::atomic::AtomicU64::new(0);
    let work = || {
        let mut all = (Vec::new(), Vec::new());
        loop {
            let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if index >= asked.tries {
                return all;
            }
            let seed = asked.seed + index;
            let result = catch_unwind(AssertUnwindSafe(|| attempt(seed))).unwrap_or_else(|panic| {
                Err(panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "panicked".into()))
            });
            match result {
                Ok(word) => all.0.push(word),
                Err(why) => all.1.push(format!("seed {seed}: {why}")),
            }
        }
    };
    let mut all = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            let (words, failures) = thread.join().unwrap();
            all.0.extend(words);
            all.1.extend(failures);
        }
    });
    all
}

/// Numbers that depend only on a seed (splitmix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}
