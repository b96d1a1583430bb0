//! The library is unloaded, loaded again, and loaded more than once.

use crate::support::Collector;
use crate::support::programs::{Language, Sandbox, library, root, run_tool};
use crate::{Asked, Row, Seen};
use std::path::PathBuf;
use std::process::Command;

pub fn rows() -> Vec<Row> {
    vec![
        Row { name: "dlopen, track, dlclose with the background threads alive", tries: [50, 1_000], run: one_copy },
        Row { name: "two copies of the library in one process", tries: [25, 500], run: two_copies },
        Row { name: "the static archive beside another Rust archive", tries: [2, 2], run: two_archives },
    ]
}

fn one_copy(asked: &Asked) -> Seen {
    reload(asked, &[library().join("libpact_telemetry.so")])
}

fn two_copies(asked: &Asked) -> Seen {
    let sandbox = Sandbox::new();
    let copy = |name: &str| {
        let to = sandbox.path().join(name);
        std::fs::copy(library().join("libpact_telemetry.so"), &to).unwrap();
        to
    };
    reload(asked, &["one.so", "other.so"].map(copy))
}

fn reload(asked: &Asked, copies: &[PathBuf]) -> Seen {
    let (sandbox, collector) = (Sandbox::new(), Collector::start(&[]));
    let run =
        sandbox.run(sandbox.program("reloads", Language::C)).endpoint(&collector.url).argument(asked.tries.to_string());
    let ended = copies.iter().fold(run, |run, copy| run.argument(copy)).end();
    let mut seen = Seen { tries: asked.tries, ..Seen::default() };
    if !ended.status.success() || !ended.err.is_empty() {
        seen.failures.push(format!("{}\n{}{}", ended.status, ended.out, ended.err));
    }
    let (arrived, expected) = (collector.events_until_end().len(), asked.tries as usize * copies.len());
    if arrived != expected {
        seen.failures.push(format!("{arrived} of {expected} events arrived"));
    }
    seen
}

/// In both orders, since the linker takes a function from the first archive that has it.
fn two_archives(asked: &Asked) -> Seen {
    let sandbox = Sandbox::new();
    let (ours, other) = (library().join("libpact_telemetry.a"), sandbox.path().join("libother.a"));
    let mut rustc = Command::new("rustc");
    rustc.args(["--edition", "2024", "--crate-type", "staticlib", "-O", "-o"]).arg(&other);
    run_tool(rustc.arg(root("tests/soak/other_archive.rs")));
    let mut seen = Seen { tries: asked.tries, ..Seen::default() };
    for archives in [[&ours, &other], [&other, &ours]] {
        let mut arguments = vec![format!("-I{}", root("include").display())];
        arguments.extend(archives.map(|archive| archive.display().to_string()));
        arguments.extend(["-lm", "-ldl", "-lpthread", "-lgcc_s"].map(str::to_owned));
        let program = sandbox.program_with("two_rust_archives", Language::C, &arguments);
        let collector = Collector::start(&[]);
        let ended = sandbox.run(program).endpoint(&collector.url).end();
        let arrived = collector.events_until_end().len();
        if !ended.status.success() || !ended.err.is_empty() || arrived != 10 {
            seen.failures
                .push(format!("{archives:?}: {arrived} arrived, {}\n{}{}", ended.status, ended.out, ended.err));
        }
    }
    seen
}
