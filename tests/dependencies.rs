//! The library's dependencies: docs/dependencies.md, which says what each crate touches, and the bill of materials in
//! the packages. Both match the tree that cargo resolves.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // tests

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const LIST: &str = "docs/dependencies.md";
const BILL: &str = "docs/pact_telemetry.cdx.json";
const HEAD: &str = "|---|---|---|---|---|---|\n";
/// The text in a row until somebody has read that version.
const UNREAD: &str = "TO BE READ";

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).arg("--locked").current_dir(ROOT).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[derive(Default)]
struct Crate {
    licence: String,
    wanted_by: BTreeSet<String>,
}

/// The crates, by name and version, that the library depends on by these edges on Linux.
fn tree(edges: &str) -> BTreeMap<(String, String), Crate> {
    let target = ["-p", "pact_telemetry", "--target", "x86_64-unknown-linux-gnu", "--no-dedupe"];
    let printed = cargo(&[&["tree", "-e", edges, "--prefix", "depth", "-f", "|{p}|{l}"], &target[..]].concat());
    let (mut above, mut found) = (Vec::<String>::new(), BTreeMap::<_, Crate>::new());
    for line in printed.lines() {
        let [depth, package, licence] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let depth: usize = depth.parse().unwrap();
        let (name, version) = package.split_once(" v").unwrap();
        above.truncate(depth);
        if let Some(parent) = above.last() {
            assert!(!version.contains("proc-macro"), "{package}: a column for it is missing");
            let this = found.entry((name.to_owned(), version.to_owned())).or_default();
            this.licence = licence.to_owned();
            this.wanted_by.insert(if depth == 1 { "us".into() } else { parent.clone() });
        }
        above.push(name.to_owned());
    }
    assert!(found.len() > 10, "{printed}");
    found
}

/// Where the sources of each crate are, and whether it has a build script.
fn sources() -> BTreeMap<(String, String), (PathBuf, bool)> {
    let metadata = cargo(&["metadata", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"]);
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let one = |package: &Value| {
        let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned();
        let builds = package["targets"].as_array().unwrap().iter().any(|target| target["kind"][0] == "custom-build");
        ((text(&package["name"]), text(&package["version"])), (folder, builds))
    };
    metadata["packages"].as_array().unwrap().iter().map(one).collect()
}

/// The number of lines with `unsafe` below the folder, for every platform and including tests.
fn lines_with_unsafe(folder: &Path) -> usize {
    let in_file = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let is_word =
            |line: &&str| line.split(|one: char| !one.is_alphanumeric() && one != '_').any(|word| word == "unsafe");
        code.filter(is_word).count()
    };
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let each = |path: PathBuf| match path.extension() {
        _ if path.is_dir() => lines_with_unsafe(&path),
        Some(extension) if extension == "rs" => in_file(&path),
        _ => 0,
    };
    entries.map(each).sum()
}

fn join<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    names.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The rows of the table, each with the text about that version.
fn rows(written: &str) -> String {
    let (inside, all, sources) = (tree("normal"), tree("normal,build"), sources());
    let findings: BTreeMap<_, _> = written
        .lines()
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>())
        .map(|row| (row[0].to_owned(), row[row.len() - 1].to_owned()))
        .collect();
    let row = |(of, one): (&(String, String), &Crate)| {
        let name = format!("{} {}", of.0, of.1);
        let (folder, builds) = &sources[of];
        let build = if !inside.contains_key(of) {
            "runs there alone"
        } else if *builds {
            "yes"
        } else {
            "no"
        };
        let (by, count) = (join(&one.wanted_by), lines_with_unsafe(&folder.join("src")));
        let finding = findings.get(&name).map_or(UNREAD, String::as_str);
        format!("| {name} | {} | {by} | {build} | {count} | {finding} |\n", one.licence)
    };
    all.iter().map(row).collect()
}

#[test]
fn the_list_names_every_crate_of_the_library_and_what_it_touches() {
    let text = std::fs::read_to_string(format!("{ROOT}/{LIST}")).unwrap();
    let (before, written) = text.split_once(HEAD).unwrap();
    let rows = rows(written);
    if std::env::var_os("PACT_TELEMETRY_BLESS").is_some() {
        std::fs::write(format!("{ROOT}/{LIST}"), format!("{before}{HEAD}{rows}")).unwrap();
        return;
    }
    let [listed, found] = [written, &rows].map(|text| text.lines().collect::<BTreeSet<_>>());
    let other: Vec<_> = listed.symmetric_difference(&found).collect();
    assert!(other.is_empty(), "`make headers` writes the columns anew, a person what was found: {other:#?}");
    assert!(!rows.contains(UNREAD), "{LIST}: a crate or a version that nobody has read");
}

/// The crates that are in the library on any platform of packaging/shared.py; None where cargo cannot get all of them.
fn on_any_platform() -> Option<BTreeSet<(String, String)>> {
    let table = std::fs::read_to_string(format!("{ROOT}/packaging/shared.py")).unwrap();
    let is_target =
        |word: &&str| ["-unknown-linux-", "-apple-darwin", "-pc-windows-"].iter().any(|os| word.contains(os));
    let targets: BTreeSet<_> = table.split('"').filter(is_target).collect();
    assert!(targets.len() >= 7, "{targets:?}");
    let mut found = BTreeSet::new();
    for target in targets {
        let arguments = ["tree", "--locked", "-e", "normal", "-p", "pact_telemetry", "--prefix", "none", "-f", "{p}"];
        let mut command = Command::new(env!("CARGO"));
        let output = command.args(arguments).args(["--target", target]).current_dir(ROOT).output().unwrap();
        if !output.status.success() {
            eprintln!("NOT RUN for {target}: {}", String::from_utf8_lossy(&output.stderr));
            return None;
        }
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let words: Vec<_> = line.split(' ').collect();
            if words.len() > 1 && words[0] != "pact_telemetry" {
                found.insert((words[0].to_owned(), words[1].trim_start_matches('v').to_owned()));
            }
        }
    }
    Some(found)
}

#[test]
fn the_bill_of_materials_is_of_the_crates_in_the_library_and_of_no_machine_or_time() {
    let text = std::fs::read_to_string(format!("{ROOT}/{BILL}")).unwrap();
    let bill: Value = serde_json::from_str(&text).unwrap();
    let text_of = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |component: &Value| (text_of(&component["name"]), text_of(&component["version"]));
    let listed: BTreeSet<_> = bill["components"].as_array().unwrap().iter().map(of).collect();
    if let Some(found) = on_any_platform() {
        assert_eq!(listed, found, "`make supply` writes it anew");
    }
    let own = &bill["metadata"]["component"];
    assert_eq!(of(own), ("pact_telemetry".into(), env!("CARGO_PKG_VERSION").into()));
    for never in ["timestamp", "serialNumber", "file://", "path+"] {
        assert!(!text.contains(never), "{never}");
    }
}
