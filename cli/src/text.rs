//! Text for people: what foreign text may do to a terminal (nothing), dates by the person's clock, and the way out.

use std::io::{self, ErrorKind, Write};

use jiff::tz::TimeZone;
use jiff::Timestamp;

/// Foreign text on one line, with everything escaped that could steer a terminal or turn the direction of reading.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
                out.extend(character.escape_unicode());
            }
            _ if character.is_control() => out.extend(character.escape_default()),
            _ => out.push(character),
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

/// Writes to standard output. A reader that has gone has seen enough.
///
/// # Errors
/// Says why nothing more can be written, such as a full disk.
pub fn say(text: &str) -> Result<(), String> {
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
    fn a_moment_that_no_calendar_has_is_shown_all_the_same() {
        assert_eq!(date(u64::MAX), "18446744073709551615 ms after 1970");
        assert!(date(0).starts_with("19"));
    }
}
