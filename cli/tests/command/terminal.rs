//! No character that steers a terminal, or turns the direction of reading, passes through what the command prints,
//! wherever it comes from: files, variables, arguments.

use serde_json::json;

use crate::home::{Home, write};

/// Characters of C0 and C1, of the bidirectional algorithm, and invisible ones.
const HOSTILE: &str =
    "a\u{1b}]0;x\u{7}\u{9b}31m\u{7f}\u{85}\r\u{61c}\u{202e}\u{2066}\u{200b}\u{2028}\u{feff}\u{e0041}z";

fn steers(character: char) -> bool {
    character != '\n' && (character.is_control() || (HOSTILE.contains(character) && !character.is_ascii()))
}

#[track_caller]
fn is_harmless(home: &Home, arguments: &[&str], variables: &[(&str, &str)]) {
    let output =
        home.command(env!("CARGO_BIN_EXE_pact-telemetry")).args(arguments).envs(variables.iter().copied()).output();
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(!text.is_empty());
    assert!(!text.contains(steers), "{arguments:?}: {:?} in {text:?}", text.chars().find(|c| steers(*c)));
}

#[test]
fn the_log_is_shown_without_what_steers_a_terminal() {
    let home = Home::new();
    let request = json!({"request": HOSTILE, "at_ms": 1, "method": HOSTILE, "url": HOSTILE,
        "headers": {HOSTILE: HOSTILE}, "body": HOSTILE});
    let answer = json!({"request": HOSTILE, "at_ms": 2, "failure": HOSTILE});
    write(&home.state().join("ledger.jsonl"), &format!("{request}\n{answer}\n{HOSTILE}\n"));
    for arguments in [&["log"][..], &["log", "--json"], &["status"], &["status", "--json"]] {
        is_harmless(&home, arguments, &[]);
    }
    let logged = home.run(&["log", "--json"]).json();
    assert_eq!(logged["requests"][0]["body"], HOSTILE, "JSON keeps the meaning");
}

#[test]
fn settings_are_shown_without_what_steers_a_terminal() {
    let home = Home::new();
    home.save(&format!("{{\"enabled\": \"{HOSTILE}\", \"id\": \"random\"}}"));
    write(&home.state().join("id"), HOSTILE);
    for name in ["PACT_DO_NOT_TRACK", "PACT_TELEMETRY_ENDPOINT", "PACT_TELEMETRY_PROTOCOL", "PACT_TELEMETRY_STATE_DIR"]
    {
        for arguments in [&["status"][..], &["status", "--json"], &["id"], &["id", "--json"], &["preview"], &["on"]] {
            is_harmless(&home, arguments, &[(name, HOSTILE)]);
        }
    }
}

#[test]
fn a_preview_is_shown_without_what_steers_a_terminal() {
    let home = Home::new();
    let bidirectional = "a\u{61c}\u{202e}\u{2066}\u{200b}\u{feff}z";
    let options = ["--event", "--category", "--action", "--plugin-name", "--library-name", "--test-framework"];
    for protocol in ["ga4", "universal-analytics", "otlp"] {
        for option in options {
            for text in [HOSTILE, bidirectional] {
                is_harmless(&home, &["preview", "--protocol", protocol, option, text], &[]);
                is_harmless(&home, &["preview", "--json", "--protocol", protocol, option, text], &[]);
            }
        }
    }
}

/// Somebody else who names a folder could otherwise make the command say what it never said.
#[test]
fn a_name_with_a_line_break_begins_no_line_of_its_own() {
    let home = Home::new();
    let folder = home.path().join("a\nTelemetry is on.");
    let variables = [("PACT_TELEMETRY_STATE_DIR", folder.to_str().unwrap()), ("HOME", folder.to_str().unwrap())];
    for arguments in [&["status"][..], &["log"], &["id"], &["id", "random"], &["reset-id"], &["off"], &["on"]] {
        let ended = home.run_with(arguments, &variables);
        let said = ended.out + &ended.error;
        assert!(!said.is_empty() && !said.contains("\nTelemetry is on."), "{arguments:?}: {said}");
    }
}
