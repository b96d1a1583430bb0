//! What the system sees of the command, by strace(1): it opens no socket, starts nothing, and writes only what it was
//! asked to write.

use std::fs;

use crate::home::{Home, end, say_loudly, write};

/// The system calls of a run that reach for the network, start something, or could leave something behind. Returns
/// `None`, and prints why, if nothing can be traced.
fn telling(home: &Home, arguments: &[&str], variables: &[(&str, &str)]) -> Option<Vec<String>> {
    let log = home.path().with_extension("trace");
    let mut strace = home.command("strace");
    strace.args(["-f", "-qq", "-e", "signal=none", "-e", "trace=%process,%network,%file", "-o"]).arg(&log);
    if !home.command("strace").args(["-f", "-o", "/dev/null", "true"]).output().is_ok_and(|run| run.status.success()) {
        say_loudly("NOT RUN: strace cannot trace here, so it was not checked that the command is silent");
        return None;
    }
    let ended = end(strace.arg(env!("CARGO_BIN_EXE_pact-telemetry")).args(arguments).envs(variables.iter().copied()));
    assert!(ended.code == 0 || arguments.contains(&"demo"), "{ended:?}"); // which fails without an event
    let text = fs::read_to_string(&log).unwrap();
    fs::remove_file(&log).unwrap();
    assert!(text.contains("execve("), "the trace holds something: {text}");
    let calls = text.lines().map(|line| line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start().to_owned());
    let harmless = |call: &String| {
        let name = call.split('(').next().unwrap();
        match name {
            "open" | "openat" => !["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"].iter().any(|flag| call.contains(flag)),
            _ => ["execve", "exit_group", "access", "stat", "lstat", "newfstatat", "statx", "readlink", "readlinkat"]
                .iter()
                .chain(&["getcwd", "statfs", "arch_prctl", "+++ exited with 0 +++"])
                .any(|known| name == *known),
        }
    };
    Some(calls.filter(|call| !harmless(call)).collect())
}

fn lived_in() -> Home {
    let home = Home::new();
    home.save(r#"{"enabled": true, "id": "random"}"#);
    write(&home.state().join("id"), "0123456789abcdef0123456789abcdef\n");
    write(&home.state().join("ledger.jsonl"), "{}\n");
    write(&home.state().join("spool/0123456789abcdef0123456789abcdef-1800000000000-a-1.batch"), "{}");
    home
}

#[test]
fn looking_opens_no_socket_and_writes_no_file() {
    let looks: [&[&str]; 7] = [
        &["status"],
        &["preview"],
        &["preview", "--protocol", "universal-analytics", "--json"],
        &["log"],
        &["id"],
        &["completions", "bash"],
        &["--help"],
    ];
    for (home, files) in [(Home::new(), 0), (lived_in(), 4)] {
        for arguments in looks {
            for variables in [&[][..], &[("DO_NOT_TRACK", "1")], &[("PACT_TELEMETRY_DEBUG", "1")]] {
                let Some(calls) = telling(&home, arguments, variables) else { return };
                assert_eq!(calls, [""; 0], "{arguments:?} {variables:?}");
                assert_eq!(home.files().len(), files, "{arguments:?}");
            }
        }
    }
}

#[test]
fn a_choice_is_written_and_nothing_else() {
    for arguments in [&["off"][..], &["on"], &["id", "hostname"], &["id", "random"], &["reset-id"]] {
        let home = lived_in();
        let Some(calls) = telling(&home, arguments, &[("PACT_DO_NOT_TRACK", "1")]) else { return };
        assert!(!calls.is_empty(), "the trace does see what is done");
        for call in &calls {
            let own = call.contains("/.config/pact-telemetry") || call.contains("/.local/state/pact-telemetry");
            let is_to_files = ["openat(", "mkdir(", "rename", "unlink", "rmdir(", "chmod(", "fchmod"];
            assert!(own && is_to_files.iter().any(|start| call.starts_with(start)), "{arguments:?}: {call}");
            let writes = call.contains("O_CREAT") || call.starts_with("rename");
            assert!(!writes || call.contains("/.config/pact-telemetry/"), "{arguments:?}: {call}");
        }
    }
}

#[test]
fn the_trace_does_see_sockets() {
    let home = Home::new();
    let Some(calls) = telling(&home, &["demo", "true"], &[]) else { return };
    assert!(calls.iter().any(|call| call.starts_with("socket(")), "{calls:?}");
}
