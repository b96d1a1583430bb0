//! Promises of `--help`, `completions` and `man`.

use std::fs;
use std::process::Command;

use crate::home::{Home, end};

/// The subcommands, as the help lists them.
fn subcommands(home: &Home) -> Vec<String> {
    let help = home.run(&["--help"]).good();
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let is_first = |line: &&str| !line.starts_with("   "); // the rest of a text that was wrapped
    let names: Vec<_> = list.filter(is_first).map(|line| line.split_whitespace().next().unwrap().to_owned()).collect();
    assert!(names.contains(&"status".to_owned()) && names.contains(&"collect".to_owned()), "{help}");
    names
}

#[test]
fn every_subcommand_has_a_manual_page_and_is_completed() {
    let (home, pages) = (Home::new(), Home::new());
    home.run(&["man", pages.path().to_str().unwrap()]).good();
    let names = subcommands(&home);
    for name in names.iter().filter(|name| *name != "help") {
        let page = fs::read_to_string(pages.path().join(format!("pact-telemetry-{name}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
    let page = fs::read_to_string(pages.path().join("pact-telemetry.1")).unwrap();
    assert!(page.contains("Exit codes: 0"), "{page}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = home.run(&["completions", shell]).good();
        assert!(names.iter().all(|name| script.contains(name)), "{shell}: {script}");
    }
}

#[test]
fn the_help_fits_a_narrow_terminal() {
    let home = Home::new();
    for name in subcommands(&home).iter().filter(|name| *name != "help") {
        let help = home.run_with(&[name, "--help"], &[("COLUMNS", "60")]).good();
        let long = help.lines().filter(|line| line.chars().count() > 60);
        assert_eq!(long.collect::<Vec<_>>(), [""; 0], "{name}");
    }
}

#[test]
fn a_misspelt_subcommand_is_answered_with_the_right_one() {
    let ended = Home::new().run(&["stauts"]);
    assert!(ended.code == 2 && ended.error.contains("similar subcommand exists: 'status'"), "{ended:?}");
}

#[test]
fn bash_completes_a_subcommand() {
    let home = Home::new();
    let script = "source <(\"$P\" completions bash); COMP_WORDS=(pact-telemetry st); COMP_CWORD=1; \
        complete=$(complete -p pact-telemetry); complete=${complete#*-F }; \
        ${complete%% *} pact-telemetry st pact-telemetry; echo \"${COMPREPLY[*]}\"";
    let bash: &mut Command = &mut home.command("bash");
    let ended = end(bash.args(["-c", script]).env("P", env!("CARGO_BIN_EXE_pact-telemetry")));
    assert_eq!(ended.good(), "status\n");
}

#[test]
fn a_folder_for_manual_pages_that_is_not_there_is_an_error() {
    assert!(Home::new().run(&["man", "/nowhere"]).failed().contains("/nowhere"));
}

#[test]
fn every_key_of_the_json_is_in_the_readme() {
    let readme = include_str!("../../README.md");
    let home = Home::new();
    for arguments in [&["status"][..], &["off"], &["on"], &["log"], &["id"], &["preview"], &["property"]] {
        let json = home.run(&[arguments, &["--json"]].concat()).json();
        let row = readme.lines().find(|line| line.starts_with(&format!("| `{}`", arguments[0])));
        let row = row.or_else(|| readme.lines().find(|line| line.starts_with("| `off`, `on`"))).unwrap();
        for key in json.as_object().unwrap().keys() {
            assert!(row.contains(&format!("`{key}`")), "{arguments:?}: {key}");
        }
    }
}
