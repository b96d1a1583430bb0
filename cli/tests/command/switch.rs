//! Promises of `off` and `on`.

use std::fs;
use std::os::unix::fs::symlink;
use std::thread;
use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use crate::home::{Home, mode, write};

const DIGEST: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn off_and_on_are_saved_for_this_person_alone() {
    let home = Home::new();
    assert!(home.run(&["off"]).good().starts_with("Telemetry is off."));
    assert_eq!(home.saved(), json!({"enabled": false}));
    assert_eq!((mode(&home.choice()), mode(home.choice().parent().unwrap())), (0o600, 0o700));
    assert_eq!(home.run(&["on"]).good(), "Your choice is saved: telemetry is on.\n");
    assert_eq!(without_time(home.saved()), json!({"enabled": true}));
    assert_eq!(home.files(), [".config/pact-telemetry/choice.json"]);
}

#[test]
fn other_keys_are_kept_and_what_is_no_choice_is_replaced() {
    let home = Home::new();
    home.save(r#"{"id": "random", "enabled": true, "later": [1]}"#);
    home.run(&["off"]).good();
    assert_eq!(home.saved(), json!({"id": "random", "enabled": false, "later": [1]}));
    for torn in ["", "{\"enabled\": tr", "[]", "\u{0}"] {
        home.save(torn);
        home.run(&["off"]).good();
        assert_eq!(home.saved(), json!({"enabled": false}), "{torn:?}");
        home.save(torn);
        home.run(&["on"]).good();
        assert_eq!(without_time(home.saved()), json!({"enabled": true}), "{torn:?}");
    }
}

/// A choice that was turned on after an "off", without the time of that.
fn without_time(mut saved: Value) -> Value {
    let since = saved.as_object_mut().unwrap().remove("since_ms").unwrap();
    assert!(since.as_u64().unwrap() > 1_700_000_000_000, "what was recorded before is never sent");
    saved
}

#[test]
fn on_without_an_off_before_leaves_what_waits() {
    let home = Home::new();
    home.run(&["on"]).good();
    home.run(&["on"]).good();
    assert_eq!(home.saved(), json!({"enabled": true}));
}

#[test]
fn off_removes_what_waits_and_what_was_kept_and_nothing_else() {
    let (home, elsewhere) = (Home::new(), Home::new());
    let ours = ["-1800000000000-a-1.batch", "-1800000000000-a-2-0.batch", "-1-a-3.torn", ".lock", ".want", ".retry"];
    for state in [home.state(), elsewhere.path().to_owned()] {
        ours.iter().for_each(|name| write(&state.join("spool").join(format!("{DIGEST}{name}")), "x"));
        write(&state.join("spool").join(format!(".{DIGEST}-1800000000000-a-1.batch.a.new")), "x");
        for name in ["ledger.jsonl", "ledger.1.jsonl", "id", ".id.0123456789abcdef.new", "notice.json"] {
            write(&state.join(name), "x");
        }
        // In the folder that the variable names there may be anything.
        write(&state.join("spool/cron/root"), "x");
        write(&state.join("spool/mail.lock"), "x");
        write(&state.join("precious"), "x");
    }
    let done = home.run_with(&["off", "--json"], &[("PACT_TELEMETRY_STATE_DIR", elsewhere.path().to_str().unwrap())]);
    assert_eq!(done.json()["removed_files"], 2 * (ours.len() + 1 + 4));
    assert_eq!(elsewhere.files(), ["notice.json", "precious", "spool/cron/root", "spool/mail.lock"]);
    assert_eq!(home.files().len(), 5, "{:?}", home.files());
}

#[test]
fn off_does_not_go_through_a_link_in_place_of_the_spool() {
    let (home, elsewhere) = (Home::new(), Home::new());
    let batch = format!("{DIGEST}-1800000000000-a-1.batch");
    write(&elsewhere.path().join(&batch), "x");
    fs::create_dir_all(home.state()).unwrap();
    symlink(elsewhere.path(), home.state().join("spool")).unwrap();
    assert!(home.run(&["off"]).failed().contains("telemetry is off, but these could not be removed"));
    assert_eq!((elsewhere.files(), home.saved()), (vec![batch], json!({"enabled": false})));
}

#[test]
fn off_is_saved_although_something_cannot_be_removed() {
    let home = Home::new();
    fs::create_dir_all(home.state().join("ledger.jsonl/in the way")).unwrap();
    write(&home.state().join("id"), "x");
    let error = home.run(&["off"]).failed();
    assert!(error.contains("telemetry is off") && error.contains("ledger.jsonl"), "{error}");
    assert_eq!(home.saved(), json!({"enabled": false}));
    assert!(!home.state().join("id").exists(), "the rest is removed");
}

#[test]
fn without_a_home_it_says_what_to_do_instead() {
    let home = Home::new();
    for argument in ["off", "on"] {
        let error = home.run_with(&[argument], &[("HOME", ""), ("XDG_CONFIG_HOME", "relative")]).failed();
        assert!(error.contains("PACT_DO_NOT_TRACK=1"), "{error}");
    }
}

#[test]
fn a_choice_that_cannot_be_saved_is_an_error_and_nothing_is_removed() {
    let home = Home::new();
    write(&home.path().join(".config"), "a file where a folder should be");
    write(&home.state().join("id"), "x");
    let error = home.run(&["off"]).failed();
    assert!(error.contains("choice.json") && error.contains("Nothing was changed"), "{error}");
    assert!(home.state().join("id").exists());
}

#[test]
fn a_link_to_a_choice_stays_one() {
    let (home, settings) = (Home::new(), Home::new());
    let real = settings.path().join("choice.json");
    write(&real, r#"{"enabled": true, "id": "random"}"#);
    fs::create_dir_all(home.choice().parent().unwrap()).unwrap();
    symlink(&real, home.choice()).unwrap();
    home.run(&["off"]).good();
    assert!(home.choice().is_symlink());
    assert_eq!(home.saved(), json!({"enabled": false, "id": "random"}));
}

#[test]
fn on_says_what_still_turns_it_off() {
    let home = Home::new();
    let done = home.run_with(&["on"], &[("DO_NOT_TRACK", "1")]).good();
    assert_eq!(done, "Your choice is saved, but telemetry stays off: DO_NOT_TRACK=1 in the environment says so.\n");
    let done = home.run_with(&["on", "--json"], &[("pact_do_not_track", "yes")]).json();
    assert_eq!((&done["enabled"], &done["rule"]), (&false.into(), &"pact_do_not_track".into()));
}

#[test]
fn what_came_to_disk_before_a_no_does_not_leave_after_a_yes() {
    let home = Home::new();
    let batch = home.state().join("spool").join(format!("{DIGEST}-1800000000000-a-1.batch"));
    for choice in [r#"{"enabled": false}"#, "torn"] {
        home.save(choice);
        write(&batch, "x"); // by a program that was killed at the moment of the "off"
        home.run(&["on"]).good();
        assert!(!batch.exists(), "{choice}");
    }
    write(&batch, "x");
    home.run(&["on"]).good();
    assert!(batch.exists(), "a yes after a yes takes nothing back");
}

#[test]
fn a_choice_in_doubt_can_be_turned_on_and_nothing_from_before_leaves() {
    let home = Home::new();
    for choice in [
        "{}",
        r#"{"ENABLED": true}"#,
        r#"{"enabled": true, "Enabled": false}"#,
        r#"{"\u0065nabled": true}"#,
        r#"{"enabled": true, "x": "a\nb"}"#,
        r#"{"enabled": true, "since_ms": "x"}"#,
        r#"{"enabled": true, "enabled": true, "id": "random"}"#,
    ] {
        home.save(choice);
        assert_eq!(home.run(&["status", "--exit-code"]).code, 3, "{choice}");
        home.run(&["on"]).good();
        assert_eq!(home.run(&["status", "--exit-code"]).code, 0, "{choice}");
        assert!(home.saved()["since_ms"].is_u64(), "{choice}: events from before are dropped wherever they wait");
        assert_eq!(home.saved()["id"] == "random", choice.contains("random"), "{choice}");
    }
}

#[test]
fn a_yes_that_was_said_under_a_clock_that_was_ahead_can_be_said_again() {
    let home = Home::new();
    home.save(r#"{"enabled": true, "since_ms": 9000000000000}"#);
    home.run(&["on"]).good();
    let since_ms = home.saved()["since_ms"].as_u64().unwrap();
    assert!((1_700_000_000_000..9_000_000_000_000).contains(&since_ms), "{since_ms}");
    home.run(&["on"]).good();
    assert_eq!(home.saved()["since_ms"], since_ms, "a yes after a yes changes nothing");
}

#[test]
fn what_is_recorded_after_an_on_does_not_count_as_from_before_it() {
    // The time of an event may be a tick of the scheduler too early: 10 ms at most.
    let home = Home::new();
    home.run(&["off"]).good();
    home.run(&["on"]).good();
    let since_ms = home.saved()["since_ms"].as_u64().unwrap();
    let now_ms = UNIX_EPOCH.elapsed().unwrap().as_millis();
    assert!(now_ms >= u128::from(since_ms) + 10, "since {since_ms}, and it is {now_ms}");
}

#[test]
fn an_off_is_not_undone_by_another_command_at_the_same_time() {
    let home = Home::new();
    home.run(&["on"]).good();
    for _ in 0..5 {
        thread::scope(|scope| {
            for arguments in [&["id", "random"][..], &["id", "hostname"], &["off"], &["id", "random"]] {
                let home = &home;
                scope.spawn(move || home.run(arguments).good());
            }
        });
        assert_eq!(home.saved()["enabled"], false);
        home.run(&["on"]).good();
    }
    assert_eq!(home.files(), [".config/pact-telemetry/choice.json"], "nothing half written is left");
}
