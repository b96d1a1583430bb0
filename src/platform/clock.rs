//! Two clocks: a cheap monotonic one for the caller's thread, and the wall clock for the background threads. An event
//! is stamped with an age and not with a date, so that a wall clock that jumps in between does no harm.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, in microseconds since 1970; 0 where the wall clock is before that.
pub fn unix_micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

/// Now, in milliseconds since 1970; 0 where the wall clock is before that.
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
    // SAFETY: `now` is a valid, exclusive timespec for the whole call, which writes it and keeps no pointer.
    // The clock id exists since Linux 2.6.32; were it refused, `now` stays zero, which is a valid stamp.
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
