//! The library does what the documentation says.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // tests

mod support;

use pact_telemetry::Client;
use pact_telemetry::internal::{FIELDS, Ga4Place};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use support::{ROOT, in_its_own_process};

fn read(file: &str) -> String {
    std::fs::read_to_string(format!("{ROOT}/{file}")).unwrap()
}

#[test]
fn the_published_list_is_what_the_encoders_write() {
    const LAST: &str = "| what the protocol itself needs";
    let text = read("docs/privacy.md");
    let (before, rest) = text.split_once("|---|---|---|---|---|---|\n").unwrap();
    let (published, after) = rest.split_once(LAST).unwrap();
    let written: String = FIELDS
        .iter()
        .map(|row| {
            let ga4 = match row.field.ga4 {
                Ga4Place::Parameter(name) | Ga4Place::Request(name) => format!("`{name}`"),
                Ga4Place::Implicit => "implicit".into(),
            };
            let otlp = row.field.otlp.keys().join("`, `");
            format!("| {} | {} | `{}` | {ga4} | `{}` | `{otlp}` |\n", row.what, row.why, row.example, row.field.ua)
        })
        .collect();
    if std::env::var_os("PACT_TELEMETRY_BLESS").is_some() {
        let text = format!("{before}|---|---|---|---|---|---|\n{written}{LAST}{after}");
        std::fs::write(format!("{ROOT}/docs/privacy.md"), text).unwrap();
    } else {
        assert_eq!(published, written, "`make headers` writes the list anew");
    }
}

#[test]
fn every_key_of_the_config_and_every_variable_is_documented() {
    let (source, docs) = (read("src/config.rs"), read("docs/config.md"));
    let keys = source.split("fn is_key").nth(1).unwrap().split("\n}").next().unwrap();
    let keys: Vec<_> = keys.split('"').skip(1).step_by(2).collect();
    assert!(keys.len() > 10);
    for key in keys {
        let documented = if key == "library" { "`library.id`".into() } else { format!("`{key}`") };
        assert!(docs.contains(&documented), "{key}");
    }
    for variable in source.split('"').filter(|part| part.starts_with("PACT_TELEMETRY_")) {
        assert!(docs.contains(&format!("`{variable}`")), "{variable}");
    }
}

#[test]
fn every_key_of_an_answer_is_documented() {
    if !in_its_own_process("every_key_of_an_answer_is_documented", &[]) {
        return;
    }
    let docs = read("docs/config.md");
    let client = Client::new(r#"{"library": {"id": "a", "name": "b", "version": "1"}}"#).unwrap();
    for (chapter, answer) in [("stats", client.stats().to_json()), ("explain", client.explain().to_json())] {
        let chapter = docs.split(&format!("## What `{chapter}` tells")).nth(1).unwrap().split("\n## ").next().unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        for (key, value) in answer.as_object().unwrap() {
            let inner = value.as_object().into_iter().flat_map(|inner| inner.keys());
            let of_a_list =
                value.as_array().into_iter().flatten().filter_map(Value::as_object).flat_map(|one| one.keys());
            for key in [key].into_iter().chain(inner).chain(of_a_list) {
                assert!(chapter.contains(&format!("`{key}`")), "{key}: {answer}");
            }
        }
    }
}

#[test]
fn the_module_for_adopters_is_the_example_that_is_compiled() {
    let (page, example) = (read("docs/adopting.md"), read("examples/one_client.rs"));
    let module = page.split("```rust\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(example.contains(module), "docs/adopting.md and examples/one_client.rs");
}

#[test]
fn the_program_in_the_readme_compiles_without_a_warning_and_runs() {
    if !in_its_own_process("the_program_in_the_readme_compiles_without_a_warning_and_runs", &[]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let readme = read("README.md");
    let program = readme.split("```c\n").nth(1).unwrap().split("```").next().unwrap();
    std::fs::write(dir.path().join("program.c"), program).unwrap();
    let compiled = Command::new("cc")
        .args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "program.c", "-o", "program"])
        .args([format!("-I{ROOT}/include"), format!("-L{ROOT}/build/lib"), format!("-Wl,-rpath,{ROOT}/build/lib")])
        .arg("-lpact_telemetry")
        .current_dir(dir.path())
        .status();
    assert!(compiled.unwrap().success());
    let output = Command::new(dir.path().join("program")).output().unwrap();
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "PACT_TELEMETRY_OK\n",
        "nothing waits: it has no credentials"
    );
    assert!(program.lines().count() <= 20, "twenty lines, as promised");
}

/// The names and texts of all files of the repository that have one of these ends; none if this is no git repository.
fn files(ends: &[&str]) -> Vec<(String, String)> {
    let listed = Command::new("git").args(["ls-files", "--cached"]).current_dir(ROOT).output();
    let listed = listed.map(|output| String::from_utf8(output.stdout).unwrap()).unwrap_or_default();
    if listed.is_empty() {
        println!("NOT RUN: this is no git repository, so its files are not known");
    }
    let wanted = listed.lines().filter(|name| ends.iter().any(|end| name.ends_with(end)));
    wanted.filter_map(|name| Some((name.to_owned(), std::fs::read_to_string(format!("{ROOT}/{name}")).ok()?))).collect()
}

/// Every page that a person reads.
fn pages() -> Vec<(String, String)> {
    files(&[".md"])
}

fn exists(path: &str) -> bool {
    Path::new(ROOT).join(path).exists()
}

/// The parts of a text between single backticks, across lines but outside of blocks of code.
fn code_spans(text: &str) -> Vec<String> {
    let prose: Vec<_> = text.split("```").step_by(2).collect();
    prose.iter().flat_map(|part| part.split('`').skip(1).step_by(2)).map(|span| span.replace('\n', " ")).collect()
}

/// Where a heading is found, as GitHub writes it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    let mut broken = Vec::new();
    for (page, text) in pages() {
        let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        for link in links.filter(|link| !link.contains("://") && !link.ends_with("COLLECTED.md")) {
            let link = link.replace('\n', "");
            let (path, heading) = link.split_once('#').unwrap_or((&link, ""));
            let folder = Path::new(ROOT).join(&page).parent().unwrap().to_owned();
            let target = if path.is_empty() { Path::new(ROOT).join(&page) } else { folder.join(path) };
            let has_heading = || {
                let text = std::fs::read_to_string(&target).unwrap_or_default();
                text.lines().any(|line| line.starts_with('#') && anchor(line) == heading)
            };
            if !target.exists() || !(heading.is_empty() || has_heading()) {
                broken.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_path_that_a_page_names_exists() {
    const TOP: [&str; 11] = [
        "src/",
        "tests/",
        "cli/",
        "docs/",
        "packaging/",
        "benches/",
        "bindings/",
        "examples/",
        "include/",
        "fuzz/",
        ".github/",
    ];
    let mut missing = Vec::new();
    for (page, text) in pages().into_iter().filter(|(page, _)| !page.starts_with("bindings/")) {
        for span in code_spans(&text) {
            let path = span.split_whitespace().next().unwrap_or_default();
            let is_source = path.ends_with(".rs") && path.contains('/');
            let is_path = is_source || TOP.iter().any(|top| path.starts_with(top));
            let beside = Path::new(&page).parent().unwrap().join(path);
            let places = [path.to_owned(), format!("src/{path}"), format!("cli/src/{path}"), format!("tests/{path}")];
            let is_found = places.iter().any(|place| exists(place)) || exists(beside.to_str().unwrap());
            if is_path && !path.contains(['<', '*', '…']) && !is_found {
                missing.push(format!("{page}: {path}"));
            }
            // A test, or another function, that is named as a sentence.
            let is_name = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
            if path.matches('_').count() >= 4
                && !path.starts_with('_')
                && path.chars().all(is_name)
                && !is_defined(path)
            {
                missing.push(format!("{page}: {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

fn is_defined(function: &str) -> bool {
    files(&[".rs"]).iter().any(|(_, text)| text.contains(&format!("fn {function}(")))
}

#[test]
fn architecture_names_each_file_and_no_other() {
    let text = read("ARCHITECTURE.md");
    let list = text.split("## Which file to open").nth(1).unwrap().split("\n## ").next().unwrap();
    let (mut top, mut missing, mut named) = (String::new(), Vec::new(), Vec::new());
    for line in list.lines().filter(|line| line.starts_with("    ") && !line.starts_with("         ")) {
        let name = line.trim().split("  ").next().unwrap();
        let paths: Vec<String> = if line.starts_with("      ") {
            name.split(", ").map(|part| format!("{top}{part}")).collect()
        } else {
            top = name.to_owned();
            vec![name.to_owned()]
        };
        let is_there = |path: &String| exists(path) || exists(&format!("{path}.rs"));
        missing.extend(paths.iter().filter(|path| !is_there(path)).cloned());
        named.extend(paths);
    }
    assert!(named.len() > 40, "{named:?}");
    assert!(missing.is_empty(), "not there: {missing:?}");
    let sources: Vec<_> = files(&[""]).into_iter().map(|(name, _)| name).collect();
    let folders = sources.iter().filter_map(|name| name.split_once('/')).map(|(folder, _)| format!("{folder}/"));
    let untold: Vec<_> =
        folders.filter(|folder| !folder.starts_with('.') && folder != "src/" && !named.contains(folder)).collect();
    assert!(untold.is_empty(), "ARCHITECTURE.md does not say what these folders are for: {untold:?}");
    let sources = sources.into_iter().filter(|name| name.ends_with(".rs"));
    let at_the_top = sources.filter(|name| name.starts_with("src/") && name.matches('/').count() == 1);
    let untold: Vec<_> = at_the_top
        .filter(|name| !name.ends_with("_tests.rs") && !["src/lib.rs", "src/fuzzing.rs"].contains(&name.as_str()))
        .filter(|name| !named.contains(name))
        .collect();
    assert!(untold.is_empty(), "ARCHITECTURE.md does not say what these are for: {untold:?}");
}

/// The targets of the Makefile, with the text that `make help` shows for each.
fn targets() -> Vec<(String, String)> {
    let output = Command::new("make").args(["-s", "-C", ROOT, "help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let entry =
        |line: &str| line.trim().strip_prefix("make ")?.split_once("  ").map(|(a, b)| (a.into(), b.trim().into()));
    help.lines().filter_map(entry).collect()
}

#[test]
fn every_make_target_has_a_help_line_and_every_one_that_is_named_exists() {
    let targets = targets();
    assert!(targets.iter().all(|(_, help)| help.len() > 5), "{targets:?}");
    let is_target = |word: &str| targets.iter().any(|(name, _)| name == word);
    let makefile = read("Makefile").replace("\\\n", "");
    let phony = makefile.lines().find_map(|line| line.strip_prefix(".PHONY: ")).unwrap();
    // One `#` in place of two says that a target is a part of others.
    let is_part = |name: &str| {
        let mut rules = makefile.lines().filter(|line| line.starts_with(&format!("{name}:")));
        name == "FORCE" || rules.any(|rule| rule.contains(" # "))
    };
    let own = phony.split_whitespace().filter(|name| !is_part(name));
    let untold: Vec<_> = own.filter(|name| !is_target(name)).collect();
    assert!(untold.is_empty(), "no help line: {untold:?}");

    let mut unknown = Vec::new();
    for (page, text) in files(&[".md", ".yml"]) {
        let lines = text.lines().map(|line| line.trim().trim_start_matches("run: ").trim_start_matches("- run: "));
        let commands = lines.map(str::to_owned).chain(code_spans(&text));
        for command in commands.filter(|command| command.starts_with("make ")) {
            let words = command.split_whitespace().skip(1).take_while(|word| !word.contains(['#', '&', '…', '=', '$']));
            let words = words.filter(|word| !word.starts_with('-') && !word.starts_with('"'));
            // A sentence that begins with "make" is no command.
            let is_command = page.ends_with(".yml") || command.len() < 60;
            unknown.extend(words.filter(|word| is_command && !is_target(word)).map(|word| format!("{page}: {word}")));
        }
    }
    assert!(unknown.is_empty(), "no such target: {unknown:?}");
}

#[test]
fn every_command_line_of_the_pages_is_one_that_the_command_takes() {
    let mut help = std::collections::HashMap::new();
    let mut wrong = Vec::new();
    for (page, text) in pages() {
        let spans = code_spans(&text);
        for line in text.lines().map(str::trim).chain(spans.iter().map(String::as_str)) {
            let Some(arguments) = line.strip_prefix("pact-telemetry ") else { continue };
            let mut words = arguments.split_whitespace().take_while(|word| !"#|>".contains(*word));
            let Some(subcommand) =
                words.next().filter(|word| word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'))
            else {
                continue; // `pact-telemetry …`
            };
            let subcommand = if subcommand == "--version" || subcommand == "help" { "status" } else { subcommand };
            let help = help.entry(subcommand.to_owned()).or_insert_with(|| {
                let output = Command::new(support::command()).args([subcommand, "--help"]).output().unwrap();
                output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
            });
            let is_known = |option: &str| help.as_ref().is_some_and(|help| help.contains(option));
            let options = words.filter(|word| word.starts_with("--"));
            if help.is_none() || !options.clone().all(is_known) {
                wrong.push(format!("{page}: {line}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_variable_that_a_page_names_is_one_that_something_reads() {
    let code = files(&[
        ".rs", ".py", ".js", ".rb", ".go", ".java", ".kt", ".php", ".cs", ".hpp", ".h", "Makefile", "/run", "/check",
    ]);
    let is_name = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
    let mut unknown = Vec::new();
    for (page, text) in pages() {
        for (at, _) in text.match_indices("PACT_TELEMETRY_") {
            let name: String = text[at..].chars().take_while(|letter| is_name(*letter)).collect();
            let is_read = || code.iter().any(|(_, source)| source.contains(&name));
            if !name.ends_with('_') && !unknown.contains(&name) && !is_read() {
                unknown.push(format!("{page}: {name}"));
            }
        }
        let sends_here = text.lines().filter(|line| line.contains("PACT_TELEMETRY_ENDPOINT=http://127"));
        let with_secret = sends_here.filter(|line| line.contains("MEASUREMENT_ID"));
        assert_eq!(with_secret.count(), 0, "{page}: an endpoint of one's own needs no credentials");
    }
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_limit_in_the_table_of_the_config_is_the_one_that_is_enforced() {
    let docs = read("docs/config.md");
    let row =
        |key: &str| docs.lines().find(|line| line.starts_with("| `") && line.contains(&format!("`{key}`"))).unwrap();
    let long = "a".repeat(3_000);
    let library = |key: &str| {
        let mut library = json!({"id": "a", "name": "b", "version": "1"});
        library[key] = long.as_str().into();
        json!({"library": library})
    };
    let with = |key: &str, value: Value| {
        let mut config = json!({"library": {"id": "a", "name": "b", "version": "1"}});
        config[key] = value;
        config
    };
    let error = |config: Value| Client::new(&config.to_string()).unwrap_err().to_string();
    for key in ["id", "name", "version"] {
        let error = error(library(key));
        let limit = error.split("at most ").nth(1).unwrap().split(" bytes").next().unwrap();
        assert!(row(&format!("library.{key}")).contains(&format!("≤ {limit} bytes")), "{key}: {error}");
    }
    for key in ["test_framework", "platform_version"] {
        let error = error(with(key, long.as_str().into()));
        let limit = error.split("at most ").nth(1).unwrap().split(" bytes").next().unwrap();
        assert!(row(key).contains(&format!("≤ {limit} bytes")), "{key}: {error}");
    }
    for key in ["queue_capacity", "exit_timeout_ms"] {
        let error = error(with(key, 1_000_000.into()));
        let range = error.split("from ").nth(1).unwrap().split(',').next().unwrap();
        assert!(row(key).contains(range), "{key}: {error}");
    }
    for key in ["protocol", "notice", "id", "data_source"] {
        let error = error(with(key, "?".into()));
        let allowed = error.split("must be ").nth(1).unwrap().split(", found").next().unwrap().replace("one of ", "");
        for word in allowed.split([',', ' ']).map(|word| word.trim_matches('"')).filter(|word| word.len() > 2) {
            assert!(row(key).contains(&format!("`{word}`")), "{key}: {word}");
        }
    }
    let largest = error(json!({"library": "a".repeat(70_000)}));
    let limit = largest.split("at most ").nth(1).unwrap().split(' ').next().unwrap();
    assert!(docs.replace(',', "").contains(&format!("at most {limit} bytes")), "{largest}");
}

#[cfg(unix)]
#[test]
fn the_choice_that_a_person_writes_by_hand_means_off() {
    let home = tempfile::tempdir().unwrap();
    let docs = read("docs/privacy.md");
    let lines = docs.lines().skip_while(|line| *line != "    mkdir -p ~/.config/pact-telemetry");
    let script: Vec<_> = lines.take_while(|line| line.starts_with("    ")).collect();
    assert_eq!(script.len(), 2, "{script:?}");
    let run = |program: &str, arguments: &[&str]| {
        let variables = [("HOME", home.path().to_str().unwrap()), ("PATH", "/usr/bin:/bin")];
        Command::new(program).args(arguments).env_clear().envs(variables).output().unwrap()
    };
    assert!(run("sh", &["-c", &script.join("\n")]).status.success());
    if cfg!(target_os = "macos") {
        return; // the folder is another one there, as the page says
    }
    assert_eq!(run(&support::command(), &["status", "--exit-code"]).status.code(), Some(3));
}

#[test]
fn what_the_pages_count_is_counted_right() {
    let output = Command::new(support::command()).arg("property").output().unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    let counts = table.split("these are ").nth(1).unwrap().split('.').next().unwrap();
    let page = read("docs/google-analytics.md");
    assert!(page.contains(&format!("The library needs {counts}.")), "{counts}");

    let example = "bindings/jvm/examples/pact-jvm";
    let lines = read(&format!("{example}/src/main/kotlin/au/com/dius/pact/core/support/Metrics.kt")).lines().count();
    assert!(read("docs/adopting.md").contains(&format!("| {lines} lines: an object")), "{lines}");
    assert!(read(&format!("{example}/README.md")).contains(&format!("in {lines} lines")), "{lines}");

    let cargo = read("Cargo.toml");
    let rust = cargo.lines().find_map(|line| line.strip_prefix("rust-version = \"")?.strip_suffix('"')).unwrap();
    for page in ["README.md", "CONTRIBUTING.md", "cli/README.md"] {
        assert!(read(page).replace('(', "").contains(&format!("Rust {rust} or later")), "{page}");
    }
}
