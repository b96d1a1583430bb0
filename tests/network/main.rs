//! Good and bad networks: proxies, certificates, addresses, and servers that refuse, fail, babble and vanish.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests

#[path = "../support/mod.rs"]
mod support;

mod addresses;
mod answers;
mod authority;
mod certificates;
mod connections;
mod deadlines;
mod place;
mod proxies;
mod proxy_program;
mod server;
