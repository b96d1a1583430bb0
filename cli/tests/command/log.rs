//! Promises of `log`, of a ledger as the library writes it.

use serde_json::{Value, json};

use crate::home::{Home, write};

fn request(id: usize, body: &str) -> String {
    json!({"request": id.to_string(), "at_ms": 1_764_000_000_000_u64 + id as u64, "method": "POST",
        "url": "https://a.example/x?y=1", "headers": {"content-type": "application/json"}, "body": body})
    .to_string()
}

fn answer(id: usize) -> String {
    json!({"request": id.to_string(), "at_ms": 1_764_000_000_100_u64, "status": 204}).to_string()
}

fn with(ledger: &[String]) -> Home {
    let home = Home::new();
    write(&home.state().join("ledger.jsonl"), &(ledger.join("\n") + "\n"));
    home
}

#[test]
fn a_request_is_shown_byte_for_byte_with_what_came_back() {
    let body = r#"{"client_id":"1.2","events":[]}"#;
    let home = with(&[request(0, body), answer(0)]);
    let expected = format!(
        "2025-11-24 16:00:00 +00:00  POST https://a.example/x?y=1\n  content-type: application/json\n\n  {body}\n\n  \
         delivered: answered 204 after 100 ms\n\n"
    );
    assert_eq!(home.run(&["log"]).good(), expected);
    let all = home.run(&["log", "--json"]).json();
    let mut request: Value = serde_json::from_str(&request(0, body)).unwrap();
    request["answer"] = json!({"at_ms": 1_764_000_000_100_u64, "status": 204});
    assert_eq!(all, json!({"requests": [request], "earlier": 0, "torn_lines": 0}));
}

#[test]
fn the_last_ones_are_shown_the_newest_at_the_end_also_from_the_older_file() {
    let home = Home::new();
    let lines = |range: std::ops::Range<usize>| range.map(|id| request(id, "{}") + "\n").collect::<String>();
    write(&home.state().join("ledger.1.jsonl"), &lines(0..8));
    write(&home.state().join("ledger.jsonl"), &lines(8..12));
    let ids = |arguments: &[&str]| {
        let all = home.run(arguments).json();
        let ids = all["requests"].as_array().unwrap().iter().map(|one| one["request"].as_str().unwrap().to_owned());
        (ids.collect::<Vec<_>>().join(" "), all["earlier"].clone())
    };
    assert_eq!(ids(&["log", "--json"]), ("2 3 4 5 6 7 8 9 10 11".to_owned(), json!(2)));
    assert_eq!(ids(&["log", "--json", "-n", "2"]), ("10 11".to_owned(), json!(10)));
    assert_eq!(ids(&["log", "--json", "-n", "99"]).1, 0);
    assert!(home.run(&["log", "-n", "2"]).good().starts_with("10 requests came before; -n 12 shows all.\n"));
}

#[test]
fn a_torn_line_is_said_and_hides_nothing_else() {
    let torn = request(1, "{}")[..50].to_owned();
    let home = with(&[request(0, "first"), torn, request(2, "last")]);
    let text = home.run(&["log"]).good();
    assert!(text.starts_with("1 line of the log cannot be read: a program was ended while it wrote.\n"), "{text}");
    assert!(text.contains("first") && text.contains("last") && text.contains("no answer is known"), "{text}");
    assert_eq!(home.run(&["log", "--json"]).json()["torn_lines"], 1);
}

#[test]
fn nothing_in_the_log_steers_the_terminal() {
    let evil = "\u{1b}]0;x\u{7}\u{9b}2J\r\u{8}\u{202e}";
    let text = format!("a{evil}\nb");
    let line = json!({"request": evil, "at_ms": 0, "method": text, "url": text, "headers": {text.clone(): text},
        "body": text});
    let failure = json!({"request": evil, "at_ms": 0, "failure": text});
    let home = with(&[line.to_string(), failure.to_string()]);
    for arguments in [&["log"][..], &["status"]] {
        let shown = home.run(arguments).good();
        assert!(shown.contains(r"\u{1b}]0;x\u{7}"), "{shown}");
        let steering = |character: &char| character.is_control() && *character != '\n' || *character == '\u{202e}';
        assert_eq!(shown.chars().find(steering), None, "{shown:?}");
    }
}

#[test]
fn an_empty_log_says_so_and_an_unreadable_one_is_an_error() {
    let home = Home::new();
    let log = home.run(&["log"]).good();
    assert!(log.starts_with("The log in ") && log.contains(" is empty"), "{log}");
    let homeless = home.run_with(&["log"], &[("HOME", "")]).good();
    assert!(homeless.starts_with("There is no log, because there is no home folder"), "{homeless}");
    std::fs::create_dir_all(home.state().join("ledger.jsonl")).unwrap();
    assert!(home.run(&["log"]).failed().contains("ledger.jsonl"));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error_and_a_full_disk_is_one() {
    let home = with(&(0..2_000).map(|id| request(id, "{}")).collect::<Vec<_>>());
    let log = format!("{} log -n 2000", env!("CARGO_BIN_EXE_pact-telemetry"));
    let shell = |script: String| crate::home::end(home.command("bash").args(["-c", &script]));
    assert_eq!(shell(format!("set -o pipefail; {log} | head -1 >/dev/null")).code, 0);
    let full = shell(format!("{log} >/dev/full"));
    assert!(full.code == 1 && full.error.contains("cannot write the output"), "{full:?}");
}
