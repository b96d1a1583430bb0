//! What differs by operating system, and nothing else. Each function has one meaning, and a body for each system.
//! `unsafe` is allowed here and in `ffi` only.
//!
//! README.md lists what was tested on which system. For tests, `--cfg pact_like_macos` makes a Linux build take the
//! paths of macOS where Linux can: no page that a fork wipes, no coarse clock, no library that the linker pins.
#![allow(unsafe_code)]

pub mod clock;
pub mod descriptor;
pub mod environment;
pub mod files;
pub mod folders;
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
