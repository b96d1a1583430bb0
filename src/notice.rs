//! The notice: what is collected, for whom, how to stop it, where to read more. It is shown before anything leaves from
//! a state folder, which a person has once a machine. It leaves time to say no: on a person's machine nothing leaves
//! for an hour after the notice was seen on a terminal, or for a day where it is not known whether it was seen; until
//! then it is shown again, at most once an hour. In CI, which no person watches, it is shown once and events go at
//! once.
//!
//! `notice.json` in the state folder says when it was shown. Its lock is held while that file is read and written,
//! never while the notice is printed. `notice.clock` beside it says by which clock: moments of the note are counted by
//! the time since the machine booted, which nobody can set, so that a clock that is set ahead or back in between
//! neither ends the hold early nor prolongs it. After another boot only the wall clock can tell.

use crate::config::NoticeBy;
use crate::json::Object;
use crate::platform::clock::{Uptime, unix_millis, uptime};
use crate::platform::files::{Private, is_passing, put_in_place};
use crate::platform::folders::private_folder;
use crate::platform::terminal::{Told, tell};
use crate::protocol::server_of;
use serde_json::Value;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The hold after the notice was seen on a terminal, in milliseconds.
const HOLD_SEEN_MS: u64 = 60 * 60 * 1_000;
/// The hold after it was written where it may never be read, in milliseconds.
const HOLD_UNSEEN_MS: u64 = 24 * HOLD_SEEN_MS;
/// If it was not seen, it is shown again after this time.
const SHOW_AGAIN_MS: u64 = 60 * 60 * 1_000;

/// How long the lock of the note is waited for, and how often it is asked for.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_POLL: Duration = Duration::from_millis(1);

/// What the person reads, five lines of 80 columns, unless the host is longer than Google's: what, to whom and when,
/// how to stop it, where to read more.
pub fn text(endpoint: &str) -> String {
    let to = server_of(endpoint).unwrap_or(endpoint);
    [
        "Pact collects anonymous usage data: which Pact library ran, its version, the\n\
         system, and how many tests; no names, no addresses, nothing out of your pacts.\n\
         It goes to Pact's maintainers (",
        to,
        ") in an hour or later,\n\
         in CI now. To stop it: pact-telemetry off, or set PACT_DO_NOT_TRACK=true. More:\n",
        env!("CARGO_PKG_REPOSITORY"),
        "/blob/main/docs/privacy.md\n",
    ]
    .concat()
}

/// The name of the file in the state folder.
pub const FILE: &str = "notice.json";
/// The name of the file that says by which clock its moments are.
const CLOCK_FILE: &str = "notice.clock";
/// The largest such file in bytes.
const FILE_MAX: u64 = 1_024;

/// Whether events may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// The notice was shown and the hold is over, the person said yes, or this is CI.
    Granted,
    /// Not before this moment, in milliseconds since 1970, as far as is known now.
    Held {
        /// `u64::MAX` if the host program has to show the notice first.
        until_ms: u64,
    },
    /// The system lacks a resource: check again soon.
    NotYet,
    /// It cannot be remembered here that the notice was shown, so it would be shown in every run, or in none.
    Never,
}

/// Who asks for permission.
pub struct Ask<'a> {
    /// Where it is remembered.
    pub state_folder: Option<&'a Path>,
    /// Where events would go.
    pub endpoint: &'a str,
    /// Who shows the notice.
    pub by: NoticeBy,
    /// On a machine of continuous integration.
    pub is_ci: bool,
    /// The person turned it on, or says to have seen the notice.
    pub has_said_yes: bool,
    /// Now, by the wall clock, in milliseconds since 1970.
    pub now_ms: u64,
}

/// The clock of the note: the wall clock as it was when this boot of the machine was first seen, and from there on the
/// time since the boot.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Clock {
    /// Of which boot; empty for none.
    boot: String,
    /// When that was by the wall clock, in milliseconds since 1970.
    began_ms: u64,
}

impl Clock {
    fn from_text(text: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(text).unwrap_or_default();
        let boot = value.get("boot").and_then(Value::as_str).unwrap_or_default().to_owned();
        Clock { boot, began_ms: value.get("began_ms").and_then(Value::as_u64).unwrap_or(0) }
    }

    fn to_text(&self) -> String {
        Object::text(|object| {
            object.number("began_ms", self.began_ms);
            object.string("boot", &self.boot);
        })
    }

    fn read(folder: &Path) -> Self {
        let text = Private::open(&folder.join(CLOCK_FILE)).and_then(|mut file| file.read(FILE_MAX));
        text.map(|text| Clock::from_text(&text)).unwrap_or_default()
    }

    fn is_of(&self, uptime: &Uptime) -> bool {
        self.boot == uptime.boot
    }

    /// Now, in milliseconds since 1970: by the wall clock where this is another boot, or it is not known which.
    fn now_ms(&self, uptime: Option<&Uptime>, wall_ms: u64) -> u64 {
        uptime.filter(|uptime| self.is_of(uptime)).map_or(wall_ms, |up| self.began_ms.saturating_add(up.lasted_ms))
    }

    /// Notes the clock of this boot, unless it is noted already. If that fails, the wall clock is used.
    fn note_down(folder: &Path, uptime: Option<&Uptime>, wall_ms: u64) {
        if let Some(uptime) = uptime.filter(|uptime| !Clock::read(folder).is_of(uptime)) {
            let clock = Clock { boot: uptime.boot.clone(), began_ms: wall_ms.saturating_sub(uptime.lasted_ms) };
            let writer = format!("{:016x}", RandomState::new().hash_one(wall_ms));
            let _ = put_in_place(&folder.join(CLOCK_FILE), &writer, clock.to_text().as_bytes());
        }
    }
}

/// Converts a moment from one clock to another one, given the current time of both.
fn by_other_clock(moment_ms: u64, now_ms: u64, others_now_ms: u64) -> u64 {
    moment_ms.saturating_add(others_now_ms).saturating_sub(now_ms)
}

/// What `notice.json` says, in milliseconds since 1970; 0 for never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Note {
    /// When it was first written anywhere.
    shown_ms: u64,
    /// When it was first seen on a terminal, or the host program said that it had shown it.
    seen_ms: u64,
    /// When a process last tried to show it.
    tried_ms: u64,
}

impl Note {
    fn from_text(text: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(text).unwrap_or_default();
        let number = |key| value.get(key).and_then(Value::as_u64).unwrap_or(0);
        Note { shown_ms: number("shown_ms"), seen_ms: number("seen_ms"), tried_ms: number("tried_ms") }
    }

    fn to_text(self) -> String {
        let Note { shown_ms, seen_ms, tried_ms } = self;
        Object::text(|object| {
            object.number("seen_ms", seen_ms);
            object.number("shown_ms", shown_ms);
            object.number("tried_ms", tried_ms);
        })
    }

    /// Moments in the future come from a clock that was set back since. They count as now, so that the hold neither
    /// ends early nor lasts for ever.
    fn by_clock(self, now_ms: u64) -> Self {
        Note {
            shown_ms: self.shown_ms.min(now_ms),
            seen_ms: self.seen_ms.min(now_ms),
            tried_ms: self.tried_ms.min(now_ms),
        }
    }

    fn is_shown(&self) -> bool {
        self.shown_ms > 0 || self.seen_ms > 0
    }

    /// Until when the hold lasts; `None` if the notice was not shown yet.
    fn hold_until_ms(&self) -> Option<u64> {
        let after = |moment: u64, hold: u64| (moment > 0).then(|| moment.saturating_add(hold));
        let ends = [after(self.shown_ms, HOLD_UNSEEN_MS), after(self.seen_ms, HOLD_SEEN_MS)];
        ends.into_iter().flatten().min()
    }

    /// Whether the notice is to be shown now.
    fn is_due(&self, is_ci: bool, now_ms: u64) -> bool {
        let is_over = self.hold_until_ms().is_some_and(|until_ms| now_ms >= until_ms);
        let is_settled = is_over || self.seen_ms > 0 || (is_ci && self.is_shown());
        !is_settled && now_ms >= self.tried_ms.saturating_add(if self.tried_ms > 0 { SHOW_AGAIN_MS } else { 0 })
    }

    fn permission(&self, is_ci: bool, now_ms: u64) -> Permission {
        match self.hold_until_ms() {
            _ if is_ci => Permission::Granted,
            Some(until_ms) if now_ms >= until_ms => Permission::Granted,
            Some(until_ms) => Permission::Held { until_ms },
            None => Permission::Held { until_ms: now_ms.saturating_add(HOLD_SEEN_MS) },
        }
    }
}

/// May events leave? Shows the notice where it was not shown yet, if that is up to this library.
pub fn permission(ask: &Ask<'_>) -> Permission {
    if ask.has_said_yes {
        return Permission::Granted;
    }
    match ask.state_folder.ok_or_else(|| io::ErrorKind::NotFound.into()).and_then(|folder| permission_in(ask, folder)) {
        Ok(permission) => permission,
        Err(error) if is_passing(&error) => Permission::NotYet,
        Err(_) if ask.is_ci => show_once_a_process(ask),
        Err(_) => Permission::Never,
    }
}

/// When this process found nowhere to write the notice, in milliseconds since 1970; 0 for never.
static NOWHERE_MS: AtomicU64 = AtomicU64::new(0);

fn had_nowhere_lately(now_ms: u64) -> bool {
    let nowhere_ms = NOWHERE_MS.load(Ordering::Relaxed);
    nowhere_ms > 0 && now_ms.abs_diff(nowhere_ms) < SHOW_AGAIN_MS
}

fn permission_in(ask: &Ask<'_>, folder: &Path) -> io::Result<Permission> {
    let (wall_ms, uptime) = (ask.now_ms, uptime());
    let clock = Clock::read(folder);
    let now_ms = clock.now_ms(uptime.as_ref(), wall_ms);
    let permission = permission_by(ask, folder, now_ms)?;
    match permission {
        Permission::Held { until_ms } if until_ms != u64::MAX => {
            Clock::note_down(folder, uptime.as_ref(), wall_ms);
            Ok(Permission::Held { until_ms: by_other_clock(until_ms, now_ms, wall_ms) })
        }
        _ => Ok(permission),
    }
}

/// The same by the clock of the note.
fn permission_by(ask: &Ask<'_>, folder: &Path, now_ms: u64) -> io::Result<Permission> {
    let is_ci = ask.is_ci;
    let stored = read(folder)?;
    let note = stored.by_clock(now_ms);
    match ask.by {
        NoticeBy::HostProgram if !note.is_shown() => return Ok(Permission::Held { until_ms: u64::MAX }),
        NoticeBy::Shown if note.seen_ms == 0 => {
            let note = note_down(folder, &mut |note| Note { seen_ms: now_ms, ..note }, now_ms)?;
            return Ok(note.permission(is_ci, now_ms));
        }
        NoticeBy::Stderr if note.is_due(is_ci, now_ms) && !had_nowhere_lately(now_ms) => {
            // The process that notes this first shows the notice.
            let mut is_first = false;
            note_down(
                folder,
                &mut |note| {
                    is_first = note.is_due(is_ci, now_ms);
                    Note { tried_ms: now_ms, ..note }
                },
                now_ms,
            )?;
            if is_first {
                let told = tell(&text(ask.endpoint));
                if told == Told::Nobody {
                    NOWHERE_MS.store(now_ms, Ordering::Relaxed);
                }
                let note = note_down(folder, &mut |note| note.after(told, now_ms), now_ms)?;
                return Ok(note.permission(is_ci, now_ms));
            }
        }
        _ if note != stored => drop(note_down(folder, &mut |note| note, now_ms)?),
        _ => {}
    }
    Ok(note.permission(is_ci, now_ms))
}

impl Note {
    fn after(self, told: Told, now_ms: u64) -> Self {
        let first = |moment: u64| if moment == 0 { now_ms } else { moment };
        match told {
            Told::Seen => Note { shown_ms: first(self.shown_ms), seen_ms: first(self.seen_ms), ..self },
            Told::Written => Note { shown_ms: first(self.shown_ms), ..self },
            Told::Nobody => Note { tried_ms: 0, ..self }, // another process may be able to show it
        }
    }
}

/// Changes the note, under its lock. Another process holds that for a few system calls only, so it is waited for: what
/// is not noted would be forgotten, such as that the notice was shown. A process that was stopped while it held the
/// lock is not waited for any longer. On a background thread.
fn note_down(folder: &Path, change: &mut dyn FnMut(Note) -> Note, now_ms: u64) -> io::Result<Note> {
    private_folder(folder)?;
    let mut file = Private::open_or_create(&folder.join(FILE))?;
    let deadline = Instant::now() + LOCK_PATIENCE;
    while !file.try_lock()? && Instant::now() < deadline {
        std::thread::sleep(LOCK_POLL);
    }
    let note = change(read(folder)?.by_clock(now_ms));
    let text = note.to_text();
    // Written before it is cut, so that a process that reads it meanwhile finds a note.
    file.write(text.as_bytes())?;
    file.cut(text.len() as u64)?;
    Ok(note)
}

/// Shows the notice once per process, on a CI machine where that cannot be remembered.
fn show_once_a_process(ask: &Ask<'_>) -> Permission {
    static SHOWN: AtomicBool = AtomicBool::new(false);
    match ask.by {
        NoticeBy::HostProgram => return Permission::Held { until_ms: u64::MAX },
        NoticeBy::Stderr if !SHOWN.swap(true, Ordering::Relaxed) => drop(tell(&text(ask.endpoint))),
        _ => {}
    }
    Permission::Granted
}

fn read(folder: &Path) -> io::Result<Note> {
    match Private::open(&folder.join(FILE)).and_then(|mut file| file.read(FILE_MAX)) {
        Ok(text) => Ok(Note::from_text(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Note::default()),
        Err(error) => Err(error),
    }
}

/// What is known about the notice, for a host program that shows it and for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// When it was shown, in milliseconds since 1970; `None` if it was not.
    pub shown_ms: Option<u64>,
    /// Until when no event leaves, in milliseconds since 1970; `None` if the notice was not shown. May be in the past.
    pub hold_until_ms: Option<u64>,
    /// Its text: up to five lines, each ended by a newline.
    pub text: String,
}

impl Notice {
    /// Reads what the state folder holds about it.
    pub(crate) fn read(state_folder: Option<&Path>, endpoint: &str) -> Self {
        let wall_ms = unix_millis();
        let now_ms = state_folder.map_or(wall_ms, |folder| Clock::read(folder).now_ms(uptime().as_ref(), wall_ms));
        let note = state_folder.and_then(|folder| read(folder).ok()).unwrap_or_default().by_clock(now_ms);
        let shown_ms = [note.seen_ms, note.shown_ms].into_iter().find(|moment| *moment > 0);
        let by_wall = |moment: u64| by_other_clock(moment, now_ms, wall_ms);
        Notice {
            shown_ms: shown_ms.map(by_wall),
            hold_until_ms: note.hold_until_ms().map(by_wall),
            text: text(endpoint),
        }
    }

    pub(crate) fn write(&self, object: &mut Object<'_>) {
        object.number_or_null("hold_until_ms", self.hold_until_ms);
        object.number_or_null("shown_ms", self.shown_ms);
        object.string("text", &self.text);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot go on should stop
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000_000;

    /// `notice.json` in a folder of its own.
    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn the_text_fits_a_terminal_of_80_columns() {
        let text = text("https://www.google-analytics.com/mp/collect");
        assert!(text.lines().count() == 5 && text.lines().all(|line| line.len() < 80), "{text}");
    }

    #[test]
    fn what_many_note_at_once_is_all_noted() {
        let folder = folder();
        let count = || {
            for _ in 0..50 {
                note_down(folder.path(), &mut |note| Note { tried_ms: note.tried_ms + 1, ..note }, NOW).unwrap();
            }
        };
        std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(count))));
        assert_eq!(read(folder.path()).unwrap(), Note { tried_ms: 200, ..Note::default() });
    }

    #[test]
    fn a_process_that_was_stopped_while_it_noted_something_is_not_waited_for_in_vain() {
        let folder = folder();
        let mut stopped = Private::open_or_create(&folder.path().join(FILE)).unwrap();
        assert!(stopped.try_lock().unwrap());
        note_down(folder.path(), &mut |note| note.after(Told::Written, NOW), NOW).unwrap();
        assert_eq!(read(folder.path()).unwrap().shown_ms, NOW);
    }

    #[test]
    fn the_hold_lasts_an_hour_after_the_notice_was_seen_and_a_day_otherwise() {
        let unseen = Note::default().after(Told::Written, NOW);
        assert_eq!(
            unseen.permission(false, NOW + HOLD_UNSEEN_MS - 1),
            Permission::Held { until_ms: NOW + HOLD_UNSEEN_MS }
        );
        assert_eq!(unseen.permission(false, NOW + HOLD_UNSEEN_MS), Permission::Granted);
        let seen = unseen.after(Told::Seen, NOW + 5);
        assert_eq!(seen.permission(false, NOW + 5), Permission::Held { until_ms: NOW + 5 + HOLD_SEEN_MS });
        assert_eq!(seen.permission(false, NOW + 5 + HOLD_SEEN_MS), Permission::Granted);
        let late = unseen.after(Told::Seen, NOW + HOLD_UNSEEN_MS - 1);
        assert_eq!(late.permission(false, NOW + HOLD_UNSEEN_MS), Permission::Granted, "the earlier end counts");
        assert_eq!(Note::default().after(Told::Nobody, NOW).hold_until_ms(), None);
        assert_eq!(Note::default().permission(true, NOW), Permission::Granted, "in CI");
    }

    #[test]
    fn it_is_shown_again_at_most_hourly_until_it_was_seen() {
        assert!(Note::default().is_due(false, NOW) && Note::default().is_due(true, NOW));
        let tried = Note { tried_ms: NOW, shown_ms: NOW, seen_ms: 0 };
        assert!(!tried.is_due(false, NOW + SHOW_AGAIN_MS - 1) && tried.is_due(false, NOW + SHOW_AGAIN_MS));
        assert!(!tried.is_due(true, NOW + SHOW_AGAIN_MS), "once is enough in CI");
        assert!(!tried.is_due(false, NOW + HOLD_UNSEEN_MS), "the hold is over");
        assert!(!Note { seen_ms: NOW, ..tried }.is_due(false, NOW + 10 * SHOW_AGAIN_MS));
    }

    #[test]
    fn a_clock_that_was_set_back_ends_no_hold_early_and_none_lasts_for_ever() {
        let ahead = Note { shown_ms: NOW + 99 * HOLD_UNSEEN_MS, seen_ms: u64::MAX, tried_ms: u64::MAX };
        let note = ahead.by_clock(NOW);
        assert_eq!(note.permission(false, NOW), Permission::Held { until_ms: NOW + HOLD_SEEN_MS });
        assert_eq!(note.permission(false, NOW + HOLD_SEEN_MS), Permission::Granted);
    }

    #[test]
    fn a_clock_that_is_set_in_between_changes_no_hold_as_long_as_the_machine_is_up() {
        let folder = folder();
        let up = |boot: &str, lasted_ms| Some(Uptime { boot: boot.into(), lasted_ms });
        let now_ms = |uptime: Option<Uptime>, wall_ms| Clock::read(folder.path()).now_ms(uptime.as_ref(), wall_ms);
        assert_eq!(now_ms(up("a", 5_000), NOW), NOW, "nothing is noted");
        Clock::note_down(folder.path(), up("a", 5_000).as_ref(), NOW);
        for wall_ms in [0, NOW - HOLD_UNSEEN_MS, NOW + 7, NOW + HOLD_UNSEEN_MS, u64::MAX] {
            assert_eq!(now_ms(up("a", 5_007), wall_ms), NOW + 7);
            assert_eq!(now_ms(up("b", 1), wall_ms), wall_ms, "after another boot");
            assert_eq!(now_ms(None, wall_ms), wall_ms, "where that is not known");
        }
        Clock::note_down(folder.path(), up("a", 9_000).as_ref(), NOW + HOLD_SEEN_MS);
        assert_eq!(now_ms(up("a", 9_000), 0), NOW + 4_000, "the first look counts");
        Clock::note_down(folder.path(), up("b", 1_000).as_ref(), NOW);
        assert_eq!(now_ms(up("b", 1_001), 0), NOW + 1);
        assert_eq!(by_other_clock(NOW + 5, NOW, 100), 105);
        for text in ["", "{", "[]", "{\"boot\": 1, \"began_ms\": -1}"] {
            assert_eq!(Clock::from_text(text.as_bytes()), Clock::default(), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_no_note() {
        for text in ["", "{", "[]", "{\"shown_ms\": -1, \"seen_ms\": \"x\"}"] {
            assert_eq!(Note::from_text(text.as_bytes()), Note::default(), "{text:?}");
        }
        let note = Note { shown_ms: 1, seen_ms: 2, tried_ms: 3 };
        assert_eq!(Note::from_text(note.to_text().as_bytes()), note);
        assert_eq!(Note::from_text(b"{\"shown_ms\": 1000}").hold_until_ms(), Some(1_000 + HOLD_UNSEEN_MS));
    }

    #[test]
    #[cfg(windows)]
    fn while_a_scanner_has_the_note_the_answer_is_not_yet() {
        use std::os::windows::fs::OpenOptionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        let (state_folder, by) = (Some(folder.path()), NoticeBy::HostProgram);
        let ask = Ask { state_folder, endpoint: "http://localhost", by, is_ci: true, has_said_yes: false, now_ms: NOW };
        let scanner = std::fs::OpenOptions::new().write(true).create_new(true).share_mode(0).open(file).unwrap();
        assert_eq!(permission(&ask), Permission::NotYet);
        drop(scanner);
        assert_eq!(permission(&ask), Permission::Held { until_ms: u64::MAX });
    }
}
