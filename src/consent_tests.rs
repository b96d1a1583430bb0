//! Each rule, each spelling, and each way in which a saved choice cannot be read.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test that cannot go on should stop

use super::*;
use serde_json::json;

fn readings(host: bool, variables: [Option<&str>; 3], saved: SavedChoice, system: SavedChoice) -> Readings {
    let variables = variables.map(|value| value.map(|text| text.as_bytes().to_vec()));
    let files = ChoiceFiles { user: None, system: None };
    Readings { host_enabled: host, variables, files, choices: Choices { user: saved.into(), system } }
}

#[test]
fn every_spelling_of_no_opinion_and_nothing_else_leaves_it_on() {
    for value in ["", " ", "0", "false", "FALSE", "False", "no", "No", "off", "OFF", " false\t", "\n0 "] {
        assert!(!opts_out(value.as_bytes()), "{value:?}");
    }
    for value in ["1", "true", "TRUE", "yes", "on", "y", "2", "00", "disabled", "nope", "falsee", "-", "off,"] {
        assert!(opts_out(value.as_bytes()), "{value:?}");
    }
    assert!(opts_out(b"\xff"));
}

#[test]
fn of_all_values_of_one_variable_the_one_that_opts_out_is_named() {
    for (values, named) in [(&["0", "1"][..], "1"), (&["1", "0"], "1"), (&["0"], "0"), (&["0", "no"], "0")] {
        let mut slot = None;
        values.iter().for_each(|value| note(&mut slot, value.as_bytes()));
        assert_eq!(slot.as_deref(), Some(named.as_bytes()), "{values:?}");
    }
}

#[test]
fn the_first_off_wins_and_no_later_rule_turns_it_back_on() {
    let values = [None, Some("0"), Some("1"), Some("true")];
    let [unreadable, not_now] = [SavedChoice::Unreadable("x".into()), SavedChoice::NotNow("y".into())];
    let choices = [SavedChoice::None, SavedChoice::On, SavedChoice::Off, unreadable, not_now];
    let off = |value: Option<&str>| matches!(value, Some("1" | "true"));
    for number in 0..2 * 4 * 4 * 4 * 5 * 5 {
        let (host, saved, system) = (number % 2 == 0, &choices[number / 2 % 5], &choices[number / 10 % 5]);
        let variables @ [a, b, c] = [50, 200, 800].map(|step| values[number / step % 4]);
        let expected = match () {
            _ if !host => Some("host"),
            _ if off(a) => Some("PACT_DO_NOT_TRACK"),
            _ if off(b) => Some("pact_do_not_track"),
            _ if off(c) => Some("DO_NOT_TRACK"),
            _ if saved.is_off() => Some("saved choice"),
            _ if system.is_off() => Some("system choice"),
            _ => None,
        };
        let found = readings(host, variables, saved.clone(), system.clone());
        assert_eq!(found.off_by(), expected, "{number}");
        assert_eq!(found.choices.off_by().is_some(), saved.is_off() || system.is_off());
    }
}

#[test]
fn a_missing_descriptor_is_not_an_opt_out_unless_another_file_says_off() {
    let not_now = || SavedChoice::NotNow("no descriptors".into());
    let choices = |user: SavedChoice, system| Choices { user: user.into(), system };
    assert!(choices(not_now(), SavedChoice::None).is_not_now());
    assert!(choices(SavedChoice::On, not_now()).is_not_now());
    assert!(choices(not_now(), not_now()).is_not_now());
    assert!(!choices(SavedChoice::Off, not_now()).is_not_now());
    assert!(!choices(not_now(), SavedChoice::Off).is_not_now());
    assert!(!choices(SavedChoice::On, SavedChoice::None).is_not_now(), "nothing is off");
}

#[test]
fn a_choice_that_the_system_or_a_scanner_keeps_for_the_moment_is_no_decision() {
    #[cfg(unix)]
    let (passing, lasting) = ([libc::EMFILE, libc::ENFILE, libc::ENOMEM], [libc::EACCES, libc::EIO, libc::ENOSPC]);
    // Sharing violation, lock violation, pending removal; access denied, disk full, not supported.
    #[cfg(windows)]
    let (passing, lasting) = ([32, 33, 303], [5, 112, 50]);
    let unread = |code| Saved::unread(&std::io::Error::from_raw_os_error(code)).choice;
    for code in passing {
        assert!(matches!(unread(code), SavedChoice::NotNow(_)), "{code}");
    }
    for code in lasting {
        assert!(matches!(unread(code), SavedChoice::Unreadable(_)), "{code}");
    }
}

#[test]
fn a_choice_that_cannot_be_read_means_off() {
    let says = |text: &str| Saved::parse(text.as_bytes()).choice;
    assert_eq!(says(r#"{"enabled": true}"#), SavedChoice::On);
    assert_eq!(says(r#"{"enabled": false, "more": 1}"#), SavedChoice::Off);
    for text in ["", "off", "{}", "{\"enabled\":", "{\"enabled\": \"yes\"}", "[]", "\u{0}", "{\"enabled\": null}"] {
        assert!(says(text).is_off(), "{text:?}");
    }
    for text in [
        r#"{"enabled": false, "enabled": true}"#,
        r#"{"enabled": true, "enabled": true}"#,
        r#"{"Enabled": true}"#,
        r#"{"ENABLED": false, "id": "random"}"#,
        r#"{"enabled": true, "Enabled": false}"#,
        r#"{"\u0065nabled": true}"#,
        r#"{"id": "random", "more": {"enabled": false}}"#,
        r#"{"enabled": 1}"#,
        r#"{"enabled": true, "since_ms": "1790000000000"}"#,
        r#"{"enabled": true, "since_ms": -1}"#,
        r#"{"enabled": true, "since_ms": 99999999999999999999}"#,
        r#"{"id": "random", "since_ms": null}"#,
    ] {
        assert!(says(text).is_off(), "{text}");
    }
}

#[test]
#[cfg(unix)]
fn a_link_to_what_is_away_is_no_consent_at_any_level() {
    let dir = tempfile::tempdir().unwrap();
    let (config, away) = (dir.path().join("config"), dir.path().join("away"));
    let read = || Saved::read(Some(&config.join("pact-telemetry/choice.json"))).choice;
    assert_eq!(read(), SavedChoice::None);
    std::os::unix::fs::symlink(&away, &config).unwrap();
    assert!(read().is_off(), "the folder above");
    std::fs::create_dir(&away).unwrap();
    assert_eq!(read(), SavedChoice::None, "it is there, and empty");
    std::os::unix::fs::symlink(dir.path().join("gone"), away.join("pact-telemetry")).unwrap();
    assert!(read().is_off(), "the folder");
    std::fs::remove_file(away.join("pact-telemetry")).unwrap();
    std::fs::create_dir(away.join("pact-telemetry")).unwrap();
    std::os::unix::fs::symlink("gone", away.join("pact-telemetry/choice.json")).unwrap();
    assert!(read().is_off(), "the file");
}

#[test]
fn an_identifier_can_be_chosen_with_and_without_a_choice_of_sending() {
    let saved = |text: &str| Saved::parse(text.as_bytes());
    assert_eq!(saved(r#"{"id": "random"}"#), Saved { choice: SavedChoice::None, random_id: true, since_ms: 0 });
    assert_eq!(
        saved(r#"{"enabled": true, "id": "random"}"#),
        Saved { choice: SavedChoice::On, random_id: true, since_ms: 0 }
    );
    assert_eq!(saved(r#"{"enabled": false, "id": "hostname"}"#), SavedChoice::Off.into());
    assert!(saved(r#"{"enabled": "no", "id": "random"}"#).choice.is_off());
}

#[test]
#[cfg(target_os = "linux")]
fn the_path_of_the_administrators_choice_cannot_be_moved() {
    assert_eq!(system_choice_path().as_deref(), Some(Path::new("/etc/pact-telemetry/choice.json")));
}

#[test]
fn only_a_file_that_is_not_there_is_no_choice() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("choice.json");
    assert_eq!(Saved::read(None).choice, SavedChoice::None);
    assert_eq!(Saved::read(Some(&path)).choice, SavedChoice::None);
    assert_eq!(Saved::read(Some(&path.join("below"))).choice, SavedChoice::None);
    std::fs::write(&path, r#"{"enabled": true}"#).unwrap();
    assert_eq!(Saved::read(Some(&path)).choice, SavedChoice::On);
    // There is a file where a folder should be: something exists, and it is not a choice.
    let is_unreadable = |path: &Path| matches!(Saved::read(Some(path)).choice, SavedChoice::Unreadable(_));
    assert!(is_unreadable(&path.join("below")) && is_unreadable(dir.path()), "a folder in its place");
}

#[test]
#[cfg(unix)]
fn a_fifo_in_its_place_does_not_hang_the_host() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("choice.json");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(Saved::read(Some(&path)).choice.is_off());
}

#[test]
fn a_choice_that_is_too_long_to_be_read_whole_means_off() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("choice.json");
    let padded = |length: usize| format!("{:<length$}", r#"{"enabled": true}"#);
    std::fs::write(&path, padded(4096)).unwrap();
    assert_eq!(Saved::read(Some(&path)).choice, SavedChoice::On);
    for rest in ["", "\n", r#"{"enabled": false}"#] {
        std::fs::write(&path, padded(4097) + rest).unwrap();
        assert!(Saved::read(Some(&path)).choice.is_off(), "{rest}");
    }
}

#[test]
fn an_administrators_on_is_no_opinion() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("choice.json");
    std::fs::write(&path, r#"{"enabled": true}"#).unwrap();
    assert_eq!(ChoiceFiles { user: None, system: Some(path.clone()) }.read().system, SavedChoice::None);
    std::fs::write(&path, r#"{"enabled": false}"#).unwrap();
    let choices = ChoiceFiles { user: None, system: Some(path) }.read();
    assert_eq!(choices.off_by(), Some("system choice"));
}

#[test]
fn explanations_name_every_rule_with_what_it_read() {
    let variables = [None, Some("off"), Some("TRUE")];
    let written = |rule: &Rule| -> Value { serde_json::from_str(&Object::text(|object| rule.write(object))).unwrap() };
    let rules = readings(true, variables, SavedChoice::On, SavedChoice::Off).rules();
    let said: Vec<_> = rules.iter().map(|rule| rule.says.name()).collect();
    let all: Vec<Value> = rules.iter().map(written).collect();
    assert_eq!(said, ["on", "no opinion", "no opinion", "off", "on", "off"]);
    assert_eq!(all[0], json!({"rule": "host", "read": true, "says": "on"}));
    let off = readings(false, variables, SavedChoice::On, SavedChoice::Off).rules();
    assert_eq!(written(&off[0]), json!({"rule": "host", "read": false, "says": "off"}));
    assert_eq!(all[3], json!({"rule": "DO_NOT_TRACK", "read": "TRUE", "says": "off"}));
    assert_eq!(all[5], json!({"rule": "system choice", "read": "off", "says": "off", "path": null}));
}
