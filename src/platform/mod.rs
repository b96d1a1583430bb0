//! What differs by operating system, and nothing else: each function here has one meaning and as many bodies as
//! there are systems. With `ffi`, the only room where `unsafe` is allowed.
//!
//! Run: Linux x86_64 with glibc. Written with care, not run: musl, arm64, macOS, Windows (see README.md).
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
pub mod thread;
