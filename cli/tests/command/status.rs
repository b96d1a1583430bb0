//! Promises of `status`.

use serde_json::json;

use crate::home::{Home, write};

#[test]
fn the_rule_that_decided_is_named_in_words_and_for_machines() {
    let home = Home::new();
    let status = |variables: &[(&str, &str)]| {
        let text = home.run_with(&["status"], variables).good();
        let json = home.run_with(&["status", "--json"], variables).json();
        (text.lines().next().unwrap().to_owned(), json["enabled"].clone(), json["rule"].clone())
    };
    let on = "Telemetry is on. `pact-telemetry off` turns it off.".to_owned();
    assert_eq!(status(&[("DO_NOT_TRACK", "0")]), (on, json!(true), json!(null)));
    let off = "Telemetry is off: pact_do_not_track=Yes in the environment says so.".to_owned();
    assert_eq!(status(&[("pact_do_not_track", "Yes")]), (off, json!(false), json!("pact_do_not_track")));
    home.run(&["off"]).good();
    let chosen = home.choice().display().to_string();
    let chosen = format!("Telemetry is off: you chose so (in {chosen}). `pact-telemetry on` turns it on.");
    assert_eq!(status(&[]), (chosen, json!(false), json!("saved choice")));
    home.save("torn");
    let (text, ..) = status(&[]);
    assert!(text.contains(&format!("Telemetry is off: {}: unreadable (not JSON", home.choice().display())), "{text}");
    assert!(text.ends_with("which counts as off. `pact-telemetry on` turns it on."), "{text}");
}

#[test]
fn every_rule_says_what_it_read() {
    let home = Home::new();
    home.run(&["on"]).good();
    let variables = [("PACT_DO_NOT_TRACK", "no"), ("DO_NOT_TRACK", "\u{1b}[2J")];
    let rules = home.run_with(&["status", "--json"], &variables).json()["rules"].clone();
    let read: Vec<_> = rules.as_array().unwrap().iter().map(|rule| (&rule["rule"], &rule["says"])).collect();
    let expected = [
        ("PACT_DO_NOT_TRACK", "no opinion"),
        ("pact_do_not_track", "no opinion"),
        ("DO_NOT_TRACK", "off"),
        ("saved choice", "on"),
        ("system choice", "no opinion"),
    ];
    assert_eq!(
        read,
        expected.map(|(rule, says)| (json!(rule), json!(says))).iter().map(|(a, b)| (a, b)).collect::<Vec<_>>()
    );
    let text = home.run_with(&["status"], &variables).good();
    assert!(text.contains(r"DO_NOT_TRACK=\u{1b}[2J in") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_script_can_ask_by_the_exit_code() {
    let home = Home::new();
    assert_eq!(home.run(&["status", "--exit-code"]).code, 0);
    assert_eq!(home.run_with(&["status", "--exit-code"], &[("DO_NOT_TRACK", "1")]).code, 3);
    assert_eq!(home.run_with(&["status"], &[("DO_NOT_TRACK", "1")]).code, 0);
    assert_eq!(home.run(&["status", "--nonsense"]).code, 2);
}

#[test]
fn what_was_sent_last_and_what_failed_last_is_told_without_the_account() {
    let home = Home::new();
    let request = |id: u32, at_ms: u64| {
        json!({"request": id.to_string(), "at_ms": at_ms, "method": "POST", "url": "https://a.example/x?api_secret=s",
            "headers": {}, "body": "{}"})
        .to_string()
    };
    let answer = |id: u32, at_ms: u64, more: (&str, serde_json::Value)| {
        json!({"request": id.to_string(), "at_ms": at_ms, more.0: more.1}).to_string()
    };
    let lines = [
        request(1, 1_764_000_000_000),
        answer(1, 1_764_000_000_050, ("status", 204.into())),
        request(2, 1_764_000_100_000),
        answer(2, 1_764_000_100_007, ("failure", "no connection".into())),
        request(3, 1_764_000_200_000),
    ];
    write(&home.state().join("ledger.jsonl"), &(lines.join("\n") + "\n"));
    write(&home.state().join("notice.json"), r#"{"shown_ms": 1764000000000}"#);
    let text = home.run(&["status"]).good();
    let fact =
        |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().split("  ").last().unwrap().trim();
    assert_eq!(
        fact("Last delivery"),
        "2025-11-24 16:00:00 +00:00 to https://a.example/x, delivered: answered 204 after 50 ms"
    );
    assert_eq!(
        fact("Last failure"),
        "2025-11-24 16:01:40 +00:00 to https://a.example/x, not delivered: no connection after 7 ms"
    );
    assert_eq!(fact("First notice"), "shown 2025-11-24 16:00:00 +00:00");
    let status = home.run(&["status", "--json"]).json();
    assert_eq!(status["last_delivery"]["answer"], json!({"at_ms": 1_764_000_000_050_u64, "status": 204}));
    assert_eq!(status["last_failure"]["url"], "https://a.example/x");
    assert_eq!(status["notice_shown_ms"], 1_764_000_000_000_u64);
}

#[test]
fn until_when_the_notice_holds_events_back_is_told_and_no_longer() {
    let home = Home::new();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    let (hour, notice) = (60 * 60 * 1_000, home.state().join("notice.json"));
    let held = |variables: &[(&str, &str)]| {
        let text = home.run_with(&["status"], variables).good();
        let until = home.run_with(&["status", "--json"], variables).json()["hold_until_ms"].clone();
        let line = text.lines().find(|line| line.starts_with("First notice")).unwrap();
        assert_eq!(line.contains("; nothing leaves before 20"), until.is_u64(), "{line}");
        until
    };
    assert_eq!(held(&[]), json!(null), "not shown yet");
    write(&notice, &json!({"shown_ms": now, "seen_ms": now}).to_string());
    assert_eq!(held(&[]), json!(now + hour), "seen on a terminal");
    assert_eq!(held(&[("CI", "true")]), json!(null));
    assert_eq!(held(&[("PACT_TELEMETRY_NOTICE", "seen")]), json!(null));
    write(&notice, &json!({"shown_ms": now}).to_string());
    assert_eq!(held(&[]), json!(now + 24 * hour), "not seen");
    home.run(&["on"]).good();
    assert_eq!(held(&[]), json!(null), "the person said yes");
    home.run(&["off"]).good();
    write(&notice, &json!({"shown_ms": now - 48 * hour}).to_string());
    assert_eq!(held(&[]), json!(null), "it is over");
}

#[test]
fn settings_that_programs_refuse_are_told_and_hide_nothing_else() {
    let home = Home::new();
    home.run(&["off"]).good();
    let wrong = [("PACT_TELEMETRY_ENDPOINT", "http://example.com")];
    let text = home.run_with(&["status"], &wrong).good();
    assert!(text.contains("programs refuse their settings: environment: PACT_TELEMETRY_ENDPOINT"), "{text}");
    assert!(text.starts_with("Telemetry is off"), "{text}");
}

#[test]
fn it_works_without_a_home() {
    let home = Home::new();
    let status = home.run_with(&["status", "--json"], &[("HOME", "")]).json();
    assert_eq!((&status["files"]["choice"], &status["files"]["state"]), (&json!(null), &json!(null)));
    home.run_with(&["status"], &[("HOME", "")]).good();
}
