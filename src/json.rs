//! Writes JSON, straight into a text. A map of twenty entries would take forty allocations, and the code that builds
//! maps and writes them would add ten kilobytes to every host program.

use std::fmt::Write;

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
    if is_plain(text.as_bytes()) {
        out.push_str(text);
    } else {
        push_escaped(out, text);
    }
    out.push('"');
}

/// Can it stand in a string as it is? Asked of every text of every event, hence eight bytes at a time.
fn is_plain(text: &[u8]) -> bool {
    const LOW: u64 = u64::MAX / 255; // 0x0101…
    const HIGH: u64 = LOW << 7;
    // The high bit of a byte that is below `limit`; of one above it, too, but only where another is below.
    let below = |word: u64, limit: u64| word.wrapping_sub(LOW * limit) & !word & HIGH;
    let is_plain_word = |bytes: &[u8; 8]| {
        let word = u64::from_ne_bytes(*bytes);
        let (quote, backslash) = (word ^ (LOW * b'"' as u64), word ^ (LOW * b'\\' as u64));
        below(word, b' '.into()) | below(quote, 1) | below(backslash, 1) == 0
    };
    let (words, _) = text.as_chunks::<8>();
    match text.last_chunk() {
        Some(last) => words.iter().all(is_plain_word) && is_plain_word(last), // the last ones overlap
        None => !text.iter().any(is_special),
    }
}

fn is_special(byte: &u8) -> bool {
    *byte < b' ' || *byte == b'"' || *byte == b'\\'
}

#[cold]
#[inline(never)]
fn push_escaped(out: &mut String, text: &str) {
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if !is_special(&byte) {
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
}

/// Writes a whole number of 64 bits at most. Not by `Display`, which takes three times as long.
pub fn push_number(out: &mut String, number: impl Into<i128>) {
    push_digits(out, number.into());
}

fn push_digits(out: &mut String, number: i128) {
    let (mut rest, mut digits, mut count) = (number.unsigned_abs() as u64, [b'0'; 20], 0);
    for digit in digits.iter_mut().rev() {
        *digit += (rest % 10) as u8;
        count += 1;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.push_str(if number < 0 { "-" } else { "" });
    let written = digits.get(digits.len() - count..).unwrap_or_default();
    out.push_str(std::str::from_utf8(written).unwrap_or_default());
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

    #[test]
    fn a_byte_that_needs_an_escape_is_found_wherever_it_stands() {
        for length in 0..30 {
            let plain = "\u{7f}é ".repeat(8).chars().take(length).collect::<String>();
            assert!(is_plain(plain.as_bytes()));
            for (at, _) in plain.char_indices() {
                for special in ["\"", "\\", "\n", "\u{0}", "\u{1f}"] {
                    let mut text = plain.clone();
                    text.insert_str(at, special);
                    assert!(!is_plain(text.as_bytes()), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn the_ends_of_the_numbers_are_written() {
        let mut out = String::new();
        for number in [0_i128, 9, 10, -1, i64::MIN.into(), i64::MAX.into(), u64::MAX.into()] {
            push_number(&mut out, number);
            out.push(' ');
        }
        assert_eq!(out, format!("0 9 10 -1 {} {} {} ", i64::MIN, i64::MAX, u64::MAX));
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

        #[test]
        fn every_number_is_written_as_display_does(signed in any::<i64>(), unsigned in any::<u64>(), small: i8) {
            let mut out = String::new();
            push_number(&mut out, signed);
            push_number(&mut out, unsigned);
            push_number(&mut out, small);
            prop_assert_eq!(out, format!("{signed}{unsigned}{small}"));
        }
    }
}
