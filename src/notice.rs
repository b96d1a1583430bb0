//! The one-time notice: what is collected, for whom, how to stop it, where to read more. Once a state folder, which is
//! once a person and machine, and before anything leaves from there. On a person's machine nothing leaves in the run that
//! saw it first either, so that there is time to say no.
//!
//! `notice.json` in the state folder says when it was shown; whoever shows it holds that file's lock meanwhile.

use crate::config::NoticeBy;
use crate::json::{self, object};
use crate::platform::files::{is_passing, private_folder, Private};
use crate::platform::process::print_to_person;
use serde_json::Value;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What the person reads, at most five lines: what, to whom, how to stop it, where to read more.
pub fn text(endpoint: &str) -> String {
    let to = endpoint.split('/').nth(2).unwrap_or(endpoint);
    [
        "Pact collects anonymous usage data: which Pact library ran, its version, on which system, and how many tests; no\n\
         names, no addresses, nothing out of your pacts. It goes to ",
        to,
        ", for Pact's maintainers.\n\
         Nothing was sent yet: that begins with the next run, or in CI with this one. To stop it: pact-telemetry off, or set\n\
         PACT_DO_NOT_TRACK=true. All that is sent, and how to see it:\n",
        env!("CARGO_PKG_REPOSITORY"),
        "/blob/main/docs/privacy.md\n",
    ]
    .concat()
}

/// The name of the file in the state folder.
const FILE: &str = "notice.json";
/// No such file is longer.
const FILE_MAX: u64 = 1_024;

/// May events leave?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// The notice was shown.
    Granted,
    /// Not in this run: it is the first one, or the host has not shown the notice yet.
    NotInThisRun,
    /// Another process shows it, or the system is short of something: ask again soon.
    NotYet,
    /// Nobody can remember here that it was shown, so it would be shown in every run, or in none.
    Never,
}

/// When this run began, in milliseconds since 1970; 0 before its first client. A forked child is of its parent's run.
static RUN_BEGAN_MS: AtomicU64 = AtomicU64::new(0);

/// This run began, unless it did before.
pub fn run_begins(now_ms: u64) {
    let _ = RUN_BEGAN_MS.compare_exchange(0, now_ms, Ordering::Relaxed, Ordering::Relaxed);
}

/// May events leave for there, whose state is in this folder? Shows the notice where it was not shown yet, if that is on us.
pub fn permission(state_folder: Option<&Path>, endpoint: &str, by: NoticeBy, is_ci: bool, now_ms: u64) -> Permission {
    let in_time = |shown_ms: u64| {
        let before = shown_ms < RUN_BEGAN_MS.load(Ordering::Relaxed);
        // In the future: before, by a clock that was set back since.
        if is_ci || before || shown_ms > now_ms {
            Permission::Granted
        } else {
            Permission::NotInThisRun
        }
    };
    let unkept = |error: io::Error| match () {
        () if is_passing(&error) => Permission::NotYet,
        () if is_ci => show_once_a_process(endpoint, by),
        () => Permission::Never,
    };
    let Some(folder) = state_folder else { return unkept(io::ErrorKind::NotFound.into()) };
    match shown_ms(folder) {
        Ok(Some(shown_ms)) => return in_time(shown_ms),
        Ok(None) if by == NoticeBy::HostProgram => return Permission::NotInThisRun,
        Ok(None) => {}
        Err(error) => return unkept(error),
    }
    let locked = private_folder(folder).and_then(|()| {
        let mut file = Private::open_or_create(&folder.join(FILE))?;
        Ok(file.try_lock()?.then_some(file))
    });
    let mut file = match locked {
        Ok(Some(file)) => file,
        Ok(None) => return Permission::NotYet,
        Err(error) => return unkept(error),
    };
    // Now that it is locked: another process may have shown it meanwhile.
    if let Ok(Some(shown_ms)) = shown_ms(folder) {
        return in_time(shown_ms);
    }
    if by == NoticeBy::Stderr && !print_to_person(&text(endpoint)) {
        return if is_ci { Permission::Granted } else { Permission::NotInThisRun };
    }
    let note = json::text(&object(vec![("shown_ms", now_ms.into())]));
    match file.cut(0).and_then(|()| file.write(note.as_bytes())) {
        Ok(()) => in_time(now_ms),
        Err(error) => unkept(error),
    }
}

/// On a CI machine, whose disk says no: as often as there are processes.
fn show_once_a_process(endpoint: &str, by: NoticeBy) -> Permission {
    static SHOWN: AtomicBool = AtomicBool::new(false);
    match by {
        NoticeBy::HostProgram => return Permission::NotInThisRun,
        NoticeBy::Stderr if !SHOWN.swap(true, Ordering::Relaxed) => drop(print_to_person(&text(endpoint))),
        _ => {}
    }
    Permission::Granted
}

/// When it was shown, in milliseconds since 1970; `None` where it was not, or the file does not say.
fn shown_ms(folder: &Path) -> io::Result<Option<u64>> {
    let text = match Private::open(&folder.join(FILE)).and_then(|mut file| file.read(FILE_MAX)) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound) => return Ok(None),
        Err(error) => return Err(error),
    };
    let value: Option<Value> = serde_json::from_slice(&text).ok();
    Ok(value.and_then(|value| value.get("shown_ms")?.as_u64()))
}

/// For who wants to show it, or to know: whether it was shown, and the text.
pub fn explain(state_folder: Option<&Path>, endpoint: &str) -> Value {
    let shown = state_folder.and_then(|folder| shown_ms(folder).ok().flatten());
    object(vec![("shown_ms", shown.into()), ("text", text(endpoint).into())])
}
