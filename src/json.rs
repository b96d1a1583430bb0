//! JSON out: one copy of the writer and of the map's insertion for all who write, since every host carries them. (The
//! `json!` macro writes each object's insertions anew: 12 KB here.)

use serde_json::{Map, Value};

/// An object of these entries.
pub fn object(entries: Vec<(&str, Value)>) -> Value {
    let mut map = Map::new();
    for (key, value) in entries {
        map.insert(key.to_owned(), value);
    }
    Value::Object(map)
}

/// A value as text, its keys in alphabetical order.
pub fn text(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default() // keys are strings, so it cannot fail
}
