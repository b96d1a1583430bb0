//! What differs by operating system, and nothing else: each function here has one meaning and as many bodies as
//! there are systems. With `ffi`, the only room where `unsafe` is allowed.
//!
//! What ran where is in README.md. With `--cfg pact_like_macos` a Linux build does what differs on macOS as far as
//! Linux can: no page that a fork wipes, no coarse clock, no library that the linker pins. For tests alone.
#![allow(unsafe_code)]

pub mod clock;
pub mod descriptor;
pub mod environment;
pub mod files;
pub mod memory;
pub mod paths;
pub mod process;
#[cfg(any(feature = "reserve", test))]
pub mod reserve;
pub mod roots;
pub mod socket;
pub mod terminal;
pub mod thread;
#[cfg(windows)]
pub mod windows;
