//! The real command over real sockets and real files, as its users meet it.

// A test that cannot go on should stop.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod collect;
mod demo;
mod faults;
#[cfg(unix)]
mod home;
#[cfg(unix)]
mod identifier;
#[cfg(unix)]
mod kept;
#[cfg(unix)]
mod log;
#[cfg(unix)]
mod manual;
mod page;
#[cfg(unix)]
mod preview;
#[cfg(unix)]
mod program;
#[cfg(unix)]
mod property;
#[cfg(unix)]
mod running;
#[cfg(unix)]
mod status;
mod strangers;
mod support;
#[cfg(unix)]
mod switch;
#[cfg(target_os = "linux")]
mod system;
#[cfg(unix)]
mod terminal;
mod tls;
#[cfg(target_os = "linux")]
mod traces;
