//! The folders for a person's files on this system. The environment is an argument. Nothing is opened, except on
//! Windows.

use std::ffi::OsString;
use std::path::PathBuf;

/// The folder of this product in the person's configuration folder, or `None` if the person has no home folder.
///
/// Unix: the XDG Base Directory Specification; it says that a relative `XDG_CONFIG_HOME` is invalid, so that is
/// ignored.
#[cfg(all(unix, not(target_vendor = "apple")))]
pub fn user_config_dir(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(base.join("pact-telemetry"))
}

/// The folder of this product in the person's configuration folder, or `None` if the person has no home folder.
#[cfg(target_vendor = "apple")]
pub fn user_config_dir(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let home = variable("HOME").map(PathBuf::from).filter(|path| path.is_absolute())?;
    Some(home.join("Library/Application Support/pact-telemetry"))
}

/// The folder of this product in the person's configuration folder, or `None` if the person has no profile.
#[cfg(windows)]
pub fn user_config_dir(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let base = variable("APPDATA").map(PathBuf::from).filter(|path| path.is_absolute());
    Some(base.or_else(known_folders::roaming)?.join("pact-telemetry"))
}

/// The folder of this product in the machine's configuration folder. It is fixed, so that no variable can bypass an
/// administrator.
#[cfg(not(windows))]
pub fn system_config_dir() -> Option<PathBuf> {
    if cfg!(target_vendor = "apple") {
        Some("/Library/Application Support/pact-telemetry".into())
    } else {
        Some("/etc/pact-telemetry".into())
    }
}

/// The folder of this product in the machine's configuration folder. Windows itself names it, so that no variable can
/// bypass an administrator. `None` if it belongs to another user: any user may create a folder there, and a choice in
/// it would not be an administrator's.
#[cfg(windows)]
pub fn system_config_dir() -> Option<PathBuf> {
    let folder = known_folders::common()?.join("pact-telemetry");
    known_folders::is_an_administrators(&folder).then_some(folder)
}

/// The state folder of this product. `None` if the person has no home folder.
///
/// Unix: `XDG_STATE_HOME` of the XDG Base Directory Specification.
#[cfg(all(unix, not(target_vendor = "apple")))]
pub fn user_state_dir(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(base.join("pact-telemetry"))
}

/// The state folder of this product, or `None` if the person has no home folder.
#[cfg(target_vendor = "apple")]
pub fn user_state_dir(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    user_config_dir(variable)
}

/// The state folder of this product, or `None` if the person has no profile.
#[cfg(windows)]
pub fn user_state_dir(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let base = variable("LOCALAPPDATA").map(PathBuf::from).filter(|path| path.is_absolute());
    Some(base.or_else(known_folders::local)?.join("pact-telemetry"))
}

/// Opens a file for reading without waiting: a FIFO in its place must not make the host program hang.
pub fn open_without_waiting(path: &std::path::Path) -> std::io::Result<std::fs::File> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    }
    let opened = options.open(path);
    #[cfg(windows)]
    let opened = opened.map_err(|error| if is_below_a_file(path, &error) { not_a_directory() } else { error });
    opened
}

/// Whether there is a file where a folder should be. Windows reports that like a missing folder (ERROR_PATH_NOT_FOUND).
#[cfg(windows)]
fn is_below_a_file(path: &std::path::Path, error: &std::io::Error) -> bool {
    let there = || path.ancestors().skip(1).find_map(|above| std::fs::metadata(above).ok());
    error.kind() == std::io::ErrorKind::NotFound && there().is_some_and(|above| !above.is_dir())
}

#[cfg(windows)]
fn not_a_directory() -> std::io::Error {
    std::io::ErrorKind::NotADirectory.into()
}

/// The folders that Windows knows by a number.
#[cfg(windows)]
mod known_folders {
    use crate::platform::windows::{
        FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, GetLengthSid, GetProcAddress, GetSecurityInfo, Guid,
        Handle, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW, LocalFree, OWNER_SECURITY_INFORMATION, SE_FILE_OBJECT,
    };
    use std::ffi::{CStr, OsString, c_void};
    use std::os::windows::ffi::OsStringExt;
    use std::os::windows::fs::OpenOptionsExt;
    use std::os::windows::io::AsRawHandle;
    use std::path::{Path, PathBuf};
    use std::ptr::null_mut;

    /// FOLDERID_RoamingAppData: the folder of %APPDATA%, for a process that has no such variable.
    pub fn roaming() -> Option<PathBuf> {
        known(&Guid(0x3EB6_85DB, 0x65F9, 0x4CF6, [0xA0, 0x3A, 0xE3, 0xEF, 0x65, 0x72, 0x9F, 0x3D]))
    }

    /// FOLDERID_LocalAppData.
    pub fn local() -> Option<PathBuf> {
        known(&Guid(0xF1B3_2785, 0x6FBA, 0x4FCF, [0x9D, 0x55, 0x7B, 0x8E, 0x7F, 0x15, 0x70, 0x91]))
    }

    /// FOLDERID_ProgramData.
    pub fn common() -> Option<PathBuf> {
        known(&Guid(0x62AB_5D82, 0xFDC1, 0x4DC3, [0xA9, 0xDD, 0x07, 0x0D, 0x1D, 0x49, 0x5D, 0x97]))
    }

    /// A function of a system library. The library is loaded when it is needed, because not every process needs the
    /// shell.
    fn function(library: &str, name: &CStr) -> Option<unsafe extern "system" fn() -> isize> {
        let library: Vec<u16> = library.encode_utf16().chain([0]).collect();
        // SAFETY: both names are terminated; the library is the system's own, and stays loaded.
        unsafe {
            let library = LoadLibraryExW(library.as_ptr(), null_mut(), LOAD_LIBRARY_SEARCH_SYSTEM32);
            GetProcAddress(library, name.as_ptr()).filter(|_| !library.is_null())
        }
    }

    fn known(folder: &Guid) -> Option<PathBuf> {
        type Ask = unsafe extern "system" fn(*const Guid, u32, Handle, *mut *mut u16) -> i32;
        type Free = unsafe extern "system" fn(*mut c_void);
        let ask = function("shell32.dll", c"SHGetKnownFolderPath")?;
        let free = function("ole32.dll", c"CoTaskMemFree")?;
        // SAFETY: these are their types. The text is terminated, and freed once, also where the answer is an error.
        unsafe {
            let (ask, free) = (std::mem::transmute::<_, Ask>(ask), std::mem::transmute::<_, Free>(free));
            let mut text: *mut u16 = null_mut();
            let answer = ask(folder, 0, null_mut(), &mut text);
            let path = (answer == 0 && !text.is_null()).then(|| {
                let length = (0..).take_while(|index| *text.add(*index) != 0).count();
                PathBuf::from(OsString::from_wide(std::slice::from_raw_parts(text, length)))
            });
            free(text.cast());
            path.filter(|path| path.is_absolute())
        }
    }

    /// Whether the folder belongs to an administrator or to the system. True if there is no folder.
    pub fn is_an_administrators(folder: &Path) -> bool {
        /// GetSecurityInfo needs no more.
        const READ_CONTROL: u32 = 0x0002_0000;
        let mut options = std::fs::OpenOptions::new();
        options.access_mode(READ_CONTROL).custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT);
        let folder = match options.open(folder) {
            Ok(folder) => folder,
            Err(error) => return error.kind() == std::io::ErrorKind::NotFound,
        };
        let (mut owner, mut descriptor) = (null_mut(), null_mut());
        let (object, nothing) = (folder.as_raw_handle(), null_mut());
        let what = OWNER_SECURITY_INFORMATION;
        // SAFETY: an open folder. The owner lies in the descriptor, which is freed once, after the last look at it.
        unsafe {
            let answer =
                GetSecurityInfo(object, SE_FILE_OBJECT, what, &mut owner, nothing, nothing, nothing, &mut descriptor);
            let is_trusted = answer == 0
                && !owner.is_null()
                && is_trusted(std::slice::from_raw_parts(owner.cast(), GetLengthSid(owner) as usize));
            LocalFree(descriptor);
            is_trusted
        }
    }

    /// The system (S-1-5-18), the administrators (S-1-5-32-544), or the system's installer (S-1-5-80-…).
    fn is_trusted(sid: &[u8]) -> bool {
        const SYSTEM: &[u8] = &[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0];
        const ADMINISTRATORS: &[u8] = &[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0];
        const SERVICES: &[u8] = &[1, 6, 0, 0, 0, 0, 0, 5, 80, 0, 0, 0];
        sid == SYSTEM || sid == ADMINISTRATORS || sid.starts_with(SERVICES)
    }

    #[cfg(test)]
    #[allow(clippy::unwrap_used)] // a test that cannot go on should stop
    mod tests {
        use super::*;

        #[test]
        fn the_system_names_its_folders() {
            for folder in [roaming(), local(), common()] {
                assert!(folder.unwrap().is_dir());
            }
            let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
            assert_eq!(roaming(), variable("APPDATA"));
            assert_eq!(local(), variable("LOCALAPPDATA"));
            assert_eq!(common(), variable("ProgramData"));
        }

        #[test]
        fn only_the_system_and_administrators_speak_for_the_machine() {
            assert!(is_trusted(&[1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]));
            assert!(is_trusted(&[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0]));
            let user = [1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0xe9, 3, 0, 0];
            assert!(!is_trusted(&user) && !is_trusted(&[]));
            assert!(is_an_administrators(Path::new(r"C:\no such folder")));
        }
    }
}
