//! Where the files of a person and of a machine are. Opens only small files for reading.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use pact_telemetry::internal::{paths, saved_choice_path, system_choice_path};

/// The variable that moves the state folder.
pub const STATE_DIR: &str = "PACT_TELEMETRY_STATE_DIR";

/// The file of the person's choice.
///
/// # Errors
/// A sentence for the person: there is no home to keep it in.
pub fn choice() -> Result<PathBuf, String> {
    saved_choice_path().ok_or_else(|| {
        "there is no home folder to keep your choice in. Set HOME, or opt out with PACT_DO_NOT_TRACK=1".to_owned()
    })
}

/// The file of the administrator's choice.
///
/// # Errors
/// A sentence for the person: this system has no place for it.
pub fn system_choice() -> Result<PathBuf, String> {
    system_choice_path().ok_or_else(|| "this system has no place for an administrator's choice".to_owned())
}

/// The state folder that a program in this environment uses; `None` if there is no home folder.
pub fn state() -> Option<PathBuf> {
    state_folders(|name| std::env::var_os(name)).into_iter().next()
}

/// All state folders that this person's programs may use: that of this environment, then the usual one.
pub fn state_folders(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let given = variable(STATE_DIR).map(PathBuf::from).filter(|path| path.is_absolute());
    let mut folders: Vec<PathBuf> = given.into_iter().chain(paths::user_state_dir(&variable)).collect();
    folders.dedup();
    folders
}

/// Reads a regular file of at most `limit` bytes; `None` if it does not exist.
///
/// # Errors
/// Says why it cannot be read. Anything but a regular file is an error, so that nothing is waited for.
pub fn read(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match paths::open_without_waiting(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        file => file?,
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::other(format!("larger than {limit} bytes")));
    }
    Ok(Some(bytes))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn both_state_folders_are_known_and_a_relative_one_is_none() {
        let folders = |given: &'static str| {
            state_folders(move |name| match name {
                STATE_DIR => Some(given.into()),
                "HOME" => Some("/home/ann".into()),
                _ => None,
            })
        };
        assert_eq!(folders("/tmp/x").len(), 2);
        assert_eq!(folders("/tmp/x").first(), Some(&PathBuf::from("/tmp/x")));
        assert_eq!(folders("x").len(), 1);
        assert_eq!(folders(""), folders("x"));
    }
}
