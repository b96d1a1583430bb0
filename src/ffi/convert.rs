//! Reads C strings and writes the caller's buffers. Keeps nothing beyond the call.

use super::status::PactTelemetryStatus::{self, *};
use std::ffi::c_char;

/// The bytes of a C string, or `None` for NULL.
///
/// # Safety
/// NULL, or NUL-terminated and unchanged for as long as the result is used.
#[inline(always)]
pub unsafe fn bytes<'a>(text: *const c_char) -> Option<&'a [u8]> {
    if text.is_null() {
        return None;
    }
    // CStr is not used, because its functions are not inlined when the library is built for size. SAFETY: the caller
    // promises a NUL, and that nothing before it changes while the result is used.
    Some(unsafe { std::slice::from_raw_parts(text.cast(), libc::strlen(text)) })
}

/// The text of a C string that must not be NULL and must be UTF-8.
///
/// # Safety
/// As for [`bytes`].
pub unsafe fn text<'a>(text: *const c_char) -> Result<&'a str, PactTelemetryStatus> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(text) }.ok_or(PACT_TELEMETRY_ERROR_NULL)?;
    std::str::from_utf8(bytes).map_err(|_| PACT_TELEMETRY_ERROR_UTF8)
}

/// Writes as much of `text` as fits with its NUL, cut between characters. Returns its full length in bytes without the
/// NUL, so that a second call can bring a larger buffer.
///
/// # Safety
/// `out` is NULL, or has room for `capacity` bytes that nobody else uses during the call.
pub unsafe fn write_text(text: &str, out: *mut c_char, capacity: u32) -> i32 {
    if out.is_null() && capacity > 0 {
        return PACT_TELEMETRY_ERROR_NULL.code();
    }
    if capacity > 0 {
        let mut end = text.len().min(capacity as usize - 1);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        // SAFETY: `end` is less than the capacity, so text and NUL fit into the caller's buffer; `text` is ours and
        // cannot overlap it.
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr().cast(), out, end);
            out.add(end).write(0);
        }
    }
    i32::try_from(text.len()).unwrap_or(i32::MAX)
}
