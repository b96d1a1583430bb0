//! The companion command of pact_telemetry: arguments and exit codes only; each subcommand has a file of its own.

mod choice;
mod collect;
mod demo;
mod environment;
mod id;
mod ledger;
mod library;
mod log;
mod manual;
mod places;
mod preview;
mod property;
mod purge;
mod status;
mod switch;
mod table;
mod text;
mod validate;
mod waiting;

use std::future::Future;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

const EXIT_CODES: &str = "\
Exit codes: 0 if the command succeeded, 1 if it failed, 2 if the command line is not understood, and 3 if \
`status --exit-code` found telemetry off.

Only `collect` and `demo` use the network, and they only reach this machine.";

/// See what Pact's libraries report of their use, and stop it
#[derive(Parser)]
#[command(name = "pact-telemetry", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show whether telemetry is on, which rule decided, what waits, and what was sent last
    Status(status::Arguments),
    /// Turn it off, also for programs that run now, and remove what waits, the log and the random identifier
    ///
    /// The choice is saved among your own settings, and before anything is removed. A running program checks it before
    /// each request. With --system it is saved for everybody on this machine, and nothing is removed: what waits stays
    /// where it is.
    Off(switch::Arguments),
    /// Turn it on; says so if something else still turns it off
    ///
    /// What was recorded before an "off" is never sent: what is left of it is removed first. A client that a running
    /// program made before stays off; the next one that it makes is on. With --system, the administrator's choice is
    /// removed, and the choice of each person counts again.
    On(switch::Arguments),
    /// Show the whole request of one event and what each part of it is for; sends nothing
    Preview(preview::Arguments),
    /// Show the last requests that left this machine, byte for byte, and what came back
    Log(log::Arguments),
    /// Show the number by which this machine is counted, or choose it: the hash of its name, or a random number
    Id(id::Arguments),
    /// Forget the random number: the next request makes a new one
    ///
    /// Events that are waiting already are sent with the new number too. The hash of this machine's name cannot be
    /// forgotten: choose a random number first, with `pact-telemetry id random`.
    ResetId(id::ResetArguments),
    /// Run a collector for tests on this machine, which prints every event that arrives as a line of JSON
    Collect(collect::Arguments),
    /// List what a Google Analytics property has to register, so that its reports show the fields of the events
    Property(property::Arguments),
    /// Run a program that uses pact_telemetry, and show every field that it sends
    Demo(demo::Arguments),
    /// Print completions for a shell
    Completions(manual::Completions),
    /// Write the manual pages into a folder
    Man(manual::Man),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Status(arguments) => status::run(&arguments),
        Command::Off(arguments) => switch::off(&arguments),
        Command::On(arguments) => switch::on(&arguments),
        Command::Preview(arguments) => preview::run(&arguments),
        Command::Log(arguments) => log::run(&arguments),
        Command::Id(arguments) => id::run(&arguments),
        Command::ResetId(arguments) => id::reset(&arguments),
        Command::Collect(arguments) => {
            return serve(async { collect::run(arguments).await.map(|()| ExitCode::SUCCESS) });
        }
        Command::Demo(arguments) => return serve(demo::run(arguments)),
        Command::Property(arguments) => property::run(&arguments),
        Command::Completions(arguments) => manual::completions(&arguments, Arguments::command()),
        Command::Man(arguments) => manual::man(&arguments, Arguments::command()),
    };
    done.unwrap_or_else(|error| failed(&error))
}

/// Only for those that use sockets: the runtime itself opens some.
fn serve(work: impl Future<Output = Result<ExitCode, String>>) -> ExitCode {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work).unwrap_or_else(|error| failed(&error)),
        Err(error) => failed(&format!("cannot start: {error}")),
    }
}

/// The command line was understood: clap exits with 2 otherwise.
fn failed(error: &str) -> ExitCode {
    eprintln!("error: {}", text::escaped(error));
    ExitCode::FAILURE
}
