//! The floor under size and `dlopen`: the TLS stack of the library, linked as everybody would and told to do nothing
//! else.

use std::ffi::{c_char, CStr};
use std::sync::Arc;
use ureq::tls::{RootCerts, TlsConfig};

/// One POST, or the stack would be optimised away.
#[unsafe(no_mangle)]
pub extern "C" fn bare_post(url: *const c_char) -> i32 {
    // SAFETY: nobody calls it without a string.
    let url = unsafe { CStr::from_ptr(url) }.to_string_lossy();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(provider)
        .build();
    let agent = ureq::Agent::config_builder().tls_config(tls).build().new_agent();
    agent.post(url.as_ref()).send("x").map_or(-1, |answer| i32::from(answer.status().as_u16()))
}
