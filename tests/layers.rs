//! Each module imports only from the lines below its own in the list of ARCHITECTURE.md, tests and loom models aside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The number of each module's line, counted from the top, and what it may import from its own line (`a → b`).
#[derive(Default)]
struct Layers {
    line_of: BTreeMap<String, usize>,
    beside: BTreeSet<(String, String)>,
}

impl Layers {
    /// Reads the indented block after the heading. A line names modules separated by `·`; with `→` each may import
    /// those after it. A file of a folder with an order of its own has the prefix of the folder, such as `pipeline/`.
    fn read(text: &str) -> Self {
        let section = text.split_once("## Layers\n").expect("a section of that name").1;
        let section = section.split("\n## ").next().unwrap();
        let mut layers = Layers::default();
        for (number, line) in section.lines().filter_map(|line| line.strip_prefix("    ")).enumerate() {
            for chain in line.split('·') {
                let chain: Vec<_> = chain.split('→').map(str::trim).collect();
                for (index, name) in chain.iter().enumerate() {
                    assert!(layers.line_of.insert(name.to_string(), number).is_none(), "{name} is listed twice");
                    layers.beside.extend(chain[index + 1..].iter().map(|later| (name.to_string(), later.to_string())));
                }
            }
        }
        layers
    }

    /// The module of the list that a path of modules belongs to: the longest one that begins it.
    fn module(&self, path: &[&str]) -> Option<String> {
        let names = (1..=path.len()).rev().map(|length| path[..length].join("/"));
        names.into_iter().find(|name| self.line_of.contains_key(name))
    }

    fn allows(&self, from: &str, to: &str) -> bool {
        let edge = (from.to_string(), to.to_string());
        from == to || self.line_of[from] < self.line_of[to] || self.beside.contains(&edge)
    }

    /// The imports of a file at this path that violate the order, as texts.
    fn climbs(&self, file: &str, source: &str) -> Vec<String> {
        let path: Vec<_> = file.trim_end_matches(".rs").trim_end_matches("/mod").split('/').collect();
        let Some(from) = self.module(&path) else { return vec![format!("{file} is in no layer")] };
        // `super` in a file of a folder, or `self`, is within that folder.
        let folder = if file.ends_with("/mod.rs") { &path[..] } else { &path[..path.len() - 1] };
        let mut found = Vec::new();
        let mut all = imports(source, folder);
        if file.ends_with("/mod.rs") {
            // The children of a folder with an order of its own are named there without `self`.
            let children = self.line_of.keys().filter_map(|name| name.strip_prefix(&format!("{}/", path.join("/"))));
            let code = code(source);
            let is_named = |child: &&str| {
                code.match_indices(&format!("{child}::")).any(|(at, _)| {
                    !code[..at].ends_with(|before: char| before.is_alphanumeric() || "_:".contains(before))
                })
            };
            let named = children.filter(is_named).map(|child| path.iter().copied().chain([child]));
            all.extend(named.map(|path| path.map(str::to_owned).collect::<Vec<_>>()));
        }
        for import in all {
            let import: Vec<_> = import.iter().map(String::as_str).collect();
            match self.module(&import) {
                None => found.push(format!("{file} imports {}, which is in no layer", import.join("::"))),
                Some(to) if !self.allows(&from, &to) => found.push(format!("{file}: {from} imports {to}")),
                Some(_) => {}
            }
        }
        found
    }
}

/// The code of a file: without comments, and without the modules of its tests and models.
fn code(source: &str) -> String {
    let mut out = String::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let is_for_tests = line.trim_start().starts_with("#[cfg(") && (line.contains("test") || line.contains("loom"));
        if is_for_tests && !line.contains("not(") {
            // Skips the next item up to its end, which has the same indentation.
            let indentation = line.len() - line.trim_start().len();
            let mut item = lines.next().unwrap_or_default();
            while item.trim_start().starts_with('#') || item.trim_start().starts_with("//") {
                item = lines.next().unwrap_or_default();
            }
            if !item.trim_end().ends_with([';', '}', ',']) {
                let end = |line: &&str| line.len() - line.trim_start().len() == indentation && line.contains('}');
                lines.by_ref().find(end);
            }
            continue;
        }
        out.push_str(line.split("//").next().unwrap_or_default());
        out.push('\n');
    }
    out
}

/// Each path below `crate` that the code names, as a list of names.
fn imports(source: &str, folder: &[&str]) -> BTreeSet<Vec<String>> {
    let code = code(source);
    let mut found = BTreeSet::new();
    for (word, base) in [("crate::", &[][..]), ("super::", folder)] {
        for (at, _) in code.match_indices(word) {
            let is_whole =
                !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':');
            if is_whole {
                let base: Vec<String> = base.iter().map(|name| name.to_string()).collect();
                names(&code[at + word.len()..], &base, &mut found);
            }
        }
    }
    found
}

/// The paths of a `use` tree: `a::b`, `{a, b::{c, d}}`.
fn names(text: &str, base: &[String], found: &mut BTreeSet<Vec<String>>) {
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        let (mut depth, mut start) = (0, 0);
        for (at, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    names(&group[start..at], base, found);
                    return;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    names(&group[start..at], base, found);
                    start = at + 1;
                }
                _ => {}
            }
        }
        return;
    }
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return;
    }
    let path: Vec<String> = base.iter().cloned().chain([name.to_owned()]).collect();
    match rest.strip_prefix("::") {
        Some(rest) if rest.starts_with(|first: char| first.is_lowercase() || first == '{') => names(rest, &path, found),
        _ => drop(found.insert(path)),
    }
}

/// All files below src/, by their path in it.
fn files(folder: &Path, below: &str, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), &format!("{name}/"), found);
        } else if name.ends_with(".rs") && !name.ends_with("_tests.rs") {
            found.push((name, std::fs::read_to_string(entry.path()).unwrap()));
        }
    }
}

#[test]
fn no_import_climbs() {
    let layers = Layers::read(&std::fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md")).unwrap());
    let mut sources = Vec::new();
    files(&Path::new(ROOT).join("src"), "", &mut sources);
    assert!(sources.len() > 20);
    let climbs: Vec<_> = sources.iter().flat_map(|(file, source)| layers.climbs(file, source)).collect();
    assert_eq!(climbs, Vec::<String>::new(), "see the list in ARCHITECTURE.md");
    let known: BTreeSet<_> =
        sources.iter().map(|(file, _)| file.trim_end_matches(".rs").trim_end_matches("/mod")).collect();
    for name in layers.line_of.keys() {
        assert!(known.contains(name.as_str()), "{name} is in the list, and no file is its own");
    }
}

#[test]
fn an_import_that_is_turned_round_is_noticed() {
    let layers = Layers::read("## Layers\n\n    a · b\n    folder/x → folder/y\n    folder\n    c\n\n## Next\n");
    let climbs = |file: &str, source: &str| layers.climbs(file, source).len();
    assert_eq!(climbs("a.rs", "use crate::c::C;\nuse crate::{folder::x::X, folder::{y, Z}};"), 0);
    assert_eq!(climbs("c.rs", "use crate::a::A;"), 1);
    assert_eq!(climbs("c.rs", "fn c() { crate::b::call() }"), 1);
    assert_eq!(climbs("a.rs", "use crate::b::B;"), 1, "beside each other");
    assert_eq!(climbs("folder/x.rs", "use super::y::Y;\nuse super::Z;"), 0);
    assert_eq!(climbs("folder/y.rs", "use super::x::X;"), 1);
    assert_eq!(climbs("folder/mod.rs", "use crate::{c::C, folder::y};"), 1);
    assert_eq!(climbs("folder/mod.rs", "mod x;\nmod y;\nuse y::Y;"), 1, "without self");
    assert_eq!(climbs("d.rs", ""), 1, "in no layer");
    assert_eq!(climbs("c.rs", "// use crate::a::A;\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n"), 0);
    assert_eq!(climbs("c.rs", "#[cfg(test)]\nuse crate::a::A;\nuse crate::b::B;\n"), 1);
}
