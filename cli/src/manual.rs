//! Completions for shells and manual pages, from the arguments themselves.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;

use crate::text::say_raw;

/// The arguments of `completions`.
#[derive(clap::Args)]
pub struct Completions {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// The arguments of `man`.
#[derive(clap::Args)]
pub struct Man {
    /// An existing folder to write them into
    folder: PathBuf,
}

/// Prints the completions.
///
/// # Errors
/// The output cannot be written.
pub fn completions(arguments: &Completions, mut command: Command) -> Result<ExitCode, String> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "pact-telemetry", &mut script);
    say_raw(&String::from_utf8_lossy(&script)).map(|()| ExitCode::SUCCESS)
}

/// Writes a page for the command and one for each subcommand.
///
/// # Errors
/// Names the folder that cannot be written to.
pub fn man(arguments: &Man, command: Command) -> Result<ExitCode, String> {
    clap_mangen::generate_to(command, &arguments.folder)
        .map_err(|error| format!("cannot write into {}: {error}", arguments.folder.display()))?;
    Ok(ExitCode::SUCCESS)
}
