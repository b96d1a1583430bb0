//! The C ABI: convert, call, map. Nothing in this crate imports this room.
//!
//! With `platform`, the only place where `unsafe` is allowed. Each comment below stands in the generated header.
#![allow(unsafe_code)]

mod convert;
mod guard;
mod status;

pub use status::PactTelemetryStatus;

use crate::client::Client;
use crate::event::{Event, Texts};
use crate::json;
use crate::platform::memory;
use convert::{bytes, text, write_text};
use guard::{guard, silence_panics};
use serde_json::Value;
use status::PactTelemetryStatus::*;
use std::ffi::{c_char, CStr};
use std::time::Duration;

/// The number of this ABI; the same as in the library's soname.
const ABI_VERSION: u32 = decimal(env!("CARGO_PKG_VERSION_MAJOR"));

const fn decimal(digits: &str) -> u32 {
    match u32::from_str_radix(digits, 10) {
        Ok(number) => number,
        Err(_) => 0,
    }
}

/// A client: who reports, with its settings and counters. Made by `pact_telemetry_new`, ended by `pact_telemetry_free`.
/// All clients of a process share one sender. A client may be used after `fork` in the child, whose counters start at
/// zero.
pub struct PactTelemetry {
    client: Client,
}

/// The number of the ABI. A caller that was written for another number must not use the library.
///
/// Parameters: none.
/// Returns: the major version, as in the soname.
/// Threads: any, at any time.
/// Blocking: never.
/// Since: 1.0.
#[no_mangle]
pub extern "C" fn pact_telemetry_abi_version() -> u32 {
    guard(0, || ABI_VERSION)
}

/// The version of the library, such as "1.4.2".
///
/// Parameters: none.
/// Returns: NUL-terminated UTF-8, valid for ever, owned by the library. Never NULL.
/// Threads: any, at any time.
/// Blocking: never.
/// Since: 1.0.
#[no_mangle]
pub extern "C" fn pact_telemetry_version() -> *const c_char {
    const TEXT: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    let fallback = c"".as_ptr();
    guard(fallback, || CStr::from_bytes_with_nul(TEXT.as_bytes()).map_or(fallback, CStr::as_ptr))
}

/// The name of a status, such as "PACT_TELEMETRY_OK", for a log.
///
/// Parameters: status: any number.
/// Returns: NUL-terminated UTF-8, valid for ever, owned by the library; "PACT_TELEMETRY_UNKNOWN" for a number that this
/// version does not know. Never NULL.
/// Threads: any, at any time.
/// Blocking: never.
/// Since: 1.0.
#[no_mangle]
pub extern "C" fn pact_telemetry_status_name(status: i32) -> *const c_char {
    guard(c"PACT_TELEMETRY_UNKNOWN".as_ptr(), || PactTelemetryStatus::name_of(status).as_ptr())
}

/// Makes a client from a config. Starts nothing: no thread, no socket, no file before the first event that is accepted,
/// and none at all while the person has opted out.
///
/// Parameters: config_json: a JSON object, NUL-terminated UTF-8, at most 65,536 bytes; must not be NULL; copied. Its keys
/// are in docs/config.md; `library` {`id`, `name`, `version`} is required, an unknown key is ignored (and named by
/// `pact_telemetry_explain`), a wrong type is an error. error: the caller's buffer for a readable text in UTF-8 that says
/// which key is wrong, what was found and what is allowed; may be NULL if error_capacity is 0. It is cut between
/// characters and always terminated; on success it is set to "". error_capacity: its size in bytes.
/// Returns: a client that the caller owns and gives back to `pact_telemetry_free`; NULL for a config that is wrong.
/// Threads: any, at any time. The environment is read on the calling thread: the caller sees to it that no other thread
/// changes it meanwhile (as for any getenv(3) of its own).
/// Blocking: never on the network; one small file may be read.
/// Since: 1.0.
///
/// # Safety
/// Pointers are as described.
#[no_mangle]
pub unsafe extern "C" fn pact_telemetry_new(
    config_json: *const c_char,
    error: *mut c_char,
    error_capacity: u32,
) -> *mut PactTelemetry {
    let capacity = if error.is_null() { 0 } else { error_capacity };
    let outcome = guard(Err("the library failed; this is a fault of its own".to_owned()), || {
        silence_panics();
        // SAFETY: the caller's promise.
        match unsafe { text(config_json) } {
            Ok(_) if !memory::is_there(memory::CALL_BYTES) => Err("there is no memory for a client".to_owned()),
            Ok(config) => Client::new(config).map_err(|error| error.to_string()),
            Err(PACT_TELEMETRY_ERROR_NULL) => Err("config: is NULL, a JSON object is required".to_owned()),
            Err(_) => Err("config: not valid UTF-8".to_owned()),
        }
    });
    let (client, message) = match outcome {
        Ok(client) => (Box::into_raw(Box::new(PactTelemetry { client })), String::new()),
        Err(message) => (std::ptr::null_mut(), message),
    };
    // SAFETY: NULL only with a capacity of 0; the rest is the caller's promise.
    unsafe { write_text(&message, error, capacity) };
    client
}

/// Queues an event. All text is checked and copied before the call returns.
///
/// Parameters: client: must not be NULL. event, category, action: NUL-terminated UTF-8, not blank, at most 500, 150 and
/// 500 bytes; must not be NULL. A text that looks like a path, a URL, an e-mail or a network address is refused.
/// value: a count that belongs to the event, zero or more. plugin_name, plugin_version: NUL-terminated UTF-8, at most
/// 150 bytes; NULL or "" for none.
/// Returns: PACT_TELEMETRY_OK if the event was queued; a positive status if it was not, for a reason that is fine; a
/// negative one if it is not as it must be. Whatever is returned is counted, see `pact_telemetry_stats`.
/// Threads: any, at any time. The environment is looked at on the calling thread, see `pact_telemetry_new`.
/// Blocking: never. One allocation (a few more the first time that over 256 events wait), no lock, no system call (but to
/// wake or start a sender that sleeps).
/// Since: 1.0.
///
/// # Safety
/// Pointers are as described.
#[no_mangle]
pub unsafe extern "C" fn pact_telemetry_track(
    client: *mut PactTelemetry,
    event: *const c_char,
    category: *const c_char,
    action: *const c_char,
    value: i64,
    plugin_name: *const c_char,
    plugin_version: *const c_char,
) -> i32 {
    with(client, |client| {
        let track = |epoch| {
            // SAFETY: the caller's promise, for the whole of this call.
            let texts = unsafe { texts([event, category, action], [plugin_name, plugin_version]) };
            let Some(texts) = texts else {
                client.refuse_invalid();
                return Ok(PACT_TELEMETRY_ERROR_NULL);
            };
            client.queue(epoch, &texts, value).map(|()| PACT_TELEMETRY_OK)
        };
        // Whether the person agrees is asked first: off costs nothing but the question.
        client.admit().and_then(track).unwrap_or_else(PactTelemetryStatus::from).code()
    })
}

/// Turns a client on or off for the host. Off: what waits is thrown away, an upload in flight that carries events of this
/// client is cut, and nothing of it leaves after the call returns. On: the person's own choice still holds.
///
/// Parameters: client: must not be NULL. enabled: 0 is off, anything else is on.
/// Returns: PACT_TELEMETRY_OK, or a negative status.
/// Threads: any, at any time.
/// Blocking: never.
/// Since: 1.0.
///
/// # Safety
/// Pointers are as described.
#[no_mangle]
pub unsafe extern "C" fn pact_telemetry_set_enabled(client: *mut PactTelemetry, enabled: i32) -> i32 {
    with(client, |client| {
        client.set_enabled(enabled != 0);
        PACT_TELEMETRY_OK.code()
    })
}

/// Would an event be queued now? Asks every rule anew.
///
/// Parameters: client: must not be NULL.
/// Returns: 1 if it would, 0 if not (opted out, turned off, not configured, closed), or a negative status.
/// Threads: any, at any time. The environment is looked at on the calling thread, see `pact_telemetry_new`.
/// Blocking: never.
/// Since: 1.0.
///
/// # Safety
/// Pointers are as described.
#[no_mangle]
pub unsafe extern "C" fn pact_telemetry_is_enabled(client: *const PactTelemetry) -> i32 {
    with(client, |client| i32::from(client.is_enabled()))
}

/// Tells as JSON whether the client is on, which rule decided, what each rule read, where events would go, and what
/// the config had that is not known.
///
/// Parameters: client: must not be NULL. out: the caller's buffer for NUL-terminated UTF-8; may be NULL if capacity is 0.
/// The text is cut between characters if it does not fit, and always terminated. capacity: its size in bytes.
/// Returns: the full length of the text in bytes without the NUL (so capacity must be larger), or a negative status.
/// Threads: any, at any time. The environment is looked at on the calling thread, see `pact_telemetry_new`.
/// Blocking: never on the network; one small file is read.
/// Since: 1.0.
///
/// # Safety
/// Pointers are as described.
#[no_mangle]
pub unsafe extern "C" fn pact_telemetry_explain(client: *const PactTelemetry, out: *mut c_char, capacity: u32) -> i32 {
    // SAFETY: the caller's promise.
    answer(client, |client| unsafe { write_json(&client.explain(), out, capacity) })
}

/// Shows the request that would carry this event alone if it were sent now, made by the encoder that the sender uses:
/// JSON with `method`, `url`, `content_type` and `body`, the exact bytes. Sends and keeps nothing, whatever the person
/// decided.
///
/// Parameters: client, event, category, action, value, plugin_name, plugin_version: as for `pact_telemetry_track`.
/// out, capacity: as for `pact_telemetry_explain`.
/// Returns: the full length of the text in bytes without the NUL, or a negative status, also for an event that
/// `pact_telemetry_track` would not take.
/// Threads: any, at any time.
/// Blocking: never.
/// Since: 1.0.
///
/// # Safety
/// Pointers are as described.
#[no_mangle]
pub unsafe extern "C" fn pact_telemetry_preview(
    client: *const PactTelemetry,
    event: *const c_char,
    category: *const c_char,
    action: *const c_char,
    value: i64,
    plugin_name: *const c_char,
    plugin_version: *const c_char,
    out: *mut c_char,
    capacity: u32,
) -> i32 {
    answer(client, |client| {
        // SAFETY: the caller's promise, for the whole of this call.
        let texts = unsafe { texts([event, category, action], [plugin_name, plugin_version]) };
        let Some(texts) = texts else { return PACT_TELEMETRY_ERROR_NULL.code() };
        let [Ok(event), Ok(category), Ok(action), Ok(plugin_name), Ok(plugin_version)] = texts.map(std::str::from_utf8)
        else {
            return PACT_TELEMETRY_ERROR_UTF8.code();
        };
        match client.preview(&Event { event, category, action, value, plugin_name, plugin_version }) {
            // SAFETY: the caller's promise.
            Ok(request) => unsafe { write_json(&request, out, capacity) },
            Err(error) => PactTelemetryStatus::from(error).code(),
        }
    })
}

/// Tells as JSON what became of the client's events in this process: `accepted` = `delivered` + `queued` + the sum of
/// `dropped` by reason, and `not_accepted` by reason.
///
/// Parameters: client: must not be NULL. out, capacity: as for `pact_telemetry_explain`.
/// Returns: the full length of the text in bytes without the NUL, or a negative status.
/// Threads: any, at any time.
/// Blocking: never.
/// Since: 1.0.
///
/// # Safety
/// Pointers are as described.
#[no_mangle]
pub unsafe extern "C" fn pact_telemetry_stats(client: *const PactTelemetry, out: *mut c_char, capacity: u32) -> i32 {
    // SAFETY: the caller's promise.
    answer(client, |client| unsafe { write_json(&client.stats(), out, capacity) })
}

/// Puts everything that this client accepted before on disk, at once, and waits until it is there. Waits for no server.
/// For a host that ends without ceremony, such as a worker that is killed: what is on disk, the next process sends.
///
/// Parameters: client: must not be NULL. timeout_ms: the longest wait in milliseconds; 0 asks without waiting.
/// Returns: PACT_TELEMETRY_OK if nothing of it waits any more; PACT_TELEMETRY_KEPT if it waits on disk, for this process or
/// a later one; PACT_TELEMETRY_LOST if some of it was lost meanwhile; PACT_TELEMETRY_ERROR_TIMEOUT if the time is over, or if
/// it waits in memory alone because no disk takes it; or another negative status.
/// Threads: any, at any time.
/// Blocking: at most timeout_ms.
/// Since: 1.0.
///
/// # Safety
/// Pointers are as described.
#[no_mangle]
pub unsafe extern "C" fn pact_telemetry_persist(client: *mut PactTelemetry, timeout_ms: u32) -> i32 {
    with(client, |client| PactTelemetryStatus::from(client.persist(Duration::from_millis(timeout_ms.into()))).code())
}

/// Has everything sent that this client queued before, at once, and waits until it is settled.
///
/// Parameters: client: must not be NULL. timeout_ms: the longest wait in milliseconds; 0 asks without waiting.
/// Returns: of what waited when it was called: PACT_TELEMETRY_OK if all was delivered (or nothing waited),
/// PACT_TELEMETRY_LOST if some was lost, PACT_TELEMETRY_ERROR_TIMEOUT if some still waits (the sender goes on with it); or
/// another negative status.
/// Threads: any, at any time.
/// Blocking: at most timeout_ms, also when a server hangs.
/// Since: 1.0.
///
/// # Safety
/// Pointers are as described.
#[no_mangle]
pub unsafe extern "C" fn pact_telemetry_flush(client: *mut PactTelemetry, timeout_ms: u32) -> i32 {
    with(client, |client| PactTelemetryStatus::from(client.flush(Duration::from_millis(timeout_ms.into()))).code())
}

/// Takes no more events, and flushes. Closing again is allowed and waits for what is left.
///
/// Parameters: client: must not be NULL. timeout_ms: the longest wait in milliseconds; 0 does not wait.
/// Returns: as for `pact_telemetry_flush`.
/// Threads: any, at any time.
/// Blocking: at most timeout_ms, also when a server hangs.
/// Since: 1.0.
///
/// # Safety
/// Pointers are as described.
#[no_mangle]
pub unsafe extern "C" fn pact_telemetry_close(client: *mut PactTelemetry, timeout_ms: u32) -> i32 {
    with(client, |client| PactTelemetryStatus::from(client.close(Duration::from_millis(timeout_ms.into()))).code())
}

/// Gives a client back. What it queued stays with the sender: nothing is lost by this call.
///
/// Parameters: client: NULL is allowed and does nothing. Must not be used afterwards, nor by another thread meanwhile.
/// Returns: nothing.
/// Threads: any, as the last call with this client.
/// Blocking: never.
/// Since: 1.0.
///
/// # Safety
/// Pointers are as described.
#[no_mangle]
pub unsafe extern "C" fn pact_telemetry_free(client: *mut PactTelemetry) {
    guard((), || {
        if !client.is_null() {
            // SAFETY: made by `pact_telemetry_new`, and by the caller's promise not freed before and not in use.
            drop(unsafe { Box::from_raw(client) });
        }
    });
}

/// Calls `body` with the client, unless it is NULL; a panic inside becomes a status.
#[inline(always)]
fn with(client: *const PactTelemetry, body: impl FnOnce(&Client) -> i32) -> i32 {
    guard(PACT_TELEMETRY_ERROR_INTERNAL.code(), || {
        // SAFETY: every caller promises NULL or a client that was not freed; a client is only ever shared.
        match unsafe { client.as_ref() } {
            Some(client) => body(&client.client),
            None => PACT_TELEMETRY_ERROR_NULL.code(),
        }
    })
}

/// The same for a function that allocates its answer, which it refuses where there is no memory.
fn answer(client: *const PactTelemetry, body: impl FnOnce(&Client) -> i32) -> i32 {
    with(client, |client| match memory::is_there(memory::CALL_BYTES) {
        true => body(client),
        false => PACT_TELEMETRY_ERROR_INTERNAL.code(),
    })
}

/// The texts of an event; `None` if one that must be there is NULL.
///
/// # Safety
/// As for [`bytes`], for each.
#[inline(always)]
unsafe fn texts<'a>(required: [*const c_char; 3], optional: [*const c_char; 2]) -> Option<Texts<'a>> {
    let [event, category, action] = required;
    let [plugin_name, plugin_version] = optional;
    // SAFETY: the caller's promise.
    unsafe {
        Some([
            bytes(event)?,
            bytes(category)?,
            bytes(action)?,
            bytes(plugin_name).unwrap_or_default(),
            bytes(plugin_version).unwrap_or_default(),
        ])
    }
}

/// # Safety
/// As for [`write_text`].
unsafe fn write_json(value: &Value, out: *mut c_char, capacity: u32) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { write_text(&json::text(value), out, capacity) }
}
