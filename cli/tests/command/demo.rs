//! Promises of `demo`. The program that it runs is this test binary; a variable says what it does.

use std::env;
use std::path::Path;
use std::process::{Output, Stdio};

use crate::support::{Client, command};

/// What the program does; unset in an ordinary run of the tests.
const ROLE: &str = "PACT_TELEMETRY_TEST_ROLE";

#[test]
fn program() {
    let Ok(role) = env::var(ROLE) else { return };
    let url = env::var("PACT_TELEMETRY_ENDPOINT").unwrap();
    let address = url.strip_prefix("http://").unwrap();
    match role.as_str() {
        "nothing" => {}
        "fail" => std::process::exit(3),
        "vanish" => {
            let mut client = Client::connect(address);
            send(&mut client, "1.2");
            std::process::exit(0);
        }
        client_id => {
            let mut client = Client::connect(address);
            send(&mut client, client_id);
            assert!(client.answer().status < 300);
        }
    }
}

fn send(client: &mut Client, client_id: &str) {
    let variable = |name: &str| env::var(name).unwrap();
    if variable("PACT_TELEMETRY_PROTOCOL") == "universal-analytics" {
        let hit = format!("v=1&t=event&tid={}&cid={client_id}&ec=C&ea=A&el=", variable("PACT_TELEMETRY_TRACKING_ID"));
        return client.send("POST", "/batch", format!("{hit}first\n{hit}second"));
    }
    let (id, secret) = (variable("PACT_TELEMETRY_MEASUREMENT_ID"), variable("PACT_TELEMETRY_API_SECRET"));
    assert_eq!((id.as_str(), secret.as_str()), ("G-DEMO", "demo"));
    let target = format!("/mp/collect?measurement_id={id}&api_secret={secret}");
    let event = r#"{"name":"pacts_verified","params":{"library_version":"1.2.3","os_arch":"linux-x86_64"}}"#;
    let other = event.replace("1.2.3", "1.2.4");
    client.send("POST", &target, format!(r#"{{"client_id":"{client_id}","events":[{event},{other}]}}"#));
}

fn demo(role: &str, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let home = tempfile::tempdir().unwrap(); // the person who runs the tests may have opted out
    demo_in(home.path(), role, arguments, variables)
}

fn demo_in(home: &Path, role: &str, arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let Output { status, stdout, .. } = command()
        .arg("demo")
        .args(arguments)
        .arg(env::current_exe().unwrap())
        .args(["--exact", "demo::program"])
        .env(ROLE, role)
        .env("HOME", home)
        .env("APPDATA", home)
        .env_remove("XDG_CONFIG_HOME")
        .envs(variables.iter().copied())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap())
}

#[test]
fn events_are_shown_as_a_table_with_names_and_keys() {
    let (code, text) = demo("1.2", &[], &[]);
    assert_eq!(code, 0, "{text}");
    let row = |start: &str| {
        let line = text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {text}"));
        line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("Field"), ["Field", "ga4 key", "All 2 events"]);
    assert_eq!(row("Library version"), ["Library version", "library_version", "1.2.3", "1.2.4"]);
    assert_eq!(row("Operating system"), ["Operating system and architecture", "os_arch", "linux-x86_64"]);
    assert!(text.ends_with("\n2 events arrived in 1 request; the strict validator found no problem.\n"), "{text}");
}

#[test]
fn universal_analytics_is_shown_with_its_own_keys() {
    let (code, text) = demo("ab", &["--protocol", "universal-analytics"], &[]);
    assert_eq!(code, 0, "{text}");
    let client = text.lines().find(|line| line.starts_with("Hash of hostname")).unwrap();
    assert_eq!(client.split_whitespace().collect::<Vec<_>>(), ["Hash", "of", "hostname", "cid", "ab"]);
}

#[test]
fn problems_are_listed() {
    let (code, text) = demo("no-number", &[], &[]);
    assert_eq!(code, 0);
    assert!(text.contains("2 events arrived in 1 request; the strict validator found 2 problems:\n"), "{text}");
    assert!(text.contains("event 2: VALUE_INVALID client_id: "), "{text}");
}

#[test]
fn what_was_written_last_is_still_read() {
    for _ in 0..10 {
        let (code, text) = demo("vanish", &[], &[]);
        assert_eq!(code, 0, "{text}");
        assert!(text.contains("2 events arrived in 1 request"), "{text}");
    }
}

#[test]
fn no_event_is_code_1_and_said() {
    let (code, text) = demo("nothing", &[], &[]);
    assert_eq!(code, 1);
    assert!(text.contains("No event arrived. Does the program load pact_telemetry"), "{text}");
    let (_, text) = demo("nothing", &[], &[("PACT_TELEMETRY_DEBUG", "1")]);
    assert!(text.contains("No event arrived, because PACT_TELEMETRY_DEBUG is set"), "{text}");
}

#[test]
fn a_program_that_fails_is_code_1_and_said() {
    let (code, text) = demo("fail", &[], &[]);
    assert_eq!(code, 1);
    assert!(text.contains("The program failed: ") && text.contains('3'), "{text}");
}

#[test]
fn a_program_that_is_not_there_is_code_1_and_named() {
    let output = command().args(["demo", "/nowhere/to/be/found", "--flag"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("/nowhere/to/be/found cannot be started"), "{text}");
}

#[test]
fn an_opt_out_is_said_and_left_in_place() {
    let (code, text) = demo("nothing", &[], &[("DO_NOT_TRACK", "1")]);
    assert_eq!(code, 1);
    assert!(text.starts_with("Telemetry is off: DO_NOT_TRACK=1 in the environment says so. "), "{text}");
    assert!(text.ends_with("No event arrived, because telemetry is off.\n"), "{text}");
    let (_, text) = demo("nothing", &[], &[("PACT_DO_NOT_TRACK", "false")]);
    assert!(!text.contains("is off"), "{text}");
}

#[test]
fn a_saved_off_is_said_too() {
    let home = tempfile::tempdir().unwrap();
    let mut off = command();
    off.arg("off").env("HOME", home.path()).env("APPDATA", home.path()).env_remove("XDG_CONFIG_HOME");
    assert!(off.status().unwrap().success());
    let (code, text) = demo_in(home.path(), "nothing", &[], &[]);
    assert_eq!(code, 1);
    assert!(text.starts_with("Telemetry is off: you chose so (in "), "{text}");
    assert!(text.ends_with("No event arrived, because telemetry is off.\n"), "{text}");
}

#[test]
fn a_program_that_does_not_honour_an_opt_out_is_told_on() {
    let (_, text) = demo("1.2", &[], &[("pact_do_not_track", "yes")]);
    assert!(text.contains("the program does not honour that"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_made_is_no_usage_error() {
    let output = command().args(["demo", "true"]).env("TMPDIR", "/nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("/nowhere"));
}

#[test]
fn no_program_is_a_usage_error() {
    let output = command().arg("demo").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
