//! When to try again after a request that was not accepted. Pure functions: the time, the answer and the chance are
//! given.
//!
//! Exponential backoff with full jitter; a server's `Retry-After` is obeyed, capped. Nothing here can turn sending on:
//! it only says "not before".

use serde_json::Value;
use std::time::{Duration, SystemTime};

/// The wait after the first failure is random between zero and this; it doubles with each further failure.
const FIRST_MS: u64 = 10_000;
/// The longest wait of our own.
const LONGEST_MS: u64 = 60 * 60 * 1_000;
/// The longest wait that a server can ask for: a day. Events older than three days are lost anyway.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What to do with the events of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They arrived.
    Delivered,
    /// Try again later, and not before the server's `Retry-After`.
    Keep(Option<Duration>),
    /// The server will never take them.
    Refused,
}

/// What a status means: 2xx is an answer; 4xx is a refusal, but for 408 (RFC 9110, 15.5.9) and 429 (RFC 6585, section 4),
/// and 407, which a proxy says and not the server. All else may pass: a redirect is a captive portal as a rule.
pub fn verdict(status: u16, retry_after: Option<Duration>) -> Verdict {
    match status {
        200..=299 => Verdict::Delivered,
        407 | 408 | 429 => Verdict::Keep(retry_after),
        400..=499 => Verdict::Refused,
        _ => Verdict::Keep(retry_after),
    }
}

/// A `Retry-After` in either form, seconds or a date (RFC 9110, 10.2.3), at most [`RETRY_AFTER_MAX`]. `None` for what is
/// neither.
pub fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        date.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

/// How long a destination is left alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backoff {
    /// Failures in a row.
    pub failures: u32,
    /// No attempt before this moment, in milliseconds since 1970.
    pub not_before_ms: u64,
}

impl Backoff {
    /// How long to wait from now; `None` where an attempt is allowed.
    pub fn wait(&self, now_ms: u64) -> Option<Duration> {
        let wait = self.not_before_ms.saturating_sub(now_ms);
        // Further away than anything that is ever written: the clock was set back since.
        let believable = wait <= RETRY_AFTER_MAX.as_millis() as u64;
        (wait > 0 && believable).then(|| Duration::from_millis(wait))
    }

    /// After one more failure. `chance` is any number, evenly spread.
    pub fn after_failure(&self, now_ms: u64, retry_after: Option<Duration>, chance: u64) -> Self {
        let ceiling = FIRST_MS.saturating_mul(1 << self.failures.min(20)).min(LONGEST_MS);
        let own = chance % (ceiling + 1);
        let asked = retry_after.map_or(0, |wait| wait.min(RETRY_AFTER_MAX).as_millis() as u64);
        Backoff { failures: self.failures.saturating_add(1), not_before_ms: now_ms.saturating_add(own.max(asked)) }
    }

    /// As it is remembered on disk.
    pub fn to_text(self) -> String {
        format!("{{\"failures\":{},\"not_before_ms\":{}}}", self.failures, self.not_before_ms)
    }

    /// From what is on disk; anything unreadable is no backoff.
    pub fn from_text(text: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(text).unwrap_or_default();
        let number = |key| value.get(key).and_then(Value::as_u64).unwrap_or(0);
        Backoff { failures: number("failures").min(u32::MAX.into()) as u32, not_before_ms: number("not_before_ms") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::UNIX_EPOCH;

    const NOW: u64 = 1_800_000_000_000;

    #[test]
    fn only_a_refusal_by_the_server_itself_ends_the_trying() {
        for status in 200..300 {
            assert_eq!(verdict(status, None), Verdict::Delivered);
        }
        for status in [100, 301, 302, 307, 407, 408, 429, 500, 502, 503, 504, 511, 599, 600] {
            assert_eq!(verdict(status, None), Verdict::Keep(None), "{status}");
        }
        for status in [400, 401, 403, 404, 405, 410, 413, 415, 422, 451, 499] {
            assert_eq!(verdict(status, Some(Duration::from_secs(1))), Verdict::Refused, "{status}");
        }
        let asked = Some(Duration::from_secs(7));
        assert_eq!(verdict(503, asked), Verdict::Keep(asked));
    }

    #[test]
    fn retry_after_is_read_in_every_form_and_capped() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777 - 60); // a minute before the date below
        let seconds = |text: &str| retry_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds(" 0 "), Some(0));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(60));
        assert_eq!(seconds("Sunday, 06-Nov-94 08:49:37 GMT"), Some(60));
        assert_eq!(seconds("Sun Nov  6 08:49:37 1994"), Some(60));
        assert_eq!(seconds("Sun, 06 Nov 1988 08:49:37 GMT"), Some(0), "a date that has passed");
        let day = Some(86_400);
        assert_eq!(seconds("99999999"), day);
        assert_eq!(seconds("99999999999999999999999999"), day, "more than fits");
        assert_eq!(seconds("Sun, 06 Nov 2044 08:49:37 GMT"), day);
        for text in ["", "-5", "1.5", "soon", "12h", "Sun, 99 Nov 1994 08:49:37 GMT"] {
            assert_eq!(seconds(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_wait_doubles_up_to_an_hour_and_is_random_below_that() {
        let mut backoff = Backoff::default();
        let mut longest = Vec::new();
        for _ in 0..12 {
            let ceiling = FIRST_MS.saturating_mul(1 << backoff.failures).min(LONGEST_MS);
            assert_eq!(backoff.after_failure(NOW, None, 0).not_before_ms, NOW, "full jitter reaches down to nothing");
            backoff = backoff.after_failure(NOW, None, ceiling);
            longest.push((backoff.not_before_ms - NOW) / 1_000);
        }
        assert_eq!(longest, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_silence_us_for_ever() {
        let backoff = Backoff { failures: 1, not_before_ms: NOW };
        assert_eq!(backoff.wait(NOW), None);
        assert_eq!(backoff.wait(NOW - 5_000), Some(Duration::from_secs(5)));
        assert_eq!(backoff.wait(NOW - RETRY_AFTER_MAX.as_millis() as u64 - 1), None);
        assert_eq!(backoff.wait(0), None);
    }

    #[test]
    fn what_is_on_disk_and_cannot_be_read_is_no_backoff() {
        for text in ["", "{", "[]", "null", "{\"failures\":-1,\"not_before_ms\":\"x\"}", "\u{0}\u{0}"] {
            assert_eq!(Backoff::from_text(text.as_bytes()), Backoff::default(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_wait_is_longer_than_allowed_and_a_server_is_never_asked_earlier_than_it_said(
            failures in any::<u32>(), asked in proptest::option::of(any::<u64>()), chance in any::<u64>(), now in 0..u64::MAX / 2,
        ) {
            let asked = asked.map(Duration::from_millis);
            let next = Backoff { failures, not_before_ms: 0 }.after_failure(now, asked, chance);
            let wait = Duration::from_millis(next.not_before_ms - now);
            prop_assert!(wait <= RETRY_AFTER_MAX);
            prop_assert!(wait >= asked.unwrap_or_default().min(RETRY_AFTER_MAX));
            prop_assert_eq!(Backoff::from_text(next.to_text().as_bytes()), next);
            prop_assert_eq!(next.wait(next.not_before_ms), None);
        }
    }
}
