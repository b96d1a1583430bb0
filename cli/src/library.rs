//! What this command asks the library, through a client of an example library. The client never tracks, so it sends
//! nothing.

use std::ffi::OsString;

use pact_telemetry::{Client, Event};
use serde_json::{Value, json};

use crate::environment;
use crate::validate::form;

/// What this machine says of sending, by the library's own rules.
pub struct Explained {
    /// As `Client::explain` gives it, without the rule of the host program, which only that program can answer.
    pub all: Value,
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

/// Asks all rules anew.
///
/// # Errors
/// An internal fault.
pub fn explain() -> Result<Explained, String> {
    let config = example(None);
    let (client, problem) = match client(&config) {
        Ok(client) => (client, None),
        Err(problem) => (without_settings(|| client(&config))?, Some(problem)),
    };
    let mut all = client.explain();
    if let Some(rules) = all.get_mut("rules").and_then(Value::as_array_mut) {
        rules.retain(|rule| rule.get("rule").and_then(Value::as_str) != Some("host"));
    }
    Ok(Explained { all, problem })
}

/// The hash of this machine's name, as events carry it: in Universal Analytics it stands there whole.
///
/// # Errors
/// An internal fault.
pub fn digest_of_hostname() -> Result<String, String> {
    let client = without_settings(|| client(&example(Some("universal-analytics"))))?;
    let request = client.preview(&Event::new("e", "c", "a", 0)).map_err(|error| error.to_string())?;
    let body = request.get("body").and_then(Value::as_str).unwrap_or_default();
    let digest = form::pairs(body.as_bytes()).into_iter().find(|pair| pair.key == "cid");
    digest.map(|pair| pair.value).ok_or_else(|| "the library shows no identifier".to_owned())
}

fn example(protocol: Option<&str>) -> Value {
    let library = json!({"id": "pact-telemetry", "name": "pact-telemetry", "version": "1"});
    json!({"library": library, "protocol": protocol})
}

/// Without the settings that the environment makes for the library; opt-outs are none of them.
fn without_settings<T>(ask: impl FnOnce() -> T) -> T {
    let is_setting = |name: &OsString| name.as_encoded_bytes().starts_with(b"PACT_TELEMETRY_");
    let settings: Vec<_> = std::env::vars_os().filter(|(name, _)| is_setting(name)).collect();
    settings.iter().for_each(|(name, _)| environment::set(name, None));
    let answer = ask();
    settings.iter().for_each(|(name, value)| environment::set(name, Some(value)));
    answer
}

impl Explained {
    /// The rules in their order.
    pub fn rules(&self) -> &[Value] {
        self.all.get("rules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// A text among the answers.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.all.get(key).and_then(Value::as_str)
    }

    /// The rule that turns it off, with what it read; `None` where nothing does.
    pub fn off_by(&self) -> Option<&Value> {
        let name = self.text("rule")?;
        self.rules().iter().find(|rule| rule.get("rule").and_then(Value::as_str) == Some(name))
    }

    /// Whether events wait for the notice here: not in CI, and not after the person said yes.
    pub fn waits_for_the_notice(&self) -> bool {
        let is_ci = self.all.get("ci") == Some(&Value::Bool(true));
        let is_seen = std::env::var_os("PACT_TELEMETRY_NOTICE").is_some_and(|value| value == "seen");
        !is_ci && !is_seen && self.saved() != "on"
    }

    /// What the person's own saved choice says of it: `on`, `off` or `no opinion`.
    pub fn saved(&self) -> &str {
        let saved = |rule: &&Value| rule.get("rule").and_then(Value::as_str) == Some("saved choice");
        self.rules().iter().find(saved).map_or("", says)
    }
}

/// What a rule says: `on`, `off` or `no opinion`.
pub fn says(rule: &Value) -> &str {
    rule.get("says").and_then(Value::as_str).unwrap_or_default()
}
