//! Configs and the environment's overrides: the JSON, then a line each for a variable's name and its value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pact_telemetry::fuzzing;

fuzz_target!(|text: &str| {
    let mut parts = text.rsplitn(3, '\n');
    let (value, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    fuzzing::config(parts.next().unwrap_or_default(), name, value);
    fuzzing::config(text, "", "");
});
