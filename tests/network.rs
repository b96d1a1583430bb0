//! Working and broken networks: proxies, certificates, addresses, and servers that refuse, fail, send too much or
//! disappear.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests

mod support;

mod network {
    mod addresses;
    mod answers;
    mod authority;
    mod certificates;
    mod connections;
    mod deadlines;
    mod namespace;
    mod proxies;
    mod proxy_program;
    mod server;
}
