//! Writes JSON, straight into a text. A map of twenty entries would take forty allocations, and the code that builds
//! maps and writes them would add ten kilobytes to every host program.

use std::fmt::{Display, Write};

/// An object that is being written. The keys stand in the order of the calls; the project writes them in alphabetical
/// order.
pub struct Object<'a>(&'a mut String);

impl Object<'_> {
    /// A text that holds one object.
    pub fn text(entries: impl FnOnce(&mut Object<'_>)) -> String {
        let mut out = String::new();
        Object::write(&mut out, entries);
        out
    }

    /// Appends an object to a text.
    pub fn write(out: &mut String, entries: impl FnOnce(&mut Object<'_>)) {
        out.push('{');
        entries(&mut Object(out));
        out.push('}');
    }

    /// Writes a key, and returns the text for its value.
    pub fn key(&mut self, key: &str) -> &mut String {
        if !self.0.ends_with('{') {
            self.0.push(',');
        }
        push_string(self.0, key);
        self.0.push(':');
        self.0
    }

    /// An entry with a string.
    pub fn string(&mut self, key: &str, value: &str) {
        push_string(self.key(key), value);
    }

    /// An entry with a string, or with `null`.
    pub fn string_or_null(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.string(key, value),
            None => self.key(key).push_str("null"),
        }
    }

    /// An entry with a number.
    pub fn number(&mut self, key: &str, value: u64) {
        push_number(self.key(key), value);
    }

    /// An entry with a number, or with `null`.
    pub fn number_or_null(&mut self, key: &str, value: Option<u64>) {
        match value {
            Some(value) => self.number(key, value),
            None => self.key(key).push_str("null"),
        }
    }

    /// An entry with `true` or `false`.
    pub fn boolean(&mut self, key: &str, value: bool) {
        self.key(key).push_str(if value { "true" } else { "false" });
    }

    /// An entry with an object.
    pub fn object(&mut self, key: &str, entries: impl FnOnce(&mut Object<'_>)) {
        Object::write(self.key(key), entries);
    }

    /// An entry with an array.
    pub fn array<T>(&mut self, key: &str, items: &[T], item: impl FnMut(&mut String, &T)) {
        push_array(self.key(key), items, item);
    }
}

/// Writes an array.
pub fn push_array<T>(out: &mut String, items: &[T], mut item: impl FnMut(&mut String, &T)) {
    out.push('[');
    for (index, value) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        item(out, value);
    }
    out.push(']');
}

/// Writes a string with its quotes (RFC 8259, section 7).
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

    #[test]
    fn an_object_is_read_back_as_it_was_written() {
        let text = Object::text(|object| {
            object.array("array", &["a", "b"], |out, text| push_string(out, text));
            object.boolean("boolean", true);
            object.object("empty", |_| {});
            object.number_or_null("no number", None);
            object.string_or_null("no string", None);
            object.number_or_null("number", Some(7));
            object.object("object", |object| object.string("key {", "{"));
            object.string_or_null("string", Some("{"));
        });
        let expected = serde_json::json!({
            "array": ["a", "b"], "boolean": true, "empty": {}, "no number": null, "no string": null, "number": 7,
            "object": {"key {": "{"}, "string": "{",
        });
        assert_eq!(text, expected.to_string());
    }

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
