//! The `off` and `on` subcommands: the saved choice, of a person or of a machine. An `off` is saved before anything is
//! removed, so that nothing more leaves whatever happens after that.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pact_telemetry::Opinion;
use serde_json::{Value, json};

use crate::choice::{self, Whose};
use crate::library;
use crate::places;
use crate::purge;
use crate::status;
use crate::text::{plural, say, say_json};

/// Twice the longest tick of a scheduler. An event's time is taken from a clock that goes by ticks (clock_gettime(2),
/// `CLOCK_MONOTONIC_COARSE`), so it may be that much too early.
const TICKS: Duration = Duration::from_millis(20);

/// The arguments of `off` and `on`.
#[derive(clap::Args)]
pub struct Arguments {
    /// For everybody on this machine (for administrators); no setting of a person undoes such an "off"
    #[arg(long)]
    system: bool,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// Saves "off" and removes what waits, the log and the random identifier.
///
/// # Errors
/// A sentence for the person: nothing was changed, or it is off and something could not be removed.
pub fn off(arguments: &Arguments) -> Result<ExitCode, String> {
    if arguments.system {
        let path = places::system_choice()?;
        save(&path, Whose::System, false)?;
        let said = "Telemetry is off for everybody on this machine.\n";
        return answer(arguments, said, &json!({"enabled": false, "file": path.to_string_lossy(), "removed_files": 0}));
    }
    let path = places::choice()?;
    save(&path, Whose::User, false)?;
    let removed = purge::everything(&places::state_folders(|name| std::env::var_os(name)))
        .map_err(|left| format!("telemetry is off, but these could not be removed: {left}"))?;
    let kept = match removed {
        0 => String::new(),
        _ => format!("Removed {} of waiting events and of what was sent.\n", plural(removed, "file")),
    };
    let said = format!("Telemetry is off. Programs that run now stop before their next request.\n{kept}");
    answer(arguments, &said, &json!({"enabled": false, "file": path.to_string_lossy(), "removed_files": removed}))
}

/// Saves "on", and says whether something else still turns it off.
///
/// # Errors
/// A sentence for the person: nothing was changed.
pub fn on(arguments: &Arguments) -> Result<ExitCode, String> {
    let (path, done) = if arguments.system {
        let path = places::system_choice()?;
        let done = match choice::remove(&path)? {
            true => "The administrator's choice is removed",
            false => "There was no administrator's choice",
        };
        (path, done)
    } else {
        let path = places::choice()?;
        if library::explain()?.saved() == Opinion::Off {
            // What a program wrote there at the moment of the "off" must not leave after an "on".
            purge::everything(&places::state_folders(|name| std::env::var_os(name)))
                .map_err(|left| format!("these events from before your \"off\" could not be removed: {left}"))?;
        }
        save(&path, Whose::User, true)?;
        thread::sleep(TICKS); // what is recorded once this command has ended is not from before it
        (path, "Your choice is saved")
    };
    let explained = library::explain()?;
    let said = match explained.off_by() {
        Some(rule) => format!("{done}, but telemetry stays off: {}.\n", status::because(rule)),
        None => format!("{done}: telemetry is on.\n"),
    };
    let rule = explained.explanation.rule;
    answer(arguments, &said, &json!({"enabled": rule.is_none(), "rule": rule, "file": path.to_string_lossy()}))
}

fn save(path: &std::path::Path, whose: Whose, enabled: bool) -> Result<(), String> {
    choice::change(path, whose, |map| {
        let was_off = map.as_ref().map_or(true, |map| map.get("enabled").is_some_and(|enabled| *enabled != true));
        let mut map = map.unwrap_or_else(|doubt| doubt.kept);
        map.insert("enabled".to_owned(), enabled.into());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        // The clock was ahead then. With such a moment nothing would be sent until it comes.
        let is_ahead = map.get("since_ms").and_then(Value::as_u64).is_some_and(|since_ms| since_ms > now);
        if enabled && (was_off || is_ahead) {
            // No event that was recorded before is sent, wherever it waits.
            map.insert("since_ms".to_owned(), now.into());
        }
        Ok(map)
    })
}

fn answer(arguments: &Arguments, said: &str, done: &Value) -> Result<ExitCode, String> {
    let written = if arguments.json { say_json(done) } else { say(said) };
    written.map(|()| ExitCode::SUCCESS).map_err(|error| format!("the choice was changed, but {error}"))
}
