//! The `demo` subcommand: runs a program against a collector in this process and shows what arrived. It changes no
//! setting of the person, and in particular no opt-out.

use std::ffi::OsString;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tempfile::{Builder, TempDir};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;

use crate::collect::answers::Script;
use crate::collect::endpoint::Protocol;
use crate::collect::origin::Own;
use crate::collect::record::{Arrival, Event};
use crate::collect::server::{self, Collector};
use crate::library;
use crate::status::because;
use crate::table;
use crate::text::{escaped, plural, say};

/// How long a program may run.
const PROGRAM_TIME: Duration = Duration::from_secs(60);

/// How long requests in flight may take after the program has exited.
const LAST_REQUESTS_TIME: Duration = Duration::from_secs(2);

/// The arguments of `demo`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The protocol that the program is told to use
    #[arg(long, value_enum, default_value_t = Protocol::Ga4)]
    protocol: Protocol,
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, value_names = ["PROGRAM", "ARGS"])]
    program: Vec<OsString>,
}

/// What arrived.
#[derive(Default)]
struct Harvest {
    events: Vec<Event>,
    requests: usize,
    unreadable: Vec<String>,
}

/// Why a program sends nothing here.
#[derive(Clone, Copy)]
struct Silence {
    /// Somebody opted out.
    is_off: bool,
    /// `PACT_TELEMETRY_DEBUG` is set.
    is_debug: bool,
}

/// Runs the program and prints the table; the exit code says whether events arrived and the program succeeded.
///
/// # Errors
/// A sentence for the person: there is no port to listen on.
pub async fn run(arguments: Arguments) -> Result<ExitCode, String> {
    let explained = library::explain()?;
    if let Some(rule) = explained.off_by() {
        say(&format!("Telemetry is off: {}. A program that honours this sends nothing.\n\n", because(rule)))?;
    }
    let silence = Silence { is_off: explained.off_by().is_some(), is_debug: explained.explanation.is_debug };
    let (ended, harvest) = collect(arguments).await?;
    say(&report(&harvest, silence))?;
    if let Err(reason) = &ended {
        say(&format!("The program failed: {}.\n", escaped(reason)))?;
    }
    let is_good = ended.is_ok() && !harvest.events.is_empty();
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn collect(arguments: Arguments) -> Result<(Result<(), String>, Harvest), String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let listener = listener.map_err(|error| format!("cannot listen on {}: {error}", Ipv4Addr::LOCALHOST))?;
    let address = listener.local_addr().map_err(|error| format!("no local address: {error}"))?;
    let harvest = Arc::new(Mutex::new(Harvest::default()));
    let into = harvest.clone();
    let own = Arc::new(Own::new("http", address));
    let collector = Collector::new(Script::default(), own, move |arrival| {
        into.lock().unwrap_or_else(PoisonError::into_inner).add(arrival);
    });
    let state = state_folder()?;
    let command = command(arguments, &format!("http://{address}"), state.path());
    let mut ended = Ok(());
    let program = async { ended = run_program(command, PROGRAM_TIME).await };
    let mut connections = server::serve(listener, None, Arc::new(collector), program).await;
    // The program's last requests may still be unread. When it exits, its connections close, and this wait is over.
    let all_closed = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(LAST_REQUESTS_TIME, all_closed).await;
    let harvest = std::mem::take(&mut *harvest.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((ended, harvest))
}

/// A state folder for the program alone, so that the demo leaves nothing in the person's own. There the notice counts
/// as shown, because the person who runs the demo sees everything that is sent.
fn state_folder() -> Result<TempDir, String> {
    let failed = |error| format!("{}: {error}", std::env::temp_dir().display());
    let folder = Builder::new().prefix("pact-telemetry-demo-").tempdir().map_err(failed)?;
    // A time in the past by any clock.
    std::fs::write(folder.path().join("notice.json"), r#"{"shown_ms": 1}"#).map_err(failed)?;
    Ok(folder)
}

fn command(arguments: Arguments, url: &str, state: &Path) -> Command {
    let mut words = arguments.program.into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).env("PACT_TELEMETRY_STATE_DIR", state).envs([
        ("PACT_TELEMETRY_ENDPOINT", url),
        ("PACT_TELEMETRY_MEASUREMENT_ID", "G-DEMO"),
        ("PACT_TELEMETRY_API_SECRET", "demo"),
        ("PACT_TELEMETRY_TRACKING_ID", "UA-1-1"),
        ("PACT_TELEMETRY_PROTOCOL", arguments.protocol.name()),
        ("PACT_TELEMETRY_NOTICE", "seen"),
    ]);
    command
}

async fn run_program(mut command: Command, limit: Duration) -> Result<(), String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().map_err(|error| format!("{name} cannot be started: {error}"))?;
    match timeout(limit, child.wait()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(status.to_string()),
        Ok(Err(error)) => Err(format!("it cannot be waited for: {error}")),
        Err(_) => {
            // If it could not be killed, nothing more can be done about it.
            let _ = child.kill().await;
            Err(format!("it was still running after {limit:?} and was killed"))
        }
    }
}

impl Harvest {
    fn add(&mut self, arrival: &Arrival) {
        self.requests += usize::from(!arrival.events.is_empty());
        self.events.extend(arrival.events.iter().cloned());
        if let Some(reason) = &arrival.unreadable {
            self.unreadable.push(format!("Request {} {reason}", arrival.number));
        }
    }
}

fn report(harvest: &Harvest, silence: Silence) -> String {
    let mut text = table::render(&harvest.events);
    let problems: Vec<String> = problems(&harvest.events);
    let counted =
        format!("{} arrived in {}", plural(harvest.events.len(), "event"), plural(harvest.requests, "request"));
    text += &match problems.len() {
        _ if harvest.events.is_empty() => format!("No event arrived{}\n", silence.in_words()),
        0 => format!("{counted}; the strict validator found no problem.\n"),
        found => format!("{counted}; the strict validator found {}:\n", plural(found, "problem")),
    };
    for line in problems.iter().chain(&harvest.unreadable) {
        text += &format!("  {}\n", escaped(line));
    }
    if !harvest.events.is_empty() && silence.is_off {
        text += "Telemetry is off, and yet events arrived: the program does not honour that.\n";
    }
    text
}

impl Silence {
    fn in_words(self) -> &'static str {
        match self {
            Silence { is_off: true, .. } => ", because telemetry is off.",
            Silence { is_debug: true, .. } => {
                ", because PACT_TELEMETRY_DEBUG is set: the program prints its requests and sends nothing."
            }
            _ => ". Does the program load pact_telemetry, report an event, and leave its client enabled?",
        }
    }
}

fn problems(events: &[Event]) -> Vec<String> {
    let numbered = events.iter().zip(1..);
    numbered
        .flat_map(|(event, number)| event.problems.iter().map(move |problem| format!("event {number}: {problem}")))
        .collect()
}

#[cfg(test)]
mod tests {
    // A test that cannot go on should stop.
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn two_demos_have_each_a_state_folder_of_their_own_which_is_removed() {
        let (one, other) = (state_folder().unwrap(), state_folder().unwrap());
        assert_ne!(one.path(), other.path());
        let path = one.path().to_owned();
        drop(one);
        assert!(!path.exists());
    }

    const HANG: &str = "PACT_TELEMETRY_TEST_HANG";

    /// The program of the next test: this binary again, which then runs until it is killed.
    #[test]
    fn a_program_that_hangs_when_asked() {
        while std::env::var_os(HANG).is_some() {
            std::thread::park();
        }
    }

    #[test]
    fn a_hung_program_is_killed() {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "demo::tests::a_program_that_hangs_when_asked"]);
        command.env(HANG, "1").stdout(std::process::Stdio::null());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let ended = runtime.block_on(run_program(command, Duration::from_millis(300)));
        assert!(ended.unwrap_err().contains("was killed"));
    }

    #[test]
    fn the_report_counts_and_lists_problems() {
        let event = Event {
            protocol: Protocol::Ga4,
            name: None,
            wire: serde_json::Map::new(),
            problems: vec!["odd".to_owned()],
        };
        let mut harvest = Harvest { events: vec![event], requests: 1, unreadable: Vec::new() };
        let silence = |is_off, is_debug| Silence { is_off, is_debug };
        let text = report(&harvest, silence(false, false));
        assert!(text.contains("1 event arrived in 1 request; the strict validator found 1 problem:\n  event 1: odd\n"));
        harvest.events.clear();
        assert!(report(&harvest, silence(false, false)).starts_with("No event arrived. Does the program"));
        assert!(report(&harvest, silence(false, true)).contains("because PACT_TELEMETRY_DEBUG is set"));
        assert_eq!(report(&harvest, silence(true, true)), "No event arrived, because telemetry is off.\n");
    }
}
