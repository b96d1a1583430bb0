//! Short texts from outside: `Retry-After`, the remembered wait, a saved choice, an opt-out, and proxies (a line each
//! for the proxy, the exceptions and the URL).
#![no_main]

use libfuzzer_sys::fuzz_target;
use pact_telemetry::fuzzing;

fuzz_target!(|text: &str| {
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    fuzzing::proxies(line(), line(), line());
    fuzzing::waits(text, text.len() as u32 * 1_000_000);
    let saved = fuzzing::Saved::parse(text.as_bytes());
    assert!(saved.choice.is_off() || text.contains("enabled") || text.contains("id"));
    assert_eq!(fuzzing::opts_out(text.as_bytes()), fuzzing::opts_out(format!(" {text}\n").as_bytes()));
});
