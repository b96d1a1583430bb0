//! Removes what a person's programs keep in a state folder: waiting events, the log and the random identifier. In any
//! folder it removes only files that the library makes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pact_telemetry::internal::{self, IDENTIFIER_FILE, LEDGER_FILE, OLDER_LEDGER_FILE, SPOOL_FOLDER, is_half_written};

use crate::waiting;

/// The files of the state folder itself. The record of the notice is kept, because the notice was still shown.
const KEPT_THERE: [&str; 3] = [LEDGER_FILE, OLDER_LEDGER_FILE, IDENTIFIER_FILE];

/// Removes all of them, and goes on if one file cannot be removed. Returns the number of removed files.
///
/// # Errors
/// Names the files that are still there.
pub fn everything(folders: &[PathBuf]) -> Result<usize, String> {
    let mut removed = 0;
    let mut left = Vec::new();
    for folder in folders {
        let spool = folder.join(SPOOL_FOLDER);
        let waiting = waiting::files(&spool).unwrap_or_else(|error| {
            left.push(format!("{}: {error}", spool.display()));
            Vec::new()
        });
        let own = KEPT_THERE.map(str::to_owned).into_iter().chain(half_written(folder));
        let paths = waiting.iter().map(|(name, _)| spool.join(name)).chain(own.map(|name| folder.join(name)));
        for path in paths {
            match remove(&path) {
                Ok(true) => removed += 1,
                Ok(false) => {}
                Err(error) => left.push(format!("{}: {error}", path.display())),
            }
        }
        let _ = fs::remove_dir(spool); // fails if something else is in it
    }
    if left.is_empty() { Ok(removed) } else { Err(left.join("; ")) }
}

/// Identifiers that a killed program left half written.
fn half_written(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| is_half_written(name, IDENTIFIER_FILE)).collect()
}

/// Removes a file; `false` if it does not exist.
///
/// # Errors
/// As the system says.
pub fn remove(path: &Path) -> io::Result<bool> {
    match internal::remove(path) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
        Err(error) => Err(error),
    }
}
