//! The file of a choice: read, changed, and replaced as a whole. Handles JSON and files; the library decides what a
//! choice means.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use pact_telemetry::internal::{doubt_about_choice, rename};
use serde_json::{Map, Value};
use tempfile::Builder;

use crate::places;

/// The most that is read of such a file. A choice has about forty bytes.
const LIMIT: u64 = 4096;

/// Whose choice it is, which decides who may read it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// This person's: only they may read it.
    User,
    /// The machine's: everybody must be able to read it.
    System,
}

/// A file that the library does not take for a choice, and which counts as off.
pub struct Doubt {
    /// Why.
    pub why: String,
    /// What stays when a new choice is saved: the kind of identifier. Another key may be the reason for the doubt.
    pub kept: Map<String, Value>,
}

/// The content of a file; empty if there is none.
///
/// # Errors
/// The library does not take it for a choice.
pub fn read(path: &Path) -> Result<Map<String, Value>, Doubt> {
    let bytes = match places::read(path, LIMIT) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(Map::new()),
        Err(error) => return Err(Doubt { why: error.to_string(), kept: Map::new() }),
    };
    let mut map: Map<String, Value> = serde_json::from_slice(&bytes).unwrap_or_default();
    let Some(why) = doubt_about_choice(&bytes) else { return Ok(map) };
    map.retain(|key, value| key == "id" && (value == "random" || value == "hostname"));
    Err(Doubt { why, kept: map })
}

/// Changes the choice and keeps its other keys. `change` gets the current content, and may refuse with a reason.
///
/// # Errors
/// A sentence for the person. Then the file is unchanged.
pub fn change<F>(path: &Path, whose: Whose, change: F) -> Result<(), String>
where
    F: FnOnce(Result<Map<String, Value>, Doubt>) -> Result<Map<String, Value>, String>,
{
    // Links are followed, because some people keep their settings elsewhere.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().ok_or("the choice has no folder")?;
    let failed = |error: io::Error| {
        let _ = fs::remove_dir(folder); // succeeds only if it is empty, so it was made just now
        cannot_save(path, whose, &error)
    };
    make_folder(folder, whose).map_err(failed)?;
    let _lock = lock(folder);
    let map = change(read(&target))?;
    let text = Value::Object(map).to_string() + "\n";
    put(&target, folder, whose, &text).map_err(failed)
}

/// Removes a choice; `false` if there was none.
///
/// # Errors
/// A sentence for the person.
pub fn remove(path: &Path) -> Result<bool, String> {
    match fs::remove_file(path) {
        Ok(()) => {
            let _ = path.parent().map(fs::remove_dir); // succeeds only if it is empty
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(format!("cannot remove {}: {error}{}", path.display(), advice(Whose::System, &error))),
    }
}

fn put(target: &Path, folder: &Path, whose: Whose, text: &str) -> io::Result<()> {
    let mut new = Builder::new().prefix(".choice").suffix(".new").tempfile_in(folder)?; // 0600
    new.write_all(text.as_bytes())?;
    permit(new.path(), whose)?;
    new.as_file().sync_all()?;
    // Not by tempfile, which on Windows cannot replace a file that a running program has open, even if that shares it.
    rename(&new.into_temp_path(), target)
}

fn cannot_save(path: &Path, whose: Whose, error: &io::Error) -> String {
    format!("cannot save the choice in {}: {error}. Nothing was changed{}", path.display(), advice(whose, error))
}

const ADMINISTRATOR: &str = if cfg!(windows) {
    ". Only an administrator may do that: try it in a terminal that was started as administrator"
} else {
    ". Only an administrator may do that: try it with sudo"
};

fn advice(whose: Whose, error: &io::Error) -> &'static str {
    match whose {
        Whose::System if error.kind() == io::ErrorKind::PermissionDenied => ADMINISTRATOR,
        Whose::System => "",
        Whose::User => ". Without a file, PACT_DO_NOT_TRACK=1 in the environment opts out",
    }
}

#[cfg(unix)]
fn make_folder(folder: &Path, whose: Whose) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
    let mode = match whose {
        Whose::User => 0o700,
        Whose::System => 0o755,
    };
    if folder.is_dir() {
        return Ok(()); // an existing folder keeps its mode
    }
    let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
    if home.is_some_and(|home| folder.starts_with(&home) && !home.is_dir()) {
        return Err(io::Error::new(io::ErrorKind::NotFound, "the home folder is not there"));
    }
    fs::DirBuilder::new().recursive(true).mode(mode).create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn make_folder(folder: &Path, _whose: Whose) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(unix)]
fn permit(path: &Path, whose: Whose) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    match whose {
        Whose::User => Ok(()),
        Whose::System => fs::set_permissions(path, fs::Permissions::from_mode(0o644)),
    }
}

#[cfg(not(unix))]
fn permit(_path: &Path, _whose: Whose) -> io::Result<()> {
    Ok(())
}

/// A lock that is held while a choice is read and written, so that two commands at once do not undo each other's
/// change. If the folder cannot be locked, there is no lock.
fn lock(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    folder.lock().ok()?;
    Some(folder)
}
