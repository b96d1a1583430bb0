//! The companion command of pact_telemetry: arguments and exit codes only; each subcommand has its own room.

mod collect;
mod demo;
mod table;
mod validate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// See what pact_telemetry sends.
#[derive(Parser)]
#[command(name = "pact-telemetry", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Stand in for the collector on this machine, and print every event that arrives as a line of JSON
    Collect(collect::Arguments),
    /// Run a program that uses pact_telemetry, and show every field that it sends
    Demo(demo::Arguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return usage(&format!("cannot start: {error}")),
    };
    let exit = match arguments.command {
        Command::Collect(arguments) => runtime.block_on(collect::run(arguments)).map(|()| ExitCode::SUCCESS),
        Command::Demo(arguments) => runtime.block_on(demo::run(arguments)),
    };
    exit.unwrap_or_else(|error| usage(&error))
}

fn usage(error: &str) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(2)
}
