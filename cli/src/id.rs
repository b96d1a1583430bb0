//! The `id` and `reset-id` subcommands: the number by which the machine is counted, and how to change it.

use std::path::Path;
use std::process::ExitCode;

use clap::ValueEnum;
use pact_telemetry::internal::IDENTIFIER_FILE;
use serde_json::{Value, json};

use crate::choice::{self, Whose};
use crate::library;
use crate::places;
use crate::purge;
use crate::text::{escaped, say, say_json};

/// The arguments of `id`.
#[derive(clap::Args)]
pub struct Arguments {
    /// What to do
    #[arg(value_enum, default_value_t = Kind::Show)]
    kind: Kind,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Show the identifier that events carry
    Show,
    /// Use a random number from now on, kept in a file; `reset-id` makes a new one
    Random,
    /// Use the hash of this machine's name from now on, as Pact's libraries have always done
    Hostname,
}

/// The identifier that events carry.
pub struct Identifier {
    /// `random`, or `hostname`.
    pub kind: &'static str,
    /// 32 hexadecimal digits; `None` for a random one that no event has needed yet.
    pub value: Option<String>,
}

/// Shows or chooses the identifier.
///
/// # Errors
/// A sentence for the person: the choice cannot be read or saved.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    match arguments.kind {
        Kind::Show => {}
        Kind::Random => choose("random")?,
        Kind::Hostname => {
            choose("hostname")?;
            remove_random()?;
        }
    }
    let id = Identifier::read()?;
    if arguments.json {
        say_json(&id.to_json())?;
    } else {
        let hint = match id.kind {
            "random" => "`pact-telemetry reset-id` makes a new one; `pact-telemetry id hostname` goes back.",
            _ => "`pact-telemetry id random` chooses a random number instead.",
        };
        say(&format!("The identifier is {}.\n{hint}\n", id.in_words()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The arguments of `reset-id`.
#[derive(clap::Args)]
pub struct ResetArguments {
    /// Print JSON: the identifier as it is now
    #[arg(long)]
    json: bool,
}

/// Removes the random identifier, so that the next event makes a new one.
///
/// # Errors
/// A sentence for the person: the identifier is not a random one, or cannot be removed.
pub fn reset(arguments: &ResetArguments) -> Result<ExitCode, String> {
    let id = Identifier::read()?;
    if id.kind != "random" {
        return Err(format!(
            "the identifier is {}, which stays the same. `pact-telemetry id random` chooses a random number instead",
            id.in_words()
        ));
    }
    remove_random()?;
    if arguments.json {
        say_json(&Identifier::read()?.to_json())?;
    } else {
        say("The identifier is forgotten. The next request makes a new one.\n")?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Identifier {
    /// Reads the choice and the identifier.
    ///
    /// # Errors
    /// A sentence for the person: the choice or the identifier cannot be read.
    pub fn read() -> Result<Self, String> {
        let chosen = match places::choice() {
            Ok(path) => choice::read(&path).unwrap_or_else(|doubt| doubt.kept), // then nothing is sent
            Err(_) => serde_json::Map::new(),
        };
        if chosen.get("id").and_then(Value::as_str) != Some("random") {
            return Ok(Identifier { kind: "hostname", value: Some(library::digest_of_hostname()?) });
        }
        let value = places::state().map(|state| random(&state)).transpose()?.flatten();
        Ok(Identifier { kind: "random", value })
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        json!({"kind": self.kind, "value": self.value})
    }

    /// As a text for people.
    pub fn in_words(&self) -> String {
        match (self.kind, &self.value) {
            ("random", Some(value)) => format!("a random number, {}", escaped(value)),
            ("random", None) => "a random number, which the next request makes".to_owned(),
            (_, value) => format!("the hash of this machine's name, {}", value.as_deref().unwrap_or_default()),
        }
    }
}

fn random(state: &Path) -> Result<Option<String>, String> {
    let path = state.join(IDENTIFIER_FILE);
    let bytes = places::read(&path, 1024).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()))
}

fn choose(kind: &str) -> Result<(), String> {
    let path = places::choice()?;
    choice::change(&path, Whose::User, |map| {
        // It counts as off, and must stay off until the person says otherwise.
        let mut map = map.map_err(|doubt| {
            format!("{} cannot be read ({}). Run `pact-telemetry off` or `on` first", path.display(), doubt.why)
        })?;
        map.insert("id".to_owned(), kind.into());
        Ok(map)
    })
}

fn remove_random() -> Result<(), String> {
    for folder in places::state_folders(|name| std::env::var_os(name)) {
        let path = folder.join(IDENTIFIER_FILE);
        purge::remove(&path).map_err(|error| format!("cannot remove {}: {error}", path.display()))?;
    }
    Ok(())
}
