//! What this command gets from the library, through a client of an example library. The client never tracks an event,
//! so it sends nothing.

use std::ffi::OsString;

use pact_telemetry::{Client, Event, Explanation, Opinion, Rule, RuleSource};
use serde_json::{Value, json};

use crate::environment;
use crate::validate::form;

/// Whether events may be sent on this machine, by the library's own rules.
pub struct Explained {
    /// The library's explanation, without the rule of the host program, which only that program can answer.
    pub explanation: Explanation,
    /// The settings in the environment are wrong, so that programs refuse them.
    pub problem: Option<String>,
}

/// A client by its config.
///
/// # Errors
/// Names the setting that is wrong.
pub fn client(config: &Value) -> Result<Client, String> {
    Client::new(&config.to_string()).map_err(|error| error.to_string())
}

/// Checks all rules again.
///
/// # Errors
/// An internal fault.
pub fn explain() -> Result<Explained, String> {
    let config = example(None);
    let (client, problem) = match client(&config) {
        Ok(client) => (client, None),
        Err(problem) => (without_settings(|| client(&config))?, Some(problem)),
    };
    let mut explanation = client.explain();
    explanation.rules.retain(|rule| rule.source != RuleSource::Host);
    Ok(Explained { explanation, problem })
}

/// The hash of this machine's name, as events carry it. Universal Analytics has all of its digits.
///
/// # Errors
/// An internal fault.
pub fn digest_of_hostname() -> Result<String, String> {
    let client = without_settings(|| client(&example(Some("universal-analytics"))))?;
    let request = client.preview(&Event::new("e", "c", "a", 0)).map_err(|error| error.to_string())?;
    let digest = form::pairs(request.body.as_bytes()).into_iter().find(|pair| pair.key == "cid");
    digest.map(|pair| pair.value).ok_or_else(|| "the library shows no identifier".to_owned())
}

fn example(protocol: Option<&str>) -> Value {
    let library = json!({"id": "pact-telemetry", "name": "pact-telemetry", "version": "1"});
    json!({"library": library, "protocol": protocol})
}

/// Runs a function without the library's settings in the environment. Opt-outs are not settings and stay.
fn without_settings<T>(ask: impl FnOnce() -> T) -> T {
    let is_setting = |name: &OsString| name.as_encoded_bytes().starts_with(b"PACT_TELEMETRY_");
    let settings: Vec<_> = std::env::vars_os().filter(|(name, _)| is_setting(name)).collect();
    settings.iter().for_each(|(name, _)| environment::set(name, None));
    let answer = ask();
    settings.iter().for_each(|(name, value)| environment::set(name, Some(value)));
    answer
}

impl Explained {
    /// The rule that turns it off, with what it read; `None` if no rule does.
    pub fn off_by(&self) -> Option<&Rule> {
        let name = self.explanation.rule?;
        self.explanation.rules.iter().find(|rule| rule.name == name)
    }

    /// Whether events wait for the notice here: not in CI, and not after the person said yes.
    pub fn waits_for_the_notice(&self) -> bool {
        let is_seen = std::env::var_os("PACT_TELEMETRY_NOTICE").is_some_and(|value| value == "seen");
        !self.explanation.is_ci && !is_seen && self.saved() != Opinion::On
    }

    /// What the person's own saved choice says.
    pub fn saved(&self) -> Opinion {
        let saved = self.explanation.rules.iter().find(|rule| rule.name == "saved choice");
        saved.map_or(Opinion::None, |rule| rule.says)
    }

    /// The rules as the library writes them in JSON, without that of the host program.
    pub fn rules_as_json(&self) -> Value {
        let all: Value = serde_json::from_str(&self.explanation.to_json()).unwrap_or_default();
        all.get("rules").cloned().unwrap_or_default()
    }
}
