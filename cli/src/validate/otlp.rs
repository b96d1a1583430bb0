//! The strict reader of OTLP/HTTP logs in JSON: what a request breaks, as messages. It knows the fields of the protocol
//! but not those of Pact, and decides no answer.

use serde_json::{Map, Value};

use super::json;

/// The most nanoseconds since 1970 that a time may be ahead of this machine's clock.
const FUTURE: u64 = 60_000_000_000;

/// One finding; what concerns one record has a path that begins with `resourceLogs[i].scopeLogs[j].logRecords[k]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where.
    pub path: String,
    /// What is wrong, what was found and what is allowed.
    pub description: String,
}

/// One record with all that it inherits.
pub struct Record<'a> {
    /// Its path.
    pub path: String,
    /// The resource's attributes.
    pub resource: Option<&'a Value>,
    /// The name of the scope.
    pub scope: Option<&'a Value>,
    /// The record itself.
    pub record: &'a Map<String, Value>,
}

/// The records of a body, in their order.
pub fn records(body: &Value) -> Vec<Record<'_>> {
    let mut found = Vec::new();
    for (at, logs) in items(body, "resourceLogs") {
        let resource = logs.get("resource").and_then(|resource| resource.get("attributes"));
        for (scope_at, scope) in items(logs, "scopeLogs") {
            let name = scope.get("scope").and_then(|scope| scope.get("name"));
            for (record_at, record) in items(scope, "logRecords") {
                let Some(record) = record.as_object() else { continue };
                let path = format!("resourceLogs[{at}].scopeLogs[{scope_at}].logRecords[{record_at}]");
                found.push(Record { path, resource, scope: name, record });
            }
        }
    }
    found
}

fn items<'a>(from: &'a Value, key: &str) -> impl Iterator<Item = (usize, &'a Value)> + use<'a> {
    from.get(key).and_then(Value::as_array).into_iter().flatten().enumerate()
}

/// What is wrong with a request that arrived at `now`, in microseconds since 1970. Empty: nothing.
pub fn request(body: &[u8], now: u64) -> Vec<Message> {
    let mut check = Check { now: now.saturating_mul(1_000), found: Vec::new() };
    match serde_json::from_slice(body) {
        Ok(Value::Object(top)) => check.top(&top),
        Ok(_) => check.report("body", "is not a JSON object"),
        Err(error) => check.report("body", format!("is not JSON: {error}")),
    }
    for path in json::duplicated_names(body) {
        check.report(path, "is given more than once");
    }
    check.found
}

struct Check {
    now: u64,
    found: Vec<Message>,
}

impl Check {
    fn report(&mut self, path: impl Into<String>, description: impl Into<String>) {
        self.found.push(Message { path: path.into(), description: description.into() });
    }

    /// Finds fields that the protocol does not have: a receiver ignores them, and so they are lost.
    fn known(&mut self, object: &Map<String, Value>, keys: &[&str], path: &str) {
        for key in object.keys().filter(|key| !keys.contains(&key.as_str())) {
            self.report(join(path, key), "is no field of the protocol");
        }
    }

    /// The objects of a list that must be there and must not be empty.
    fn objects<'a>(
        &mut self,
        of: &'a Map<String, Value>,
        key: &str,
        path: &str,
    ) -> Vec<(String, &'a Map<String, Value>)> {
        let path = join(path, key);
        let Some(list) = of.get(key).and_then(Value::as_array).filter(|list| !list.is_empty()) else {
            self.report(path, "needs to be a list with at least one entry");
            return Vec::new();
        };
        let mut found = Vec::new();
        for (at, item) in list.iter().enumerate() {
            let path = format!("{path}[{at}]");
            match item.as_object() {
                Some(item) => found.push((path, item)),
                None => self.report(path, "is not an object"),
            }
        }
        found
    }

    fn top(&mut self, top: &Map<String, Value>) {
        self.known(top, &["resourceLogs"], "");
        for (path, logs) in self.objects(top, "resourceLogs", "") {
            self.known(logs, &["resource", "scopeLogs", "schemaUrl"], &path);
            let resource = join(&path, "resource");
            match logs.get("resource").and_then(Value::as_object) {
                None => self.report(resource, "needs to be an object with attributes"),
                Some(object) => {
                    self.known(object, &["attributes", "droppedAttributesCount", "entityRefs"], &resource);
                    self.attributes(object, &resource);
                    if !has_attribute(object, "service.name") {
                        self.report(join(&resource, "attributes"), "has no service.name, which every resource needs");
                    }
                }
            }
            for (path, scope) in self.objects(logs, "scopeLogs", &path) {
                self.known(scope, &["scope", "logRecords", "schemaUrl"], &path);
                for (path, record) in self.objects(scope, "logRecords", &path) {
                    self.record(record, &path);
                }
            }
        }
    }

    fn record(&mut self, record: &Map<String, Value>, path: &str) {
        const KEYS: [&str; 11] = [
            "timeUnixNano",
            "observedTimeUnixNano",
            "severityNumber",
            "severityText",
            "body",
            "attributes",
            "droppedAttributesCount",
            "flags",
            "traceId",
            "spanId",
            "eventName",
        ];
        self.known(record, &KEYS, path);
        for key in ["timeUnixNano", "observedTimeUnixNano"] {
            let Some(value) = record.get(key) else { continue };
            match value.as_str().filter(|text| is_digits(text)).and_then(|text| text.parse::<u64>().ok()) {
                None => self.report(join(path, key), format!("is {value}; a string of digits is needed")),
                Some(at) if at > self.now.saturating_add(FUTURE) => {
                    self.report(join(path, key), format!("is {at}, which is in the future"));
                }
                Some(_) => {}
            }
        }
        if let Some(value) = record.get("severityNumber")
            && value.as_u64().is_none_or(|number| number > 24)
        {
            self.report(join(path, "severityNumber"), format!("is {value}; a number from 0 to 24 is needed"));
        }
        match record.get("eventName") {
            Some(Value::String(name)) if !name.is_empty() => {}
            Some(value) => self.report(join(path, "eventName"), format!("is {value}; a text is needed")),
            None => self.report(join(path, "eventName"), "is missing, so the record is no event"),
        }
        if let Some(body) = record.get("body") {
            self.value(body, &join(path, "body"));
        }
        if record.contains_key("attributes") {
            self.attributes(record, path);
        }
    }

    fn attributes(&mut self, of: &Map<String, Value>, path: &str) {
        let mut seen: Vec<&str> = Vec::new();
        // Senders write an empty list too.
        if of.get("attributes").and_then(Value::as_array).is_some_and(Vec::is_empty) {
            return;
        }
        for (path, attribute) in self.objects(of, "attributes", path) {
            self.known(attribute, &["key", "value"], &path);
            match attribute.get("key").and_then(Value::as_str).filter(|key| !key.is_empty()) {
                None => self.report(join(&path, "key"), "needs to be a text that is not empty"),
                Some(key) if seen.contains(&key) => self.report(join(&path, "key"), format!("is {key:?} once more")),
                Some(key) => seen.push(key),
            }
            match attribute.get("value") {
                None => self.report(join(&path, "value"), "is missing"),
                Some(value) => self.value(value, &join(&path, "value")),
            }
        }
    }

    /// One of the fields of `AnyValue`, of its type. Without any it is the empty value, which SDKs send for `None`.
    fn value(&mut self, value: &Value, path: &str) {
        if value.as_object().is_some_and(Map::is_empty) {
            return;
        }
        let entries: Vec<_> = value.as_object().into_iter().flatten().collect();
        let [(kind, value)] = entries.as_slice() else {
            return self.report(
                path,
                "needs to be an object with one of stringValue, boolValue, intValue, doubleValue and the like",
            );
        };
        let is_good = match kind.as_str() {
            "stringValue" | "bytesValue" => value.is_string(),
            "boolValue" => value.is_boolean(),
            "intValue" => match value {
                Value::String(text) => text.parse::<i64>().is_ok(),
                value => value.is_i64(),
            },
            "doubleValue" => value.is_number() || matches!(value.as_str(), Some("NaN" | "Infinity" | "-Infinity")),
            "arrayValue" | "kvlistValue" => value.is_object(),
            _ => return self.report(join(path, kind), "is no kind of value"),
        };
        if !is_good {
            self.report(join(path, kind), format!("is {value}, which is of another type"));
        }
    }
}

fn has_attribute(of: &Map<String, Value>, wanted: &str) -> bool {
    let attributes = of.get("attributes").and_then(Value::as_array).into_iter().flatten();
    let mut keys = attributes.filter_map(|attribute| attribute.get("key").and_then(Value::as_str));
    keys.any(|key| key == wanted)
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
#[path = "otlp_tests.rs"]
mod tests;
