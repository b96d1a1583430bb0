//! The `preview` subcommand: the request of one event, by the encoder that sends, and what each part of it is for.
//! Sends and writes nothing, whatever the person decided.

use std::process::ExitCode;

use pact_telemetry::internal::{FIELDS, FieldRow, Ga4Place, headers};
use pact_telemetry::{Event, Preview, names};
use serde_json::{Map, Value, json};

use crate::collect::endpoint::Protocol;
use crate::collect::record::{NAME, NEEDED, otlp_wire, text};
use crate::environment;
use crate::library;
use crate::text::{escaped, say, say_json, say_raw};
use crate::validate::{form, otlp};

/// The arguments of `preview`.
#[derive(clap::Args)]
pub struct Arguments {
    /// What happened
    #[arg(long, value_name = "TEXT", default_value = names::EVENT_PACTS_VERIFIED)]
    event: String,
    /// Group of the event
    #[arg(long, value_name = "TEXT", default_value = names::CATEGORY_PROVIDER_TEST)]
    category: String,
    /// What was done
    #[arg(long, value_name = "TEXT", default_value = names::ACTION_COMPLETED)]
    action: String,
    /// A count that belongs to it
    #[arg(long, value_name = "N", default_value_t = 3, allow_negative_numbers = true)]
    value: i64,
    /// Name of the plugin that it is about
    #[arg(long, value_name = "TEXT", default_value = "")]
    plugin_name: String,
    /// Version of that plugin
    #[arg(long, value_name = "TEXT", default_value = "")]
    plugin_version: String,
    /// Short name of the library that reports, such as pact-js
    #[arg(long, value_name = "TEXT", default_value = "pact-example")]
    library_id: String,
    /// Name of the library for people
    #[arg(long, value_name = "TEXT", default_value = "Pact Example")]
    library_name: String,
    /// Version of the library
    #[arg(long, value_name = "TEXT", default_value = "1.0.0")]
    library_version: String,
    /// What kind of program reports: cli, client or broker
    #[arg(long, value_name = "TEXT", default_value = names::DATA_SOURCE_CLIENT)]
    data_source: String,
    /// Test framework
    #[arg(long, value_name = "TEXT", default_value = "JUnit")]
    test_framework: String,
    /// Version of the language's platform
    #[arg(long, value_name = "TEXT", default_value = "21.0.2")]
    platform_version: String,
    /// The protocol; by default the one that this environment sets
    #[arg(long, value_enum)]
    protocol: Option<Protocol>,
    /// Print nothing but the body, byte for byte
    #[arg(long, conflicts_with = "json")]
    raw: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The address that is shown for OTLP if none is set.
const EXAMPLE: &str = "https://collector.example";

/// The request as it would be sent.
struct Request {
    url: String,
    headers: Vec<(&'static str, String)>,
    body: String,
    /// Whether programs in this environment have a destination.
    is_configured: bool,
}

/// A part of the request: its key, its value, what it is, and what it is for.
struct Part {
    key: String,
    value: String,
    what: String,
    why: &'static str,
}

/// Shows the request.
///
/// # Errors
/// Names the setting or the part of the event that is not allowed.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    if let Some(protocol) = arguments.protocol {
        environment::set("PACT_TELEMETRY_PROTOCOL", Some(protocol.name().as_ref())); // the argument wins
    }
    let request = arguments.request()?;
    if arguments.raw {
        say_raw(&request.body)?;
    } else if arguments.json {
        say_json(&request.to_json())?;
    } else {
        say(&request.report())?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn request(&self) -> Result<Request, String> {
        let is_otlp = std::env::var_os("PACT_TELEMETRY_PROTOCOL").is_some_and(|name| name == "otlp");
        let client = library::client(&json!({
            "endpoint": is_otlp.then_some(EXAMPLE),
            "library": {"id": self.library_id, "name": self.library_name, "version": self.library_version},
            "data_source": self.data_source,
            "test_framework": self.test_framework,
            "platform_version": self.platform_version,
        }))?;
        let event = Event::new(&self.event, &self.category, &self.action, self.value)
            .about_plugin(&self.plugin_name, &self.plugin_version);
        let Preview { url, content_type, body, .. } = client.preview(&event).map_err(|error| error.to_string())?;
        let headers = headers(&url, content_type, &body).to_vec();
        let is_configured = !url.starts_with(EXAMPLE) && client.explain().is_configured;
        Ok(Request { url, headers, body, is_configured })
    }
}

impl Request {
    fn to_json(&self) -> Value {
        let headers: Map<_, _> = self.headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let part = |part: &Part| json!({"key": part.key, "value": part.value, "what": part.what, "why": part.why});
        let parts: Vec<_> = self.parts().iter().map(part).collect();
        json!({"method": "POST", "url": self.url, "headers": headers, "body": self.body, "parts": parts,
            "left_out": self.left_out().collect::<Vec<_>>()})
    }

    fn report(&self) -> String {
        let mut text = "The whole request that would carry this event. Nothing was sent.\n\n".to_owned();
        text += &format!("POST {}\n", escaped(&self.url));
        for (name, value) in &self.headers {
            text += &format!("{name}: {}\n", escaped(value));
        }
        text += &format!("\n{}\n\nThe same body, byte for byte:\n\n", self.pretty());
        for line in self.body.split('\n') {
            text += &format!("{}\n", escaped(line));
        }
        text += "\nWhat each part is, and what it is for:\n\n";
        for Part { key, value, what, why } in self.parts() {
            text += &format!("  {key} = {value}\n      {what}: {why}\n");
        }
        let left_out: Vec<_> = self.left_out().collect();
        if !left_out.is_empty() {
            text += &format!("\nLeft out of this one, because it is empty: {}.\n", left_out.join(", "));
        }
        if !self.is_configured {
            text += match self.protocol() {
                Protocol::Otlp => {
                    "\nThe address is an example, because none is set here. A program uses the one that it has.\n"
                }
                _ => {
                    "\nThis command knows no account to send to, so a program that does adds its name to the request.\n"
                }
            };
        }
        text
    }

    /// The protocol that the body shows.
    fn protocol(&self) -> Protocol {
        match &self.body {
            body if body.starts_with(r#"{"resourceLogs""#) => Protocol::Otlp,
            body if body.starts_with('{') => Protocol::Ga4,
            _ => Protocol::UniversalAnalytics,
        }
    }

    /// The body for people, with one value per line.
    fn pretty(&self) -> String {
        if self.protocol() != Protocol::UniversalAnalytics {
            let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
            let text = serde_json::to_string_pretty(&body).unwrap_or_default();
            return text.split('\n').map(escaped).collect::<Vec<_>>().join("\n");
        }
        let pairs = form::pairs(self.body.as_bytes());
        pairs.iter().map(|pair| format!("{} = {}", pair.key, escaped(&pair.value))).collect::<Vec<_>>().join("\n")
    }

    /// Everything that is in the request.
    fn parts(&self) -> Vec<Part> {
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        let query = form::pairs(query.as_bytes()).into_iter().map(|pair| (pair.key, pair.value));
        let parsed = || serde_json::from_str(&self.body).unwrap_or_default();
        let body: Vec<_> = match self.protocol() {
            Protocol::Ga4 => leaves(&parsed()),
            Protocol::UniversalAnalytics => {
                form::pairs(self.body.as_bytes()).into_iter().map(|pair| (pair.key, pair.value)).collect()
            }
            Protocol::Otlp => otlp_leaves(&parsed()),
        };
        let part = |(key, value): (String, String)| {
            let (what, why) = self.meaning(&key);
            Part { key: escaped(&key), value: escaped(&value), what: what.to_owned(), why }
        };
        query.chain(body).map(part).collect()
    }

    /// What a key contains, and why.
    fn meaning(&self, key: &str) -> (&'static str, &'static str) {
        let protocol = self.protocol();
        let field = FIELDS.iter().find(|row| keys(row, protocol).contains(&key));
        let needed = || NEEDED.iter().find(|(field, _)| field.key(protocol) == key);
        let found = field.map(|row| (row.what, row.why)).or_else(|| needed().map(|(field, why)| (field.label, *why)));
        found.unwrap_or(match key {
            "measurement_id" => ("account", "the account of the Pact project that it is counted in"),
            "api_secret" => ("key of the account", "shows that the Pact project gave the account to this library"),
            _ => ("part of the address", "belongs to the address that was set"),
        })
    }

    /// Fields of the list that are not in the request.
    fn left_out(&self) -> impl Iterator<Item = &'static str> + '_ {
        let parts = self.parts();
        let is_in = move |key: &str| parts.iter().any(|part| part.key == key);
        let protocol = self.protocol();
        let fields = FIELDS.iter().filter(move |row| keys(row, protocol).iter().any(|key| !is_in(key)));
        fields.map(|field| field.what)
    }
}

/// The keys under which a protocol has a field; none if it does not have the field.
fn keys(row: &FieldRow, protocol: Protocol) -> Vec<&'static str> {
    match (protocol, row.field.ga4) {
        (Protocol::Ga4, Ga4Place::Implicit) => Vec::new(),
        (Protocol::Ga4, Ga4Place::Parameter(name) | Ga4Place::Request(name)) => vec![name],
        (Protocol::UniversalAnalytics, _) => vec![row.field.ua],
        (Protocol::Otlp, _) => row.field.otlp.keys().to_vec(),
    }
}

/// The values of an OTLP body, each under its key.
fn otlp_leaves(body: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for record in otlp::records(body) {
        let name = record.record.get("eventName").map(|name| (NAME.to_owned(), text(name)));
        found.extend(name);
        found.extend(otlp_wire(&record).iter().map(leaf));
    }
    found
}

/// The values of a GA4 body with one event, each under its key, with `consent.` or `event.` before a key that would not
/// be clear without it.
fn leaves(body: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (key, value) in body.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            ("events", Value::Array(events)) => {
                for (key, value) in events.iter().filter_map(Value::as_object).flatten() {
                    match (key.as_str(), value) {
                        ("params", Value::Object(params)) => found.extend(params.iter().map(leaf)),
                        ("name", _) => found.push((NAME.to_owned(), leaf((key, value)).1)),
                        _ => found.push(leaf((key, value))),
                    }
                }
            }
            (_, Value::Object(inner)) => {
                let leaves = inner.iter().map(leaf);
                found.extend(leaves.map(|(name, value)| (format!("{key}.{name}"), value)));
            }
            _ => found.push(leaf((key, value))),
        }
    }
    found
}

fn leaf((key, value): (&String, &Value)) -> (String, String) {
    (key.clone(), text(value))
}
