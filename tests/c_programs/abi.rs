//! The ABI as programs of other versions use it, and the hardening of the library: everything that a linker and a
//! loader see.

use super::artifacts::debug_library;
use crate::support::programs::{Language, Sandbox, library, linked_with, root, run_tool};
use crate::support::{Collector, say_loudly};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The header of the first version, which does not change after its release. A C compiler checks for each function and
/// each number whether today's header still means the same, and abidiff checks the library.
const FIRST: &str = "tests/abi/1.0/pact_telemetry.ffi.h";

/// abidw's dump of the first header: of its functions as C compiles them, and of a variable that holds a status, since
/// no function has the enumeration in its types. PACT_TELEMETRY_BLESS=1 writes it, until 1.0 is released.
const DUMP: &str = "tests/abi/1.0/pact_telemetry.abi";

/// glibc of 2021, which a library that is built on any later system may need. For the packages see packaging/platforms.
const GLIBC: (u32, u32) = (2, 34);

fn readelf(arguments: &[&str]) -> String {
    let shared = library().join("libpact_telemetry.so");
    run_tool(Command::new("readelf").args(arguments).arg("-W").arg(shared).env("LC_ALL", "C"))
}

/// A header's lines but for comments.
fn code(header: &str) -> String {
    header.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn functions(code: &str) -> impl Iterator<Item = &str> {
    code.split(';').filter(|text| text.contains("pact_telemetry_"))
}

/// Compiles what an old header declared together with today's header. Returns the errors of the compiler.
fn compared(old: &str) -> String {
    let code = code(old);
    let mut unit = String::from("#include <pact_telemetry.h>\n");
    for declaration in functions(&code) {
        unit.push_str(&format!("{declaration};\n")); // a second declaration that differs is an error
    }
    for line in code.lines().filter(|line| line.contains(" = ")) {
        let (name, number) = line.trim().trim_end_matches(',').split_once(" = ").unwrap();
        unit.push_str(&format!("_Static_assert({name} == {number}, \"{name} is not {number} any more\");\n"));
    }
    let sandbox = Sandbox::new();
    let file = sandbox.path().join("compared.c");
    std::fs::write(&file, unit).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-fsyntax-only", "-Werror"]).arg(format!("-I{}", root("include").display())).arg(file);
    String::from_utf8(cc.output().unwrap().stderr).unwrap()
}

#[test]
fn nothing_that_the_first_header_declared_means_something_else_today() {
    assert_eq!(compared(&std::fs::read_to_string(root(FIRST)).unwrap()), "");
    let today = std::fs::read_to_string(root("include/pact_telemetry.h")).unwrap();
    let first = std::fs::read_to_string(root("tests/abi/1.0/pact_telemetry.h")).unwrap();
    let mut texts: Vec<_> = first.lines().filter(|line| line.starts_with("#define") && line.contains('"')).collect();
    texts.retain(|line| !line.starts_with("#define PACT_TELEMETRY_VERSION ")); // each version has its own
    assert!(!texts.is_empty());
    for text in texts {
        assert!(today.lines().any(|line| line == text), "{text}");
    }
}

#[test]
fn a_changed_parameter_result_or_number_is_noticed() {
    let first = std::fs::read_to_string(root(FIRST)).unwrap();
    for (from, to, name) in [
        ("uint32_t capacity", "uint64_t capacity", "pact_telemetry_stats"),
        ("uint32_t pact_telemetry_abi_version(void)", "int32_t pact_telemetry_abi_version(void)", "abi_version"),
        ("int64_t value,", "", "pact_telemetry_track"),
        ("PACT_TELEMETRY_KEPT = 6", "PACT_TELEMETRY_KEPT = 7", "PACT_TELEMETRY_KEPT is not 7"),
    ] {
        let changed = first.replace(from, to);
        assert_ne!(changed, first);
        let errors = compared(&changed);
        assert!(errors.contains(name), "{from} to {to}: {errors}");
    }
}

/// A library in C with the functions and the statuses that the header declares, for abidiff.
fn in_c(sandbox: &Sandbox, header: &str) -> PathBuf {
    let [source, made] = ["in_c.c", "in_c.so"].map(|name| sandbox.path().join(name));
    let code = code(header);
    let bodies: String =
        functions(&code).map(|declaration| format!("{declaration} {{ __builtin_trap(); }}\n")).collect();
    let types = code.split("uint32_t pact_telemetry_abi_version").next().unwrap();
    let unit = format!("#include <stdint.h>\n{types}\nPactTelemetryStatus pact_telemetry_statuses;\n{bodies}");
    std::fs::write(&source, unit).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-g", "-shared", "-fPIC", "-Wl,-soname,libpact_telemetry.so.1", "-o"]);
    run_tool(cc.arg(&made).arg(source));
    made
}

/// What abidiff reports about the second compared with the first; empty if the first still holds.
fn abidiff(first: &Path, second: &Path) -> String {
    let mut abidiff = Command::new("abidiff");
    abidiff.args(["--no-architecture", "--no-added-syms"]);
    if second.ends_with("libpact_telemetry.so") {
        abidiff.arg("--suppressions").arg(root("tests/abi/library.abignore"));
    }
    let output = abidiff.args([first, second]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return String::new();
    }
    format!("{abidiff:?}: {}\n{said}", output.status)
}

fn has_abidiff() -> bool {
    let there = Command::new("abidiff").arg("--version").output().is_ok();
    if !there {
        say_loudly("NOT RUN: no abidiff (Debian: abigail-tools), so no types were compared with those of 1.0");
    }
    there
}

#[test]
fn abidiff_finds_no_function_of_the_first_dump_changed_in_the_header_or_the_library_of_today() {
    if !has_abidiff() {
        return;
    }
    let (sandbox, dump) = (Sandbox::new(), root(DUMP));
    let first = in_c(&sandbox, &std::fs::read_to_string(root(FIRST)).unwrap());
    if std::env::var_os("PACT_TELEMETRY_BLESS").is_some() {
        let mut abidw = Command::new("abidw");
        abidw.args(["--no-show-locs", "--no-corpus-path", "--no-comp-dir-path", "--no-elf-needed"]);
        run_tool(abidw.arg("--out-file").arg(&dump).arg(&first));
    }
    assert_eq!(abidiff(&dump, &first), "", "the dump is that of the first header");
    let today = std::fs::read_to_string(root("include/pact_telemetry.ffi.h")).unwrap();
    assert_eq!(abidiff(&dump, &in_c(&sandbox, &today)), "");
    let library = debug_library(&sandbox).join("libpact_telemetry.so");
    assert_eq!(abidiff(&dump, &library), "");
}

#[test]
fn abidiff_notices_a_changed_parameter_or_number_and_no_function_or_number_more() {
    if !has_abidiff() {
        return;
    }
    let (sandbox, dump) = (Sandbox::new(), root(DUMP));
    let first = std::fs::read_to_string(root(FIRST)).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(first.contains(from), "{from}");
        in_c(&sandbox, &first.replace(from, to))
    };
    let more = "uint32_t pact_telemetry_abi_version(void);\nint32_t pact_telemetry_newer(void);";
    let grown = changed("uint32_t pact_telemetry_abi_version(void);", more);
    assert_eq!(abidiff(&dump, &grown), "");
    let grown = changed("PACT_TELEMETRY_KEPT = 6,", "PACT_TELEMETRY_KEPT = 6, PACT_TELEMETRY_NEW = 7,");
    assert_eq!(abidiff(&dump, &grown), "");

    let renumbered = changed("PACT_TELEMETRY_KEPT = 6", "PACT_TELEMETRY_KEPT = 7");
    assert!(abidiff(&dump, &renumbered).contains("PACT_TELEMETRY_KEPT' from value '6' to '7'"));
    let wider = changed("uint32_t timeout_ms", "uint64_t timeout_ms");
    assert!(abidiff(&dump, &wider).contains("pact_telemetry_flush"));
    let library = debug_library(&sandbox).join("libpact_telemetry.so");
    assert!(abidiff(&wider, &library).contains("pact_telemetry_flush"), "in the library too");
}

/// Programs that were compiled when 1.0 was new: with its header, against a library that is newer than it.
#[test]
fn a_program_of_the_first_header_runs_with_this_library() {
    let sandbox = Sandbox::new();
    let mut arguments = linked_with(&library());
    arguments[0] = format!("-I{}", root("tests/abi/1.0").display());
    let program = sandbox.program_with("one_event", Language::C, &arguments);
    let collector = Collector::start(&[]);
    sandbox.run(program).endpoint(&collector.url).succeed();
    assert_eq!(collector.events_until_end().len(), 1);
}

/// A header of a newer version, whose function this library does not have.
fn newer_header(sandbox: &Sandbox) -> PathBuf {
    let folder = sandbox.path().join("newer");
    std::fs::create_dir(&folder).unwrap();
    let header = std::fs::read_to_string(root("include/pact_telemetry.h")).unwrap();
    let place = header.rfind("#ifdef __cplusplus").unwrap();
    let (before, after) = header.split_at(place);
    let newer = "int32_t pact_telemetry_newer(PactTelemetry *client);\n";
    std::fs::write(folder.join("pact_telemetry.h"), format!("{before}{newer}{after}")).unwrap();
    folder
}

fn compile_with_newer_header(sandbox: &Sandbox, library: &Path, more: &[&str]) -> (PathBuf, std::process::Output) {
    let program = sandbox.path().join("newer_header");
    let mut cc = Command::new("cc");
    cc.args(["-D_GNU_SOURCE", "-o"]).arg(&program).arg(root("tests/c/newer_header.c")).args(more);
    cc.arg(format!("-I{}", newer_header(sandbox).display())).args(&linked_with(library)[1..]);
    let output = cc.output().unwrap();
    (program, output)
}

#[test]
fn a_program_that_looks_functions_up_does_without_one_that_this_library_has_not() {
    let sandbox = Sandbox::new();
    let (program, output) = compile_with_newer_header(&sandbox, &library(), &["-DLOOK_UP"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let collector = Collector::start(&[]);
    sandbox.run(program).endpoint(&collector.url).succeed();
    assert_eq!(collector.events_until_end().len(), 1);
}

#[test]
fn a_program_that_links_a_function_of_a_newer_library_is_told_which_one() {
    let sandbox = Sandbox::new();
    let (_, output) = compile_with_newer_header(&sandbox, &library(), &[]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && errors.contains("pact_telemetry_newer"), "{errors}");
}

#[test]
fn a_program_of_a_newer_library_is_stopped_by_the_loader_before_it_starts() {
    let sandbox = Sandbox::new();
    // It is linked with a library of the same name that has one more function, and runs with today's library.
    let listed = std::fs::read_to_string(root("tests/symbols.txt")).unwrap() + "pact_telemetry_newer\n";
    let [source, newer] = ["newer.c", "newer.so"].map(|name| sandbox.path().join(name));
    let functions: String = listed.lines().map(|name| format!("int {name}(void) {{ return 0; }}\n")).collect();
    std::fs::write(&source, functions).unwrap();
    let mut cc = Command::new("cc");
    run_tool(cc.args(["-shared", "-fPIC", "-Wl,-soname,libpact_telemetry.so.1", "-o"]).arg(&newer).arg(source));
    let newer = newer.display().to_string();
    let (program, output) = compile_with_newer_header(&sandbox, &library(), &[&newer, "-Wl,-z,now"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ended = sandbox.run(program).end();
    assert!(!ended.status.success() && ended.out.is_empty(), "{}", ended.out);
    assert!(ended.err.contains("pact_telemetry_newer"), "{}", ended.err);
}

#[test]
fn no_page_of_the_library_is_both_written_and_run_and_its_addresses_are_fixed_before_its_first_call() {
    let segments = readelf(&["-l"]);
    let count = |kind: &str| segments.lines().filter(|line| line.trim_start().starts_with(kind)).count();
    assert_eq!(count("GNU_RELRO "), 1, "{segments}");
    assert_eq!(count("GNU_STACK "), 1, "without this note a loader makes the stack executable: {segments}");
    let runs_and_writes = |line: &str| line.contains(" RWE ") || line.contains(" W E ");
    assert!(!segments.lines().any(runs_and_writes), "{segments}");
    let dynamic = readelf(&["-d"]);
    assert!(dynamic.contains("BIND_NOW") || dynamic.contains("Flags: NOW"), "{dynamic}");
}

/// A host program that loads many libraries late may refuse one with static thread-local storage.
#[test]
fn the_library_has_no_static_thread_local_storage() {
    assert!(!readelf(&["-d"]).contains("STATIC_TLS"));
    let relocations = readelf(&["-r"]);
    assert!(relocations.contains("R_"), "{relocations}");
    assert!(!relocations.contains("TPOFF") && !relocations.contains("TPREL"), "{relocations}");
}

#[test]
fn the_library_asks_for_no_glibc_later_than_that_of_2021() {
    let versions = readelf(&["-V"]);
    let needed = versions.split("GLIBC_").skip(1).filter_map(|text| {
        let mut numbers = text.split(|other: char| !other.is_ascii_digit()).map_while(|number| number.parse().ok());
        Some((numbers.next()?, numbers.next()?))
    });
    let newest: (u32, u32) = needed.max().unwrap();
    assert!(newest <= GLIBC, "{newest:?}");
}

#[test]
fn the_library_and_the_archive_tell_no_path_of_the_machine_that_built_them() {
    let environment = ["HOME", "CARGO_HOME", "RUSTUP_HOME"].into_iter().filter_map(|name| std::env::var(name).ok());
    let paths: Vec<_> = environment.chain([root("").display().to_string()]).filter(|path| path.len() > 1).collect();
    for name in ["libpact_telemetry.so", "libpact_telemetry.a"] {
        let bytes = std::fs::read(library().join(name)).unwrap();
        let texts = bytes.split(|byte| !(b' '..=b'~').contains(byte)).filter(|text| text.len() > 8);
        let texts: Vec<_> = texts.map(String::from_utf8_lossy).collect();
        let has = |part: &str| texts.iter().find(|text| text.contains(part));
        assert!(has("cargo/rustls-").is_some(), "panics name their files, and those have other names than here");
        for path in &paths {
            assert_eq!(has(&format!("{}/", path.trim_end_matches('/'))), None, "{name}: see packaging/rustflags");
        }
    }
}
