//! `packaging/publish` takes the packages of one ecosystem and of this version, and no other file.
#![allow(clippy::unwrap_used)] // tests

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A copy of the sources that `packaging/publish` reads, with these files as packages.
fn tree(version: &str, packages: &[String]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for folder in ["packaging", "packaging/languages", "tests/platforms"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
        for entry in fs::read_dir(Path::new(ROOT).join(folder)).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), root.path().join(folder).join(entry.file_name())).unwrap();
            }
        }
    }
    fs::write(root.path().join("Cargo.toml"), format!("[package]\nversion = \"{version}\"\n")).unwrap();
    for name in packages {
        let path = root.path().join("build/dist/packages").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    root
}

fn publish(root: &Path, registry: &str) -> Output {
    Command::new("python3").arg(root.join("packaging/publish")).arg(registry).output().unwrap()
}

/// The packages in the commands that it prints.
fn published(root: &Path, registry: &str) -> Vec<String> {
    let output = publish(root, registry);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let words = String::from_utf8(output.stdout).unwrap();
    let words = words.split_whitespace().map(|word| word.trim_start_matches("./"));
    words.filter_map(|word| word.strip_prefix("build/dist/packages/")).map(str::to_owned).collect()
}

const WHEELS: [&str; 7] = [
    "manylinux_2_17_x86_64.manylinux2014_x86_64",
    "manylinux_2_17_aarch64.manylinux2014_aarch64",
    "musllinux_1_2_x86_64",
    "musllinux_1_2_aarch64",
    "macosx_11_0_x86_64",
    "macosx_11_0_arm64",
    "win_amd64",
];

fn wheels(version: &str) -> Vec<String> {
    let tags = WHEELS.iter().chain(["any"].iter());
    let mut names: Vec<_> = tags.map(|tag| format!("pact_telemetry-{version}-py3-none-{tag}.whl")).collect();
    names.push(format!("pact_telemetry-{version}.tar.gz"));
    names
}

#[test]
fn pypi_gets_the_wheels_and_the_sdist_of_this_version() {
    let mut packages = wheels("3.4.5a6");
    let expected = packages.clone();
    packages.extend(wheels("3.4.5"));
    packages.extend(wheels("3.4.5a60"));
    // Other files with the same ending, or with the same beginning.
    for name in ["pact_telemetry-cpp-3.4.5-alpha.6.tar.gz", "source.tar.gz", "another-3.4.5a6-py3-none-any.whl"] {
        packages.push(name.to_owned());
    }
    assert_eq!(published(tree("3.4.5-alpha.6", &packages).path(), "pypi"), expected);
}

#[test]
fn npm_and_rubygems_get_the_packages_of_this_version_and_the_small_one_last() {
    let platforms = ["linux-x64-gnu", "linux-arm64-gnu", "linux-x64-musl", "linux-arm64-musl"];
    let platforms = platforms.iter().chain(&["darwin-x64", "darwin-arm64", "win32-x64"]);
    let npm = |version: &str| {
        let prefix = "pact-foundation-telemetry";
        let mut names: Vec<_> = platforms.clone().map(|name| format!("{prefix}-{name}-{version}.tgz")).collect();
        names.push(format!("{prefix}-{version}.tgz"));
        names
    };
    let gems = |version: &str| {
        let linux = ["x86_64-linux-gnu", "aarch64-linux-gnu", "x86_64-linux-musl", "aarch64-linux-musl"];
        let platforms = linux.iter().chain(&["x86_64-darwin", "arm64-darwin", "x64-mingw-ucrt"]);
        let mut names: Vec<_> = platforms.map(|name| format!("pact-telemetry-{version}-{name}.gem")).collect();
        names.push(format!("pact-telemetry-{version}.gem"));
        names
    };
    let mut packages = npm("3.4.5");
    packages.extend(npm("3.4.5-alpha.6"));
    packages.extend(gems("3.4.5"));
    packages.extend(gems("3.4.5.alpha.6"));
    packages.extend(["another-3.4.5.tgz".to_owned(), "another-3.4.5.gem".to_owned()]);
    let root = tree("3.4.5", &packages);
    assert_eq!(published(root.path(), "npm"), npm("3.4.5"));
    assert_eq!(published(root.path(), "rubygems"), gems("3.4.5"));
}

#[test]
fn a_release_that_lacks_a_package_is_not_published() {
    let mut packages = wheels("3.4.5");
    let missing = packages.remove(4);
    let output = publish(tree("3.4.5", &packages).path(), "pypi");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains(&missing), "{output:?}");
    for registry in ["npm", "rubygems", "maven"] {
        assert!(!publish(tree("3.4.5", &packages).path(), registry).status.success(), "{registry}");
    }
}

#[test]
fn the_release_page_gets_the_section_of_this_version_alone() {
    let root = tree("3.4.5", &["any.tgz".to_owned()]);
    let log = root.path().join("CHANGELOG.md");
    let changes = "# Changelog\n\n## 3.4.5, 2030-01-02\n\n### Added\n\n- A.\n\n## 3.4.4, 2030-01-01\n\n- B.\n";
    fs::write(&log, changes).unwrap();
    let output = publish(root.path(), "github");
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("--notes-file build/dist/notes.md"), "{output:?}");
    let notes = fs::read_to_string(root.path().join("build/dist/notes.md")).unwrap();
    assert_eq!(notes, "### Added\n\n- A.\n");
    for other in [changes.replace("2030-01-02", "not released yet"), changes.replace("3.4.5", "3.4.50")] {
        fs::write(&log, other).unwrap();
        let output = publish(root.path(), "github");
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains("no section of 3.4.5 with its date"), "{output:?}");
    }
}
