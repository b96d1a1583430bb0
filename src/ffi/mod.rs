//! The C ABI: convert, call, map. Nothing in this crate imports this module.
//!
//! With `platform`, the only place where `unsafe` is allowed. The comments of the exported items go into the generated
//! header, hence Doxygen's commands in them.
#![allow(unsafe_code)]

mod convert;
mod guard;
mod status;

pub use status::PactTelemetryStatus;

use crate::client::Client;
use crate::event::{Event, Texts};
use crate::platform::memory;
use convert::{bytes, text, write_text};
use guard::{guard, silence_panics};
use status::PactTelemetryStatus::*;
use std::ffi::{CStr, c_char};
use std::time::Duration;

/// The number of this ABI; the same as in the library's soname.
const ABI_VERSION: u32 = decimal(env!("CARGO_PKG_VERSION_MAJOR"));

const fn decimal(digits: &str) -> u32 {
    match u32::from_str_radix(digits, 10) {
        Ok(number) => number,
        Err(_) => 0,
    }
}

/// A client: the library that reports, with its settings and counters.
///
/// pact_telemetry_new() makes a client and pact_telemetry_free() releases it. All clients of a process share one
/// pipeline with two background threads, which end after about two quiet seconds; the next event starts them again.
/// After `fork`, the child may go on using the client; its counters start at zero there.
pub struct PactTelemetry {
    client: Client,
}

/// Returns the number of the ABI.
///
/// A program must not use a library whose number differs from the #PACT_TELEMETRY_ABI_VERSION it was compiled with.
///
/// @return The major version, which is also the number in the soname.
/// @par Threads
/// Any thread, at any time.
/// @par Blocking
/// Never.
/// @since 1.0
#[unsafe(no_mangle)]
pub extern "C" fn pact_telemetry_abi_version() -> u32 {
    guard(0, || ABI_VERSION)
}

/// Returns the version of the library, such as "1.4.2".
///
/// @return NUL-terminated UTF-8 that is valid for the life of the process and owned by the library. Never NULL.
/// @par Threads
/// Any thread, at any time.
/// @par Blocking
/// Never.
/// @since 1.0
#[unsafe(no_mangle)]
pub extern "C" fn pact_telemetry_version() -> *const c_char {
    const TEXT: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    let fallback = c"".as_ptr();
    guard(fallback, || CStr::from_bytes_with_nul(TEXT.as_bytes()).map_or(fallback, CStr::as_ptr))
}

/// Returns the name of a status, such as "PACT_TELEMETRY_OK", for a log.
///
/// @param status Any number.
/// @return NUL-terminated UTF-8 that is valid for the life of the process and owned by the library. Never NULL. It is
///     "PACT_TELEMETRY_UNKNOWN" for a number that this version does not know.
/// @par Threads
/// Any thread, at any time.
/// @par Blocking
/// Never.
/// @since 1.0
#[unsafe(no_mangle)]
pub extern "C" fn pact_telemetry_status_name(status: i32) -> *const c_char {
    guard(c"PACT_TELEMETRY_UNKNOWN".as_ptr(), || PactTelemetryStatus::name_of(status).as_ptr())
}

/// Makes a client from a config.
///
/// This call opens no socket and writes no file. It starts a background thread only if events of an earlier process
/// wait for the same destination. Otherwise the first accepted event starts the threads. Nothing does while the person
/// has opted out.
///
/// In a process with more rights than the person who started it (set-user-ID), and in a program that is linked
/// statically with glibc and loads this library, the client is disabled for good: it takes no setting from the
/// environment, accepts no event, and pact_telemetry_explain() names the reason.
///
/// @param config_json A JSON object in NUL-terminated UTF-8, at most 65,536 bytes. Must not be NULL. It is copied.
///     docs/config.md lists its keys. `library` with `id`, `name` and `version` is required. An unknown key is ignored,
///     and pact_telemetry_explain() names it. A wrong type is an error.
/// @param error The caller's buffer for an error text in NUL-terminated UTF-8, which says which key is wrong, what was
///     found and what is allowed. A text that does not fit is cut between characters. On success the buffer holds "".
///     May be NULL.
/// @param error_capacity The size of `error` in bytes. It is ignored if `error` is NULL.
/// @return A client that the caller owns and releases with pact_telemetry_free(). NULL if the config is wrong, if there
///     is no memory, or after an internal error.
/// @par Threads
/// Any thread, at any time. The environment is read on the calling thread. With glibc, another thread may change it by
/// setenv(3) at the same time; elsewhere it must not, as for getenv(3).
/// @par Blocking
/// Never on the network. Unless the environment or the config already says "off", reads two small files, the person's
/// saved choice and the administrator's, and asks whether one more exists, the mark of events that wait.
/// @since 1.0
///
/// # Safety
/// Each pointer is as described above.
#[unsafe(no_mangle)]
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

/// Queues an event.
///
/// All text is checked and copied before the call returns. A client that is off, not configured or closed does not look
/// at the text, and says so whatever the text is. pact_telemetry_stats() counts each call by its outcome.
///
/// @param client The client. Must not be NULL.
/// @param event The name of the event in NUL-terminated UTF-8: not blank, at most 500 bytes. Must not be NULL.
/// @param category The category, in the same form: at most 150 bytes. Must not be NULL.
/// @param action The action, in the same form: at most 500 bytes. Must not be NULL.
/// @param value A number that belongs to the event, such as a count. Zero or more.
/// @param plugin_name The name of a plugin in NUL-terminated UTF-8, at most 150 bytes. NULL or "" for none.
/// @param plugin_version The version of that plugin, in the same form. NULL or "" for none.
/// @retval PACT_TELEMETRY_OK The event is queued.
/// @retval PACT_TELEMETRY_DISABLED Not queued: the person opted out, or the host program turned telemetry off.
/// @retval PACT_TELEMETRY_NOT_CONFIGURED Not queued: Google's endpoint needs credentials, and there are none.
/// @retval PACT_TELEMETRY_QUEUE_FULL Not queued: the queue is full, or there is no memory.
/// @retval PACT_TELEMETRY_CLOSED Not queued: the client is closed.
/// @retval PACT_TELEMETRY_ERROR_NULL `client`, `event`, `category` or `action` is NULL.
/// @retval PACT_TELEMETRY_ERROR_UTF8 A text is not valid UTF-8.
/// @retval PACT_TELEMETRY_ERROR_EMPTY `event`, `category` or `action` is empty or blank.
/// @retval PACT_TELEMETRY_ERROR_TOO_LONG A text is longer than its limit.
/// @retval PACT_TELEMETRY_ERROR_FORBIDDEN A text looks like a path, a URL, an e-mail address or a network address, or
///     it contains a control character.
/// @retval PACT_TELEMETRY_ERROR_RANGE `value` is negative.
/// @retval PACT_TELEMETRY_ERROR_INTERNAL The library failed.
/// @par Threads
/// Any thread, at any time. The environment is read on the calling thread, see pact_telemetry_new().
/// @par Blocking
/// Never. The call makes one allocation (a few more when the queue first grows beyond 256 events), takes no lock, and
/// makes no system call, except to wake or to start a background thread, which only the first event of a process and an
/// event after a quiet second need. If the environment no longer says "off", it reads the saved choices once, as
/// pact_telemetry_new() does.
/// @since 1.0
///
/// # Safety
/// Each pointer is as described above.
#[unsafe(no_mangle)]
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
        // The consent is checked first, so that "off" costs nothing but the check.
        client.admit().and_then(track).unwrap_or_else(PactTelemetryStatus::from).code()
    })
}

/// Turns a client off, or on again, for the host program.
///
/// Off: queued events are dropped, an upload in flight that carries events of this client is cut, and no event of this
/// client leaves after the call returns. On: the person's own choice still holds.
///
/// @param client The client. Must not be NULL.
/// @param enabled 0 is off, any other number is on.
/// @retval PACT_TELEMETRY_OK The client is now off or on.
/// @retval PACT_TELEMETRY_ERROR_NULL `client` is NULL.
/// @retval PACT_TELEMETRY_ERROR_INTERNAL The library failed.
/// @par Threads
/// Any thread, at any time.
/// @par Blocking
/// Never.
/// @since 1.0
///
/// # Safety
/// Each pointer is as described above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pact_telemetry_set_enabled(client: *mut PactTelemetry, enabled: i32) -> i32 {
    with(client, |client| {
        client.set_enabled(enabled != 0);
        PACT_TELEMETRY_OK.code()
    })
}

/// Tells whether pact_telemetry_track() would queue an event now.
///
/// @param client The client. Must not be NULL.
/// @retval 1 It would.
/// @retval 0 It would not: the person opted out, the host program turned the client off, there are no credentials, or
///     the client is closed.
/// @retval PACT_TELEMETRY_ERROR_NULL `client` is NULL.
/// @retval PACT_TELEMETRY_ERROR_INTERNAL The library failed.
/// @par Threads
/// Any thread, at any time. The environment is read on the calling thread, see pact_telemetry_new().
/// @par Blocking
/// Never on the network. If the environment no longer says "off", it reads the saved choices once, as
/// pact_telemetry_new() does.
/// @since 1.0
///
/// # Safety
/// Each pointer is as described above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pact_telemetry_is_enabled(client: *const PactTelemetry) -> i32 {
    with(client, |client| i32::from(client.is_enabled()))
}

/// Explains as JSON whether the client is on, and why.
///
/// The object names the rule that decided, what each rule read, where events go, and the keys of the config that the
/// library does not know. docs/config.md describes each key.
///
/// @param client The client. Must not be NULL.
/// @param out The caller's buffer for NUL-terminated UTF-8. A text that does not fit is cut between characters. May be
///     NULL if `capacity` is 0.
/// @param capacity The size of `out` in bytes.
/// @return The full length of the text in bytes, without the NUL, or one of the negative numbers below. The text was
///     cut if the length is not less than `capacity`.
/// @retval PACT_TELEMETRY_ERROR_NULL `client` is NULL, or `out` is NULL and `capacity` is not 0.
/// @retval PACT_TELEMETRY_ERROR_INTERNAL There is no memory for the text, or the library failed.
/// @par Threads
/// Any thread, at any time. The environment is read on the calling thread, see pact_telemetry_new().
/// @par Blocking
/// Never on the network. Reads three small files: the person's saved choice, the administrator's, and the record of the
/// notice.
/// @since 1.0
///
/// # Safety
/// Each pointer is as described above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pact_telemetry_explain(client: *const PactTelemetry, out: *mut c_char, capacity: u32) -> i32 {
    // SAFETY: the caller's promise.
    answer(client, |client| unsafe { write_text(&client.explain().to_json(), out, capacity) })
}

/// Shows the request that would carry this event alone if it were sent now.
///
/// The encoder that sends events makes it. The result is a JSON object with `method`, `url`, `content_type` and `body`,
/// the exact bytes. Nothing is sent or kept, whatever the person decided.
///
/// @param client The client. Must not be NULL.
/// @param event As for pact_telemetry_track().
/// @param category As for pact_telemetry_track().
/// @param action As for pact_telemetry_track().
/// @param value As for pact_telemetry_track().
/// @param plugin_name As for pact_telemetry_track().
/// @param plugin_version As for pact_telemetry_track().
/// @param out As for pact_telemetry_explain().
/// @param capacity As for pact_telemetry_explain().
/// @return The full length of the text in bytes, without the NUL, or one of the negative numbers below.
/// @retval PACT_TELEMETRY_ERROR_NULL `client`, `event`, `category` or `action` is NULL, or `out` is NULL and `capacity`
///     is not 0.
/// @retval PACT_TELEMETRY_ERROR_UTF8 A text is not valid UTF-8.
/// @retval PACT_TELEMETRY_ERROR_EMPTY `event`, `category` or `action` is empty or blank.
/// @retval PACT_TELEMETRY_ERROR_TOO_LONG A text is longer than its limit.
/// @retval PACT_TELEMETRY_ERROR_FORBIDDEN A text looks like a path, a URL, an e-mail address or a network address, or
///     it contains a control character.
/// @retval PACT_TELEMETRY_ERROR_RANGE `value` is negative.
/// @retval PACT_TELEMETRY_ERROR_INTERNAL There is no memory for the text, or the library failed.
/// @par Threads
/// Any thread, at any time.
/// @par Blocking
/// Never on the network. Reads two small files, the person's saved choice and the administrator's, and a third, the
/// random identifier, where one is used. Asks the system for the hostname.
/// @since 1.0
///
/// # Safety
/// Each pointer is as described above.
#[unsafe(no_mangle)]
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
            Ok(request) => unsafe { write_text(&request.to_json(), out, capacity) },
            // A positive status could not be told from a length.
            Err(error) => match PactTelemetryStatus::from(error).code() {
                code if code < 0 => code,
                _ => PACT_TELEMETRY_ERROR_INTERNAL.code(),
            },
        }
    })
}

/// Returns the counters of this client in this process as a JSON object.
///
/// At every moment `accepted` = `delivered` + `unconfirmed` + `queued` + `spooled` + the sum of `dropped` by reason.
/// `not_accepted` counts, by reason, the calls that queued nothing. docs/config.md describes each key.
///
/// @param client The client. Must not be NULL.
/// @param out As for pact_telemetry_explain().
/// @param capacity As for pact_telemetry_explain().
/// @return The full length of the text in bytes, without the NUL, or one of the negative numbers below.
/// @retval PACT_TELEMETRY_ERROR_NULL `client` is NULL, or `out` is NULL and `capacity` is not 0.
/// @retval PACT_TELEMETRY_ERROR_INTERNAL There is no memory for the text, or the library failed.
/// @par Threads
/// Any thread, at any time.
/// @par Blocking
/// Never.
/// @since 1.0
///
/// # Safety
/// Each pointer is as described above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pact_telemetry_stats(client: *const PactTelemetry, out: *mut c_char, capacity: u32) -> i32 {
    // SAFETY: the caller's promise.
    answer(client, |client| unsafe { write_text(&client.stats().to_json(), out, capacity) })
}

/// Puts every event that this client accepted before on disk, at once, and waits until it is there.
///
/// The call waits for no server. It is for a process that ends abruptly, such as a worker that is killed: the next
/// process sends what is on disk.
///
/// @param client The client. Must not be NULL.
/// @param timeout_ms The longest wait in milliseconds. 0 starts the work and does not wait for it.
/// @retval PACT_TELEMETRY_OK Every event is settled: none of them waits any more.
/// @retval PACT_TELEMETRY_KEPT No event was lost, and those that wait are on disk, for this process or a later one.
/// @retval PACT_TELEMETRY_LOST Events were lost that no earlier call of this function, pact_telemetry_flush() or
///     pact_telemetry_close() told of. pact_telemetry_stats() tells why.
/// @retval PACT_TELEMETRY_ERROR_TIMEOUT The time is over, or an event waits in memory alone because no disk takes it.
///     The library goes on with it until the process exits.
/// @retval PACT_TELEMETRY_ERROR_NULL `client` is NULL.
/// @retval PACT_TELEMETRY_ERROR_INTERNAL The library failed.
/// @par Threads
/// Any thread, at any time.
/// @par Blocking
/// At most `timeout_ms`.
/// @since 1.0
///
/// # Safety
/// Each pointer is as described above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pact_telemetry_persist(client: *mut PactTelemetry, timeout_ms: u32) -> i32 {
    with(client, |client| PactTelemetryStatus::from(client.persist(Duration::from_millis(timeout_ms.into()))).code())
}

/// Sends every event that this client accepted before, at once, and waits until each one is settled or kept.
///
/// @param client The client. Must not be NULL.
/// @param timeout_ms The longest wait in milliseconds. 0 starts the work and does not wait for it.
/// @retval PACT_TELEMETRY_OK Every event was delivered, or none was waiting.
/// @retval PACT_TELEMETRY_KEPT No event was lost, but some wait on disk for another attempt, of this process or of a
///     later one: the server cannot be reached or asked for a pause, or the notice was not shown long enough ago.
/// @retval PACT_TELEMETRY_LOST Events were lost that no earlier call of pact_telemetry_persist(),
///     pact_telemetry_flush() or pact_telemetry_close() told of. pact_telemetry_stats() tells why.
/// @retval PACT_TELEMETRY_ERROR_TIMEOUT The time is over and some events still wait, or some wait in memory alone
///     because no disk takes them. The library goes on with them until the process exits.
/// @retval PACT_TELEMETRY_ERROR_NULL `client` is NULL.
/// @retval PACT_TELEMETRY_ERROR_INTERNAL The library failed.
/// @par Threads
/// Any thread, at any time.
/// @par Blocking
/// At most `timeout_ms`, even if a server does not answer. What this process has waited in vain since the last answer,
/// in pact_telemetry_flush() or pact_telemetry_close(), is taken off `timeout_ms`, and off the time that
/// its exit may take.
/// @since 1.0
///
/// # Safety
/// Each pointer is as described above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pact_telemetry_flush(client: *mut PactTelemetry, timeout_ms: u32) -> i32 {
    with(client, |client| PactTelemetryStatus::from(client.flush(Duration::from_millis(timeout_ms.into()))).code())
}

/// Closes the client to further events, then does what pact_telemetry_flush() does.
///
/// A client may be closed again. Each call waits for what is left. If the library is sending what earlier processes
/// left, the call also waits for that, within `timeout_ms` and within the time that the exit may take: a process may
/// end without its exit handlers, and what was cut short would be sent again.
///
/// @param client The client. Must not be NULL.
/// @param timeout_ms The longest wait in milliseconds. 0 starts the work and does not wait for it.
/// @retval PACT_TELEMETRY_OK Every event was delivered, or none was waiting.
/// @retval PACT_TELEMETRY_KEPT No event was lost, but some wait on disk, see pact_telemetry_flush().
/// @retval PACT_TELEMETRY_LOST Events were lost that no earlier call of pact_telemetry_persist(),
///     pact_telemetry_flush() or pact_telemetry_close() told of. pact_telemetry_stats() tells why.
/// @retval PACT_TELEMETRY_ERROR_TIMEOUT The time is over and some events still wait, or some wait in memory alone
///     because no disk takes them. The library goes on with them until the process exits.
/// @retval PACT_TELEMETRY_ERROR_NULL `client` is NULL.
/// @retval PACT_TELEMETRY_ERROR_INTERNAL The library failed.
/// @par Threads
/// Any thread, at any time.
/// @par Blocking
/// At most `timeout_ms`, even if a server does not answer. What this process has waited in vain since the last answer,
/// in pact_telemetry_flush() or pact_telemetry_close(), is taken off `timeout_ms`, and off the time that
/// its exit may take.
/// @since 1.0
///
/// # Safety
/// Each pointer is as described above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pact_telemetry_close(client: *mut PactTelemetry, timeout_ms: u32) -> i32 {
    with(client, |client| PactTelemetryStatus::from(client.close(Duration::from_millis(timeout_ms.into()))).code())
}

/// Releases a client.
///
/// No event is lost by this call: the background threads go on with those that wait.
///
/// @param client The client, or NULL, which does nothing. No thread may use it during the call or afterwards.
/// @par Threads
/// Any thread, as the last call with this client.
/// @par Blocking
/// Never.
/// @since 1.0
///
/// # Safety
/// Each pointer is as described above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pact_telemetry_free(client: *mut PactTelemetry) {
    guard((), || {
        if !client.is_null() {
            // SAFETY: made by `pact_telemetry_new`, and by the caller's promise not freed before and not in use.
            drop(unsafe { Box::from_raw(client) });
        }
    });
}

/// Calls `body` with the client, unless it is NULL. A panic inside becomes a status.
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

/// The same for a function that allocates its answer. Refuses if there is no memory for that.
fn answer(client: *const PactTelemetry, body: impl FnOnce(&Client) -> i32) -> i32 {
    with(client, |client| match memory::is_there(memory::CALL_BYTES) {
        true => body(client),
        false => PACT_TELEMETRY_ERROR_INTERNAL.code(),
    })
}

/// The texts of an event; `None` if a required one is NULL.
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
