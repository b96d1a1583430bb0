//! The lowest possible size and `dlopen` time: the TLS stack of the library, linked in the usual way, and nothing else.

use std::ffi::{c_char, CStr};
use std::sync::Arc;
use ureq::tls::{RootCerts, TlsConfig};

/// Sends one POST. Without it, the stack would be optimised away.
#[unsafe(no_mangle)]
pub extern "C" fn bare_post(url: *const c_char) -> i32 {
    // SAFETY: every caller gives a string.
    let url = unsafe { CStr::from_ptr(url) }.to_string_lossy();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    let agent = ureq::Agent::config_builder().tls_config(tls).build().new_agent();
    agent.post(url.as_ref()).send("x").map_or(-1, |answer| i32::from(answer.status().as_u16()))
}
