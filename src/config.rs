//! Turns the config (JSON) and the environment into checked settings. Does no I/O: the environment is given as a
//! function.

use crate::identity::{Identity, MAX_BYTES};
use crate::names;
use crate::protocol::{Credentials, Destination, Protocol};
use serde_json::{Map, Value};
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use ureq::http::Uri;
use ureq::http::uri::Authority;

/// How many events of one client may wait at most, and by default. An event takes about 200 bytes, so all of them take
/// less than 1 MiB.
pub const QUEUE_CAPACITY_MAX: usize = 4_096;
/// The longest wait at process exit that may be asked for, in milliseconds.
pub const EXIT_TIMEOUT_MAX_MS: u64 = 10_000;
/// The default wait at process exit on a person's machine, in milliseconds.
pub const EXIT_TIMEOUT_MS: u64 = 100;
/// The default wait at process exit on a CI machine, whose disk is usually deleted afterwards, in milliseconds.
pub const EXIT_TIMEOUT_CI_MS: u64 = 500;
/// The largest config in bytes.
pub const CONFIG_MAX_BYTES: usize = 65_536;
/// Google's endpoint. That of the European Union is `https://region1.google-analytics.com`.
pub const DEFAULT_ENDPOINT: &str = "https://www.google-analytics.com";

/// Who shows the notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeBy {
    /// This library, on standard error.
    Stderr,
    /// The host program, in its own way. Nothing leaves until the host program says that it did.
    HostProgram,
    /// The host program says that it has shown it.
    Shown,
    /// Nobody: the person who started the process has already seen it (`PACT_TELEMETRY_NOTICE=seen`).
    Seen,
}

/// A config that was checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The library that reports.
    pub identity: Arc<Identity>,
    /// The switch of the host program.
    pub enabled: bool,
    /// Where events go. Without credentials nothing is sent to Google, and the state is "not configured".
    pub destination: Destination,
    /// How many events of this client may wait at most.
    pub queue_capacity: usize,
    /// The folder for what must survive the process; `None` for [`crate::platform::paths::user_state_dir`].
    pub state_dir: Option<PathBuf>,
    /// The longest that the exit of the process may wait for an answer; `None` for the default of this kind of machine.
    pub exit_timeout: Option<Duration>,
    /// Who shows the notice.
    pub notice: NoticeBy,
    /// Whether a random identifier replaces the digest of the hostname. The person's saved choice can also ask for
    /// that.
    pub random_id: bool,
    /// Whether requests are printed on standard error instead of being sent.
    pub debug: bool,
    /// Remarks on the config, such as unknown keys.
    pub diagnostics: Vec<String>,
}

/// What is wrong with a config, in words for the person who wrote it: the key, what was found and what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

fn error<T>(text: impl Into<String>) -> Result<T, ConfigError> {
    Err(ConfigError(text.into()))
}

/// Whether the config has this key. Not a table: the loader would have to relocate each entry in every host program.
fn is_key(key: &str) -> bool {
    matches!(
        key,
        "library"
            | "data_source"
            | "test_framework"
            | "platform_version"
            | "enabled"
            | "protocol"
            | "endpoint"
            | "measurement_id"
            | "api_secret"
            | "tracking_id"
            | "queue_capacity"
            | "state_dir"
            | "exit_timeout_ms"
            | "notice"
            | "id"
    )
}

fn is_library_key(key: &str) -> bool {
    matches!(key, "id" | "name" | "version")
}

/// Checks a config. `variable` looks up the environment's `PACT_TELEMETRY_…` overrides, which win over the config.
///
/// # Errors
/// Names the key or the variable, what was found there and what is allowed.
pub fn parse(json: &str, variable: impl Fn(&str) -> Option<OsString>) -> Result<Settings, ConfigError> {
    if json.len() > CONFIG_MAX_BYTES {
        return error(format!("config: {} bytes, at most {CONFIG_MAX_BYTES} are allowed", json.len()));
    }
    let config: Value =
        serde_json::from_slice(json.as_bytes()).map_err(|e| ConfigError(format!("config: not JSON: {e}")))?;
    let top = Section::new("", &config)?;
    let Some(library) = top.get("library") else {
        return error("config: `library` is missing; give {\"id\": …, \"name\": …, \"version\": …}");
    };
    let library = Section::new("library.", library)?;
    let overrides = Overrides { variable: &variable };

    let mut diagnostics = top.unknown(is_key);
    diagnostics.extend(library.unknown(is_library_key));
    let identity = Arc::new(identity(&top, &library)?);
    let destination = destination(&top, &overrides, &mut diagnostics)?;
    Ok(Settings {
        identity,
        enabled: top.boolean("enabled")?.unwrap_or(true),
        destination,
        queue_capacity: top
            .integer("queue_capacity", 1, QUEUE_CAPACITY_MAX as u64)?
            .unwrap_or(QUEUE_CAPACITY_MAX as u64) as usize,
        state_dir: state_dir(&top, &overrides)?,
        exit_timeout: top.integer("exit_timeout_ms", 0, EXIT_TIMEOUT_MAX_MS)?.map(Duration::from_millis),
        notice: notice(&top, &overrides)?,
        random_id: top.one_of("id", &[("hostname", false), ("random", true)])?.unwrap_or(false),
        debug: overrides.flag("PACT_TELEMETRY_DEBUG"),
        diagnostics,
    })
}

fn identity(top: &Section<'_>, library: &Section<'_>) -> Result<Identity, ConfigError> {
    let [id_max, name_max, version_max, data_source_max, test_framework_max, platform_version_max] = MAX_BYTES;
    let data_source = top.text("data_source", data_source_max)?.unwrap_or_else(|| names::DATA_SOURCE_CLIENT.into());
    if !names::DATA_SOURCES.contains(&data_source.as_str()) {
        return error(format!("config: `data_source` must be one of cli, client, broker, found {data_source:?}"));
    }
    Ok(Identity {
        library_id: library.required("id", id_max)?,
        library_name: library.required("name", name_max)?,
        library_version: library.required("version", version_max)?,
        data_source,
        test_framework: top.text("test_framework", test_framework_max)?.unwrap_or_default(),
        platform_version: top.text("platform_version", platform_version_max)?.unwrap_or_default(),
    })
}

fn destination(
    top: &Section<'_>,
    overrides: &Overrides<'_>,
    diagnostics: &mut Vec<String>,
) -> Result<Destination, ConfigError> {
    let pick = |key, variable, built_in: Option<&str>| -> Result<Option<(String, String)>, ConfigError> {
        if let Some(value) = overrides.text(variable)? {
            return Ok(Some((value, format!("environment: {variable}"))));
        }
        let value = top.text(key, 2_000)?.filter(|value| !value.is_empty());
        let value = value.or_else(|| built_in.filter(|value| !value.is_empty()).map(String::from));
        Ok(value.map(|value| (value, format!("config: `{key}`"))))
    };
    let credential = |key, variable, built_in| match pick(key, variable, built_in)? {
        Some((value, source)) if !is_credential(&value) => {
            error(format!("{source} must be 1 to 100 printable ASCII characters without spaces"))
        }
        picked => Ok(picked.map(|(value, _)| value)),
    };
    let protocol = match pick("protocol", "PACT_TELEMETRY_PROTOCOL", None)? {
        None => Protocol::Ga4,
        Some((value, source)) => Protocol::from_name(&value).map_or_else(
            || error(format!("{source} must be \"ga4\", \"universal-analytics\" or \"otlp\", found {value:?}")),
            Ok,
        )?,
    };
    let endpoint = match pick("endpoint", "PACT_TELEMETRY_ENDPOINT", option_env!("PACT_TELEMETRY_BUILD_ENDPOINT"))? {
        None if protocol == Protocol::Otlp => {
            return error("config: `endpoint` is missing; \"otlp\" needs one, such as https://collector.example:4318");
        }
        None => format!("{DEFAULT_ENDPOINT}{}", protocol.default_path()),
        Some((value, source)) => checked_endpoint(&value, protocol)
            .map_err(|problem| ConfigError(format!("{source} {problem}, found {:?}", without_password(&value))))?,
    };
    let measurement_id = credential(
        "measurement_id",
        "PACT_TELEMETRY_MEASUREMENT_ID",
        option_env!("PACT_TELEMETRY_BUILD_MEASUREMENT_ID"),
    )?;
    let api_secret =
        credential("api_secret", "PACT_TELEMETRY_API_SECRET", option_env!("PACT_TELEMETRY_BUILD_API_SECRET"))?;
    let tracking_id =
        credential("tracking_id", "PACT_TELEMETRY_TRACKING_ID", option_env!("PACT_TELEMETRY_BUILD_TRACKING_ID"))?;
    if measurement_id.is_some() != api_secret.is_some() {
        diagnostics.push("config: of `measurement_id` and `api_secret` only one is there, so neither is sent".into());
    }
    let credentials = match protocol {
        Protocol::Ga4 => measurement_id
            .zip(api_secret)
            .map(|(measurement_id, api_secret)| Credentials::Ga4 { measurement_id, api_secret }),
        Protocol::UniversalAnalytics => tracking_id.map(|tracking_id| Credentials::UniversalAnalytics { tracking_id }),
        Protocol::Otlp => None,
    };
    Ok(Destination { protocol, endpoint, credentials })
}

fn notice(top: &Section<'_>, overrides: &Overrides<'_>) -> Result<NoticeBy, ConfigError> {
    let words = [("stderr", NoticeBy::Stderr), ("host", NoticeBy::HostProgram), ("shown", NoticeBy::Shown)];
    let by_config = top.one_of("notice", &words)?.unwrap_or(NoticeBy::Stderr);
    match overrides.text("PACT_TELEMETRY_NOTICE")?.as_deref() {
        None => Ok(by_config),
        Some("seen") => Ok(NoticeBy::Seen),
        Some(other) => error(format!("environment: PACT_TELEMETRY_NOTICE must be \"seen\", found {other:?}")),
    }
}

fn is_credential(value: &str) -> bool {
    value.len() <= 100 && value.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The endpoint, with the protocol's own path added if it has none; or what is wrong with it.
fn checked_endpoint(text: &str, protocol: Protocol) -> Result<String, &'static str> {
    const SHAPE: &str = "must be a URL such as https://relay.example/path";
    if text.contains('#') {
        return Err("must have no fragment (#)");
    }
    let uri: Uri = text.parse().map_err(|_| SHAPE)?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(SHAPE) };
    if authority.as_str().contains('@') {
        return Err("must have no user name or password");
    }
    if uri.host().is_none_or(str::is_empty) {
        return Err(SHAPE);
    }
    if !has_valid_port(authority) {
        return Err("must have a port from 1 to 65535");
    }
    match scheme {
        "https" => {}
        "http" if is_loopback(authority.host()) => {}
        _ => return Err("must be https, or http with a loopback host"),
    }
    let path = match uri.path() {
        "" | "/" => protocol.default_path(),
        own => own,
    };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Ok(format!("{scheme}://{authority}{path}{query}"))
}

/// Whether the port, if there is one, exists. `Uri` takes 99999 for no port, and then the scheme's own would be used.
pub(crate) fn has_valid_port(authority: &Authority) -> bool {
    let place = authority.as_str().rsplit('@').next().unwrap_or_default();
    let port = place.get(authority.host().len()..).unwrap_or_default();
    matches!(port, "" | ":") || authority.port_u16().is_some_and(|port| port > 0)
}

/// A URL as an error shows it: without user name and password, even if it is not a valid URL.
fn without_password(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before.split_once("//").map_or("", |(scheme, _)| scheme);
            let slashes = if scheme.is_empty() { "" } else { "//" };
            format!("{scheme}{slashes}…@{host}")
        }
        None => url.to_owned(),
    }
}

/// Loopback by RFC 6890 and, for the name, RFC 6761 section 6.3.
pub(crate) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

fn state_dir(top: &Section<'_>, overrides: &Overrides<'_>) -> Result<Option<PathBuf>, ConfigError> {
    let variable = "PACT_TELEMETRY_STATE_DIR";
    let given = (overrides.variable)(variable).filter(|value| !value.is_empty());
    let (path, source) = match given {
        Some(value) => (PathBuf::from(value), format!("environment: {variable}")),
        None => match top.text("state_dir", 4_096)?.filter(|value| !value.is_empty()) {
            Some(value) => (PathBuf::from(value), "config: `state_dir`".into()),
            None => return Ok(None),
        },
    };
    if !path.is_absolute() {
        return error(format!("{source} must be an absolute path, found {:?}", path.to_string_lossy()));
    }
    Ok(Some(path))
}

/// One JSON object of the config, for reading with errors that name the key. `null` is the same as absent.
struct Section<'a> {
    prefix: &'static str,
    map: &'a Map<String, Value>,
}

impl<'a> Section<'a> {
    fn new(prefix: &'static str, value: &'a Value) -> Result<Self, ConfigError> {
        match value {
            Value::Object(map) => Ok(Section { prefix, map }),
            other if prefix.is_empty() => error(format!("config: must be a JSON object, found {}", found(other))),
            other => {
                error(format!("config: `{}` must be an object, found {}", prefix.trim_end_matches('.'), found(other)))
            }
        }
    }

    fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn wrong<T>(&self, key: &str, allowed: &str, value: &Value) -> Result<T, ConfigError> {
        error(format!("config: `{}{key}` must be {allowed}, found {}", self.prefix, found(value)))
    }

    fn text(&self, key: &str, max_bytes: usize) -> Result<Option<String>, ConfigError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if text.len() > max_bytes => {
                self.wrong(key, &format!("at most {max_bytes} bytes"), &text.len().into())
            }
            Some(Value::String(text)) if text.contains(char::is_control) => {
                error(format!("config: `{}{key}` must not hold control characters", self.prefix))
            }
            Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
            Some(other) => self.wrong(key, "a string", other),
        }
    }

    fn required(&self, key: &str, max_bytes: usize) -> Result<String, ConfigError> {
        match self.text(key, max_bytes)?.filter(|text| !text.is_empty()) {
            Some(text) => Ok(text),
            None => error(format!("config: `{}{key}` is missing or empty", self.prefix)),
        }
    }

    /// The value that a word of a fixed list stands for.
    fn one_of<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.text(key, 2_000)? else { return Ok(None) };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => {
                let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
                error(format!("config: `{}{key}` must be one of {}, found {text:?}", self.prefix, words.join(", ")))
            }
        }
    }

    fn boolean(&self, key: &str) -> Result<Option<bool>, ConfigError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(other) => self.wrong(key, "true or false", other),
        }
    }

    fn integer(&self, key: &str, min: u64, max: u64) -> Result<Option<u64>, ConfigError> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match value.as_u64().filter(|number| (min..=max).contains(number)) {
                Some(number) => Ok(Some(number)),
                None => self.wrong(key, &format!("an integer from {min} to {max}"), value),
            },
        }
    }

    fn unknown(&self, is_known: fn(&str) -> bool) -> Vec<String> {
        let keys = self.map.keys().filter(|key| !is_known(key));
        keys.map(|key| format!("config: `{}{key}` is not a known key and was ignored", self.prefix)).collect()
    }
}

/// A value as an error shows it: short, and never a secret in full.
fn found(value: &Value) -> String {
    match value {
        Value::String(_) => "a string".into(),
        Value::Array(_) => "an array".into(),
        Value::Object(_) => "an object".into(),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Null => "null".into(),
    }
}

/// The `PACT_TELEMETRY_…` variables. An empty one counts as not set.
struct Overrides<'a> {
    variable: &'a dyn Fn(&str) -> Option<OsString>,
}

impl Overrides<'_> {
    fn text(&self, name: &str) -> Result<Option<String>, ConfigError> {
        let Some(value) = (self.variable)(name).filter(|value| !value.is_empty()) else { return Ok(None) };
        match value.into_string() {
            Ok(text) if !text.contains(char::is_control) => Ok(Some(text.trim().to_owned())),
            _ => error(format!("environment: {name} must be UTF-8 without control characters")),
        }
    }

    /// True unless the variable is absent, empty, `0`, `false`, `no` or `off`: the same words as for the opt-outs.
    fn flag(&self, name: &str) -> bool {
        (self.variable)(name).is_some_and(|value| crate::consent::opts_out(value.as_encoded_bytes()))
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
pub(crate) mod tests;
