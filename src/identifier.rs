//! The random identifier that replaces the digest of the hostname if the person or the host program asked for it. It is
//! the file `id` in the state folder, mode 0600, with 32 hexadecimal digits. After it was removed
//! (`pact-telemetry reset-id`), the next request makes a new one.

use crate::platform::files::{Private, put_in_place};
use std::hash::BuildHasher;
use std::path::Path;

/// The name of the file in the state folder.
pub const FILE: &str = "id";

/// The identifier in this folder, if there is one.
pub fn kept(folder: &Path) -> Option<[u8; 16]> {
    let text = Private::open(&folder.join(FILE)).and_then(|mut file| file.read(64)).ok()?;
    let text = std::str::from_utf8(&text).ok()?.trim_ascii();
    let is_whole = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_whole.then(|| u128::from_str_radix(text, 16).ok())?.map(u128::to_be_bytes)
}

/// The identifier in this folder. Makes and saves one if there is none.
pub fn kept_or_new(folder: &Path) -> [u8; 16] {
    kept(folder).unwrap_or_else(|| {
        let new = random();
        let text = format!("{:032x}\n", u128::from_be_bytes(new));
        let _ = put_in_place(&folder.join(FILE), &text[..16], text.as_bytes());
        kept(folder).unwrap_or(new) // another process may have replaced it
    })
}

/// A new identifier.
pub fn random() -> [u8; 16] {
    // Each half is a keyed hash whose keys come from the system's random number generator.
    let half = || u128::from(std::hash::RandomState::new().hash_one(0));
    (half() << 64 | half()).to_be_bytes()
}
