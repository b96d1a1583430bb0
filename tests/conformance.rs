//! Replays the cases of tests/conformance through C and Rust, and gives the driver wrong answers to check that it
//! notices.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests

mod support;

use pact_telemetry::ffi::{PactTelemetryStatus, pact_telemetry_abi_version};
use pact_telemetry::{Client, Event, VERSION};
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, Write};
use std::process::Command;
use std::time::Duration;
use support::environment;
use support::programs::{Sandbox, WARNINGS, library, linked_with, root, run_tool};
use support::say_loudly;

/// Cases that Rust's types make impossible: NULL, bytes that are not UTF-8, buffers, and errors longer than a buffer.
const NOT_IN_RUST: &str =
    "--allow-unsupported=new,track,preview,explain,stats,set_enabled,is_enabled,persist,flush,close";

#[test]
fn the_c_abi_holds_every_case() {
    let sandbox = Sandbox::new();
    let replayer = sandbox.path().join("replayer");
    let mut compiler = Command::new("cc");
    compiler.arg("-std=c99").args(WARNINGS).args(["-D_GNU_SOURCE", "-o"]).arg(&replayer);
    run_tool(compiler.arg(root("tests/conformance/replayer.c")).args(linked_with(&library())));
    let replay = replay(&[], &[replayer]);
    assert!(replay.is_good, "{}", replay.out);
    assert_eq!(replay.skipped(), 0, "{}", replay.out);
}

#[test]
fn the_rust_crate_holds_every_case_that_its_types_allow() {
    let replay = replay(&[NOT_IN_RUST], &rust("none"));
    assert!(replay.is_good, "{}", replay.out);
    // It must have as many cases as the C ABI, and most of them must run.
    assert!(replay.skipped() * 10 < replay.passed(), "{}", replay.out);
}

#[test]
fn a_replayer_that_lies_is_found_out() {
    let only = "--only=the four events of today";
    let honest = replay(&[only], &rust("none"));
    assert!(honest.is_good && honest.passed() == 2, "{}", honest.out);
    for (lie, words) in [
        ("wrong status", "expected 0, got 1"),
        ("missing event", "expected {"),
        ("wrong field", "event_category: expected \"ConsumerTest\", got \"Consumer\""),
        ("event twice", "expected nothing, got"),
        ("event after the answer", "got"),
        ("unsupported", "unsupported: close, track"),
        ("wrong name", "expected the case's name"),
        ("end", "the replayer ended with exit code 3"),
        ("bad end", "exit code 4"),
    ] {
        let replay = replay(&[only], &rust(lie));
        assert!(!replay.is_good, "{lie}: {}", replay.out);
        assert!(replay.out.contains(words), "{lie}: {}", replay.out);
        assert!(replay.out.contains("FAILED the four events of today"), "{lie}: {}", replay.out);
    }
}

/// The driver's result for a replayer.
struct Replay {
    is_good: bool,
    out: String,
}

impl Replay {
    /// The number before this word in the last line.
    fn count(&self, word: &str) -> u64 {
        let last = self.out.lines().last().unwrap_or_default();
        let words: Vec<_> = last.split([' ', ',']).collect();
        let at = words.iter().position(|one| *one == word).unwrap_or_else(|| panic!("{}", self.out));
        words[at - 1].parse().unwrap()
    }

    fn passed(&self) -> u64 {
        self.count("passed")
    }

    fn skipped(&self) -> u64 {
        self.count("skipped")
    }
}

fn replay(options: &[&str], replayer: &[impl AsRef<OsStr>]) -> Replay {
    let mut driver = Command::new(root("tests/conformance/run"));
    driver.args(options).args(replayer);
    driver.env("PACT_TELEMETRY_COMMAND", support::command()).env("PACT_TELEMETRY_LIBRARY", library());
    let output = driver.output().unwrap_or_else(|error| panic!("python3 has to be there: {error}"));
    let out = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    say_loudly(out.lines().last().unwrap_or_default());
    Replay { is_good: output.status.success(), out: out.into() }
}

/// The command that runs this very program as a replayer. The test harness also prints on standard output, so the
/// answers go to another descriptor.
fn rust(lie: &str) -> [OsString; 5] {
    let script = r#"LIE="$1" exec "$0" --exact replayer --ignored --nocapture 3>&1 >/dev/null"#;
    ["sh".into(), "-c".into(), script.into(), std::env::current_exe().unwrap().into(), lie.into()]
}

#[test]
#[ignore = "is the replayer that the tests above run"]
fn replayer() {
    let lie = std::env::var("LIE").expect("the tests above run this");
    let mut answers = std::fs::OpenOptions::new().write(true).open("/dev/fd/3").unwrap();
    for line in std::io::stdin().lock().lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if lie == "end" {
            std::process::exit(3);
        }
        let client = line["config"].as_str().map(Client::new);
        let new = match &client {
            Some(Ok(_)) => Value::Null,
            Some(Err(error)) if error.to_string().len() < 512 => error.to_string().into(),
            _ => "unsupported".into(),
        };
        let client = client.and_then(Result::ok);
        let calls = line["calls"].as_array().unwrap();
        let honest = |call: &Value| answer(client.as_ref(), call).unwrap_or_else(|| "unsupported".into());
        let results: Vec<_> = calls.iter().map(|call| lying(&lie, call, honest)).collect();
        let name = if lie == "wrong name" { "another".into() } else { line["name"].clone() };
        writeln!(answers, "{}", json!({"name": name, "new": new, "results": results})).unwrap();
        if lie == "event after the answer" {
            let client = Client::new(line["config"].as_str().unwrap()).unwrap();
            client.track(&Event::new("late", "late", "late", 1)).unwrap();
        }
    }
    if lie == "bad end" {
        std::process::exit(4);
    }
}

/// The answer to one call, or `None` if Rust cannot make the call.
fn answer(client: Option<&Client>, call: &Value) -> Option<Value> {
    let number = |status: PactTelemetryStatus| status.code().into();
    let timeout = || Duration::from_millis(call["timeout_ms"].as_u64().unwrap());
    if !call["capacity"].is_null() {
        return None; // there is no buffer
    }
    Some(match call["call"].as_str().unwrap() {
        "track" => match client?.track(&event(call)?) {
            Ok(()) => number(PactTelemetryStatus::PACT_TELEMETRY_OK),
            Err(error) => number(error.into()),
        },
        "preview" => match client?.preview(&event(call)?) {
            Ok(preview) => preview.to_json().into(),
            Err(error) => number(error.into()),
        },
        "explain" => client?.explain().to_json().into(),
        "stats" => client?.stats().to_json().into(),
        "set_enabled" => {
            client?.set_enabled(call["enabled"] != 0);
            number(PactTelemetryStatus::PACT_TELEMETRY_OK)
        }
        "is_enabled" => i32::from(client?.is_enabled()).into(),
        "persist" => number(client?.persist(timeout()).into()),
        "flush" => number(client?.flush(timeout()).into()),
        "close" => number(client?.close(timeout()).into()),
        "status_name" => {
            let status = i32::try_from(call["status"].as_i64().unwrap()).unwrap();
            PactTelemetryStatus::name_of(status).to_str().unwrap().into()
        }
        "version" => VERSION.into(),
        "abi_version" => pact_telemetry_abi_version().into(),
        "setenv" => {
            let name = call["name"].as_str().unwrap();
            match call["value"].as_str() {
                Some(value) => environment::set(name, value),
                None => environment::remove(name),
            }
            0.into()
        }
        _ => return None,
    })
}

fn event(call: &Value) -> Option<Event<'_>> {
    let plugin = |key: &str| if call[key].is_null() { Some("") } else { call[key].as_str() };
    let [event, category, action] = ["event", "category", "action"].map(|key| call[key].as_str());
    let event = Event::new(event?, category?, action?, call["value"].as_i64()?);
    Some(event.about_plugin(plugin("plugin_name")?, plugin("plugin_version")?))
}

/// The answer as a replayer with this fault gives it.
fn lying(lie: &str, call: &Value, honest: impl Fn(&Value) -> Value) -> Value {
    let is_track = call["call"] == "track";
    match lie {
        "unsupported" => "unsupported".into(),
        "wrong status" if is_track => {
            honest(call);
            1.into()
        }
        "missing event" if call["value"] == 4 => 0.into(),
        "wrong field" if call["category"] == "ConsumerTest" => {
            let mut other = call.clone();
            other["category"] = "Consumer".into();
            honest(&other)
        }
        "event twice" if is_track => {
            honest(call);
            honest(call)
        }
        _ => honest(call),
    }
}
