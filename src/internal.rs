//! What `pact-telemetry`, the command of this project, shares with the library: the names and formats of the files on
//! disk, how they are removed and replaced, and the list of the fields. For nothing else, since all of it may change
//! with each version.

use crate::consent::{Saved, SavedChoice};
pub use crate::consent::{saved_choice_path, system_choice_path};
pub use crate::identifier::FILE as IDENTIFIER_FILE;
pub use crate::ledger::{FILE as LEDGER_FILE, OLDER as OLDER_LEDGER_FILE};
pub use crate::platform::files::{remove, rename};
pub use crate::platform::paths;
pub use crate::protocol::fields::{FIELDS, FieldRow, Ga4Place, OtlpPlace};
pub use crate::retry::{Backoff, Health};
pub use crate::spool::{BatchName, FOLDER as SPOOL_FOLDER, SpoolFile};
pub use crate::transport::headers;

/// Why the library does not take this text for a choice, so that it counts as off; `None` if it does.
pub fn doubt_about_choice(text: &[u8]) -> Option<String> {
    match Saved::parse(text).choice {
        SavedChoice::Unreadable(why) => Some(why),
        _ => None,
    }
}

/// How many events a batch holds; 0 for one that this version cannot read.
pub fn events_in(batch: &[u8]) -> usize {
    crate::record::from_text(batch).map_or(0, |(_, records, _)| records.len())
}

/// Is that the name of a file of the state folder which a process had not put in place when it was killed?
pub fn is_half_written(name: &str, file: &str) -> bool {
    let rest = name.strip_prefix('.').and_then(|name| name.strip_prefix(file));
    rest.is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".new"))
}
