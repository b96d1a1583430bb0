//! What the packages of the crates contain.
#![allow(clippy::unwrap_used, clippy::panic)] // tests

use std::process::Command;

/// The files of a crate's package, as cargo lists them without a network.
fn packaged(name: &str) -> Vec<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["package", "--list", "--allow-dirty", "--offline", "--quiet", "-p", name]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn each_crate_carries_its_sources_its_readme_and_the_licence_and_no_test() {
    for (name, needed) in [
        ("pact_telemetry", &["src/lib.rs", "src/ffi/preamble.h", "build.rs", "include/pact_telemetry.h"][..]),
        ("pact-telemetry-cli", &["src/main.rs", "src/collect/page.html"]),
    ] {
        let files = packaged(name);
        for file in needed.iter().chain(&["Cargo.toml", "README.md", "LICENSE"]) {
            assert!(files.iter().any(|packed| packed == file), "{name} lacks {file}: {files:?}");
        }
        for folder in ["tests/", "benches/", "fuzz/", "bindings/", "packaging/", "build/", ".github/"] {
            assert!(!files.iter().any(|packed| packed.starts_with(folder)), "{name} carries {folder}");
        }
    }
}
