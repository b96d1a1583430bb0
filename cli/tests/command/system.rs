//! Promises of `off --system`, also on read-only and full disks. The tests run in a mount namespace of their own, so
//! that nothing of this machine is touched.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::home::{Ended, Home, end, mode, say_loudly, write};

const COMMAND: &str = env!("CARGO_BIN_EXE_pact-telemetry");

/// Runs a script as root of a mount namespace. Returns `None`, and prints why, if this system allows none.
fn in_namespace(home: &Home, test: &str, script: &str) -> Option<Ended> {
    let unshare = |script: &str| {
        end(home.command("unshare").args(["--mount", "--map-root-user", "sh", "-ec", script]).env("P", COMMAND))
    };
    let probe =
        home.command("unshare").args(["--mount", "--map-root-user", "mount", "-t", "tmpfs", "x", "/mnt"]).output();
    if !probe.as_ref().is_ok_and(|output| output.status.success()) {
        let reason =
            probe.map_or_else(|error| error.to_string(), |out| String::from_utf8_lossy(&out.stderr).into_owned());
        say_loudly(&format!("NOT RUN: no mount namespace here ({}), so {test} was not checked", reason.trim()));
        return None;
    }
    Some(unshare(script))
}

/// The script with this folder in place of `/etc`.
fn with_etc(etc: &Path, script: &str) -> String {
    format!("mount --bind '{}' /etc; {script}", etc.display())
}

#[test]
fn an_administrators_off_is_undone_by_no_person_and_by_an_administrator() {
    let (home, etc) = (Home::new(), Home::new());
    let script = |script: &str| in_namespace(&home, "an administrator's choice", &with_etc(etc.path(), script));
    let Some(off) = script("umask 077; $P off --system") else { return };
    assert_eq!(off.good(), "Telemetry is off for everybody on this machine.\n");
    let choice = etc.path().join("pact-telemetry/choice.json");
    assert_eq!(fs::read_to_string(&choice).unwrap(), "{\"enabled\":false}\n");
    assert_eq!((mode(&choice), mode(choice.parent().unwrap())), (0o644, 0o755), "everybody can read it");

    let on = script("$P on").unwrap().good();
    assert!(on.starts_with("Your choice is saved, but telemetry stays off: an administrator"), "{on}");
    let status = script("$P status --json").unwrap().json();
    assert_eq!((&status["enabled"], &status["rule"]), (&json!(false), &json!("system choice")));
    let status = script("$P status").unwrap().good();
    assert!(status.starts_with("Telemetry is off: an administrator of this machine chose so (in /etc/"), "{status}");

    let on = script("$P on --system").unwrap().good();
    assert_eq!(on, "The administrator's choice is removed: telemetry is on.\n");
    assert_eq!(etc.files(), [""; 0]);
    assert_eq!(script("$P on --system").unwrap().good(), "There was no administrator's choice: telemetry is on.\n");
}

#[test]
fn what_cannot_be_written_is_said_and_the_previous_choice_stands() {
    let (home, etc) = (Home::new(), Home::new());
    home.save("{\"enabled\":true}");
    write(&home.state().join("id"), "x");
    let own = home.choice().parent().unwrap().display().to_string();
    let read_only = format!("mount --bind '{own}' '{own}'; mount -o remount,bind,ro '{own}'; $P off");
    let Some(refused) = in_namespace(&home, "a disk that says no", &read_only) else { return };
    let error = refused.failed();
    assert!(error.contains("Read-only") && error.contains("Nothing was changed"), "{error}");

    let full = format!(
        "mount -t tmpfs -o size=8k x '{own}'; cd '{own}'; echo '{{\"enabled\":true}}' > choice.json; \
         cat /dev/zero > filler 2>/dev/null || true; $P off >&2 && exit 9; ls -A; cat choice.json"
    );
    let full = in_namespace(&home, "a disk that says no", &full).unwrap();
    assert!(full.error.contains("No space left") && full.error.contains("Nothing was changed"), "{full:?}");
    assert_eq!(full.out, "choice.json\nfiller\n{\"enabled\":true}\n", "nothing half-done");

    let read_only = with_etc(etc.path(), "mount -o remount,bind,ro /etc; $P off --system");
    let error = in_namespace(&home, "a disk that says no", &read_only).unwrap().failed();
    assert!(error.contains("/etc/pact-telemetry/choice.json"), "{error}");
    assert_eq!(home.saved(), json!({"enabled": true}));
    assert!(home.state().join("id").exists(), "what could not be said removes nothing");
}
