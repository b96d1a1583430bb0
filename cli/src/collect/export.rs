//! Events of Google Analytics 4 as rows of its BigQuery export: one JSON object a line, in the shape of the `events_`
//! tables, so that a query can be tried before there is a property. Fields that Google fills from its own sources are
//! null.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
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
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// As the system says.
    pub fn open(path: &Path) -> io::Result<Export> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Export { file, has_failed: AtomicBool::new(false) })
    }

    /// Appends the events of a request that was taken in. Other protocols have no such export.
    pub fn add(&self, arrival: &Arrival) {
        let lines: String = rows(arrival).iter().map(|row| format!("{row}\n")).collect();
        if let Err(error) = (&self.file).write_all(lines.as_bytes()) {
            // Once: a full disk stays full.
            if !self.has_failed.swap(true, Ordering::Relaxed) {
                complain(&format!("--export: cannot write: {error}; the file is not complete"));
            }
        }
    }
}

fn rows(arrival: &Arrival) -> Vec<Value> {
    let is_taken_in = matches!(arrival.outcome, Outcome::Status(200..=299));
    if !is_taken_in || arrival.received.endpoint() != Some(Endpoint::Ga4) {
        return Vec::new(); // the debug endpoint keeps nothing
    }
    let Ok(Value::Object(top)) = serde_json::from_slice(&arrival.received.body) else { return Vec::new() };
    let events = top.get("events").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let events = events.iter().filter_map(Value::as_object).enumerate();
    events.map(|(index, event)| row(arrival, &top, event, index)).collect()
}

fn row(arrival: &Arrival, top: &Map<String, Value>, event: &Map<String, Value>, index: usize) -> Value {
    let time = [event, top].iter().find_map(|object| object.get("timestamp_micros").and_then(whole));
    let time = time.unwrap_or(i64::try_from(arrival.at).unwrap_or(i64::MAX));
    let params = event.get("params").and_then(Value::as_object);
    let params: Vec<Value> = params.into_iter().flatten().map(|(key, value)| param(key, value)).collect();
    let device = |key| top.get("device").and_then(|device| device.get(key)).cloned();
    json!({
        "event_date": date(time),
        "event_timestamp": time,
        "event_name": event.get("name"),
        "event_params": params,
        "event_previous_timestamp": null,
        "event_value_in_usd": null,
        "event_bundle_sequence_id": arrival.number,
        "event_server_timestamp_offset": null,
        "user_id": top.get("user_id"),
        "user_pseudo_id": top.get("client_id"),
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

/// The day, as a property whose time zone is UTC has it.
fn date(micros: i64) -> String {
    Timestamp::from_microsecond(micros).map(|time| time.strftime("%Y%m%d").to_string()).unwrap_or_default()
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
    fn what_was_refused_or_only_checked_is_no_row() {
        assert!(rows(&arrival("/mp/collect", 503)).is_empty());
        assert!(rows(&arrival("/debug/mp/collect", 200)).is_empty());
        assert!(rows(&arrival("/collect", 200)).is_empty());
    }
}
