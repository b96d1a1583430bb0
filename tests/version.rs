//! The version is in many places, in the spelling of each ecosystem. All places agree, and `packaging/version` sets
//! them all.
#![allow(clippy::unwrap_used, clippy::panic)] // tests

use std::path::Path;
use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn version(root: &Path, arguments: &[&str]) -> Output {
    Command::new("python3").arg(root.join("packaging/version")).args(arguments).output().unwrap()
}

#[test]
fn every_place_holds_the_version_of_cargo_toml() {
    let output = version(Path::new(ROOT), &["--check"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The text files of the repository, as git lists them; none if this is not a repository.
fn files() -> Vec<(String, String)> {
    let listed = Command::new("git").args(["ls-files"]).current_dir(ROOT).output();
    let listed = listed.map(|output| String::from_utf8(output.stdout).unwrap()).unwrap_or_default();
    let read = |name: &str| Some((name.to_owned(), std::fs::read_to_string(Path::new(ROOT).join(name)).ok()?));
    listed.lines().filter_map(read).collect()
}

#[test]
fn setting_it_leaves_the_old_one_nowhere() {
    let files = files();
    if files.is_empty() {
        println!("NOT RUN: this is no git repository, so its files are not known");
        return;
    }
    let copy = tempfile::tempdir().unwrap();
    for (name, text) in &files {
        let path = copy.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    // A version that is used nowhere else, so that remains of it can be found.
    for new in ["7.31.9-alpha.5", "8.42.7"] {
        let output = version(copy.path(), &[new]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8(version(copy.path(), &[]).stdout).unwrap().trim(), new);
    }
    for (top, tag, is_right) in [
        ("8.42.7, 2030-01-02", "v8.42.7", true),
        ("8.42.7, 2030-01-02", "v8.42.6", false),
        ("8.42.7, not released yet", "v8.42.7", false),
        ("8.42.8, 2030-01-02", "v8.42.7", false),
    ] {
        std::fs::write(copy.path().join("CHANGELOG.md"), format!("# Changelog\n\n## {top}\n\n## 8.42.7, 2030-01-01\n"))
            .unwrap();
        let output = version(copy.path(), &["--check", tag]);
        assert_eq!(output.status.success(), is_right, "{top} {tag}: {output:?}");
    }
    for (name, _) in &files {
        let text = std::fs::read_to_string(copy.path().join(name)).unwrap();
        for old in ["7.31.9", env!("CARGO_PKG_VERSION")] {
            let of_its_own = ["tests/abi/", "tests/version.rs", "CHANGELOG.md"].iter().any(|own| name.starts_with(own));
            // The libraries in the examples also have a version such as 1.0.0.
            let is_common = old != "7.31.9" && !old.contains('-');
            assert!(of_its_own || is_common || !text.contains(old), "{name} still holds {old}");
        }
    }
    for wrong in ["1.2", "v1.2.3", "1.2.3-nightly", "1.2.3-alpha"] {
        let output = version(copy.path(), &[wrong]);
        assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains(wrong), "{output:?}");
    }
}
