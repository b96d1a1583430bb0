//! The `property` subcommand: what a Google Analytics property has to register so that its reports show the fields of
//! the published list. Uses no network: it prints the requests of the Admin API and reads what the API listed.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pact_telemetry::internal::{FIELDS, FieldRow, Ga4Place};
use serde_json::{Map, Value, json};

use crate::table::grid;
use crate::text::{escaped, plural, say, say_json};

/// Event-scoped custom dimensions of a standard property, and custom metrics (Google Analytics, "Custom dimensions and
/// metrics", configuration limits).
const MOST: usize = 50;

/// The beginning of the script.
const SCRIPT: &str = include_str!("property.sh");

/// The largest list that is read, in bytes; one entry of the Admin API has some 300.
const LIST_LIMIT: u64 = 4 * 1024 * 1024;

/// The arguments of `property`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Print JSON: the definitions as the Admin API takes them
    #[arg(long)]
    json: bool,
    /// Print a shell script that registers them by the Admin API in this property (its number)
    #[arg(long, value_name = "PROPERTY", value_parser = property_number, conflicts_with = "json")]
    requests: Option<String>,
    /// Compare with what the Admin API lists: a file with its answers for both kinds, or - for standard input
    ///
    /// The file holds the answers of customDimensions.list and customMetrics.list, one after the other. Only what is
    /// missing there is then printed. The exit code is 0 if nothing is missing or wrong, and 1 otherwise.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
}

/// The two kinds of definitions that the Admin API has for event parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Dimension,
    Metric,
}

/// What one field of the list needs in a property.
struct Definition {
    kind: Kind,
    parameter: &'static str,
    display_name: String,
    description: String,
}

/// What the Admin API lists, by kind and name of the parameter.
#[derive(Default)]
struct Listed(Vec<(Kind, Map<String, Value>)>);

/// Runs the subcommand.
///
/// # Errors
/// A sentence for the person: the list cannot be read, or the output cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let all = definitions();
    let listed = arguments.check.as_deref().map(Listed::read).transpose()?;
    let faults: Vec<Fault> = listed.iter().flat_map(|listed| listed.faults(&all)).collect();
    let wanted: Vec<&Definition> = match &listed {
        Some(listed) => all.iter().filter(|definition| listed.find(definition).is_none()).collect(),
        None => all.iter().collect(),
    };
    if arguments.json {
        let of = |kind| wanted.iter().filter(move |one| one.kind == kind).map(|one| one.to_json()).collect::<Vec<_>>();
        let mut all = json!({"customDimensions": of(Kind::Dimension), "customMetrics": of(Kind::Metric)});
        if let (true, Some(object)) = (listed.is_some(), all.as_object_mut()) {
            object.insert("faults".to_owned(), faults.iter().map(|fault| json!(fault.in_words)).collect());
        }
        say_json(&all)?;
    } else if let Some(property) = &arguments.requests {
        say(&script(property, &wanted))?;
    } else if listed.is_some() {
        say(&report(&all, &faults))?;
    } else {
        say(&table(&wanted))?;
    }
    let is_complete = faults.iter().all(|fault| !fault.is_serious);
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn property_number(text: &str) -> Result<String, String> {
    let number = text.strip_prefix("properties/").unwrap_or(text);
    let is_number = !number.is_empty() && number.len() <= 20 && number.bytes().all(|byte| byte.is_ascii_digit());
    let wrong =
        "the number of a property is needed, such as 123456789 (Admin, Property details; not the G-… of a stream)";
    is_number.then(|| number.to_owned()).ok_or_else(|| wrong.to_owned())
}

/// Every parameter of the list, in its order. A field beside the events (the client id) needs no registration.
fn definitions() -> Vec<Definition> {
    FIELDS.iter().filter_map(definition).collect()
}

fn definition(row: &FieldRow) -> Option<Definition> {
    let Ga4Place::Parameter(parameter) = row.field.ga4 else { return None };
    let kind = if row.is_number { Kind::Metric } else { Kind::Dimension };
    // Only letters, digits, blanks and underscores are allowed, and the first one must be a letter.
    let words = row.what.replace(|c: char| !c.is_ascii_alphanumeric(), " ");
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    let display_name = first.into_iter().chain(letters).collect();
    Some(Definition { kind, parameter, display_name, description: row.why.to_owned() })
}

impl Kind {
    fn collection(self) -> &'static str {
        match self {
            Kind::Dimension => "customDimensions",
            Kind::Metric => "customMetrics",
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Kind::Dimension => "dimension",
            Kind::Metric => "metric",
        }
    }
}

impl Definition {
    /// As `customDimensions.create` and `customMetrics.create` take it.
    fn to_json(&self) -> Value {
        let mut body = json!({"parameterName": self.parameter, "displayName": self.display_name,
            "description": self.description, "scope": "EVENT"});
        if let (Kind::Metric, Some(object)) = (self.kind, body.as_object_mut()) {
            object.insert("measurementUnit".to_owned(), "STANDARD".into());
        }
        body
    }
}

fn table(wanted: &[&Definition]) -> String {
    let head = ["Kind", "Parameter", "Display name", "Description"].map(str::to_owned).to_vec();
    let row = |one: &&Definition| {
        let texts = [one.kind.in_words(), one.parameter, &one.display_name, &one.description];
        texts.map(str::to_owned).to_vec()
    };
    let rows: Vec<_> = [head].into_iter().chain(wanted.iter().map(row)).collect();
    let count = |kind| wanted.iter().filter(|one| one.kind == kind).count();
    let (dimensions, metrics) = (count(Kind::Dimension), count(Kind::Metric));
    format!(
        "{}\nAll of them have the scope \"event\". A property takes {MOST} custom dimensions of that scope and\n\
         {MOST} custom metrics; these are {dimensions} and {metrics}.\n\
         `pact-telemetry property --requests PROPERTY` registers them.\n",
        grid(&rows)
    )
}

/// One request for each definition. The values come from the library and contain no quote.
fn script(property: &str, wanted: &[&Definition]) -> String {
    let mut text = SCRIPT.replace("@PROPERTY@", property);
    for one in wanted {
        let _ = writeln!(text, "create {} '{}'", one.kind.collection(), one.to_json());
    }
    text
}

/// One difference between the property and the list.
struct Fault {
    in_words: String,
    /// Reports are wrong or incomplete because of it.
    is_serious: bool,
}

impl Listed {
    /// Reads any number of answers of the Admin API, one after the other.
    fn read(path: &Path) -> Result<Listed, String> {
        let is_input = path == Path::new("-");
        let name = if is_input { "standard input".to_owned() } else { path.display().to_string() };
        let open = || -> io::Result<Box<dyn Read>> {
            // Also a pipe, such as a shell makes of `<(curl …)`.
            if is_input { Ok(Box::new(io::stdin())) } else { Ok(Box::new(File::open(path)?)) }
        };
        let mut bytes = Vec::new();
        let read = open().and_then(|from| from.take(LIST_LIMIT + 1).read_to_end(&mut bytes));
        read.map_err(|error| format!("cannot read {name}: {error}"))?;
        if bytes.len() as u64 > LIST_LIMIT {
            return Err(format!("{name}: larger than {LIST_LIMIT} bytes"));
        }
        let mut listed = Listed::default();
        let (mut answers, mut lists) = (0, 0);
        for answer in serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>() {
            let answer = answer.map_err(|error| format!("{name}: not the JSON of the Admin API: {error}"))?;
            lists += listed.add(&answer).map_err(|reason| format!("{name}: {reason}"))?;
            answers += 1;
        }
        let found = match (answers, lists) {
            (0, _) => "empty",
            (1, 1) => "only one of both", // an empty list is left out, so that two are no rule
            _ => return Ok(listed),
        };
        Err(format!("{name}: {found}; the answers of customDimensions.list and customMetrics.list are needed"))
    }

    /// Returns how many lists the answer has.
    fn add(&mut self, answer: &Value) -> Result<usize, String> {
        let mut lists = 0;
        let Some(answer) = answer.as_object() else { return Err("an answer is not a JSON object".to_owned()) };
        if let Some(error) = answer.get("error") {
            return Err(format!("the Admin API answered with an error: {error}"));
        }
        // `faults` is what this command itself adds under --json.
        let known = ["customDimensions", "customMetrics", "nextPageToken", "faults"];
        if let Some(key) = answer.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(format!("an answer has the key {key:?}; not of customDimensions.list or customMetrics.list"));
        }
        if answer.get("nextPageToken").is_some_and(|token| *token != "") {
            return Err("the list goes on at nextPageToken; ask for it with pageSize=200".to_owned());
        }
        for kind in [Kind::Dimension, Kind::Metric] {
            let Some(list) = answer.get(kind.collection()) else { continue };
            lists += 1;
            for one in list.as_array().ok_or_else(|| format!("{} is no list", kind.collection()))? {
                let one = one.as_object().ok_or_else(|| format!("{} holds no objects", kind.collection()))?;
                self.0.push((kind, one.clone()));
            }
        }
        Ok(lists)
    }

    /// The entry that serves a definition: of the same kind, parameter and scope.
    fn find(&self, wanted: &Definition) -> Option<&Map<String, Value>> {
        let is_it = |entry: &&(Kind, Map<String, Value>)| {
            entry.0 == wanted.kind && text(&entry.1, "parameterName") == wanted.parameter && is_event(&entry.1)
        };
        self.0.iter().find(is_it).map(|(_, entry)| entry)
    }

    fn faults(&self, all: &[Definition]) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut report = |is_serious, in_words: String| faults.push(Fault { in_words, is_serious });
        for wanted in all {
            let (kind, parameter) = (wanted.kind.in_words(), wanted.parameter);
            let Some(entry) = self.find(wanted) else {
                let others = self.0.iter().filter(|(_, entry)| text(entry, "parameterName") == parameter);
                let found: Vec<_> = others
                    .map(|(kind, entry)| format!("a {} of scope {}", kind.in_words(), escaped(text(entry, "scope"))))
                    .collect();
                let found = if found.is_empty() { String::new() } else { format!("; found {}", found.join(", ")) };
                report(true, format!("{parameter}: missing as a {kind} of scope EVENT{found}"));
                continue;
            };
            for (key, expected) in [("displayName", &wanted.display_name), ("description", &wanted.description)] {
                let found = text(entry, key);
                if found != expected {
                    report(false, format!("{parameter}: {key} is {:?}, expected {expected:?}", escaped(found)));
                }
            }
            let unit = text(entry, "measurementUnit");
            if wanted.kind == Kind::Metric && unit != "STANDARD" {
                report(true, format!("{parameter}: measurementUnit is {:?}, expected \"STANDARD\"", escaped(unit)));
            }
        }
        for kind in [Kind::Dimension, Kind::Metric] {
            let there = self.0.iter().filter(|(own, entry)| *own == kind && is_event(entry)).count();
            let missing = all.iter().filter(|wanted| wanted.kind == kind && self.find(wanted).is_none()).count();
            if there + missing > MOST {
                let over = there + missing - MOST;
                let kind = kind.in_words();
                report(true, format!("a property takes {MOST} custom {kind}s: {over} must be archived before"));
            }
        }
        faults
    }
}

fn report(all: &[Definition], faults: &[Fault]) -> String {
    let serious = faults.iter().filter(|fault| fault.is_serious).count();
    let mut text = match (faults.len(), serious) {
        (0, _) => format!("The property has all {} definitions.\n", all.len()),
        (_, 0) => format!("The property has all {} definitions, under other words:\n", all.len()),
        (_, count) => format!("The property has {}:\n", plural(count, "fault")),
    };
    for fault in faults {
        let _ = writeln!(text, "  {}", fault.in_words);
    }
    text
}

fn text<'a>(entry: &'a Map<String, Value>, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A metric of the Admin API may leave out its only scope.
fn is_event(entry: &Map<String, Value>) -> bool {
    matches!(text(entry, "scope"), "EVENT" | "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_definition_keeps_the_limits_of_the_admin_api() {
        let all = definitions();
        for kind in [Kind::Dimension, Kind::Metric] {
            assert!((1..=MOST).contains(&all.iter().filter(|one| one.kind == kind).count()));
        }
        for one in &all {
            let name = &one.display_name;
            assert!(name.len() <= 82 && name.starts_with(|c: char| c.is_ascii_alphabetic()), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" _".contains(&byte)), "{name}");
            assert!((1..=150).contains(&one.description.chars().count()), "{}", one.description);
            assert!(one.parameter.len() <= 40, "{}", one.parameter);
            let same = |other: &&Definition| other.display_name == one.display_name || other.parameter == one.parameter;
            assert_eq!(all.iter().filter(same).count(), 1, "{name}");
            assert!(!one.to_json().to_string().contains('\''), "the script quotes with it");
        }
    }

    #[test]
    fn the_documentation_says_how_many_there_are() {
        let count = |kind| definitions().iter().filter(|one| one.kind == kind).count();
        let sentence = format!("The library needs {} and {}.", count(Kind::Dimension), count(Kind::Metric));
        assert!(include_str!("../../docs/google-analytics.md").contains(&sentence), "{sentence}");
    }

    #[test]
    fn the_number_of_a_property_is_a_number() {
        assert_eq!(property_number("properties/123"), Ok("123".to_owned()));
        for text in ["", "G-123", "UA-1-1", "1'", "properties/", "1/../2", &"1".repeat(21)] {
            assert!(property_number(text).is_err(), "{text}");
        }
    }
}
