//! Events of Google Analytics 4 as rows of its BigQuery export: one JSON object a line, in the shape of the `events_`
//! tables, so that a query can be tried before there is a property. Fields that Google fills from its own sources are
//! null.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::endpoint::Endpoint;
use super::output::complain;
use super::record::{Arrival, Outcome};

/// A file that rows are appended to.
pub struct Export {
    file: File,
    has_failed: AtomicBool,
}

impl Export {
    /// Opens the file, or makes it. Rows follow on a line of their own.
    ///
    /// # Errors
    /// As the system says. Only a regular file is taken: the reader of a pipe could delay every answer.
    pub fn open(path: &Path) -> io::Result<Export> {
        if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
            return Err(io::Error::other("not a regular file"));
        }
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
        let mut last = [b'\n'];
        if file.metadata()?.len() > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
        Ok(Export { file, has_failed: AtomicBool::new(false) })
    }

    /// Appends the events of a request that was taken in. Other protocols have no such export.
    pub fn add(&self, arrival: &Arrival) {
        let lines: String = rows(arrival).iter().map(|row| format!("{row}\n")).collect();
        if let Err(error) = self.append(lines.as_bytes()) {
            // Once: a full disk stays full.
            if !self.has_failed.swap(true, Ordering::Relaxed) {
                complain(&format!("--export: cannot write: {error}; the file is not complete"));
            }
        }
    }

    /// Appends all of it or nothing, so that no half line is left. Another collector may append to the same file.
    fn append(&self, lines: &[u8]) -> io::Result<()> {
        self.file.lock()?;
        let written = self
            .file
            .metadata()
            .and_then(|about| (&self.file).write_all(lines).inspect_err(|_| _ = self.file.set_len(about.len())));
        written.and(self.file.unlock())
    }
}

fn rows(arrival: &Arrival) -> Vec<Value> {
    let is_taken_in = matches!(arrival.outcome, Outcome::Status(200..=299));
    if !is_taken_in || arrival.received.endpoint() != Some(Endpoint::Ga4) {
        return Vec::new(); // the debug endpoint keeps nothing
    }
    let Ok(Value::Object(top)) = serde_json::from_slice(&arrival.received.body) else { return Vec::new() };
    let events = top.get("events").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    // Google drops an event without a name.
    let has_name = |event: &&Map<String, Value>| event.get("name").is_some_and(Value::is_string);
    let events = events.iter().filter_map(Value::as_object).filter(has_name).enumerate();
    events.map(|(index, event)| row(arrival, &top, event, index)).collect()
}

fn row(arrival: &Arrival, top: &Map<String, Value>, event: &Map<String, Value>, index: usize) -> Value {
    let time = [event, top].iter().find_map(|object| object.get("timestamp_micros").and_then(whole));
    let time = time.filter(|time| day(*time).is_some()).unwrap_or(i64::try_from(arrival.at).unwrap_or_default());
    let params = event.get("params").and_then(Value::as_object);
    let params: Vec<Value> = params.into_iter().flatten().map(|(key, value)| param(key, value)).collect();
    let device = |key| top.get("device").and_then(|device| device.get(key)).cloned();
    json!({
        "event_date": day(time),
        "event_timestamp": time,
        "event_name": event.get("name"),
        "event_params": params,
        "event_previous_timestamp": null,
        "event_value_in_usd": null,
        "event_bundle_sequence_id": arrival.number,
        "event_server_timestamp_offset": null,
        "user_id": top.get("user_id").and_then(Value::as_str),
        "user_pseudo_id": top.get("client_id").and_then(Value::as_str),
        "privacy_info": {"analytics_storage": null, "ads_storage": null, "uses_transient_token": null},
        "user_properties": [],
        "user_first_touch_timestamp": null,
        "user_ltv": null,
        "device": {
            "category": device("category"), "mobile_brand_name": device("brand"), "mobile_model_name": device("model"),
            "operating_system": device("operating_system"),
            "operating_system_version": device("operating_system_version"), "language": device("language"),
            "web_info": {"browser": device("browser"), "browser_version": device("browser_version"), "hostname": null},
        },
        "geo": null,
        "app_info": null,
        "traffic_source": null,
        "stream_id": null,
        "platform": "WEB",
        "event_dimensions": null,
        "ecommerce": null,
        "items": [],
        "collected_traffic_source": null,
        "is_active_user": true,
        "batch_event_index": index + 1,
        "batch_page_id": null,
        "batch_ordering_id": null,
        "session_traffic_source_last_click": null,
        "publisher": null,
    })
}

/// The type of the JSON value decides the column. Google renames the session.
fn param(key: &str, value: &Value) -> Value {
    let (key, value) = match key {
        "session_id" => ("ga_session_id", whole(value).map_or_else(|| value.clone(), Value::from)),
        _ => (key, value.clone()),
    };
    let int = value.as_i64();
    let double = value.as_f64().filter(|_| int.is_none());
    json!({"key": key, "value": {
        "string_value": value.as_str(), "int_value": int, "float_value": null, "double_value": double,
    }})
}

/// A JSON integer, or a string of digits.
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// The day, as a property whose time zone is UTC has it; `None` for a time that no calendar has.
fn day(micros: i64) -> Option<String> {
    Timestamp::from_microsecond(micros).ok().map(|time| time.strftime("%Y%m%d").to_string())
}

#[cfg(test)]
mod tests {
    // A test that cannot go on should stop.
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::super::request::Received;
    use super::*;

    fn arrival(target: &str, status: u16) -> Arrival {
        let body = json!({"client_id": "1.2", "device": {"operating_system": "Linux"}, "events": [
            {"name": "a", "timestamp_micros": 1_700_000_000_000_000_i64, "params": {"session_id": "7", "x": "2", "n": 3,
            "half": 0.5}},
            {"name": "b"},
        ]});
        of(&body, target, status)
    }

    fn of(body: &Value, target: &str, status: u16) -> Arrival {
        let received = Received {
            method: "POST".to_owned(),
            target: target.to_owned(),
            body: body.to_string().into_bytes(),
            ..Received::default()
        };
        Arrival::new(4, received, Outcome::Status(status), 1_600_000_000_000_000)
    }

    #[test]
    fn a_row_has_the_shape_of_the_export() {
        let rows = rows(&arrival("/mp/collect?measurement_id=G-1&api_secret=s", 204));
        assert_eq!(rows.len(), 2);
        let (first, second) = (&rows[0], &rows[1]);
        assert_eq!(
            (&first["event_date"], &first["event_timestamp"]),
            (&json!("20231114"), &json!(1_700_000_000_000_000_i64))
        );
        assert_eq!((&first["user_pseudo_id"], &first["device"]["operating_system"]), (&json!("1.2"), &json!("Linux")));
        let value = |key: &str| {
            let params = first["event_params"].as_array().unwrap();
            params.iter().find(|param| param["key"] == key).map(|param| param["value"].clone()).unwrap()
        };
        assert_eq!((&value("x")["string_value"], &value("x")["int_value"]), (&json!("2"), &Value::Null));
        assert_eq!(value("n")["int_value"], 3);
        assert_eq!(value("half")["double_value"], 0.5);
        assert_eq!(value("ga_session_id")["int_value"], 7);
        assert_eq!((&second["event_date"], &second["batch_event_index"]), (&json!("20200913"), &json!(2)));
    }

    #[test]
    fn an_odd_event_spoils_no_column() {
        let body = json!({"client_id": 5, "user_id": {"a": 1}, "events": [
            7, {}, {"name": 9}, {"name": "a", "timestamp_micros": i64::MAX}, {"name": "b", "timestamp_micros": "x"},
        ]});
        let rows = rows(&of(&body, "/mp/collect", 204));
        let names: Vec<_> = rows.iter().map(|row| row["event_name"].as_str().unwrap()).collect();
        assert_eq!(names, ["a", "b"]);
        for row in rows {
            assert_eq!(
                (&row["event_date"], &row["user_pseudo_id"], &row["user_id"]),
                (&json!("20200913"), &Value::Null, &Value::Null)
            );
        }
    }

    #[test]
    fn rows_begin_on_a_line_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.json");
        fs::write(&path, "{\"torn").unwrap();
        Export::open(&path).unwrap().add(&arrival("/mp/collect", 204));
        Export::open(&path).unwrap().add(&arrival("/mp/collect", 204));
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines.len(), lines[0]), (5, "{\"torn"));
        assert!(lines[1..].iter().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{text}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn only_a_regular_file_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [pipe.as_path(), dir.path(), Path::new("/dev/full")] {
            assert!(Export::open(path).is_err(), "{}", path.display());
        }
    }

    #[test]
    fn what_was_refused_or_only_checked_is_no_row() {
        assert!(rows(&arrival("/mp/collect", 503)).is_empty());
        assert!(rows(&arrival("/debug/mp/collect", 200)).is_empty());
        assert!(rows(&arrival("/collect", 200)).is_empty());
    }
}
