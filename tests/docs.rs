//! The library does what the documentation says.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // tests

mod support;

use pact_telemetry::internal::{FIELDS, Ga4Place};
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
    let keys = source.split("const KEYS").nth(1).unwrap().split("];").next().unwrap();
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
