//! The real command over real sockets, as its users meet it.

// A test that meets the unexpected should stop there, loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod collect;
mod demo;
mod faults;
mod page;
mod support;
mod tls;
