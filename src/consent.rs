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
    environment::any(&NAMES, opts_out)
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
#[allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test that cannot go on should stop
mod tests {
    use super::*;
    use serde_json::json;

    fn readings(host: bool, variables: [Option<&str>; 3], saved: SavedChoice, system: SavedChoice) -> Readings {
        let variables = variables.map(|value| value.map(|text| text.as_bytes().to_vec()));
        let files = ChoiceFiles { user: None, system: None };
        Readings { host_enabled: host, variables, files, choices: Choices { user: saved.into(), system } }
    }

    #[test]
    fn every_spelling_of_no_opinion_and_nothing_else_leaves_it_on() {
        for value in ["", " ", "0", "false", "FALSE", "False", "no", "No", "off", "OFF", " false\t", "\n0 "] {
            assert!(!opts_out(value.as_bytes()), "{value:?}");
        }
        for value in ["1", "true", "TRUE", "yes", "on", "y", "2", "00", "disabled", "nope", "falsee", "-", "off,"] {
            assert!(opts_out(value.as_bytes()), "{value:?}");
        }
        assert!(opts_out(b"\xff"));
    }

    #[test]
    fn of_two_values_of_one_variable_the_one_that_opts_out_is_named() {
        for values in [["0", "1"], ["1", "0"]] {
            let mut slot = None;
            values.into_iter().for_each(|value| note(&mut slot, value.as_bytes()));
            assert_eq!(slot.as_deref(), Some(&b"1"[..]), "{values:?}");
        }
    }

    #[test]
    fn the_first_off_wins_and_no_later_rule_turns_it_back_on() {
        let values = [None, Some("0"), Some("1"), Some("true")];
        let [unreadable, not_now] = [SavedChoice::Unreadable("x".into()), SavedChoice::NotNow("y".into())];
        let choices = [SavedChoice::None, SavedChoice::On, SavedChoice::Off, unreadable, not_now];
        let off = |value: Option<&str>| matches!(value, Some("1" | "true"));
        for number in 0..2 * 4 * 4 * 4 * 5 * 5 {
            let (host, saved, system) = (number % 2 == 0, &choices[number / 2 % 5], &choices[number / 10 % 5]);
            let variables @ [a, b, c] = [50, 200, 800].map(|step| values[number / step % 4]);
            let expected = match () {
                _ if !host => Some("host"),
                _ if off(a) => Some("PACT_DO_NOT_TRACK"),
                _ if off(b) => Some("pact_do_not_track"),
                _ if off(c) => Some("DO_NOT_TRACK"),
                _ if saved.is_off() => Some("saved choice"),
                _ if system.is_off() => Some("system choice"),
                _ => None,
            };
            let found = readings(host, variables, saved.clone(), system.clone());
            assert_eq!(found.off_by(), expected, "{number}");
            assert_eq!(found.choices.off_by().is_some(), saved.is_off() || system.is_off());
        }
    }

    #[test]
    fn a_missing_descriptor_is_not_an_opt_out_unless_another_file_says_off() {
        let not_now = || SavedChoice::NotNow("no descriptors".into());
        let choices = |user: SavedChoice, system| Choices { user: user.into(), system };
        assert!(choices(not_now(), SavedChoice::None).is_not_now());
        assert!(choices(SavedChoice::On, not_now()).is_not_now());
        assert!(choices(not_now(), not_now()).is_not_now());
        assert!(!choices(SavedChoice::Off, not_now()).is_not_now());
        assert!(!choices(not_now(), SavedChoice::Off).is_not_now());
        assert!(!choices(SavedChoice::On, SavedChoice::None).is_not_now(), "nothing is off");
    }

    #[test]
    fn a_choice_that_the_system_or_a_scanner_keeps_for_the_moment_is_no_decision() {
        #[cfg(unix)]
        let (passing, lasting) = ([libc::EMFILE, libc::ENFILE, libc::ENOMEM], [libc::EACCES, libc::EIO, libc::ENOSPC]);
        // Sharing violation, lock violation, pending removal; access denied, disk full, not supported.
        #[cfg(windows)]
        let (passing, lasting) = ([32, 33, 303], [5, 112, 50]);
        let unread = |code| Saved::unread(&std::io::Error::from_raw_os_error(code)).choice;
        for code in passing {
            assert!(matches!(unread(code), SavedChoice::NotNow(_)), "{code}");
        }
        for code in lasting {
            assert!(matches!(unread(code), SavedChoice::Unreadable(_)), "{code}");
        }
    }

    #[test]
    fn a_choice_that_cannot_be_read_means_off() {
        let says = |text: &str| Saved::parse(text.as_bytes()).choice;
        assert_eq!(says(r#"{"enabled": true}"#), SavedChoice::On);
        assert_eq!(says(r#"{"enabled": false, "more": 1}"#), SavedChoice::Off);
        for text in ["", "off", "{}", "{\"enabled\":", "{\"enabled\": \"yes\"}", "[]", "\u{0}", "{\"enabled\": null}"] {
            assert!(says(text).is_off(), "{text:?}");
        }
        for text in [
            r#"{"enabled": false, "enabled": true}"#,
            r#"{"enabled": true, "enabled": true}"#,
            r#"{"Enabled": true}"#,
            r#"{"ENABLED": false, "id": "random"}"#,
            r#"{"enabled": true, "Enabled": false}"#,
            r#"{"\u0065nabled": true}"#,
            r#"{"id": "random", "more": {"enabled": false}}"#,
            r#"{"enabled": 1}"#,
            r#"{"enabled": true, "since_ms": "1790000000000"}"#,
            r#"{"enabled": true, "since_ms": -1}"#,
            r#"{"enabled": true, "since_ms": 99999999999999999999}"#,
            r#"{"id": "random", "since_ms": null}"#,
        ] {
            assert!(says(text).is_off(), "{text}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_link_to_what_is_away_is_no_consent_at_any_level() {
        let dir = tempfile::tempdir().unwrap();
        let (config, away) = (dir.path().join("config"), dir.path().join("away"));
        let read = || Saved::read(Some(&config.join("pact-telemetry/choice.json"))).choice;
        assert_eq!(read(), SavedChoice::None);
        std::os::unix::fs::symlink(&away, &config).unwrap();
        assert!(read().is_off(), "the folder above");
        std::fs::create_dir(&away).unwrap();
        assert_eq!(read(), SavedChoice::None, "it is there, and empty");
        std::os::unix::fs::symlink(dir.path().join("gone"), away.join("pact-telemetry")).unwrap();
        assert!(read().is_off(), "the folder");
        std::fs::remove_file(away.join("pact-telemetry")).unwrap();
        std::fs::create_dir(away.join("pact-telemetry")).unwrap();
        std::os::unix::fs::symlink("gone", away.join("pact-telemetry/choice.json")).unwrap();
        assert!(read().is_off(), "the file");
    }

    #[test]
    fn an_identifier_can_be_chosen_with_and_without_a_choice_of_sending() {
        let saved = |text: &str| Saved::parse(text.as_bytes());
        assert_eq!(saved(r#"{"id": "random"}"#), Saved { choice: SavedChoice::None, random_id: true, since_ms: 0 });
        assert_eq!(
            saved(r#"{"enabled": true, "id": "random"}"#),
            Saved { choice: SavedChoice::On, random_id: true, since_ms: 0 }
        );
        assert_eq!(saved(r#"{"enabled": false, "id": "hostname"}"#), SavedChoice::Off.into());
        assert!(saved(r#"{"enabled": "no", "id": "random"}"#).choice.is_off());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_path_of_the_administrators_choice_cannot_be_moved() {
        assert_eq!(system_choice_path().as_deref(), Some(Path::new("/etc/pact-telemetry/choice.json")));
    }

    #[test]
    fn only_a_file_that_is_not_there_is_no_choice() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("choice.json");
        assert_eq!(Saved::read(None).choice, SavedChoice::None);
        assert_eq!(Saved::read(Some(&path)).choice, SavedChoice::None);
        assert_eq!(Saved::read(Some(&path.join("below"))).choice, SavedChoice::None);
        std::fs::write(&path, r#"{"enabled": true}"#).unwrap();
        assert_eq!(Saved::read(Some(&path)).choice, SavedChoice::On);
        // There is a file where a folder should be: something exists, and it is not a choice.
        let is_unreadable = |path: &Path| matches!(Saved::read(Some(path)).choice, SavedChoice::Unreadable(_));
        assert!(is_unreadable(&path.join("below")) && is_unreadable(dir.path()), "a folder in its place");
    }

    #[test]
    #[cfg(unix)]
    fn a_fifo_in_its_place_does_not_hang_the_host() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("choice.json");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(Saved::read(Some(&path)).choice.is_off());
    }

    #[test]
    fn a_choice_that_is_too_long_to_be_read_whole_means_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("choice.json");
        let padded = |length: usize| format!("{:<length$}", r#"{"enabled": true}"#);
        std::fs::write(&path, padded(4096)).unwrap();
        assert_eq!(Saved::read(Some(&path)).choice, SavedChoice::On);
        for rest in ["", "\n", r#"{"enabled": false}"#] {
            std::fs::write(&path, padded(4097) + rest).unwrap();
            assert!(Saved::read(Some(&path)).choice.is_off(), "{rest}");
        }
    }

    #[test]
    fn an_administrators_on_is_no_opinion() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("choice.json");
        std::fs::write(&path, r#"{"enabled": true}"#).unwrap();
        assert_eq!(ChoiceFiles { user: None, system: Some(path.clone()) }.read().system, SavedChoice::None);
        std::fs::write(&path, r#"{"enabled": false}"#).unwrap();
        let choices = ChoiceFiles { user: None, system: Some(path) }.read();
        assert_eq!(choices.off_by(), Some("system choice"));
    }

    #[test]
    fn explanations_name_every_rule_with_what_it_read() {
        let variables = [None, Some("off"), Some("TRUE")];
        let written =
            |rule: &Rule| -> Value { serde_json::from_str(&Object::text(|object| rule.write(object))).unwrap() };
        let rules = readings(true, variables, SavedChoice::On, SavedChoice::Off).rules();
        let said: Vec<_> = rules.iter().map(|rule| rule.says.name()).collect();
        let all: Vec<Value> = rules.iter().map(written).collect();
        assert_eq!(said, ["on", "no opinion", "no opinion", "off", "on", "off"]);
        assert_eq!(all[0], json!({"rule": "host", "read": true, "says": "on"}));
        let off = readings(false, variables, SavedChoice::On, SavedChoice::Off).rules();
        assert_eq!(written(&off[0]), json!({"rule": "host", "read": false, "says": "off"}));
        assert_eq!(all[3], json!({"rule": "DO_NOT_TRACK", "read": "TRUE", "says": "off"}));
        assert_eq!(all[5], json!({"rule": "system choice", "read": "off", "says": "off", "path": null}));
    }
}
