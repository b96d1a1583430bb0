//! Whether events may be sent, and which rule decided. The first rule that says "off" wins, and no later one turns it
//! back on: the host's switch, `PACT_DO_NOT_TRACK`, `pact_do_not_track`, `DO_NOT_TRACK`, the person's saved choice, the
//! administrator's.
//!
//! The rules are pure functions; reading the environment and the saved choices is separate.

use crate::json::Object;
use crate::platform::environment::{self, Names, Seen};
use crate::platform::files::is_passing;
use crate::platform::paths;
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The variables that opt a person out, in the order in which they are asked. Both cases of the first are in use.
pub const VARIABLES: [&str; 3] = ["PACT_DO_NOT_TRACK", "pact_do_not_track", "DO_NOT_TRACK"];

static SEEN: Seen<{ VARIABLES.len() }> = Seen::new();
static NAMES: Names<{ VARIABLES.len() }> = Names::new(VARIABLES, opts_out, &SEEN);

/// Whether this value of one of [`VARIABLES`] opts out. Empty, `0`, `false`, `no` and `off`, trimmed and in any case,
/// mean no opinion. Everything else opts out, including text that is not UTF-8.
pub fn opts_out(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let no_opinion: &[u8] = match value {
        [] => return false,
        [byte] => return *byte != b'0', // the most frequent one is "1"
        [_, _] => b"no",
        [_, _, _] => b"off",
        [_, _, _, _, _] => b"false",
        _ => return true,
    };
    !value.eq_ignore_ascii_case(no_opinion)
}

/// Whether one of [`VARIABLES`] opts out now. One pass over the environment, without an allocation. For the caller's
/// thread only (see [`environment`]).
#[inline(always)]
pub fn opted_out_by_environment() -> bool {
    environment::any(&NAMES)
}

/// What a file with a saved choice says about sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SavedChoice {
    /// Nothing was saved.
    None,
    /// `{"enabled": true}`.
    On,
    /// `{"enabled": false}`.
    Off,
    /// The file exists and cannot be read, for this reason. Counts as off.
    Unreadable(String),
    /// It cannot be read now, because there is no descriptor or no memory. Off until it can be read.
    NotNow(String),
}

impl SavedChoice {
    /// Whether it says "off".
    pub fn is_off(&self) -> bool {
        !matches!(self, SavedChoice::None | SavedChoice::On)
    }

    fn in_words(&self) -> Option<String> {
        Some(match self {
            SavedChoice::None => return None,
            SavedChoice::On => "on".to_owned(),
            SavedChoice::Off => "off".to_owned(),
            SavedChoice::Unreadable(why) => format!("unreadable ({why}), which counts as off"),
            SavedChoice::NotNow(why) => format!("cannot be read now ({why}), which counts as off until it can"),
        })
    }
}

/// All that such a file holds: `{"enabled": true or false, "id": "hostname" or "random"}`. Each key may be missing, but
/// not both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// The choice about sending.
    pub choice: SavedChoice,
    /// Whether a random identifier replaces the digest of the hostname.
    pub random_id: bool,
    /// When it was turned on after an "off", in milliseconds since 1970: what was recorded before is never sent. 0 for
    /// never.
    pub since_ms: u64,
}

impl Saved {
    /// Parses the text of a file. An ambiguous text is not consent: two answers in one file, a key in another case or
    /// with escapes, an answer that is neither `true` nor `false`, a `since_ms` that is no moment.
    pub fn parse(text: &[u8]) -> Self {
        let value = match serde_json::from_slice::<Value>(text) {
            Ok(value) => value,
            Err(error) => return SavedChoice::Unreadable(format!("not JSON: {error}")).into(),
        };
        let answers = text.windows(9).filter(|part| part.eq_ignore_ascii_case(b"\"enabled\"")).count();
        let id = value.get("id").and_then(Value::as_str);
        let doubt = |why: &str| SavedChoice::Unreadable(why.to_owned());
        let since_ms = value.get("since_ms").map_or(Some(0), Value::as_u64);
        let choice = match value.get("enabled") {
            _ if text.contains(&b'\\') => doubt("it has escapes"),
            _ if answers > 1 => doubt("more than one \"enabled\""),
            Some(Value::Bool(false)) => SavedChoice::Off,
            _ if since_ms.is_none() => doubt("no number under \"since_ms\""),
            Some(Value::Bool(true)) => SavedChoice::On,
            None if id.is_some() && answers == 0 => SavedChoice::None,
            _ => doubt("no true or false under \"enabled\""),
        };
        Saved { choice, random_id: id == Some("random"), since_ms: since_ms.unwrap_or(0) }
    }

    /// Reads the file. A missing file is no choice; any other failure counts as off.
    pub fn read(path: Option<&Path>) -> Self {
        /// A choice has about forty bytes. A longer file is not a choice.
        const LIMIT: u64 = 4096;
        let Some(path) = path else { return SavedChoice::None.into() };
        let mut text = Vec::new();
        let read = paths::open_without_waiting(path)
            .and_then(|file| if file.metadata()?.is_file() { Ok(file) } else { Err(not_a_file()) })
            .and_then(|file| file.take(LIMIT + 1).read_to_end(&mut text));
        match read {
            Ok(length) if length as u64 > LIMIT => SavedChoice::Unreadable(format!("over {LIMIT} bytes")).into(),
            Ok(_) => Saved::parse(&text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => match link_to_nothing(path) {
                None => SavedChoice::None.into(),
                Some(link) => {
                    SavedChoice::Unreadable(format!("{} is a link to what is not there", link.display())).into()
                }
            },
            Err(error) => Saved::unread(&error),
        }
    }

    /// Why it cannot be read, and whether that may pass.
    fn unread(error: &std::io::Error) -> Self {
        let why = error.to_string();
        if is_passing(error) { SavedChoice::NotNow(why).into() } else { SavedChoice::Unreadable(why).into() }
    }
}

impl From<SavedChoice> for Saved {
    fn from(choice: SavedChoice) -> Self {
        Saved { choice, random_id: false, since_ms: 0 }
    }
}

/// The link because of which nothing is found at this path: what it leads to may be away for the moment only.
fn link_to_nothing(path: &Path) -> Option<&Path> {
    let about = |path: &Path| std::fs::symlink_metadata(path).ok();
    let (there, about) = path.ancestors().find_map(|part| Some((part, about(part)?)))?;
    (about.is_symlink() && std::fs::metadata(there).is_err()).then_some(there)
}

fn not_a_file() -> std::io::Error {
    std::io::Error::other("not a regular file")
}

/// The file of a person's choice. There is one for each person, and no host program can move it.
pub fn saved_choice_path() -> Option<PathBuf> {
    Some(paths::user_config_dir(|name| std::env::var_os(name))?.join("choice.json"))
}

/// The file of the administrator's choice for the whole machine. No setting of a person or a host program can move it.
pub fn system_choice_path() -> Option<PathBuf> {
    Some(paths::system_config_dir()?.join("choice.json"))
}

/// The two files in which choices are saved.
#[derive(Debug, Clone)]
pub struct ChoiceFiles {
    /// The person's.
    pub user: Option<PathBuf>,
    /// The administrator's choice. Only its "off" counts.
    pub system: Option<PathBuf>,
}

impl ChoiceFiles {
    /// The paths for this person on this machine. Opens nothing.
    pub fn here() -> Self {
        ChoiceFiles { user: saved_choice_path(), system: system_choice_path() }
    }

    /// Reads both files.
    pub fn read(&self) -> Choices {
        let system = Saved::read(self.system.as_deref()).choice;
        let system = if system == SavedChoice::On { SavedChoice::None } else { system };
        Choices { user: Saved::read(self.user.as_deref()), system }
    }
}

/// The choices in both files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices {
    /// The person's choice.
    pub user: Saved,
    /// The administrator's choice.
    pub system: SavedChoice,
}

impl Choices {
    /// The name of the rule that says "off", or `None` if neither does.
    pub fn off_by(&self) -> Option<&'static str> {
        let system = || self.system.is_off().then_some("system choice");
        self.user.choice.is_off().then_some("saved choice").or_else(system)
    }

    /// Whether it is off only because one of the files cannot be read now.
    pub fn is_not_now(&self) -> bool {
        let passing = |choice: &SavedChoice| !choice.is_off() || matches!(choice, SavedChoice::NotNow(_));
        self.off_by().is_some() && passing(&self.user.choice) && passing(&self.system)
    }
}

/// Notes a value of a variable. A variable may stand in the environment twice, and each of its values can opt out.
fn note(slot: &mut Option<Vec<u8>>, value: &[u8]) {
    if slot.is_none() || opts_out(value) {
        *slot = Some(value.to_vec());
    }
}

/// What each rule read, taken at one moment.
#[derive(Debug, Clone)]
pub struct Readings {
    /// The host's switch: the config's `enabled`, then `set_enabled`.
    pub host_enabled: bool,
    /// The values of [`VARIABLES`].
    pub variables: [Option<Vec<u8>>; VARIABLES.len()],
    /// Where the saved choices are looked for.
    pub files: ChoiceFiles,
    /// The saved choices.
    pub choices: Choices,
}

impl Readings {
    /// Reads all of them, on the caller's thread.
    pub fn take(host_enabled: bool, files: ChoiceFiles) -> Self {
        let mut variables = [None, None, None];
        environment::visit(&NAMES, &mut |index, value| {
            variables.get_mut(index).into_iter().for_each(|slot| note(slot, value));
        });
        Readings { host_enabled, variables, choices: files.read(), files }
    }

    /// The name of the rule that says "off", or `None` if none does.
    pub fn off_by(&self) -> Option<&'static str> {
        if !self.host_enabled {
            return Some("host");
        }
        let is_off = |value: &Option<Vec<u8>>| value.as_deref().is_some_and(opts_out);
        let variable = VARIABLES.iter().zip(&self.variables).find(|(_, value)| is_off(value));
        variable.map(|(name, _)| *name).or_else(|| self.choices.off_by())
    }

    /// Every rule in the order in which it is asked.
    pub fn rules(&self) -> Vec<Rule> {
        let opinion = |off: bool, on: bool| match (off, on) {
            (true, _) => Opinion::Off,
            (_, true) => Opinion::On,
            _ => Opinion::None,
        };
        let host = opinion(!self.host_enabled, true);
        let mut rules = vec![Rule { name: "host", source: RuleSource::Host, read: None, says: host }];
        for (name, value) in VARIABLES.iter().zip(&self.variables) {
            let read = value.as_deref().map(|value| String::from_utf8_lossy(value).into_owned());
            let says = opinion(value.as_deref().is_some_and(opts_out), false);
            rules.push(Rule { name, source: RuleSource::Variable, read, says });
        }
        let files = [
            ("saved choice", &self.choices.user.choice, &self.files.user),
            ("system choice", &self.choices.system, &self.files.system),
        ];
        for (name, choice, path) in files {
            let says = opinion(choice.is_off(), *choice == SavedChoice::On);
            rules.push(Rule { name, source: RuleSource::File(path.clone()), read: choice.in_words(), says });
        }
        rules
    }
}

/// One of the rules that decide whether events are taken, with what it read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rule {
    /// `host`, the name of an environment variable, `saved choice` or `system choice`.
    pub name: &'static str,
    /// Where it looks.
    pub source: RuleSource,
    /// The value of the variable, or what the file says in words. `None` if nothing is set or saved, and for the host
    /// program's switch, which is no text.
    pub read: Option<String>,
    /// Its opinion.
    pub says: Opinion,
}

/// Where a rule looks.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleSource {
    /// At the switch of the host program.
    Host,
    /// At an environment variable.
    Variable,
    /// At this file; `None` if this user or this system has no folder for it.
    File(Option<PathBuf>),
}

/// What a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opinion {
    /// No event is taken.
    Off,
    /// Events may be taken, unless another rule says "off".
    On,
    /// Neither.
    None,
}

impl Opinion {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Opinion::Off => "off",
            Opinion::On => "on",
            Opinion::None => "no opinion",
        }
    }
}

impl Rule {
    pub(crate) fn write(&self, object: &mut Object<'_>) {
        if let RuleSource::File(path) = &self.source {
            object.string_or_null("path", path.as_ref().map(|path| path.to_string_lossy()).as_deref());
        }
        match self.source {
            RuleSource::Host => object.boolean("read", self.says == Opinion::On),
            _ => object.string_or_null("read", self.read.as_deref()),
        }
        object.string("rule", self.name);
        object.string("says", self.says.name());
    }
}

#[cfg(test)]
#[path = "consent_tests.rs"]
mod tests;
