//! The system calls of an opted-out process, by strace(1): no thread, no socket, no file.

use crate::support::programs::{Language, Run, Sandbox};
use crate::support::{Collector, say_loudly};
use std::path::Path;
use std::process::Command;

/// Whether processes can be traced here; says so if not.
fn can_trace(test: &str) -> bool {
    let traced = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    let reason = match traced {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    say_loudly(&format!("NOT RUN: strace cannot trace here ({reason}), so it was not checked {test}"));
    false
}

/// The system calls about files, processes, sockets and the machine's name in a run of the program, each as
/// `name(arguments) = result`, but for the start and the end of the process itself.
fn trace(sandbox: &Sandbox, program: &Path, argument: Option<&str>, variables: &[(&str, &str)]) -> Vec<String> {
    trace_by(sandbox.run("strace"), sandbox, program, argument, variables)
}

/// The same, with strace started by this run.
fn trace_by(
    strace: Run,
    sandbox: &Sandbox,
    program: &Path,
    argument: Option<&str>,
    variables: &[(&str, &str)],
) -> Vec<String> {
    let log = sandbox.path().join("trace");
    let run = strace.argument("-f").argument("-qq").argument("-e").argument("signal=none").argument("-e");
    let run = run.argument("trace=%process,%network,%file,uname").argument("-o").argument(&log).argument(program);
    let run = argument.into_iter().fold(run, |run, argument| run.argument(argument));
    let run = variables.iter().fold(run, |run, (name, value)| run.variable(name, value));
    run.succeed();
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(text.contains("execve("), "the trace holds something: {text}");
    let calls = text.lines().map(|line| line.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start());
    let own =
        |call: &&str| !["execve(", "exit_group(", "exit(", "<...", "+++"].iter().any(|start| call.starts_with(start));
    calls.filter(own).map(without_addresses).collect()
}

/// Addresses in memory differ in each run.
fn without_addresses(call: &str) -> String {
    let mut parts = call.split("0x");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |call, part| call + "0x" + part.trim_start_matches(|c: char| c.is_ascii_hexdigit()))
}

/// The calls that start something, use the network, or could leave something behind.
fn telling(calls: &[String]) -> Vec<&String> {
    let is_telling = |call: &&String| {
        let name = call.split('(').next().unwrap();
        match name {
            "open" | "openat" | "openat2" => ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE"]
                .iter()
                .any(|flag| call.contains(flag)),
            // Reading is harmless: the loader does it for every library.
            "access" | "faccessat" | "faccessat2" | "stat" | "lstat" | "newfstatat" | "fstatat64" | "statx"
            | "readlink" | "readlinkat" | "statfs" | "getcwd" | "uname" => false,
            _ => true,
        }
    };
    calls.iter().filter(is_telling).collect()
}

const OPT_OUTS: [(&str, &str); 6] = [
    ("PACT_DO_NOT_TRACK", "true"),
    ("PACT_DO_NOT_TRACK", "1"),
    ("PACT_DO_NOT_TRACK", "TRUE"),
    ("PACT_DO_NOT_TRACK", "yes"),
    ("pact_do_not_track", "1"),
    ("DO_NOT_TRACK", "1"),
];

#[test]
fn opted_out_nothing_is_started_connected_or_written() {
    if !can_trace("that an opted-out process is silent") {
        return;
    }
    let sandbox = Sandbox::new();
    std::fs::remove_dir_all(sandbox.path().join(".local")).unwrap(); // a person who has never seen the notice
    let collector = Collector::start(&[]);
    let endpoint = ("PACT_TELEMETRY_ENDPOINT", collector.url.as_str());
    for program in sandbox.programs("opted_out") {
        for opt_out in OPT_OUTS {
            let trace = |argument| trace(&sandbox, &program, Some(argument), &[opt_out, endpoint]);
            let nothing = trace("skip");
            assert_eq!(telling(&trace("all")), telling(&nothing), "{opt_out:?}");
            // Without a call of explain or preview, it does not even read a file or the hostname.
            assert_eq!(trace("quiet"), nothing, "{opt_out:?}");
        }
    }
    let left =
        std::fs::read_dir(sandbox.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut left: Vec<_> = left.collect();
    left.sort();
    assert_eq!(left, ["opted_out.c.out", "opted_out.cpp.out", "trace"], "nothing is left in the person's home");
    assert_eq!(collector.end(), Vec::<serde_json::Value>::new());
}

/// Starts a command on a system where an administrator made this choice, which no other process can see.
const WITH_A_SYSTEM_CHOICE: &str = r#"
    mount -t tmpfs none /mnt
    mkdir /mnt/upper /mnt/work
    mount -t overlay overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work /etc
    mkdir -p /etc/pact-telemetry
    printf %s "$0" > /etc/pact-telemetry/choice.json
    exec "$@"
"#;

fn with_a_system_choice(sandbox: &Sandbox, choice: &str, command: &str) -> Run {
    let unshare = sandbox.run("unshare").argument("-m").argument("sh").argument("-ec").argument(WITH_A_SYSTEM_CHOICE);
    unshare.argument(choice).argument(command)
}

#[test]
fn after_any_opt_out_nothing_is_started_connected_or_written() {
    if !can_trace("that a process that somebody turned off is silent") {
        return;
    }
    let sandbox = Sandbox::new();
    std::fs::remove_dir_all(sandbox.path().join(".local")).unwrap(); // a person who was never told anything
    let collector = Collector::start(&[]);
    let variables = [("PACT_TELEMETRY_ENDPOINT", collector.url.as_str())];
    let program = sandbox.program("opted_out", Language::C);
    let nothing = trace(&sandbox, &program, Some("skip"), &variables);
    let host = trace(&sandbox, &program, Some("host"), &variables);
    assert_eq!(telling(&host), telling(&nothing), "the host");
    let choices = [r#"{"enabled": false}"#, r#"{"enabled""#, ""];
    let can_mount = with_a_system_choice(&sandbox, "", "true").end().status.success();
    if !can_mount {
        say_loudly("NOT RUN: no right to mount here, so the silence after an administrator's choice was not checked");
    }
    for choice in choices.into_iter().filter(|_| can_mount) {
        let strace = with_a_system_choice(&sandbox, choice, "strace");
        let system = trace_by(strace, &sandbox, &program, Some("all"), &variables);
        assert_eq!(telling(&system), telling(&nothing), "the administrator: {choice:?}");
    }
    let folder = sandbox.path().join("config/pact-telemetry");
    std::fs::create_dir_all(&folder).unwrap();
    for choice in choices {
        std::fs::write(folder.join("choice.json"), choice).unwrap();
        let saved = trace(&sandbox, &program, Some("all"), &variables);
        assert_eq!(telling(&saved), telling(&nothing), "the person: {choice:?}");
    }
    assert!(!sandbox.path().join(".local").exists(), "nothing is left in the person's home");
    assert_eq!(collector.end(), Vec::<serde_json::Value>::new());
}

#[test]
fn the_trace_does_see_what_a_process_that_is_not_opted_out_does() {
    if !can_trace("that a trace shows threads and sockets") {
        return;
    }
    let sandbox = Sandbox::new();
    let collector = Collector::start(&[]);
    let program = sandbox.program("opted_out", Language::C);
    let endpoint = [("PACT_TELEMETRY_ENDPOINT", collector.url.as_str())];
    let calls = trace(&sandbox, &program, Some("on"), &endpoint);
    for name in ["clone", "socket(", "connect(", "uname("] {
        assert!(calls.iter().any(|call| call.starts_with(name)), "{name}: {calls:#?}");
    }
    assert!(!telling(&calls).is_empty());
}

#[test]
fn loading_the_library_opens_nothing_and_starts_nothing() {
    if !can_trace("that loading the library does nothing") {
        return;
    }
    let sandbox = Sandbox::new();
    for program in sandbox.programs("only_loads") {
        let calls = trace(&sandbox, &program, None, &[]);
        assert!(calls.iter().any(|call| call.contains("libpact_telemetry.so.1")), "{calls:#?}");
        for call in &calls {
            let path = call.split('"').nth(1).unwrap_or_default();
            let file = path.rsplit('/').next().unwrap_or_default();
            let is_the_loaders =
                file.contains(".so") || file.starts_with("ld.so.") || path.is_empty() && call.contains("AT_EMPTY_PATH");
            // It looks for libraries in folders that may not be there, too.
            let is_a_look = call.starts_with("newfstatat(") || call.starts_with("stat");
            assert!(is_the_loaders || is_a_look, "{call}\n{calls:#?}");
            assert!(telling(&calls).is_empty(), "{calls:#?}");
        }
    }
}
