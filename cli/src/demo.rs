//! The `demo` subcommand: runs a program against a collector in this process and shows what arrived. It changes no
//! setting of the person, and in particular no opt-out.

use std::ffi::{OsStr, OsString};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;

use crate::collect::answers::Script;
use crate::collect::origin::Own;
use crate::collect::record::{Arrival, Event};
use crate::collect::server::{self, Collector};
use crate::table;
use crate::text::{escaped, say};

/// How long a program may run.
const PROGRAM_TIME: Duration = Duration::from_secs(60);

/// How long requests in flight may take after the program has exited.
const LAST_REQUESTS_TIME: Duration = Duration::from_secs(2);

const OPT_OUTS: [&str; 3] = ["PACT_DO_NOT_TRACK", "pact_do_not_track", "DO_NOT_TRACK"];

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

#[derive(Clone, Copy, ValueEnum)]
enum Protocol {
    Ga4,
    UniversalAnalytics,
    Otlp,
}

/// What arrived.
#[derive(Default)]
struct Harvest {
    events: Vec<Event>,
    requests: usize,
    unreadable: Vec<String>,
}

/// Runs the program and prints the table; the exit code says whether events arrived and the program succeeded.
///
/// # Errors
/// A sentence for the person: there is no port to listen on.
pub async fn run(arguments: Arguments) -> Result<ExitCode, String> {
    let opt_out = opt_out(|name| std::env::var_os(name));
    if let Some(opt_out) = &opt_out {
        say(&format!("{} is set, which opts out of telemetry: therefore nothing is sent.\n\n", escaped(opt_out)))?;
    }
    let (ended, harvest) = collect(arguments).await?;
    say(&report(&harvest, opt_out.as_deref()))?;
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
    let state = State::new()?;
    let command = command(arguments, &format!("http://{address}"), &state);
    let mut ended = Ok(());
    let program = async { ended = run_program(command, PROGRAM_TIME).await };
    let mut connections = server::serve(listener, None, Arc::new(collector), program).await;
    // The program's last requests may still be unread. When it exits, its connections close, and this wait is over.
    let all_closed = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(LAST_REQUESTS_TIME, all_closed).await;
    let harvest = std::mem::take(&mut *harvest.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((ended, harvest))
}

/// A state folder for the program alone, so that the demo leaves nothing in the person's state folder. Removed when
/// this value is dropped.
struct State(PathBuf);

impl State {
    /// The notice counts as shown in it, because the person who runs the demo sees everything that is sent.
    fn new() -> Result<Self, String> {
        let folder = std::env::temp_dir().join(format!("pact-telemetry-demo-{}", std::process::id()));
        let told = std::fs::create_dir(&folder).and_then(|()| {
            // A time in the past by any clock.
            std::fs::write(folder.join("notice.json"), r#"{"shown_ms": 1}"#)
        });
        told.map_err(|error| format!("{}: {error}", folder.display())).map(|()| State(folder))
    }
}

impl Drop for State {
    fn drop(&mut self) {
        // If it cannot be removed, the system cleans it up.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn command(arguments: Arguments, url: &str, state: &State) -> Command {
    let protocol = match arguments.protocol {
        Protocol::Ga4 => "ga4",
        Protocol::UniversalAnalytics => "universal-analytics",
        Protocol::Otlp => "otlp",
    };
    let mut words = arguments.program.into_iter();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).env("PACT_TELEMETRY_STATE_DIR", &state.0).envs([
        ("PACT_TELEMETRY_ENDPOINT", url),
        ("PACT_TELEMETRY_MEASUREMENT_ID", "G-DEMO"),
        ("PACT_TELEMETRY_API_SECRET", "demo"),
        ("PACT_TELEMETRY_TRACKING_ID", "UA-1-1"),
        ("PACT_TELEMETRY_PROTOCOL", protocol),
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

/// `NAME=value` of the first variable that opts out.
fn opt_out(variable: impl Fn(&str) -> Option<OsString>) -> Option<String> {
    OPT_OUTS.into_iter().find_map(|name| {
        let value = variable(name)?;
        opts_out(&value).then(|| format!("{name}={}", value.to_string_lossy()))
    })
}

fn opts_out(value: &OsStr) -> bool {
    let value = value.to_string_lossy().trim().to_lowercase();
    !["", "0", "false", "no", "off"].contains(&value.as_str())
}

fn report(harvest: &Harvest, opt_out: Option<&str>) -> String {
    let mut text = table::render(&harvest.events);
    let problems: Vec<String> = problems(&harvest.events);
    let counted =
        format!("{} arrived in {}", plural(harvest.events.len(), "event"), plural(harvest.requests, "request"));
    text += &match (harvest.events.is_empty(), opt_out, problems.len()) {
        (true, Some(opt_out), _) => format!("No event arrived, as {opt_out} asks.\n"),
        (true, None, _) => "No event arrived.\n".to_owned(),
        (false, _, 0) => format!("{counted}; the strict validator found no problem.\n"),
        (false, _, found) => format!("{counted}; the strict validator found {}:\n", plural(found, "problem")),
    };
    for line in problems.iter().chain(&harvest.unreadable) {
        text += &format!("  {}\n", escaped(line));
    }
    if !harvest.events.is_empty()
        && let Some(opt_out) = opt_out
    {
        text += &format!("{opt_out} was set, and yet events arrived: the program does not honour it.\n");
    }
    text
}

fn problems(events: &[Event]) -> Vec<String> {
    let numbered = events.iter().zip(1..);
    numbered
        .flat_map(|(event, number)| event.problems.iter().map(move |problem| format!("event {number}: {problem}")))
        .collect()
}

fn plural(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    // A test that cannot go on should stop.
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_empty_or_negative_opt_out_is_no_opinion() {
        for value in ["", " ", "0", "false", "No", "OFF", " off "] {
            assert!(!opts_out(OsStr::new(value)), "{value:?}");
        }
        for value in ["1", "true", "yes", "on", "anything", "00"] {
            assert!(opts_out(OsStr::new(value)), "{value:?}");
        }
    }

    #[test]
    fn the_opt_out_that_decides_is_named() {
        let variable = |name: &str| match name {
            "PACT_DO_NOT_TRACK" => Some("0".into()),
            "DO_NOT_TRACK" => Some("1".into()),
            _ => None,
        };
        assert_eq!(opt_out(variable).unwrap(), "DO_NOT_TRACK=1");
        assert_eq!(opt_out(|_| None), None);
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
            protocol: crate::collect::endpoint::Protocol::Ga4,
            name: None,
            wire: serde_json::Map::new(),
            problems: vec!["odd".to_owned()],
        };
        let mut harvest = Harvest { events: vec![event], requests: 1, unreadable: Vec::new() };
        let text = report(&harvest, None);
        assert!(text.contains("1 event arrived in 1 request; the strict validator found 1 problem:\n  event 1: odd\n"));
        harvest.events.clear();
        assert_eq!(report(&harvest, None), "No event arrived.\n");
        assert_eq!(report(&harvest, Some("A=1")), "No event arrived, as A=1 asks.\n");
    }
}
