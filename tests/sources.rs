//! Checks every file of the repository: no line is longer than 120 columns, and no word is used that the project has
//! replaced by a standard term.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // tests

use std::path::Path;
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const COLUMNS: usize = 120;

/// The extensions of data and of what a program wrote. Every other text file is a source or a document.
const NOT_SOURCES: [&str; 6] = ["abi", "json", "lock", "png", "sum", "svg"];

/// Files that were not written by a person, or not for this project.
const NOT_OURS: [&str; 4] = ["docs/licences.txt", "tests/abi/", "fuzz/corpus/", "LICENSE"];

/// Words that the project no longer uses, with their replacements.
const GIVEN_UP: [(&str, &str); 13] = [
    ("heir", "takeover, or deliver_leftovers"),
    ("bell", "parker"),
    ("the gate", "in_flight"),
    ("gate.rs", "in_flight.rs"),
    ("hand.rs", "pipeline/batch.rs"),
    ("InHand", "PendingEvent"),
    ("wire.rs", "send_permit.rs"),
    ("kept_here", "ledger"),
    ("first_run.rs", "notice.rs"),
    ("person.rs", "consent.rs"),
    ("the sender", "the background threads, the worker or the uploader"),
    ("dist/pack", "packaging/pack"),
    ("pact-foundation/pact_telemetry", "pact-foundation/pact-telemetry"),
];

/// Files in which one of these words means something else.
const ALLOWED: [(&str, &str); 4] = [
    ("tests/sources.rs", ""),                     // this list
    ("tests/c/texts.c", "bell"),                  // the control character
    ("tests/conformance/bad_input.json", "bell"), // the same
    ("docs/relay.md", "the sender"),              // of a request, whoever that is
];

/// The names and texts of all text files; none if this is not a git repository.
fn files() -> Vec<(String, String)> {
    let mut git = Command::new("git");
    let listed = git.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(ROOT).output();
    let listed = listed.map(|output| String::from_utf8(output.stdout).unwrap());
    let listed = listed.unwrap_or_default();
    if listed.is_empty() {
        println!("NOT RUN: this is no git repository, so its files are not known");
    }
    let is_ours = |name: &&str| !NOT_OURS.iter().any(|other| name.starts_with(other));
    let read = |name: &str| Some((name.to_owned(), std::fs::read_to_string(Path::new(ROOT).join(name)).ok()?));
    listed.lines().filter(is_ours).filter_map(read).collect()
}

fn is_source(name: &str) -> bool {
    let end = name.rsplit(['/', '.']).next().unwrap();
    !NOT_SOURCES.contains(&end)
}

/// The lines of a file that are too long. Those of a table in Markdown cannot be broken, nor can an address.
fn too_long(name: &str, text: &str) -> Vec<String> {
    let may_be_long = |line: &str| (name.ends_with(".md") || name.ends_with(".md.in")) && line.starts_with('|');
    let long = |line: &str| line.chars().count() > COLUMNS && !may_be_long(line) && line.contains(' ');
    let lines = text.lines().enumerate().filter(|(_, line)| long(line));
    lines.map(|(index, _)| format!("{name}:{}", index + 1)).collect()
}

/// The replaced words in a file or in its name.
fn given_up(name: &str, text: &str) -> Vec<String> {
    let is_allowed =
        |word: &str| ALLOWED.iter().any(|(file, which)| name == *file && (which.is_empty() || word == *which));
    let is_inside = |letter: char| letter.is_alphanumeric() || letter == '_';
    let has = |text: &str, word: &str| {
        text.match_indices(word)
            .any(|(at, _)| !text[..at].ends_with(is_inside) && !text[at + word.len()..].starts_with(is_inside))
    };
    let words = GIVEN_UP.iter().filter(|(word, _)| !is_allowed(word));
    let found = words.filter(|(word, _)| has(name, word) || has(text, word));
    found.map(|(word, instead)| format!("{name}: {word}; say {instead}")).collect()
}

#[test]
fn no_line_is_beyond_120_columns() {
    let sources = files().into_iter().filter(|(name, _)| is_source(name));
    let found: Vec<_> = sources.flat_map(|(name, text)| too_long(&name, &text)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_word_is_left_that_the_project_gave_up() {
    let found: Vec<_> = files().iter().flat_map(|(name, text)| given_up(name, text)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_long_line_and_a_word_that_was_given_up_are_noticed() {
    let long = "a ".repeat(61);
    assert_eq!(too_long("a.rs", &format!("short\n{long}\n")), ["a.rs:2"]);
    assert_eq!(too_long("a.md", &format!("| {long} |")), Vec::<String>::new());
    assert_eq!(too_long("a.md", &long), ["a.md:1"]);
    assert_eq!(given_up("a.rs", "The heir, a bellman").len(), 1);
    assert_eq!(given_up("src/pipeline/gate.rs", "").len(), 1);
    assert!(is_source("tests/run") && is_source(".gitignore") && !is_source("docs/live-page.png"));
    for end in ["php", "cs", "cpp", "hpp", "cmake", "csproj", "nuspec", "neon", "conf", "another"] {
        assert!(is_source(&format!("bindings/a.{end}")), "{end}");
    }
}
