//! May we send, and which rule decided? The first rule that says "off" wins and no later one turns it back on:
//! the host's switch, `PACT_DO_NOT_TRACK`, `pact_do_not_track`, `DO_NOT_TRACK`, the person's saved choice.
//!
//! The rules are pure functions; reading the environment and the saved choice stands apart from them, below.

use crate::json::object;
use crate::platform::environment::{self, Names};
use crate::platform::paths;
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The variables that opt a person out, in the order in which they are asked. Both cases of the first are in use.
pub const VARIABLES: [&str; 3] = ["PACT_DO_NOT_TRACK", "pact_do_not_track", "DO_NOT_TRACK"];

static NAMES: Names<{ VARIABLES.len() }> = Names::new(VARIABLES);

/// Does this value of one of [`VARIABLES`] opt out? Trimmed and in any case, empty, `0`, `false`, `no` and `off` mean
/// no opinion; everything else opts out, also what is not UTF-8.
pub fn opts_out(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let no_opinion: &[u8] = match value.len() {
        0 => b"",
        1 => b"0",
        2 => b"no",
        3 => b"off",
        5 => b"false",
        _ => return true,
    };
    !value.eq_ignore_ascii_case(no_opinion)
}

/// Does one of [`VARIABLES`] opt out right now? One pass over the environment, no allocation; on the caller's thread only
/// (see [`environment`]).
#[inline]
pub fn opted_out_by_environment() -> bool {
    environment::any(&NAMES, opts_out)
}

/// What a person saved with `pact-telemetry off` or `on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SavedChoice {
    /// Nothing was saved.
    None,
    /// `{"enabled": true}`.
    On,
    /// `{"enabled": false}`.
    Off,
    /// Something is there and cannot be read, for this reason. Counts as off.
    Unreadable(String),
}

impl SavedChoice {
    /// Does it say "off"?
    pub fn is_off(&self) -> bool {
        matches!(self, SavedChoice::Off | SavedChoice::Unreadable(_))
    }

    /// The choice that a file's text makes.
    pub fn parse(text: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(text) {
            Ok(value) => match value.get("enabled").and_then(Value::as_bool) {
                Some(true) => SavedChoice::On,
                Some(false) => SavedChoice::Off,
                None if value.get("enabled").is_none() && value.get("id").is_some() => SavedChoice::None,
                None => SavedChoice::Unreadable("no true or false under \"enabled\"".into()),
            },
            Err(error) => SavedChoice::Unreadable(format!("not JSON: {error}")),
        }
    }

    /// Reads the choice. A file that is not there is no choice; any other failure counts as off.
    pub fn read(path: Option<&Path>) -> Self {
        /// A choice is some twenty bytes; more than this is not one.
        const LIMIT: u64 = 4096;
        let Some(path) = path else { return SavedChoice::None };
        let mut text = Vec::new();
        let read = paths::open_without_waiting(path)
            .and_then(|file| if file.metadata()?.is_file() { Ok(file) } else { Err(not_a_file()) })
            .and_then(|file| file.take(LIMIT).read_to_end(&mut text));
        match read {
            Ok(_) => SavedChoice::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => SavedChoice::None,
            Err(error) => SavedChoice::Unreadable(error.to_string()),
        }
    }
}

fn not_a_file() -> std::io::Error {
    std::io::Error::other("not a regular file")
}

/// Where a person's choice is kept: one place a person, which no host can move.
pub fn saved_choice_path() -> Option<PathBuf> {
    Some(paths::user_config_dir(|name| std::env::var_os(name))?.join("choice.json"))
}

/// Where the administrator's choice for the whole machine is kept, which no setting of a person or a host can move.
/// Only its "off" counts.
pub fn system_choice_path() -> Option<PathBuf> {
    Some(paths::system_config_dir()?.join("choice.json"))
}

/// What each rule read, taken at one moment.
#[derive(Debug, Clone)]
pub struct Readings {
    /// The host's switch: the config's `enabled`, then `set_enabled`.
    pub host_enabled: bool,
    /// The values of [`VARIABLES`].
    pub variables: [Option<Vec<u8>>; VARIABLES.len()],
    /// Where the saved choice is looked for.
    pub saved_path: Option<PathBuf>,
    /// The saved choice.
    pub saved: SavedChoice,
    /// The administrator's choice.
    pub system: SavedChoice,
}

impl Readings {
    /// Reads all of them, on the caller's thread.
    pub fn take(host_enabled: bool, saved_path: Option<PathBuf>) -> Self {
        let mut variables = [None, None, None];
        environment::visit(&NAMES, &mut |index, value| {
            if let Some(slot) = variables.get_mut(index).filter(|slot| slot.is_none()) {
                *slot = Some(value.to_vec());
            }
        });
        let saved = SavedChoice::read(saved_path.as_deref());
        let system = SavedChoice::read(system_choice_path().as_deref());
        Readings { host_enabled, variables, saved_path, saved, system }
    }

    /// The name of the rule that turns it off, or `None` where nothing does.
    pub fn off_by(&self) -> Option<&'static str> {
        if !self.host_enabled {
            return Some("host");
        }
        let is_off = |value: &Option<Vec<u8>>| value.as_deref().is_some_and(opts_out);
        let variable = VARIABLES.iter().zip(&self.variables).find(|(_, value)| is_off(value));
        let saved = || self.saved.is_off().then_some("saved choice");
        variable.map(|(name, _)| *name).or_else(saved).or_else(|| self.system.is_off().then_some("system choice"))
    }

    /// Every rule in its order, with what it read and what it says of that.
    pub fn to_json(&self) -> Value {
        let verdict = |off: bool, set: bool| {
            if off {
                "off"
            } else if set {
                "on"
            } else {
                "no opinion"
            }
        };
        let rule = |name: &str, read: Value, says: &str| {
            object(vec![("rule", name.into()), ("read", read), ("says", says.into())])
        };
        let mut rules = vec![rule("host", self.host_enabled.into(), verdict(!self.host_enabled, true))];
        for (name, value) in VARIABLES.iter().zip(&self.variables) {
            let read = value.as_deref().map(String::from_utf8_lossy);
            let off = value.as_deref().is_some_and(opts_out);
            rules.push(rule(name, read.into(), verdict(off, false)));
        }
        let system_path = system_choice_path();
        let files = [
            ("saved choice", &self.saved, &self.saved_path, self.saved == SavedChoice::On),
            ("system choice", &self.system, &system_path, false),
        ];
        for (name, choice, path, says_on) in files {
            let read = match choice {
                SavedChoice::None => Value::Null,
                SavedChoice::On => "on".into(),
                SavedChoice::Off => "off".into(),
                SavedChoice::Unreadable(why) => format!("unreadable ({why}), which counts as off").into(),
            };
            let mut rule = rule(name, read, verdict(choice.is_off(), says_on));
            if let Some(map) = rule.as_object_mut() {
                map.insert("path".into(), path.as_ref().map(|path| path.to_string_lossy()).into());
            }
            rules.push(rule);
        }
        Value::Array(rules)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test that cannot go on should stop
mod tests {
    use super::*;
    use serde_json::json;

    fn readings(host: bool, variables: [Option<&str>; 3], saved: SavedChoice) -> Readings {
        let variables = variables.map(|value| value.map(|text| text.as_bytes().to_vec()));
        Readings { host_enabled: host, variables, saved_path: None, saved, system: SavedChoice::None }
    }

    #[test]
    fn every_spelling_of_no_opinion_and_nothing_else_leaves_it_on() {
        for value in ["", " ", "0", "false", "FALSE", "False", "no", "No", "off", "OFF", " false\t", "\n0 "] {
            assert!(!opts_out(value.as_bytes()), "{value:?}");
        }
        for value in ["1", "true", "TRUE", "yes", "on", "y", "2", "00", "disabled", "nope", "falsee", "-", "off,"] {
            assert!(opts_out(value.as_bytes()), "{value:?}");
        }
        assert!(opts_out(b"\xff"));
    }

    #[test]
    fn the_first_off_wins_and_no_later_rule_turns_it_back_on() {
        let values = [None, Some("0"), Some("1"), Some("true")];
        let saved = [SavedChoice::None, SavedChoice::On, SavedChoice::Off, SavedChoice::Unreadable("x".into())];
        let off = |value: Option<&str>| matches!(value, Some("1" | "true"));
        for number in 0..2 * 4 * 4 * 4 * 4 {
            let (host, saved) = (number % 2 == 0, saved[number / 2 % 4].clone());
            let variables @ [a, b, c] = [values[number / 8 % 4], values[number / 32 % 4], values[number / 128]];
            let expected = match () {
                _ if !host => Some("host"),
                _ if off(a) => Some("PACT_DO_NOT_TRACK"),
                _ if off(b) => Some("pact_do_not_track"),
                _ if off(c) => Some("DO_NOT_TRACK"),
                _ if saved.is_off() => Some("saved choice"),
                _ => None,
            };
            assert_eq!(readings(host, variables, saved).off_by(), expected, "{number}");
        }
    }

    #[test]
    fn a_choice_that_cannot_be_read_means_off() {
        assert_eq!(SavedChoice::parse(br#"{"enabled": true}"#), SavedChoice::On);
        assert_eq!(SavedChoice::parse(br#"{"enabled": false, "more": 1}"#), SavedChoice::Off);
        assert_eq!(SavedChoice::parse(br#"{"id": "random"}"#), SavedChoice::None);
        for text in ["", "off", "{}", "{\"enabled\":", "{\"enabled\": \"yes\"}", "[]", "\u{0}"] {
            assert!(SavedChoice::parse(text.as_bytes()).is_off(), "{text:?}");
        }
    }

    #[test]
    fn only_a_file_that_is_not_there_is_no_choice() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("choice.json");
        assert_eq!(SavedChoice::read(None), SavedChoice::None);
        assert_eq!(SavedChoice::read(Some(&path)), SavedChoice::None);
        assert_eq!(SavedChoice::read(Some(&path.join("below"))), SavedChoice::None);
        std::fs::write(&path, r#"{"enabled": true}"#).unwrap();
        assert_eq!(SavedChoice::read(Some(&path)), SavedChoice::On);
        // A file where a folder should be: something is there, and it is not a choice.
        assert!(SavedChoice::read(Some(&path.join("below"))).is_off());
        assert!(SavedChoice::read(Some(dir.path())).is_off(), "a folder in its place");
    }

    #[test]
    #[cfg(unix)]
    fn a_fifo_in_its_place_does_not_hang_the_host() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("choice.json");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(SavedChoice::read(Some(&path)).is_off());
    }

    #[test]
    fn explanations_name_every_rule_with_what_it_read() {
        let all = readings(true, [None, Some("off"), Some("TRUE")], SavedChoice::On).to_json();
        let said: Vec<_> = all.as_array().unwrap().iter().map(|rule| rule["says"].as_str().unwrap()).collect();
        assert_eq!(said, ["on", "no opinion", "no opinion", "off", "on", "no opinion"]);
        assert_eq!(all[3], json!({"rule": "DO_NOT_TRACK", "read": "TRUE", "says": "off"}));
    }
}
