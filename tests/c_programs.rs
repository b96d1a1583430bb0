//! The C ABI as C and C++ programs use it: each program of tests/c is compiled as both, linked with the release library
//! and run in a clean environment beside a real collector.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests

mod support;

mod c_programs {
    mod abi;
    mod artifacts;
    mod behaviour;
    mod deadlines;
    mod headers;
    mod hostile;
    mod traces;
}
