//! Both headers and the constants file match the sources, byte for byte. `make headers` (PACT_TELEMETRY_BLESS=1) writes
//! them anew.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests

use cbindgen::Config;
use std::collections::BTreeSet;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The beginning of the header for C and C++.
const PREAMBLE: &str = include_str!("../src/ffi/preamble.h");

/// The beginning of the header for cdef parsers.
const FFI_PREAMBLE: &str = include_str!("../src/ffi/preamble.ffi.h");

fn generate(config: Config) -> String {
    let mut out = Vec::new();
    let builder = cbindgen::Builder::new().with_config(config);
    ["src/ffi/status.rs", "src/ffi/mod.rs"]
        .iter()
        .fold(builder, |builder, file| builder.with_src(Path::new(ROOT).join(file)))
        .generate()
        .expect("cbindgen")
        .write(&mut out);
    String::from_utf8(out).unwrap()
}

fn config() -> Config {
    Config::from_file(Path::new(ROOT).join("cbindgen.toml")).expect("cbindgen.toml")
}

/// The version of the header as macros, to be compared with what the library answers.
fn version_macros() -> String {
    let plain = pact_telemetry::VERSION.split('-').next().unwrap();
    let [major, minor, patch] = plain.split('.').collect::<Vec<_>>().try_into().unwrap();
    let mut out = String::from("\n");
    let mut define = |name: &str, value: &str, comment: &str| {
        out.push_str(&format!("/** {comment} */\n#define PACT_TELEMETRY_{name} {value}\n\n"));
    };
    define("ABI_VERSION", major, "The number of the ABI that this header declares, see pact_telemetry_abi_version().");
    define("VERSION_MAJOR", major, "The major version of this header.");
    define("VERSION_MINOR", minor, "The minor version of this header.");
    define("VERSION_PATCH", patch, "The patch version of this header.");
    let whole = format!("\"{}\"", pact_telemetry::VERSION);
    define("VERSION", &whole, "The version of this header; pact_telemetry_version() returns that of the library.");
    out
}

/// The texts as macros: cbindgen would write them as `u8"…"`, which C99 does not know.
fn name_macros() -> String {
    let mut out = String::from(
        "/**\n * @name Names that the Pact libraries report\n * Any other event may be reported too.\n * @{\n */\n",
    );
    for (name, value, doc) in pact_telemetry::names::ALL {
        out.push_str(&format!("\n/**{doc} */\n#define PACT_TELEMETRY_{name} \"{value}\"\n"));
    }
    out + "\n/** @} */\n"
}

fn c_header() -> String {
    let mut config = config();
    config.header = Some(PREAMBLE.into());
    config.after_includes = Some(version_macros() + &name_macros());
    without_safety_sections(&generate(config))
}

fn ffi_header() -> String {
    let mut config = config();
    config.header = Some(FFI_PREAMBLE.into());
    config.include_guard = None;
    config.sys_includes.clear();
    config.cpp_compat = false;
    config.documentation = false;
    config.style = cbindgen::Style::Type; // `PactTelemetry *`: koffi does not know `struct` within a declaration
    generate(config)
}

/// Rust's `# Safety` sections only repeat what the parameters say.
fn without_safety_sections(text: &str) -> String {
    let mut out: Vec<&str> = Vec::new();
    let mut in_section = false;
    for line in text.lines() {
        if line.trim() == "* # Safety" {
            in_section = true;
            while out.last().is_some_and(|last| last.trim() == "*") {
                out.pop();
            }
        }
        in_section &= line.trim() != "*/";
        if !in_section {
            out.push(line);
        }
    }
    out.join("\n") + "\n"
}

fn constants() -> String {
    let entries: Vec<_> =
        pact_telemetry::names::ALL.iter().map(|(name, value, _)| format!("  \"{name}\": \"{value}\"")).collect();
    format!("{{\n{}\n}}\n", entries.join(",\n"))
}

#[test]
fn the_committed_headers_are_what_the_sources_say() {
    for (file, expected) in [
        ("include/pact_telemetry.h", c_header()),
        ("include/pact_telemetry.ffi.h", ffi_header()),
        ("include/pact_telemetry.constants.json", constants()),
    ] {
        let path = Path::new(ROOT).join(file);
        if std::env::var_os("PACT_TELEMETRY_BLESS").is_some() {
            std::fs::write(&path, &expected).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == expected, "{file} is not what the sources say; run `make headers` and look at the diff");
    }
}

/// Each function of the header, with its comment.
fn commented_functions() -> Vec<(String, String)> {
    let header = c_header();
    let (_, declarations) = header.split_once("extern \"C\" {").unwrap();
    let name =
        |code: &str| Some(format!("pact_telemetry_{}", code.split_once("pact_telemetry_")?.1.split_once('(')?.0));
    let block = |text: &str| {
        let (comment, code) = text.split_once("*/")?;
        Some((name(code)?, comment.to_owned()))
    };
    declarations.split("/**").skip(1).map(|text| block(text).unwrap_or_else(|| panic!("{text}"))).collect()
}

#[test]
fn every_function_is_documented_in_the_same_order() {
    let functions = commented_functions();
    assert_eq!(functions.len(), ffi_header().matches("pact_telemetry_").count(), "one comment for each function");
    for (name, comment) in functions {
        let mut parts: Vec<_> =
            comment.lines().filter_map(|line| line.trim_start_matches([' ', '*']).strip_prefix('@')).collect();
        let section = |part: &str| {
            let order = ["param ", "return", "par Threads", "par Blocking", "since "];
            let found = order.iter().position(|section| part.replace("retval", "return").starts_with(section));
            found.unwrap_or_else(|| panic!("{name}: @{part}"))
        };
        assert!(parts.is_sorted_by_key(|part| section(part)), "{name}: {comment}");
        parts.retain(|part| section(part) > 1);
        assert_eq!(parts.len(), 3, "{name}: threads, blocking and since, once each: {comment}");
    }
}

/// The text from `start` to the end of the item that it begins.
fn item<'a>(source: &'a str, start: &str) -> &'a str {
    let text = source.split_once(start).unwrap_or_else(|| panic!("{start} is not there")).1;
    text.split_once("\n}\n").unwrap().0
}

/// The names of statuses in a text.
fn statuses(text: &str) -> BTreeSet<&str> {
    let words = text.split(|other: char| !other.is_ascii_alphanumeric() && other != '_');
    words.filter(|word| word.starts_with("PACT_TELEMETRY_")).collect()
}

/// The statuses that a function can return, according to the functions that it calls.
fn returned<'a>(body: &'a str, source: &'a str) -> BTreeSet<&'a str> {
    let mut found = statuses(body);
    let is_error = |status: &&str| status.contains("_ERROR_");
    for (calls, more) in [
        // For a client that is NULL, and for a panic.
        (["with(", "answer("].as_slice(), statuses("PACT_TELEMETRY_ERROR_NULL PACT_TELEMETRY_ERROR_INTERNAL")),
        (&["client.flush(", "client.close(", "client.persist("], statuses(item(source, "impl From<Flushed> for"))),
        (&["client.admit("], statuses(item(source, "impl From<TrackError> for"))),
        // It returns a length, so only a negative status can be told from a length.
        (
            &["client.preview("],
            statuses(item(source, "impl From<TrackError> for")).into_iter().filter(is_error).collect(),
        ),
    ] {
        if calls.iter().any(|call| body.contains(call)) {
            found.extend(more);
        }
    }
    found
}

#[test]
fn each_comment_names_every_status_that_its_function_can_return_and_no_other() {
    let read = |file: &str| std::fs::read_to_string(Path::new(ROOT).join(file)).unwrap();
    let source = read("src/ffi/mod.rs") + &read("src/ffi/status.rs");
    let mut functions = 0;
    for (name, comment) in commented_functions() {
        let body = item(&source, &format!("fn {name}("));
        if !body.split_once('{').unwrap().0.contains("-> i32") {
            continue;
        }
        let lines = comment.lines().filter_map(|line| line.split_once("@retval ")?.1.split_once(' '));
        let named: BTreeSet<_> =
            lines.map(|(status, _)| status).filter(|status| status.parse::<i32>().is_err()).collect();
        assert_eq!(named, returned(body, &source), "{name}");
        functions += 1;
    }
    assert_eq!(
        functions,
        ffi_header().matches("int32_t pact_telemetry_").count() - 1,
        "all but abi_version's uint32_t"
    );
}

#[test]
fn the_comment_of_stats_balances_the_counters_that_stats_returns() {
    let config = r#"{"library": {"id": "a", "name": "A", "version": "1"}, "enabled": false}"#;
    let stats = pact_telemetry::Client::new(config).unwrap().stats().to_json();
    let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
    let functions = commented_functions();
    let (_, comment) = functions.iter().find(|(name, _)| name == "pact_telemetry_stats").unwrap();
    let mut counters: Vec<_> = stats.as_object().unwrap().iter().filter(|(_, value)| value.is_u64()).collect();
    counters.retain(|(name, _)| *name != "accepted");
    assert!(!counters.is_empty());
    for (name, _) in counters {
        assert!(comment.contains(&format!("`{name}` +")), "accepted = … + {name} + …: {comment}");
    }
}

#[test]
fn the_header_for_cdef_parsers_holds_declarations_alone() {
    for line in ffi_header().lines() {
        assert!(!line.trim_start().starts_with('#'), "a directive: {line}");
        assert!(!line.contains("__attribute__") && !line.contains("extern"), "{line}");
    }
}
