//! The kinds of files in a spool folder, by their names. The names are made and recognised here and nowhere else.

use super::BatchName;

/// The extension of a file that was set aside because it could not be read.
pub(super) const TORN: &str = "torn";
/// The extension of a file that is being written; its name begins with a dot.
pub(super) const NEW: &str = "new";

/// A file of a spool folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SpoolFile {
    /// A batch that waits.
    Batch(BatchName),
    /// What is known about a destination, as `Health` writes it.
    Retry {
        /// 32 hexadecimal digits.
        destination: String,
    },
    /// A file that was set aside because it could not be read.
    SetAside,
    /// A lock, a mark, or a half-written file.
    Other,
}

/// The extensions of the marks that a destination may have beside its batches.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mark {
    Lock,
    Takeover,
    Want,
    Retry,
    Waiting,
}

impl Mark {
    const ALL: [Mark; 5] = [Mark::Lock, Mark::Takeover, Mark::Want, Mark::Retry, Mark::Waiting];

    /// The extension of the file.
    pub const fn extension(self) -> &'static str {
        match self {
            Mark::Lock => "lock",
            Mark::Takeover => "takeover",
            Mark::Want => "want",
            Mark::Retry => "retry",
            Mark::Waiting => "waiting",
        }
    }

    /// The name of its file.
    pub fn name(self, destination: &str) -> String {
        [destination, ".", self.extension()].concat()
    }
}

impl SpoolFile {
    /// `None` for a file that this library does not make.
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(batch) = BatchName::parse(name) {
            return Some(SpoolFile::Batch(batch));
        }
        let is_hidden = name.starts_with('.');
        let (destination, rest) = name.strip_prefix('.').unwrap_or(name).split_at_checked(32)?;
        let (_, extension) = rest.rsplit_once('.')?;
        if !destination.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        if is_hidden {
            return (extension == NEW).then_some(SpoolFile::Other);
        }
        if extension == TORN {
            return Some(SpoolFile::SetAside);
        }
        let mark = Mark::ALL.into_iter().find(|mark| rest == [".", mark.extension()].concat())?;
        Some(match mark {
            Mark::Retry => SpoolFile::Retry { destination: destination.into() },
            _ => SpoolFile::Other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DESTINATION: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn the_files_of_the_spool_are_told_from_all_others() {
        let parsed = |rest: &str| SpoolFile::parse(&format!("{DESTINATION}{rest}"));
        assert!(matches!(parsed("-1800000000000-00ff-1.batch"), Some(SpoolFile::Batch(_))));
        assert_eq!(parsed(".retry"), Some(SpoolFile::Retry { destination: DESTINATION.into() }));
        assert_eq!(parsed("-1800000000000-00ff-1.torn"), Some(SpoolFile::SetAside));
        for mark in Mark::ALL {
            assert!(SpoolFile::parse(&mark.name(DESTINATION)).is_some(), "{mark:?}");
        }
        assert_eq!(SpoolFile::parse(&format!(".{DESTINATION}.retry.00ff.new")), Some(SpoolFile::Other));
        for name in ["", "cron", "id", "mail.lock", "0123.lock", DESTINATION, ".x.new", "cron-1-a-1.torn"] {
            assert_eq!(SpoolFile::parse(name), None, "{name}");
        }
        for rest in [".lock.bak", ".txt", "-1.batch", ".new"] {
            assert_eq!(parsed(rest), None, "{rest}");
        }
    }
}
