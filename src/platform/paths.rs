//! Where this system keeps what belongs to a person. Pure: the environment is given, nothing is opened here.

use std::ffi::OsString;
use std::path::PathBuf;

/// The folder of this product under the person's configuration, or `None` where the person has no home.
///
/// Unix: the XDG Base Directory Specification; a relative `XDG_CONFIG_HOME` is invalid there and is passed over.
#[cfg(all(unix, not(target_vendor = "apple")))]
pub fn user_config_dir(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(base.join("pact-telemetry"))
}

/// The folder of this product under the person's configuration, or `None` where the person has no home.
#[cfg(target_vendor = "apple")]
pub fn user_config_dir(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let home = variable("HOME").map(PathBuf::from).filter(|path| path.is_absolute())?;
    Some(home.join("Library/Application Support/pact-telemetry"))
}

/// The folder of this product under the person's configuration, or `None` where the person has no profile.
#[cfg(windows)]
pub fn user_config_dir(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let base = variable("APPDATA").map(PathBuf::from).filter(|path| path.is_absolute())?;
    Some(base.join("pact-telemetry"))
}

/// The folder of this product under the machine's configuration. Fixed: no variable may lead past an administrator.
pub fn system_config_dir() -> Option<PathBuf> {
    if cfg!(target_vendor = "apple") {
        Some("/Library/Application Support/pact-telemetry".into())
    } else if cfg!(windows) {
        Some(r"C:\ProgramData\pact-telemetry".into())
    } else {
        Some("/etc/pact-telemetry".into())
    }
}

/// The folder of this product's state: what waits for another attempt. `None` where the person has no home.
///
/// Unix: `XDG_STATE_HOME` of the XDG Base Directory Specification.
#[cfg(all(unix, not(target_vendor = "apple")))]
pub fn user_state_dir(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(base.join("pact-telemetry"))
}

/// The folder of this product's state, or `None` where the person has no home.
#[cfg(target_vendor = "apple")]
pub fn user_state_dir(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    user_config_dir(variable)
}

/// The folder of this product's state, or `None` where the person has no profile.
#[cfg(windows)]
pub fn user_state_dir(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let base = variable("LOCALAPPDATA").map(PathBuf::from).filter(|path| path.is_absolute())?;
    Some(base.join("pact-telemetry"))
}

/// Opens a file for reading without ever waiting for it: a FIFO in its place must not hang the host.
pub fn open_without_waiting(path: &std::path::Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    options.open(path)
}
