//! Each header by itself, in each language that reads it.

use crate::support::programs::{Sandbox, WARNINGS, library, root, run_tool};
use crate::support::say_loudly;
use std::path::Path;
use std::process::Command;

const STANDARDS: [(&str, &str, &str); 4] =
    [("cc", "c", "c99"), ("cc", "c", "c11"), ("c++", "c++", "c++11"), ("c++", "c++", "c++17")];

fn check(compiler: &str, language: &str, standard: &str, text: &str, more: &[&str]) {
    let sandbox = Sandbox::new();
    let file = sandbox.path().join("unit.source");
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(compiler);
    command.arg(format!("-std={standard}")).args(WARNINGS).args(["-fsyntax-only", "-x", language]);
    if language == "c" {
        command.args(["-Wstrict-prototypes", "-Wmissing-prototypes", "-Wc++-compat"]);
    }
    run_tool(command.arg("-I").arg(root("include")).args(more).arg(&file));
}

#[test]
fn the_header_stands_alone_in_every_standard() {
    for (compiler, language, standard) in STANDARDS {
        check(compiler, language, standard, "#include <pact_telemetry.h>\n", &[]);
    }
}

#[test]
fn the_header_may_be_included_twice() {
    for (compiler, language, standard) in STANDARDS {
        check(compiler, language, standard, "#include <pact_telemetry.h>\n#include <pact_telemetry.h>\n", &[]);
    }
}

#[test]
fn the_declarations_for_cdef_parsers_are_c() {
    // They contain no directive, so no include and no guard. So they are included once, after the types that they use.
    let text = std::fs::read_to_string(root("include/pact_telemetry.ffi.h")).unwrap();
    for (compiler, language, standard) in STANDARDS {
        check(compiler, language, standard, &text, &["-include", "stdint.h"]);
    }
}

#[test]
fn cffi_parses_the_declarations_twice_and_finds_every_function() {
    const SCRIPT: &str = r#"
import re, sys, cffi
text = open(sys.argv[1], encoding="utf-8").read()
cffi.FFI().cdef(text)  # by another package of the same process
ffi = cffi.FFI()
ffi.cdef(text)
library = ffi.dlopen(sys.argv[2])
code = "\n".join(line for line in text.splitlines() if not line.startswith("//"))
names = sorted(set(re.findall(r"\b(pact_telemetry_[a-z_]+)\s*\(", code)))
for name in names:
    getattr(library, name)
assert library.pact_telemetry_abi_version() == 1
assert ffi.string(library.pact_telemetry_status_name(library.PACT_TELEMETRY_CLOSED)) == b"PACT_TELEMETRY_CLOSED"
assert library.pact_telemetry_stats(ffi.NULL, ffi.NULL, 0) == library.PACT_TELEMETRY_ERROR_NULL
print("\n".join(names))
"#;
    let has_cffi = Command::new("python3").args(["-c", "import cffi"]).output();
    if !has_cffi.is_ok_and(|output| output.status.success()) {
        say_loudly("skipped: cffi is not installed");
        return;
    }
    let shared = library().join("libpact_telemetry.so");
    let found =
        run_tool(Command::new("python3").args(["-c", SCRIPT]).arg(root("include/pact_telemetry.ffi.h")).arg(shared));
    assert_eq!(found, std::fs::read_to_string(root("tests/symbols.txt")).unwrap());
}

#[test]
fn php_parses_the_declarations_twice_and_calls_them() {
    const SCRIPT: &str = r#"
$library = FFI::cdef(file_get_contents($argv[1]), $argv[2]);
$library = FFI::cdef(file_get_contents($argv[1]), $argv[2]); // as another package of the same process would
echo $library->pact_telemetry_abi_version(), "\n";
$error = $library->new("char[512]");
$config = '{"library": {"id": "pact-php", "name": "Pact PHP", "version": "1.0.0"}, "enabled": false}';
$client = $library->pact_telemetry_new($config, $error, 512);
$status = $library->pact_telemetry_track($client, "pacts_verified", "ProviderTest", "Completed", 3, null, null);
echo $status === $library->PACT_TELEMETRY_DISABLED ? "disabled" : $library->pact_telemetry_status_name($status), "\n";
$library->pact_telemetry_free($client);
"#;
    if Command::new("php").arg("--version").output().is_err() {
        say_loudly("skipped: php is not installed");
        return;
    }
    let mut php = Command::new("php");
    php.args(["-d", "ffi.enable=1", "-r", SCRIPT, "--"]).arg(root("include/pact_telemetry.ffi.h"));
    assert_eq!(run_tool(php.arg(library().join("libpact_telemetry.so"))), "1\ndisabled\n");
}

/// Doxygen's run over a header, with its warnings, or `None` if there is no Doxygen.
fn doxygen(header: &Path, sandbox: &Sandbox) -> Option<std::process::Output> {
    let settings = std::fs::read_to_string(root("docs/Doxyfile")).unwrap();
    let (input, folder) = (header.display(), sandbox.path().display());
    let file = sandbox.path().join("Doxyfile");
    std::fs::write(&file, format!("{settings}\nINPUT = {input}\nOUTPUT_DIRECTORY = {folder}\n")).unwrap();
    match Command::new("doxygen").arg(file).current_dir(root("")).output() {
        Ok(output) => Some(output),
        Err(_) => {
            say_loudly("NOT RUN: no doxygen (Debian: doxygen), so the comments of the header were not checked");
            None
        }
    }
}

#[test]
fn doxygen_renders_the_comment_of_each_function_without_a_warning() {
    let sandbox = Sandbox::new();
    let Some(output) = doxygen(&root("include/pact_telemetry.h"), &sandbox) else { return };
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success(), "{}", output.status);
    let page = std::fs::read_to_string(sandbox.path().join("html/pact__telemetry_8h.html")).unwrap();
    for name in std::fs::read_to_string(root("tests/symbols.txt")).unwrap().lines() {
        assert!(page.contains(&format!("{name}()</h2>")), "{name}");
    }
}

#[test]
fn doxygen_warns_of_a_parameter_that_no_comment_describes() {
    let sandbox = Sandbox::new();
    let header = std::fs::read_to_string(root("include/pact_telemetry.h")).unwrap();
    let changed = sandbox.path().join("pact_telemetry.h");
    std::fs::write(&changed, header.replace("@param timeout_ms", "@param time")).unwrap();
    let Some(output) = doxygen(&changed, &sandbox) else { return };
    assert!(!output.status.success() && String::from_utf8_lossy(&output.stderr).contains("timeout_ms"), "{output:?}");
}
