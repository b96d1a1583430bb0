//! The functions of Windows that std does not offer, as their documentation declares them. Calls nothing itself.
#![allow(non_snake_case, missing_docs)]

use std::ffi::{c_char, c_int, c_void};

pub type Handle = *mut c_void;

/// GetModuleHandleExW: the library stays until the process exits.
pub const PIN: u32 = 1;
/// GetModuleHandleExW: the library that has this address.
pub const FROM_ADDRESS: u32 = 4;
/// GetComputerNameExW: as `hostname` prints it.
pub const COMPUTER_NAME_DNS_HOSTNAME: c_int = 1;
/// CreateFileW: opens a link itself, not what it leads to.
pub const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
/// CreateFileW: opens folders too.
pub const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
/// LockFileEx: fails at once where the lock is taken, and excludes every other one.
pub const LOCK_EXCLUSIVE_AT_ONCE: u32 = 3;
pub const ERROR_LOCK_VIOLATION: i32 = 33;
/// GetSecurityInfo: of a file.
pub const SE_FILE_OBJECT: c_int = 1;
/// GetSecurityInfo: the owner.
pub const OWNER_SECURITY_INFORMATION: u32 = 1;
/// GetStdHandle: standard error.
pub const STD_ERROR_HANDLE: u32 = -12_i32 as u32;
/// GetFileType: a console, or another device such as NUL.
pub const FILE_TYPE_CHAR: u32 = 2;
/// GetFileType: closed, or not there.
pub const FILE_TYPE_UNKNOWN: u32 = 0;
/// LoadLibraryExW: from the folder of the system alone.
pub const LOAD_LIBRARY_SEARCH_SYSTEM32: u32 = 0x800;

/// OVERLAPPED.
#[repr(C)]
#[derive(Default)]
pub struct Overlapped {
    pub internal: usize,
    pub internal_high: usize,
    pub offset: u32,
    pub offset_high: u32,
    pub event: usize,
}

/// BY_HANDLE_FILE_INFORMATION.
#[repr(C)]
#[derive(Default)]
pub struct FileInformation {
    pub attributes: u32,
    pub times: [u32; 6],
    pub volume: u32,
    pub size: [u32; 2],
    pub links: u32,
    pub index: [u32; 2],
}

/// GUID.
#[repr(C)]
pub struct Guid(pub u32, pub u16, pub u16, pub [u8; 8]);

#[link(name = "kernel32")]
unsafe extern "system" {
    pub fn GetModuleHandleExW(flags: u32, name: *const u16, library: *mut Handle) -> c_int;
    pub fn GetModuleHandleA(name: *const c_char) -> Handle;
    pub fn GetProcAddress(library: Handle, name: *const c_char) -> Option<unsafe extern "system" fn() -> isize>;
    pub fn LoadLibraryExW(name: *const u16, file: Handle, flags: u32) -> Handle;
    pub fn GetComputerNameExW(kind: c_int, name: *mut u16, size: *mut u32) -> c_int;
    pub fn GetStdHandle(which: u32) -> Handle;
    pub fn GetTickCount64() -> u64;
    pub fn GetFileType(file: Handle) -> u32;
    pub fn GetConsoleMode(console: Handle, mode: *mut u32) -> c_int;
    pub fn LockFileEx(file: Handle, flags: u32, zero: u32, low: u32, high: u32, place: *mut Overlapped) -> c_int;
    pub fn UnlockFileEx(file: Handle, zero: u32, low: u32, high: u32, place: *mut Overlapped) -> c_int;
    pub fn GetFileInformationByHandle(file: Handle, about: *mut FileInformation) -> c_int;
    pub fn LocalFree(memory: *mut c_void) -> *mut c_void;
}

#[link(name = "advapi32")]
unsafe extern "system" {
    pub fn GetSecurityInfo(
        object: Handle,
        kind: c_int,
        what: u32,
        owner: *mut *mut c_void,
        group: *mut *mut c_void,
        access: *mut *mut c_void,
        audit: *mut *mut c_void,
        descriptor: *mut *mut c_void,
    ) -> u32;
    pub fn GetLengthSid(sid: *mut c_void) -> u32;
}
