//! The texts of an event through the C ABI, into a caller's buffer of any size. Input: two bytes for the size, eight
//! for the value, then the five texts, each up to a NUL.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pact_telemetry::ffi;
use std::ffi::{CStr, c_char};
use std::ptr::null_mut;
use std::sync::LazyLock;

struct Both([*mut ffi::PactTelemetry; 2]);
// SAFETY: the header allows every function but `free`, which is not called, on any thread.
unsafe impl Send for Both {}
// SAFETY: as above.
unsafe impl Sync for Both {}

/// A client for each of two protocols. They have no credentials, so they could not send an event.
static CLIENTS: LazyLock<Both> = LazyLock::new(|| {
    Both(["ga4", "universal-analytics"].map(|protocol| {
        let library = r#""library": {"id": "pact-fuzz", "name": "Pact Fuzz", "version": "1.0.0"}"#;
        let config = format!("{{{library}, \"protocol\": \"{protocol}\"}}\0");
        // SAFETY: terminated, and no buffer for an error is given.
        let client = unsafe { ffi::pact_telemetry_new(config.as_ptr().cast(), null_mut(), 0) };
        assert!(!client.is_null(), "{config}");
        client
    }))
});

fuzz_target!(|bytes: &[u8]| {
    let Some((head, rest)) = bytes.split_first_chunk::<10>() else { return };
    let capacity = u32::from(u16::from_le_bytes([head[0], head[1]])) % 2_048;
    let value = i64::from_le_bytes([head[2], head[3], head[4], head[5], head[6], head[7], head[8], head[9]]);
    let mut parts = rest.splitn(5, |byte| *byte == 0).map(|part| {
        let end = part.iter().position(|byte| *byte == 0).unwrap_or(part.len());
        [&part[..end], b"\0"].concat()
    });
    let texts: [Option<Vec<u8>>; 5] = std::array::from_fn(|_| parts.next());
    let [event, category, action, name, version] =
        texts.each_ref().map(|text| text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr().cast::<c_char>()));
    for client in CLIENTS.0 {
        // Exactly as large as the capacity, so that the sanitizer sees the first byte beyond it.
        let mut out = vec![0x5a_u8; capacity as usize].into_boxed_slice();
        let into = if out.is_empty() { null_mut() } else { out.as_mut_ptr().cast() };
        // SAFETY: every text is NULL or terminated, and the buffer has that capacity.
        let full = unsafe {
            ffi::pact_telemetry_preview(client, event, category, action, value, name, version, into, capacity)
        };
        if full >= 0 && capacity > 0 {
            let text = CStr::from_bytes_until_nul(&out).expect("terminated").to_str().expect("UTF-8");
            assert!(text.len() <= full as usize && text.len() < capacity as usize);
            assert!(text.len() == full as usize || text.len() + 4 >= capacity as usize, "cut too early");
        }
    }
});
