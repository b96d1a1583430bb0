//! The codes of the C ABI. A number never changes its meaning; a retired one stays here as a comment.

use crate::client::{Flushed, TrackError};
use crate::event::InvalidEvent;
use std::ffi::CStr;

/// The status that a function returns.
///
/// Zero is success. A positive number is no error, but no event was queued, or not every event arrived. A negative
/// number is an error of the caller, a timeout, or an internal error. A host program may ignore them all.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(non_camel_case_types)] // the names that C sees
pub enum PactTelemetryStatus {
    /// Success.
    PACT_TELEMETRY_OK = 0,
    /// Not queued: the person opted out, or the host program turned telemetry off. pact_telemetry_explain() names the
    /// rule.
    PACT_TELEMETRY_DISABLED = 1,
    /// Not queued: Google's endpoint needs credentials, and there are none in the config, the environment or the build.
    PACT_TELEMETRY_NOT_CONFIGURED = 2,
    /// Not queued: the queue is full, or there is no memory. The event is dropped and counted.
    PACT_TELEMETRY_QUEUE_FULL = 3,
    /// Not queued: the client is closed.
    PACT_TELEMETRY_CLOSED = 4,
    /// Some events were lost that no earlier call told of. pact_telemetry_stats() tells why.
    PACT_TELEMETRY_LOST = 5,
    /// No event was lost, but some wait on disk for another attempt, of this process or of a later one.
    PACT_TELEMETRY_KEPT = 6,
    /// A pointer that must not be NULL is NULL.
    PACT_TELEMETRY_ERROR_NULL = -1,
    /// A text is not valid UTF-8.
    PACT_TELEMETRY_ERROR_UTF8 = -2,
    /// A text that must not be empty is empty or blank.
    PACT_TELEMETRY_ERROR_EMPTY = -3,
    /// A text is longer than its limit.
    PACT_TELEMETRY_ERROR_TOO_LONG = -4,
    /// A text looks like a path, a URL, an e-mail address or a network address, or it contains a control character.
    /// Such text is never collected.
    PACT_TELEMETRY_ERROR_FORBIDDEN = -5,
    /// A number is outside its range.
    PACT_TELEMETRY_ERROR_RANGE = -6,
    /// The time is over and some events still wait, or some wait in memory alone because no disk takes them. The
    /// library goes on with them until the process exits.
    PACT_TELEMETRY_ERROR_TIMEOUT = -7,
    /// The library failed, or there is no memory for the answer. The host program is unharmed.
    PACT_TELEMETRY_ERROR_INTERNAL = -8,
}

use PactTelemetryStatus::*;

impl PactTelemetryStatus {
    const ALL: [(PactTelemetryStatus, &'static CStr); 15] = [
        (PACT_TELEMETRY_OK, c"PACT_TELEMETRY_OK"),
        (PACT_TELEMETRY_DISABLED, c"PACT_TELEMETRY_DISABLED"),
        (PACT_TELEMETRY_NOT_CONFIGURED, c"PACT_TELEMETRY_NOT_CONFIGURED"),
        (PACT_TELEMETRY_QUEUE_FULL, c"PACT_TELEMETRY_QUEUE_FULL"),
        (PACT_TELEMETRY_CLOSED, c"PACT_TELEMETRY_CLOSED"),
        (PACT_TELEMETRY_LOST, c"PACT_TELEMETRY_LOST"),
        (PACT_TELEMETRY_KEPT, c"PACT_TELEMETRY_KEPT"),
        (PACT_TELEMETRY_ERROR_NULL, c"PACT_TELEMETRY_ERROR_NULL"),
        (PACT_TELEMETRY_ERROR_UTF8, c"PACT_TELEMETRY_ERROR_UTF8"),
        (PACT_TELEMETRY_ERROR_EMPTY, c"PACT_TELEMETRY_ERROR_EMPTY"),
        (PACT_TELEMETRY_ERROR_TOO_LONG, c"PACT_TELEMETRY_ERROR_TOO_LONG"),
        (PACT_TELEMETRY_ERROR_FORBIDDEN, c"PACT_TELEMETRY_ERROR_FORBIDDEN"),
        (PACT_TELEMETRY_ERROR_RANGE, c"PACT_TELEMETRY_ERROR_RANGE"),
        (PACT_TELEMETRY_ERROR_TIMEOUT, c"PACT_TELEMETRY_ERROR_TIMEOUT"),
        (PACT_TELEMETRY_ERROR_INTERNAL, c"PACT_TELEMETRY_ERROR_INTERNAL"),
    ];

    /// The number.
    pub const fn code(self) -> i32 {
        self as i32
    }

    /// The name of that number, for a log.
    pub fn name_of(code: i32) -> &'static CStr {
        let known = Self::ALL.iter().find(|(status, _)| status.code() == code);
        known.map_or(c"PACT_TELEMETRY_UNKNOWN", |(_, name)| name)
    }
}

impl From<TrackError> for PactTelemetryStatus {
    fn from(error: TrackError) -> Self {
        match error {
            TrackError::Disabled => PACT_TELEMETRY_DISABLED,
            TrackError::NotConfigured => PACT_TELEMETRY_NOT_CONFIGURED,
            TrackError::QueueFull => PACT_TELEMETRY_QUEUE_FULL,
            TrackError::Closed => PACT_TELEMETRY_CLOSED,
            TrackError::Invalid(InvalidEvent::Empty(_)) => PACT_TELEMETRY_ERROR_EMPTY,
            TrackError::Invalid(InvalidEvent::TooLong(_)) => PACT_TELEMETRY_ERROR_TOO_LONG,
            TrackError::Invalid(InvalidEvent::InvalidUtf8(_)) => PACT_TELEMETRY_ERROR_UTF8,
            TrackError::Invalid(InvalidEvent::Forbidden(..)) => PACT_TELEMETRY_ERROR_FORBIDDEN,
            TrackError::Invalid(InvalidEvent::NegativeValue) => PACT_TELEMETRY_ERROR_RANGE,
            TrackError::Invalid(InvalidEvent::NoMemory) => PACT_TELEMETRY_QUEUE_FULL,
        }
    }
}

impl From<Flushed> for PactTelemetryStatus {
    fn from(flushed: Flushed) -> Self {
        match flushed {
            Flushed::Delivered => PACT_TELEMETRY_OK,
            Flushed::Lost => PACT_TELEMETRY_LOST,
            Flushed::Kept => PACT_TELEMETRY_KEPT,
            Flushed::TimedOut => PACT_TELEMETRY_ERROR_TIMEOUT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_name_and_number() {
        for (index, (status, name)) in PactTelemetryStatus::ALL.iter().enumerate() {
            assert_eq!(name.to_string_lossy(), format!("{status:?}"));
            assert_eq!(PactTelemetryStatus::name_of(status.code()), *name);
            let others = PactTelemetryStatus::ALL.iter().skip(index + 1);
            assert!(others.into_iter().all(|(other, _)| other.code() != status.code()), "{status:?}");
        }
        assert_eq!(PactTelemetryStatus::name_of(i32::MIN), c"PACT_TELEMETRY_UNKNOWN");
    }
}
