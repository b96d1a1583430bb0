//! Three clocks: a cheap monotonic one for the caller's thread, the wall clock for the background threads, and one that
//! nobody can set, for the hold after the notice. An event is stamped with an age and not with a date, so that a wall
//! clock that jumps does no harm.

use std::time::{SystemTime, UNIX_EPOCH};

/// The current time in microseconds since 1970; 0 if the wall clock is before that.
pub fn unix_micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

/// The current time in milliseconds since 1970; 0 if the wall clock is before that.
pub fn unix_millis() -> u64 {
    unix_micros() / 1_000
}

/// Milliseconds since some fixed moment, never going back. Resolution: one scheduler tick (1 to 10 ms) on Linux.
///
/// `CLOCK_MONOTONIC_COARSE` (clock_gettime(2)) is read from the vDSO in about 5 ns and is never a system call, also
/// on machines whose precise clock source is one.
#[cfg(all(any(target_os = "linux", target_os = "android"), not(pact_like_macos)))]
#[inline(always)]
pub fn coarse_millis() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid, exclusive timespec for the whole call, which writes it and keeps no pointer. The clock
    // id exists since Linux 2.6.32. If it were refused, `now` would stay zero, which is a valid stamp.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &mut now) };
    (now.tv_sec as u64).wrapping_mul(1_000).wrapping_add(now.tv_nsec as u64 / 1_000_000)
}

/// Milliseconds since some fixed moment, never going back.
#[cfg(not(all(any(target_os = "linux", target_os = "android"), not(pact_like_macos))))]
pub fn coarse_millis() -> u64 {
    use once_cell::race::OnceBox;
    use std::time::Instant;
    static START: OnceBox<Instant> = OnceBox::new();
    START.get_or_init(|| Box::new(Instant::now())).elapsed().as_millis() as u64
}

/// How long the machine has been up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uptime {
    /// A text that is different for each boot of the machine.
    pub boot: String,
    /// The time since the boot in milliseconds, including the time in which the machine slept.
    pub lasted_ms: u64,
}

/// Reads a clock that nobody can set; `None` if the system does not tell which boot this is. For background threads.
pub fn uptime() -> Option<Uptime> {
    let boot = boot_id().filter(|boot| !boot.is_empty() && boot.bytes().all(|byte| byte.is_ascii_graphic()))?;
    Some(Uptime { boot, lasted_ms: lasted_ms()? })
}

/// random(4): different for each boot.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn boot_id() -> Option<String> {
    let path = std::path::Path::new("/proc/sys/kernel/random/boot_id");
    let text = super::files::Private::open(path).and_then(|mut file| file.read(64)).ok()?;
    Some(String::from_utf8(text).ok()?.trim().to_owned())
}

/// sysctl(3): different for each boot.
#[cfg(target_vendor = "apple")]
fn boot_id() -> Option<String> {
    let (mut text, mut length) = ([0_u8; 64], 64);
    let name = c"kern.bootsessionuuid".as_ptr();
    // SAFETY: a terminated name, and a buffer of that length, of which no more is written.
    let answer = unsafe { libc::sysctlbyname(name, text.as_mut_ptr().cast(), &mut length, std::ptr::null_mut(), 0) };
    let text = std::ffi::CStr::from_bytes_until_nul(&text).ok()?;
    (answer == 0).then(|| text.to_string_lossy().into_owned())
}

/// KUSER_SHARED_DATA (ntddk.h): the boot loader counts the boots. 0 if that is not known.
#[cfg(windows)]
fn boot_id() -> Option<String> {
    const BOOT_ID: *const u32 = 0x7FFE_02C4 as *const u32;
    // SAFETY: Windows maps this page at this address into every process, for reading.
    let boot = unsafe { BOOT_ID.read_volatile() };
    (boot != 0).then(|| boot.to_string())
}

#[cfg(unix)]
fn lasted_ms() -> Option<u64> {
    #[cfg(target_vendor = "apple")]
    const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC_RAW; // which goes on while the machine sleeps, there
    #[cfg(not(target_vendor = "apple"))]
    const CLOCK: libc::clockid_t = libc::CLOCK_BOOTTIME;
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid, exclusive timespec for the whole call, which writes it and keeps no pointer.
    let answer = unsafe { libc::clock_gettime(CLOCK, &mut now) };
    (answer == 0).then_some((now.tv_sec as u64).wrapping_mul(1_000).wrapping_add(now.tv_nsec as u64 / 1_000_000))
}

#[cfg(windows)]
fn lasted_ms() -> Option<u64> {
    // SAFETY: takes nothing, cannot fail.
    Some(unsafe { super::windows::GetTickCount64() })
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)] // a test that cannot go on should stop
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_been_up_in_one_boot_and_for_longer_with_every_look() {
        let (first, second) = (uptime().unwrap(), uptime().unwrap());
        assert_eq!(first.boot, second.boot);
        assert!(0 < first.lasted_ms && first.lasted_ms <= second.lasted_ms);
    }
}
