//! A spool folder with files of any name (a line each) and any content (the last line).
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::PathBuf;
use std::sync::LazyLock;

/// A folder of this process alone, in memory if the system has such a file system.
static STATE: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let base = if memory.is_dir() { memory } else { std::env::temp_dir() };
    base.join(format!("pact_telemetry-fuzz-{}", std::process::id()))
});

fuzz_target!(|text: &str| {
    let mut names: Vec<&str> = text.split('\n').take(20).collect();
    let content = names.pop().unwrap_or_default();
    pact_telemetry::fuzzing::spool(&STATE, &names, content.as_bytes());
});
