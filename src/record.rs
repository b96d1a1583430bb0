//! Recorded events: what the spool stores and the encoders read. Pure functions: no clock, no disk, no network, no
//! consent.
//!
//! The text form is lines: the machine, then each event as an array in the order of [`push_line`]. Each line is JSON, a
//! space, and a checksum of 8 hexadecimal digits over that JSON, so that a batch with a byte that changed on disk is
//! never sent. Fields have positions instead of keys, because the worker writes a line for every event. The text
//! contains the published fields and nothing else: no credentials and no URL.

use crate::event::{Field, InvalidEvent, Packed};
use crate::identity::Identity;
use crate::json::{Object, push_number, push_string};
use crate::machine::{Machine, short_digest_of};
use crate::protocol::Hit;
use serde_json::Value;
use std::ops::Range;
use std::sync::Arc;

/// Version of the text form. A file of another version is left for the version of the library that wrote it.
const FORMAT: u64 = 2;
/// Stands before the checksum of a line.
const SEPARATOR: char = ' ';
/// The number of digits of a checksum.
const CHECKSUM_DIGITS: usize = 8;

/// One event with everything that is sent about it, except the machine.
#[derive(Debug)]
pub struct Record {
    /// The library that reported it.
    pub identity: Arc<Identity>,
    /// The event. Its stamp has no meaning here.
    pub event: Packed,
    /// When it happened, in milliseconds since 1970.
    pub at_ms: u64,
    /// GA4's session: the process that recorded it.
    pub session_id: u64,
}

impl Record {
    /// The size of its texts in bytes.
    pub fn bytes(&self) -> usize {
        self.event.bytes() + self.identity.bytes()
    }

    /// The form that the encoders take, at that moment. An event from the future, because the clock was set back,
    /// counts as new.
    pub fn hit(&self, now_ms: u64) -> Hit<'_> {
        Hit {
            identity: &self.identity,
            event: self.event.text(Field::Event),
            category: self.event.text(Field::Category),
            action: self.event.text(Field::Action),
            value: self.event.value(),
            plugin_name: self.event.text(Field::PluginName),
            plugin_version: self.event.text(Field::PluginVersion),
            session_id: self.session_id,
            age_ms: now_ms.saturating_sub(self.at_ms),
        }
    }
}

/// The text form of the events of one machine: a line for the machine, then one for each event, so that answered events
/// can be cut off at the end. Returns the text, and its length after each event.
pub fn to_text<'a>(machine: &Machine, records: impl Iterator<Item = &'a Record>) -> (String, Vec<usize>) {
    let machine = [&machine.digest, &machine.client_id, &machine.os_arch];
    let mut text = Object::text(|object| {
        object.number("format", FORMAT);
        object.array("host", &machine, |text, part| push_string(text, part));
    });
    push_checksum(&mut text, 0);
    let mut previous: Option<(&Arc<Identity>, Range<usize>)> = None;
    let ends = records.map(|record| {
        // Most are of one client, whose texts are written once and copied.
        let same = previous.take().filter(|(identity, _)| Arc::ptr_eq(identity, &record.identity));
        let of_client = push_line(&mut text, record, same.map(|(_, of_client)| of_client));
        previous = Some((&record.identity, of_client));
        text.len()
    });
    let ends = ends.collect();
    (text, ends)
}

/// Writes the line of an event. `of_client` is where the texts of its client stand already. Returns where they stand in
/// this line.
fn push_line(text: &mut String, record: &Record, of_client: Option<Range<usize>>) -> Range<usize> {
    let start = text.len();
    let Record { identity, event, .. } = record;
    let of_event = [Field::Event, Field::Category, Field::Action, Field::PluginName, Field::PluginVersion];
    let of_library = [&identity.library_id, &identity.library_name, &identity.library_version];
    let of_platform = [&identity.data_source, &identity.test_framework, &identity.platform_version];
    text.push('[');
    push_number(text, record.at_ms);
    text.push(',');
    push_number(text, record.session_id);
    text.push(',');
    push_number(text, event.value());
    let push = |text: &mut String, field: &str| {
        text.push(',');
        push_string(text, field);
    };
    of_event.into_iter().for_each(|field| push(text, event.text(field)));
    let start_of_client = text.len();
    match of_client {
        Some(of_client) => text.extend_from_within(of_client),
        None => of_library.into_iter().chain(of_platform).for_each(|field| push(text, field)),
    }
    let end_of_client = text.len();
    text.push(']');
    push_checksum(text, start);
    start_of_client..end_of_client
}

/// Ends the line that begins at `start` with its checksum.
fn push_checksum(text: &mut String, start: usize) {
    let checksum = checksum(text.get(start..).unwrap_or_default().as_bytes());
    text.push(SEPARATOR);
    text.extend(checksum.map(char::from));
    text.push('\n');
}

/// The first 8 hexadecimal digits of the MD5 digest. It detects bytes that changed by accident. It does not protect
/// against an attacker, who could write a whole file.
fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_DIGITS] {
    let digest = short_digest_of(bytes);
    std::array::from_fn(|at| {
        let digit = (digest >> (4 * (CHECKSUM_DIGITS - 1 - at)) & 15) as u8;
        digit + if digit < 10 { b'0' } else { b'a' - 10 }
    })
}

/// The JSON of a line; `None` if the line is not what was written.
fn checked(line: &[u8]) -> Option<&[u8]> {
    let (json, rest) = line.split_at_checked(line.len().checked_sub(CHECKSUM_DIGITS + 2)?)?;
    let is_whole = rest.strip_prefix(&[SEPARATOR as u8])?.strip_suffix(b"\n")? == checksum(json);
    is_whole.then_some(json)
}

/// Why a text was not read.
#[derive(Debug, PartialEq)]
pub enum Unread {
    /// It is incomplete, changed, or not a batch.
    NoBatch,
    /// Another version of the library wrote it.
    OtherVersion,
    /// There is no memory or no descriptor for it at the moment.
    NotNow,
}

/// The events of a text in its order, with the length of the text after each. Everything is checked again as it was
/// when it was recorded, because a file is input like any other.
pub fn from_text(text: &[u8]) -> Result<(Machine, Vec<Record>, Vec<usize>), Unread> {
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    let first = lines.next().filter(|_| text.ends_with(b"\n")).ok_or(Unread::NoBatch)?;
    let machine = machine_from_line(first)?;
    let (mut records, mut ends, mut end) = (Vec::new(), Vec::new(), first.len());
    for line in lines {
        end += line.len();
        records.push(event_from_line(line).ok_or(Unread::NoBatch)?.map_err(|_| Unread::NotNow)?);
        ends.push(end);
    }
    if records.is_empty() {
        return Err(Unread::NoBatch);
    }
    Ok((machine, records, ends))
}

fn machine_from_line(line: &[u8]) -> Result<Machine, Unread> {
    let json = line.split_last_chunk::<{ CHECKSUM_DIGITS + 2 }>().map_or(line, |(json, _)| json);
    // Another version may end its lines in another way.
    let parsed = [json, line].into_iter().find_map(|json| serde_json::from_slice::<Value>(json).ok());
    let value = parsed.ok_or(Unread::NoBatch)?;
    match value.get("format").and_then(Value::as_u64) {
        Some(FORMAT) => {}
        Some(_) => return Err(Unread::OtherVersion),
        None => return Err(Unread::NoBatch),
    }
    checked(line).and_then(|_| machine_from_value(&value)).ok_or(Unread::NoBatch)
}

fn machine_from_value(value: &Value) -> Option<Machine> {
    let [digest, client_id, os_arch] = strings(value.get("host")?.as_array()?)?;
    let is_hexadecimal = digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_numbers = client_id.len() <= 21 && client_id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let machine = Machine { digest: digest.into(), client_id: client_id.into(), os_arch: os_arch.into() };
    (is_hexadecimal && is_numbers).then_some(machine)
}

/// How many events a text seems to contain, in any format, with one that was cut short. Used to count what is removed
/// without being read.
pub fn count_events(text: &[u8]) -> u64 {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    (lines.count() as u64).saturating_sub(1)
}

/// `None` if it is not an event; an error if there is no memory for it.
fn event_from_line(line: &[u8]) -> Option<Result<Record, InvalidEvent>> {
    let value: Value = serde_json::from_slice(checked(line)?).ok()?;
    let (numbers, texts) = value.as_array()?.split_first_chunk::<3>()?;
    let [at_ms, session_id, value] = numbers;
    let [event, category, action, plugin_name, plugin_version, identity @ ..] = strings::<11>(texts)?;
    let texts = [event, category, action, plugin_name, plugin_version].map(str::as_bytes);
    let event = match Packed::new(&texts, value.as_i64()?, 0, 0) {
        Err(InvalidEvent::NoMemory) => return Some(Err(InvalidEvent::NoMemory)),
        event => event.ok()?,
    };
    let identity = Arc::new(Identity::from_parts(identity)?);
    Some(Ok(Record { identity, event, at_ms: at_ms.as_u64()?, session_id: session_id.as_u64()? }))
}

/// Exactly so many strings.
fn strings<const N: usize>(values: &[Value]) -> Option<[&str; N]> {
    let texts = values.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?;
    texts.try_into().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test that cannot go on should stop
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(event: &str, plugin: &str, value: i64, at_ms: u64) -> Record {
        let texts = [event, "ConsumerTest", "Completed", plugin, ""].map(str::as_bytes);
        Record {
            identity: Arc::new(crate::config::tests::identity()),
            event: Packed::new(&texts, value, 0, 0).unwrap(),
            at_ms,
            session_id: 1_700_000_000,
        }
    }

    #[test]
    fn a_text_that_was_torn_anywhere_is_not_read() {
        let records = [record("Pacts verified", "é", 3, 5), record("Plugin loaded", "", 1, 6)];
        let (text, ends) = to_text(&Machine::named("box"), records.iter());
        assert_eq!(from_text(text.as_bytes()).unwrap().2, ends);
        for end in 0..text.len() {
            let read = from_text(&text.as_bytes()[..end]);
            assert_eq!(read.is_ok(), end == ends[0], "cut at {end}; only behind a whole event another is left");
            let mut zeroed = text.clone().into_bytes();
            zeroed[end..].fill(0);
            assert_eq!(from_text(&zeroed).err(), Some(Unread::NoBatch), "zeroes from {end}");
        }
    }

    /// With the checksums that each line must have.
    fn checksummed(text: &str) -> String {
        let mut out = String::new();
        for line in text.lines() {
            let start = out.len();
            out.push_str(line.rsplit_once(SEPARATOR).map_or(line, |(json, _)| json));
            push_checksum(&mut out, start);
        }
        out
    }

    #[test]
    fn what_another_version_wrote_is_left_for_it() {
        let (good, _) = to_text(&Machine::named("box"), [record("Pacts verified", "", 3, 5)].iter());
        for text in [
            good.replace("\"format\":2", "\"format\":99"),
            checksummed(&good.replace("\"format\":2", "\"format\":1")),
            "{\"format\":3}\n[]\n".into(),
            "{\"format\":3,\"machine\":{}}\nbinary\0\n".into(),
        ] {
            assert_eq!(from_text(text.as_bytes()).err(), Some(Unread::OtherVersion), "{text}");
        }
    }

    #[test]
    fn no_bit_can_be_flipped_unnoticed() {
        let records = [record("Pacts verified", "a plugin", 3, 5), record("Plugin loaded", "", 1, 6)];
        let (text, _) = to_text(&Machine::named("box"), records.iter());
        for bit in 0..text.len() * 8 {
            let mut changed = text.clone().into_bytes();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(from_text(&changed).is_err(), "bit {bit}: {}", String::from_utf8_lossy(&changed));
        }
    }

    #[test]
    fn events_are_counted_without_being_understood() {
        let records = [record("Pacts verified", "", 3, 5), record("Plugin loaded", "", 1, 6)];
        assert_eq!(count_events(to_text(&Machine::named("box"), records.iter()).0.as_bytes()), 2);
        assert_eq!((count_events(b""), count_events(b"{\"format\":9}\n1\n2\n3\n")), (0, 3));
        assert_eq!(count_events(b"{\"format\":9}\n1\n[2,"), 2, "the last one was cut short");
    }

    #[test]
    fn what_could_not_have_been_recorded_is_not_read() {
        let (good, _) = to_text(&Machine::named("box"), [record("Pacts verified", "", 3, 5)].iter());
        let broken = [
            ("Pacts verified", "/home/ann/pacts"),
            ("Pacts verified", ""),
            ("[5,", "[-5,"),
            (",3,\"Pacts", ",-3,\"Pacts"),
            ("\"client\"", "\"elsewhere\""),
            ("\n[", "\n7\n["),
            ("\n[", "\n\n["),
        ];
        for (from, to) in broken {
            assert!(good.contains(from), "{from} in {good}");
            let read = from_text(checksummed(&good.replacen(from, to, 1)).as_bytes());
            assert_eq!(read.err(), Some(Unread::NoBatch), "{from} to {to}");
        }
        let none = to_text(&Machine::named("box"), [].iter()).0;
        assert_eq!(from_text(none.as_bytes()).err(), Some(Unread::NoBatch), "no events");
        for text in ["", "null", "[]", "{}", "{\"format\":2}", "\u{feff}{}"] {
            assert_eq!(from_text(checksummed(text).as_bytes()).err(), Some(Unread::NoBatch), "{text:?}");
        }
    }

    #[test]
    fn the_events_of_several_clients_are_read_back_with_the_texts_of_their_own() {
        let mut records: Vec<_> = (0..4).map(|value| record("Pacts verified", "", value, 5)).collect();
        let other = Identity { library_name: "Another".into(), ..crate::config::tests::identity() };
        records[1].identity = Arc::new(other);
        records[2].identity = records[1].identity.clone();
        let (text, _) = to_text(&Machine::named("box"), records.iter());
        let read = from_text(text.as_bytes()).unwrap().1;
        let of = |records: &[Record]| records.iter().map(|record| format!("{:?}", record.hit(5))).collect::<Vec<_>>();
        assert_eq!(of(&read), of(&records));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            texts in proptest::collection::vec(("[a-zA-Zäß ]{1,40}x", "[a-zA-Z0-9é\"-]{0,30}"), 1..30),
            value in 0..i64::MAX, at in any::<u64>(),
        ) {
            let records: Vec<_> = texts.iter().map(|(event, plugin)| record(event, plugin, value, at)).collect();
            let machine = Machine::named("box");
            let (text, ends) = to_text(&machine, records.iter());
            let (read_machine, read, read_ends) = from_text(text.as_bytes()).unwrap();
            prop_assert_eq!(ends, read_ends);
            prop_assert_eq!(read_machine.digest, machine.digest);
            prop_assert_eq!(read.len(), records.len());
            for (a, b) in records.iter().zip(&read) {
                prop_assert_eq!(format!("{:?}", a.hit(at)), format!("{:?}", b.hit(at)));
            }
        }

        #[test]
        fn no_bytes_at_all_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(from_text(&bytes).err(), Some(Unread::NoBatch));
        }
    }
}
