//! One event: its fields, their limits, and the check that refuses text which must not leave a machine. Pure functions
//! of the text; knows no protocol, no clock and no client.

use crate::platform::memory;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// Longest event name in bytes: `el` of the Universal Analytics Measurement Protocol, the wider of both protocols.
pub const EVENT_MAX_BYTES: usize = 500;
/// Longest category in bytes: `ec`.
pub const CATEGORY_MAX_BYTES: usize = 150;
/// Longest action in bytes: `ea`.
pub const ACTION_MAX_BYTES: usize = 500;
/// Longest plugin name and plugin version in bytes: `cd4`, `cd5`.
pub const PLUGIN_MAX_BYTES: usize = 150;

/// An event to report. All text is copied before [`crate::Client::track`] returns.
///
/// ```
/// use pact_telemetry::{Event, names};
/// let event = Event::new(names::EVENT_PACTS_VERIFIED, names::CATEGORY_PROVIDER_TEST, names::ACTION_COMPLETED, 3);
/// assert_eq!(event.value, 3);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event<'a> {
    /// What happened, such as [`crate::names::EVENT_PACTS_VERIFIED`]. Not blank, at most [`EVENT_MAX_BYTES`].
    pub event: &'a str,
    /// Group of the event. Not blank, at most [`CATEGORY_MAX_BYTES`].
    pub category: &'a str,
    /// What was done. Not blank, at most [`ACTION_MAX_BYTES`].
    pub action: &'a str,
    /// A count that belongs to the event, zero or more.
    pub value: i64,
    /// Name of the plugin that the event is about; empty for none. At most [`PLUGIN_MAX_BYTES`].
    pub plugin_name: &'a str,
    /// Version of that plugin; empty for none. At most [`PLUGIN_MAX_BYTES`].
    pub plugin_version: &'a str,
}

impl<'a> Event<'a> {
    /// An event that is about no plugin.
    pub fn new(event: &'a str, category: &'a str, action: &'a str, value: i64) -> Self {
        Event { event, category, action, value, plugin_name: "", plugin_version: "" }
    }

    /// The same event, about this plugin. Either text may be empty.
    #[must_use]
    pub fn about_plugin(self, name: &'a str, version: &'a str) -> Self {
        Event { plugin_name: name, plugin_version: version, ..self }
    }

    pub(crate) fn texts(&self) -> Texts<'a> {
        [self.event, self.category, self.action, self.plugin_name, self.plugin_version].map(str::as_bytes)
    }
}

/// The texts of an event in the order of [`Field`], not yet checked.
pub(crate) type Texts<'a> = [&'a [u8]; Field::COUNT];

/// The text fields of an event, in the order in which they are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// What happened.
    Event,
    /// Group of the event.
    Category,
    /// What was done.
    Action,
    /// Name of the plugin.
    PluginName,
    /// Version of the plugin.
    PluginVersion,
}

impl Field {
    const COUNT: usize = 5;
    const ALL: [Field; Field::COUNT] =
        [Field::Event, Field::Category, Field::Action, Field::PluginName, Field::PluginVersion];
    /// The first three must be there and may hold nothing that names a person, a machine or a file.
    const PUBLIC: usize = 3;

    /// The longest text in bytes that is accepted.
    pub const fn max_bytes(self) -> usize {
        match self {
            Field::Event => EVENT_MAX_BYTES,
            Field::Category => CATEGORY_MAX_BYTES,
            Field::Action => ACTION_MAX_BYTES,
            Field::PluginName | Field::PluginVersion => PLUGIN_MAX_BYTES,
        }
    }

    /// The parameter's name in the C ABI.
    pub const fn name(self) -> &'static str {
        match self {
            Field::Event => "event",
            Field::Category => "category",
            Field::Action => "action",
            Field::PluginName => "plugin_name",
            Field::PluginVersion => "plugin_version",
        }
    }
}

/// What a text looks like if it may not be an event, a category or an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lookalike {
    /// `/home/ann/spec.rb`, `C:\pacts`, `../pacts`.
    Path,
    /// `https://example.com`, `www.example.com`.
    Url,
    /// `ann@example.com`.
    Email,
    /// `10.0.0.7`, `fe80::1`, `localhost:8080`.
    Address,
    /// A control character. No name contains one.
    ControlCharacter,
}

/// Why an event is not accepted. No part of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidEvent {
    /// `event`, `category` or `action` is empty or blank.
    Empty(Field),
    /// More bytes than [`Field::max_bytes`].
    TooLong(Field),
    /// Not UTF-8.
    InvalidUtf8(Field),
    /// The text looks like something that must not leave the machine.
    Forbidden(Field, Lookalike),
    /// The value is below zero (`ev` of Universal Analytics is a non-negative integer).
    NegativeValue,
    /// The event is valid, but there is no memory for it.
    NoMemory,
}

impl fmt::Display for InvalidEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InvalidEvent::Empty(field) => write!(f, "{} must not be empty", field.name()),
            InvalidEvent::TooLong(field) => {
                write!(f, "{} is longer than {} bytes", field.name(), field.max_bytes())
            }
            InvalidEvent::InvalidUtf8(field) => write!(f, "{} is not valid UTF-8", field.name()),
            InvalidEvent::Forbidden(field, what) => {
                let what = match what {
                    Lookalike::Path => "looks like a file path",
                    Lookalike::Url => "looks like a URL",
                    Lookalike::Email => "looks like an e-mail address",
                    Lookalike::Address => "looks like a network address",
                    Lookalike::ControlCharacter => "contains a control character",
                };
                write!(f, "{} {what}, which is never collected; give the name of what happened", field.name())
            }
            InvalidEvent::NegativeValue => write!(f, "value must be zero or more"),
            InvalidEvent::NoMemory => write!(f, "there is no memory for it"),
        }
    }
}

impl std::error::Error for InvalidEvent {}

/// An accepted event in one allocation: a header of fixed size, followed by all its text.
#[derive(Debug)]
pub(crate) struct Packed(Box<[u8]>);

/// The header is four little-endian u64: the value; the stamp; the consent epoch (32 bits) and the ends of the first
/// two texts (16 bits each); the ends of the other three. It is written in one piece, because thirteen small copies
/// would cost more than everything else here.
const HEADER: usize = 32;

impl Packed {
    /// Checks the texts and the value, and packs them: one pass over the text, one allocation.
    pub fn new(texts: &Texts<'_>, value: i64, stamp: u64, epoch: u32) -> Result<Packed, InvalidEvent> {
        // Written out instead of a loop, because five round trips through memory would cost more than the checks.
        let [event, category, action, plugin_name, plugin_version] = *texts;
        let event_end = end(event, Field::Event, 0)?;
        let category_end = end(category, Field::Category, event_end)?;
        let action_end = end(action, Field::Action, category_end)?;
        let name_end = end(plugin_name, Field::PluginName, action_end)?;
        let version_end = end(plugin_version, Field::PluginVersion, name_end)?;
        if value < 0 {
            return Err(InvalidEvent::NegativeValue);
        }
        let header = [
            (value as u64).to_le_bytes(),
            stamp.to_le_bytes(),
            (u64::from(epoch) | event_end << 32 | category_end << 48).to_le_bytes(),
            (action_end | name_end << 16 | version_end << 32).to_le_bytes(),
        ];
        let Some(bytes) = memory::concat(header, texts, HEADER + version_end as usize) else {
            return Err(InvalidEvent::NoMemory);
        };
        let packed = bytes.get(HEADER..).and_then(|packed| packed.split_at_checked(action_end as usize));
        let (public, plugin) = packed.unwrap_or_default();
        if needs_a_look(public, true) || (!plugin.is_empty() && needs_a_look(plugin, false)) {
            check_closely(texts)?;
        }
        Ok(Packed(bytes))
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// The event's value.
    pub fn value(&self) -> i64 {
        i64::from_le_bytes(self.number(0))
    }

    /// When it was tracked, in [`crate::platform::clock::coarse_millis`].
    pub fn stamp(&self) -> u64 {
        u64::from_le_bytes(self.number(8))
    }

    /// The client's consent epoch under which it was accepted.
    pub fn epoch(&self) -> u32 {
        u32::from_le_bytes(self.number(16))
    }

    /// One of its texts.
    pub fn text(&self, field: Field) -> &str {
        let index = field as usize;
        let end = |index: usize| usize::from(u16::from_le_bytes(self.number(20 + 2 * index)));
        let start = if index == 0 { 0 } else { end(index - 1) };
        let bytes = self.0.get(HEADER + start..HEADER + end(index)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    fn number<const N: usize>(&self, at: usize) -> [u8; N] {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }
}

/// Returns where a text that begins at `start` ends. Checks its length, and that a required text is not blank. All
/// texts together have at most 1,450 bytes, so each end fits into 16 bits.
#[inline(always)]
fn end(text: &[u8], field: Field, start: u64) -> Result<u64, InvalidEvent> {
    if text.len() > field.max_bytes() {
        return Err(InvalidEvent::TooLong(field));
    }
    if (field as usize) < Field::PUBLIC && text.first().is_none_or(|byte| *byte <= b' ') && is_blank(text) {
        return Err(InvalidEvent::Empty(field));
    }
    Ok(start + text.len() as u64)
}

#[cold]
#[inline(never)]
fn is_blank(text: &[u8]) -> bool {
    text.trim_ascii_start().is_empty()
}

/// Whether any byte is outside ASCII, a control character or, if `only_names` is true, one of the bytes that every
/// path, URL, e-mail address and network address contains, or one of `*+;>?`, which few names contain. Checks eight
/// bytes at a time, without a branch per byte.
#[inline(always)]
fn needs_a_look(bytes: &[u8], only_names: bool) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let last = match bytes.get(bytes.len().wrapping_sub(8)..).and_then(|last| last.as_chunks().0.first()) {
        Some(last) => *last, // overlaps the word before it
        None => {
            let mut last = [b' '; 8];
            last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
            last
        }
    };
    let (mut clean, mut unclean) = look(u64::from_le_bytes(last), only_names);
    for word in words {
        let (clean_here, unclean_here) = look(u64::from_le_bytes(*word), only_names);
        clean &= clean_here;
        unclean |= unclean_here;
    }
    clean & !unclean & HIGH != HIGH
}

/// The first result has the high bit of each of the eight bytes that is no control character below the space and, if
/// `only_names` is true, none of the bytes that need a closer look. The second one has the high bit of each byte that
/// is outside ASCII or 0x7f. Their other bits mean nothing. For ASCII the sums stay under 256, so no byte changes its
/// neighbour. A byte outside ASCII shows that by its own high bit, and then the neighbour does not matter.
#[inline(always)]
fn look(word: u64, only_names: bool) -> (u64, u64) {
    let at_least_space = word.wrapping_add(ONES * 0x60);
    let unclean = word.wrapping_add(ONES) | word;
    if !only_names {
        return (at_least_space, unclean);
    }
    let clean = at_least_space
        & differ(word | (ONES * 0x15), 0x3f) // `.`, `/`, `:`, and `*+;>?`, which differ in these bits alone
        & differ(word, b'@')
        & differ(word, b'\\');
    (clean, unclean)
}

/// Sets the high bit of each of the eight ASCII bytes that differs from `byte`.
#[inline(always)]
fn differ(word: u64, byte: u8) -> u64 {
    (word ^ (ONES * byte as u64)).wrapping_add(ONES * 0x7f)
}

const ONES: u64 = u64::MAX / 255;
const HIGH: u64 = ONES << 7;

/// The slow and exact checks, for texts with a byte that needs a closer look.
#[cold]
#[inline(never)]
fn check_closely(texts: &Texts<'_>) -> Result<(), InvalidEvent> {
    for (text, field) in texts.iter().zip(Field::ALL) {
        let text = std::str::from_utf8(text).map_err(|_| InvalidEvent::InvalidUtf8(field))?;
        if text.contains(|c: char| c.is_control()) {
            return Err(InvalidEvent::Forbidden(field, Lookalike::ControlCharacter));
        }
        if (field as usize) < Field::PUBLIC
            && let Some(what) = lookalike(text)
        {
            return Err(InvalidEvent::Forbidden(field, what));
        }
    }
    Ok(())
}

/// What one of the words of a text looks like. In doubt it refuses a harmless name.
fn lookalike(text: &str) -> Option<Lookalike> {
    let edges = |c: char| c.is_whitespace() || "\"'`()<>{},;!?|=".contains(c);
    text.split(edges).find_map(word_lookalike)
}

fn word_lookalike(word: &str) -> Option<Lookalike> {
    let plain = word.trim_end_matches(['.', ':']).trim_matches(['[', ']']);
    if word.contains("://") || plain.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www.")) {
        return Some(Lookalike::Url);
    }
    if word.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.len() > 1) {
        return Some(Lookalike::Email);
    }
    if is_path(word) {
        return Some(Lookalike::Path);
    }
    is_address(plain).then_some(Lookalike::Address)
}

/// A leading `/`, `~/`, `./` or `../`; a drive; a backslash; two slashes; or a file in a folder. `and/or` is not a
/// path.
fn is_path(word: &str) -> bool {
    let drive = matches!(word.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    let leading = word.len() > 1 && ["/", "~/", "./", "../"].iter().any(|start| word.starts_with(start));
    let file = word.rsplit_once('/').is_some_and(|(_, name)| name.trim_matches('.').contains('.'));
    drive || leading || file || word.contains('\\') || word.matches('/').count() > 1
}

/// An IP address with or without a port, or a host name with a port.
fn is_address(word: &str) -> bool {
    if word.parse::<IpAddr>().is_ok() {
        return true;
    }
    let Some((host, port)) = word.rsplit_once(':') else { return false };
    let host = host.trim_matches(['[', ']']);
    let named = host.contains('.') || host.eq_ignore_ascii_case("localhost");
    port.parse::<u16>().is_ok() && (named || host.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot go on should stop
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pack(event: &str, category: &str, action: &str) -> Result<Packed, InvalidEvent> {
        Packed::new(&Event::new(event, category, action, 1).texts(), 1, 0, 0)
    }

    #[test]
    fn what_is_packed_comes_back() {
        let event = Event {
            event: "Plugin loaded",
            category: "Plugin",
            action: "Loaded",
            value: i64::MAX,
            plugin_name: "protobuf – ü",
            plugin_version: "",
        };
        let packed = Packed::new(&event.texts(), event.value, u64::MAX - 1, 77).unwrap();
        assert_eq!((packed.value(), packed.stamp(), packed.epoch()), (i64::MAX, u64::MAX - 1, 77));
        assert_eq!(packed.bytes(), HEADER + event.texts().concat().len());
        let texts = Field::ALL.map(|field| packed.text(field));
        assert_eq!(texts, ["Plugin loaded", "Plugin", "Loaded", "protobuf – ü", ""]);
    }

    #[test]
    fn what_pact_reports_today_is_accepted() {
        use crate::names::*;
        for (name, value, _) in ALL {
            assert!(pack(value, value, value).is_ok(), "{name}");
        }
        for harmless in [
            "and/or",
            "v1.2.3",
            "ratio 1:2",
            "1:2:3",
            "Done.",
            "ok: yes",
            "a.b",
            "@",
            "5@",
            "@all",
            "5@2",
            "Größe",
            "50 %",
            "I/O",
            "/",
        ] {
            assert!(pack(harmless, "c", "a").is_ok(), "{harmless}");
        }
    }

    #[test]
    fn text_that_could_name_a_person_a_machine_or_a_file_is_refused() {
        use Lookalike::*;
        for (text, what) in [
            ("/home/ann/spec.rb", Path),
            ("ran ./spec", Path),
            ("~/pacts", Path),
            ("C:\\pacts", Path),
            ("c:/pacts", Path),
            ("spec/orders.rb failed", Path),
            ("a/b/c", Path),
            ("\\\\server\\share", Path),
            ("(/etc/passwd)", Path),
            ("https://example.com", Url),
            ("see www.example.com", Url),
            ("file:///x", Url),
            ("ann@example.com", Email),
            ("by ann@corp.", Email),
            ("10.0.0.7", Address),
            ("at 10.0.0.7:8080", Address),
            ("fe80::1", Address),
            ("[::1]:80", Address),
            ("localhost:8080", Address),
            ("db.corp.example:5432", Address),
            ("two\nlines", ControlCharacter),
            ("parker\u{7}", ControlCharacter),
            ("c1 \u{85}", ControlCharacter),
            ("nul\0", ControlCharacter),
        ] {
            assert_eq!(pack(text, "c", "a").unwrap_err(), InvalidEvent::Forbidden(Field::Event, what), "{text}");
            assert_eq!(pack("e", text, "a").unwrap_err(), InvalidEvent::Forbidden(Field::Category, what), "{text}");
            assert_eq!(pack("e", "c", text).unwrap_err(), InvalidEvent::Forbidden(Field::Action, what), "{text}");
        }
    }

    #[test]
    fn eight_bytes_at_a_time_see_what_one_at_a_time_would() {
        let is_odd =
            |byte: u8, only_names| !(0x20..0x7f).contains(&byte) || (only_names && b"/.:@\\*+;>?".contains(&byte));
        for pair in 0..=u16::MAX {
            let [one, other] = pair.to_be_bytes();
            for only_names in [true, false] {
                let expected = is_odd(one, only_names) || is_odd(other, only_names);
                let text = [b'a', b' ', b'~', b'a', b'a', b'a', one, other, b'a', b'a'];
                for text in [&text[..], &text[6..], &text[4..8], &text[..8]] {
                    assert_eq!(needs_a_look(text, only_names), expected, "{text:?}");
                }
            }
        }
        assert!(!needs_a_look(b"", true));
    }

    #[test]
    fn an_event_about_a_plugin_says_its_name_and_version() {
        let event = Event::new("e", "c", "a", 1).about_plugin("protobuf", "0.3.15");
        assert_eq!((event.plugin_name, event.plugin_version), ("protobuf", "0.3.15"));
        assert_eq!(event.texts(), ["e", "c", "a", "protobuf", "0.3.15"].map(str::as_bytes));
    }

    #[test]
    fn a_plugin_may_be_named_as_its_author_likes_but_for_control_characters() {
        let event = Event { plugin_name: "github.com/ann/plugin", ..Event::new("e", "c", "a", 1) };
        assert!(Packed::new(&event.texts(), 1, 0, 0).is_ok());
        let event = Event { plugin_version: "1\t2", ..event };
        let expected = InvalidEvent::Forbidden(Field::PluginVersion, Lookalike::ControlCharacter);
        assert_eq!(Packed::new(&event.texts(), 1, 0, 0).unwrap_err(), expected);
    }

    #[test]
    fn each_error_says_what_to_do() {
        let error = pack("/home/ann", "c", "a").unwrap_err().to_string();
        assert_eq!(error, "event looks like a file path, which is never collected; give the name of what happened");
        assert_eq!(pack("e", " \t", "a").unwrap_err().to_string(), "category must not be empty");
        let error = Packed::new(&Event::new("e", "c", "a", 0).texts(), -1, 0, 0).unwrap_err();
        assert_eq!(error.to_string(), "value must be zero or more");
    }

    #[test]
    fn a_character_cut_at_the_end_of_one_field_does_not_join_the_next() {
        let texts: Texts<'_> = [b"e\xc3", b"\xbcc", b"a", b"", b""];
        assert_eq!(Packed::new(&texts, 1, 0, 0).unwrap_err(), InvalidEvent::InvalidUtf8(Field::Event));
    }

    /// Text that is taken, of so many characters at most.
    fn harmless(max: usize) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec("[a-zü]", 1..max).prop_map(|characters| characters.concat().into_bytes())
    }

    proptest! {
        #[test]
        fn the_limit_of_each_field_is_exact(index in 0..Field::COUNT, over in 0..40usize) {
            let field = Field::ALL.get(index).copied().unwrap();
            let long = vec![b'x'; field.max_bytes() + over];
            let mut texts: Texts<'_> = [b"e", b"c", b"a", b"", b""];
            *texts.get_mut(index).unwrap() = &long;
            let packed = Packed::new(&texts, 1, 0, 0);
            if over == 0 {
                prop_assert_eq!(packed.unwrap().text(field).len(), field.max_bytes());
            } else {
                prop_assert_eq!(packed.unwrap_err(), InvalidEvent::TooLong(field));
            }
        }

        #[test]
        fn any_bytes_are_either_packed_whole_or_refused(
            event in prop_oneof![prop::collection::vec(any::<u8>(), 0..520), harmless(260)],
            plugin in prop_oneof![prop::collection::vec(any::<u8>(), 0..160), harmless(80)],
            value in any::<i64>(),
        ) {
            let texts: Texts<'_> = [&event, b"c", b"a", &plugin, b""];
            if let Ok(packed) = Packed::new(&texts, value, 5, 6) {
                prop_assert_eq!(packed.text(Field::Event).as_bytes(), &event[..]);
                prop_assert_eq!(packed.text(Field::PluginName).as_bytes(), &plugin[..]);
                prop_assert!(value >= 0 && packed.value() == value);
            }
        }
    }
}
