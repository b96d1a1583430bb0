//! Reports anonymous usage events of the Pact libraries from inside other people's tests. Three laws decide every
//! question: the host program never pays; what the person decided holds; what was accepted arrives, or is counted as
//! lost with the reason.
//!
//! Most users come through the C ABI (`include/pact_telemetry.h`, feature `capi`). A Rust program uses [`Client`]:
//!
//! ```
//! use pact_telemetry::{Client, Event, names};
//! use std::time::Duration;
//!
//! let client = Client::new(r#"{"library": {"id": "my-pact", "name": "My Pact", "version": "1.0.0"}}"#)?;
//! let _ = client.track(&Event::new(
//!     names::EVENT_PACT_CONSUMER_TESTS_RAN,
//!     names::CATEGORY_CONSUMER_TEST,
//!     names::ACTION_COMPLETED,
//!     4,
//! ));
//! client.close(Duration::from_millis(200));
//! # Ok::<(), pact_telemetry::ConfigError>(())
//! ```
//!
//! The modules below stand in the order of their layers: each imports only from those after it. Nothing imports `ffi`.

#[cfg(feature = "capi")]
pub mod ffi;

/// Entry points for the programs in `fuzz/`. Not for other use.
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;

#[doc(hidden)]
pub mod internal;

mod client;

mod answers;
mod pipeline;

mod notice;
mod route;
mod transport;

mod config;
mod record;

mod protocol;

mod consent;
mod event;
mod identifier;
mod ledger;
mod machine;
mod spool;

mod identity;
mod platform;
mod sync;

mod json;
pub mod names;
mod retry;

pub use answers::{Explanation, LeftByOthers, Preview, State, Stats};
pub use client::{Client, Flushed, TrackError};
pub use config::{CONFIG_MAX_BYTES, ConfigError, EXIT_TIMEOUT_MAX_MS, QUEUE_CAPACITY_MAX};
pub use consent::{Opinion, Rule, RuleSource};
pub use event::{
    ACTION_MAX_BYTES, CATEGORY_MAX_BYTES, EVENT_MAX_BYTES, Event, Field, InvalidEvent, Lookalike, PLUGIN_MAX_BYTES,
};
pub use notice::Notice;
pub use pipeline::{DropReason, Refusal};

/// The version of this library.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
