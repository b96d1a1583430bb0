//! The library as a file: what it exports and needs, how it is installed and linked, and what happens after a fault of
//! its own.

use crate::support::Collector;
use crate::support::programs::{Language, Sandbox, library, linked_with, make, root, run_tool};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

fn delivers_one_event(sandbox: &Sandbox, program: &Path, library_path: Option<&Path>) {
    let collector = Collector::start(&[]);
    let run = sandbox.run(program).endpoint(&collector.url);
    let run = library_path.into_iter().fold(run, |run, path| run.variable("LD_LIBRARY_PATH", path));
    run.succeed();
    let events = collector.events_until_end();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["fields"]["event"], "one event");
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The values in brackets of the entries of that kind in the dynamic section.
fn dynamic(file: &Path, kind: &str) -> Vec<String> {
    let section = run_tool(Command::new("readelf").args(["-d", "-W"]).arg(file).env("LC_ALL", "C"));
    let lines = section.lines().filter(|line| line.contains(&format!("({kind})")));
    lines.filter_map(|line| Some(line.split_once('[')?.1.split(']').next()?.to_owned())).collect()
}

#[test]
fn the_library_exports_the_listed_functions_and_nothing_else() {
    let listed = std::fs::read_to_string(root("tests/symbols.txt")).unwrap();
    let shared = library().join("libpact_telemetry.so");
    let found = run_tool(Command::new("nm").args(["-D", "--defined-only"]).arg(shared));
    let mut names: Vec<_> = found.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    names.sort_unstable();
    assert_eq!(names, listed.lines().collect::<Vec<_>>(), "append-only within a major version; see tests/symbols.txt");
    assert_eq!(names.len(), 14);
}

#[test]
fn the_static_archive_shows_the_listed_functions_and_nothing_else() {
    let listed = std::fs::read_to_string(root("tests/symbols.txt")).unwrap();
    let archive = library().join("libpact_telemetry.a");
    let found = run_tool(Command::new("nm").args(["-g", "--defined-only"]).arg(archive));
    let mut names: Vec<_> = found.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    names.sort_unstable();
    assert_eq!(names, listed.lines().collect::<Vec<_>>(), "or another Rust archive cannot be linked beside it");
}

#[test]
fn the_library_names_its_major_version_stays_loaded_and_needs_little() {
    let shared = library().join("libpact_telemetry.so");
    assert_eq!(dynamic(&shared, "SONAME"), ["libpact_telemetry.so.1"]);
    let flags = run_tool(Command::new("readelf").args(["-d", "-W"]).arg(&shared).env("LC_ALL", "C"));
    assert!(flags.contains("NODELETE"), "{flags}");
    assert!(!flags.contains("TEXTREL") && !flags.contains("RPATH") && !flags.contains("RUNPATH"), "{flags}");
    for needed in dynamic(&shared, "NEEDED") {
        let is_expected = ["libgcc_s.so.1", "libc.so.6"].contains(&needed.as_str()) || needed.starts_with("ld-linux");
        assert!(is_expected, "needs {needed}");
    }
}

#[test]
fn the_installed_library_is_found_by_pkg_config_alone_and_the_command_runs() {
    library();
    let sandbox = Sandbox::new();
    let stage = sandbox.path().join("stage");
    let destination = format!("DESTDIR={}", stage.display());
    make(&["install", &destination, "PREFIX=/opt/x"]);
    let installed = stage.join("opt/x/lib");
    let pkg_config = |arguments: &[&str]| {
        let mut command = Command::new("pkg-config");
        command.env("PKG_CONFIG_PATH", installed.join("pkgconfig")).env("PKG_CONFIG_SYSROOT_DIR", &stage);
        run_tool(command.args(arguments).arg("pact_telemetry"))
    };
    assert_eq!(pkg_config(&["--modversion"]).trim(), env!("CARGO_PKG_VERSION"));
    let flags = words(&pkg_config(&["--cflags", "--libs"]));
    for language in [Language::C, Language::Cpp] {
        let program = sandbox.program_with("one_event", language, &flags);
        delivers_one_event(&sandbox, &program, Some(&installed));
    }
    for header in ["pact_telemetry.h", "pact_telemetry.ffi.h"] {
        let (one, other) = (stage.join("opt/x/include").join(header), root("include").join(header));
        assert_eq!(std::fs::read(one).unwrap(), std::fs::read(other).unwrap(), "{header}");
    }

    let bin = stage.join("opt/x/bin/pact-telemetry");
    assert!(run_tool(Command::new(&bin).arg("--version")).contains(env!("CARGO_PKG_VERSION")));
    let share = stage.join("opt/x/share");
    for file in ["man/man1/pact-telemetry-status.1", "bash-completion/completions/pact-telemetry"] {
        assert!(share.join(file).is_file(), "{file}");
    }
    for document in ["LICENSE", "licences.txt", "pact_telemetry.cdx.json", "privacy.md"] {
        assert!(share.join("doc/pact_telemetry").join(document).is_file(), "{document}");
    }

    make(&["uninstall", &destination, "PREFIX=/opt/x"]);
    let left = run_tool(Command::new("find").arg(&stage).args(["!", "-type", "d"]));
    assert_eq!(left, "", "uninstall takes away what install put there");
}

#[test]
fn the_static_archive_links_with_what_the_pkg_config_file_names() {
    let sandbox = Sandbox::new();
    let template = std::fs::read_to_string(root("pact_telemetry.pc.in")).unwrap();
    let private = template.lines().find_map(|line| line.strip_prefix("Libs.private:")).unwrap();
    let mut arguments = vec![format!("-I{}", root("include").display())];
    arguments.push(library().join("libpact_telemetry.a").display().to_string());
    arguments.extend(words(private));
    for language in [Language::C, Language::Cpp] {
        let program = sandbox.program_with("one_event", language, &arguments);
        let needed = dynamic(&program, "NEEDED");
        assert!(!needed.iter().any(|name| name.contains("pact_telemetry")), "{needed:?}");
        delivers_one_event(&sandbox, &program, None);
    }
}

/// A folder in the sandbox with a library that panics inside every function when it is told to, and in a sum that
/// overflows.
pub fn debug_library(sandbox: &Sandbox) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        make(&["panicking-library"]);
        root("build/force-panic/debug/libpact_telemetry.so")
    };
    let folder = sandbox.path().join("debug");
    std::fs::create_dir(&folder).unwrap();
    std::fs::copy(BUILT.get_or_init(build), folder.join("libpact_telemetry.so")).unwrap();
    std::os::unix::fs::symlink("libpact_telemetry.so", folder.join("libpact_telemetry.so.1")).unwrap();
    folder
}

#[test]
fn a_panic_inside_any_function_comes_back_as_its_answer_and_says_nothing() {
    let sandbox = Sandbox::new();
    let library = debug_library(&sandbox);
    for language in [Language::C, Language::Cpp] {
        let program = sandbox.program_with("panics", language, &linked_with(&library));
        let collector = Collector::start(&[]);
        sandbox.run(program).endpoint(&collector.url).variable("RUST_BACKTRACE", "1").succeed();
        assert_eq!(collector.events_until_end().len(), 2);
    }
}

#[test]
fn no_sum_overflows_while_events_are_settled_and_counted_at_once() {
    let sandbox = Sandbox::new();
    let library = debug_library(&sandbox);
    for name in ["flush_storm", "threads"] {
        let program = sandbox.program_with(name, Language::C, &linked_with(&library));
        let collector = Collector::start(&[]);
        let ended = sandbox.run(program).endpoint(&collector.url).succeed();
        assert_eq!(collector.events_until_end().len(), ended.delivered());
    }
}
