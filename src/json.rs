//! JSON out: one copy of the writer and of the map's insertion for all who write, since every host carries them. (The
//! `json!` macro writes each object's insertions anew: 12 KB here.) What is written for every event is written without
//! a map: a map of twenty entries takes forty allocations.

use serde_json::{Map, Value};
use std::fmt::{Display, Write};

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

/// Writes a string (RFC 8259, section 7).
pub fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        let short = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            _ => "",
        };
        out.push_str(text.get(plain_from..at).unwrap_or_default());
        out.push_str(short);
        if short.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        }
        plain_from = at + 1;
    }
    out.push_str(text.get(plain_from..).unwrap_or_default());
    out.push('"');
}

/// Writes a number.
pub fn push_number(out: &mut String, number: impl Display) {
    let _ = write!(out, "{number}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_string_is_read_back_as_it_was(text in any::<String>(), ascii in "[\\x00-\\x7f]{0,40}") {
            for text in [text, ascii] {
                let mut out = String::new();
                push_string(&mut out, &text);
                prop_assert_eq!(serde_json::from_str::<String>(&out).ok(), Some(text));
            }
        }
    }
}
