//! Text for people: foreign text made harmless for terminals, dates by the person's clock, and standard output.

use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

/// Whether a character could steer a terminal, turn the direction of reading, or hide: control characters (C0, DEL,
/// C1), those of Unicode's bidirectional algorithm, line separators, and invisible ones.
fn is_unsafe(character: char) -> bool {
    let is_hidden = matches!(character, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}');
    is_hidden || character.is_control()
}

/// Foreign text on one line, with every unsafe character escaped.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => out.extend(character.escape_default()),
            _ if is_unsafe(character) => out.extend(character.escape_unicode()),
            _ => out.push(character),
        }
    }
    out
}

/// JSON with the same meaning in which every unsafe character is escaped as JSON has it. They can only stand in its
/// strings.
pub fn escaped_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if is_unsafe(character) && character != '\n' {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = fmt::Write::write_fmt(&mut out, format_args!("\\u{unit:04x}"));
            }
        } else {
            out.push(character);
        }
    }
    out
}

/// A moment by the person's clock, such as `2026-11-22 23:04:05 +01:00`.
pub fn date(ms: u64) -> String {
    let moment = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    match moment {
        Some(moment) => moment.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
        None => format!("{ms} ms after 1970"),
    }
}

/// `1 event`, `2 events`, `2 batches`.
pub fn plural(count: usize, noun: &str) -> String {
    let ending = match (count, noun.ends_with("ch")) {
        (1, _) => "",
        (_, true) => "es",
        _ => "s",
    };
    format!("{count} {noun}{ending}")
}

/// Writes lines to standard output, with every unsafe character escaped. It is no error if the reader has closed it.
///
/// # Errors
/// Says why nothing more can be written, such as a full disk.
pub fn say(text: &str) -> Result<(), String> {
    let lines: Vec<String> = text.split('\n').map(escaped).collect();
    write(&lines.join("\n"))
}

/// Writes a line of JSON to standard output, for machines and for terminals.
///
/// # Errors
/// As [`say`].
pub fn say_json(value: &Value) -> Result<(), String> {
    write(&format!("{}\n", escaped_json(&value.to_string())))
}

/// Writes bytes unchanged if a program or a file reads them, and otherwise as [`say`] does.
///
/// # Errors
/// As [`say`].
pub fn say_raw(text: &str) -> Result<(), String> {
    if io::stdout().is_terminal() { say(text) } else { write(text) }
}

fn write(text: &str) -> Result<(), String> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("cannot write the output: {error}")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_that_steers_a_terminal_passes() {
        assert_eq!(escaped("a\u{1b}[2J\r\n\t\u{9b}1m\u{7f}\0z"), r"a\u{1b}[2J\r\n\t\u{9b}1m\u{7f}\u{0}z");
        assert_eq!(escaped("a\u{202e}b\u{2066}c\u{feff}"), r"a\u{202e}b\u{2066}c\u{feff}");
        assert_eq!(escaped("Größe \\ 日本 \"x\""), "Größe \\ 日本 \"x\"");
        for character in ('\0'..=char::MAX).filter(|character| character.is_control()) {
            assert!(!escaped(&character.to_string()).contains(character), "{character:?}");
        }
    }

    #[test]
    fn json_keeps_its_meaning_and_no_unsafe_character() {
        let text: String =
            ('\0'..=char::MAX).filter(|character| is_unsafe(*character)).chain("ü日😀\"\\".chars()).collect();
        let json = escaped_json(&Value::from(text.as_str()).to_string());
        assert!(!json.chars().any(is_unsafe));
        assert_eq!(serde_json::from_str::<Value>(&json).ok(), Some(Value::from(text)));
    }

    #[test]
    fn every_character_of_the_bidirectional_algorithm_is_unsafe() {
        for character in
            "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}".chars()
        {
            assert!(is_unsafe(character) && !escaped(&character.to_string()).contains(character), "{character:?}");
        }
        assert!(!"aü日😀 ~".chars().any(is_unsafe));
    }

    #[test]
    fn a_moment_that_no_calendar_has_is_shown_all_the_same() {
        assert_eq!(date(u64::MAX), "18446744073709551615 ms after 1970");
        assert!(date(0).starts_with("19"));
    }
}
