//! When to try again after a request that was not accepted. Pure functions: the time, the answer and the random number
//! are arguments.
//!
//! Exponential backoff with full jitter. A server's `Retry-After` is followed up to a limit. Nothing here can turn
//! sending on: it only says "not before".

use serde_json::Value;
use std::time::{Duration, SystemTime};

/// The wait after the first failure is random between zero and this; it doubles with each further failure.
const FIRST_MS: u64 = 10_000;
/// The longest wait, unless a server asks for more.
const LONGEST_MS: u64 = 60 * 60 * 1_000;
/// The longest wait that a server can ask for: one day. Events older than three days are lost anyway.
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

/// What a status means. 2xx means that the events arrived. 4xx is a refusal, except 408 (RFC 9110, 15.5.9), 429 (RFC
/// 6585, section 4) and 407, which comes from a proxy and not from the server. Everything else may be temporary: a
/// redirect usually comes from a captive portal.
pub fn verdict(status: u16, retry_after: Option<Duration>) -> Verdict {
    match status {
        200..=299 => Verdict::Delivered,
        407 | 408 | 429 => Verdict::Keep(retry_after),
        400..=499 => Verdict::Refused,
        _ => Verdict::Keep(retry_after),
    }
}

/// Parses a `Retry-After` in either form, seconds or a date (RFC 9110, 10.2.3), and limits it to [`RETRY_AFTER_MAX`].
/// `None` if it is neither.
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

/// How long nothing is sent to a destination.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backoff {
    /// Failures in a row.
    pub failures: u32,
    /// No attempt before this moment, in milliseconds since 1970.
    pub not_before_ms: u64,
}

impl Backoff {
    /// How long to wait from now; `None` if an attempt is allowed.
    pub fn wait(&self, now_ms: u64) -> Option<Duration> {
        let wait = self.not_before_ms.saturating_sub(now_ms);
        // No process ever writes a time that far away, so the clock was set back in between.
        let believable = wait <= RETRY_AFTER_MAX.as_millis() as u64;
        (wait > 0 && believable).then(|| Duration::from_millis(wait))
    }

    /// The backoff after one more failure. `chance` is a uniformly distributed random number.
    pub fn after_failure(&self, now_ms: u64, retry_after: Option<Duration>, chance: u64) -> Self {
        let own = chance % (self.ceiling_ms() + 1);
        let asked = retry_after.map_or(0, |wait| wait.min(RETRY_AFTER_MAX).as_millis() as u64);
        Backoff { failures: self.failures.saturating_add(1), not_before_ms: now_ms.saturating_add(own.max(asked)) }
    }

    /// The longest wait after the next failure, in milliseconds.
    fn ceiling_ms(&self) -> u64 {
        FIRST_MS.saturating_mul(1 << self.failures.min(20)).min(LONGEST_MS)
    }

    /// Parses what is on disk. Anything unreadable counts as no backoff.
    pub fn from_text(text: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(text).unwrap_or_default();
        let number = |key| value.get(key).and_then(Value::as_u64).unwrap_or(0);
        Backoff { failures: number("failures").min(u32::MAX.into()) as u32, not_before_ms: number("not_before_ms") }
    }
}

/// How long the usual time of a destination to answer, or a wait in vain for it, stays valid, in milliseconds.
const ANSWER_KNOWN_MS: u64 = 24 * 60 * 60 * 1_000;
const VAIN_KNOWN_MS: u64 = 10 * 60 * 1_000;
/// After this many requests in a row without an answer, the destination counts as hanging.
const UNANSWERED_MAX: u32 = 3;
/// If so many processes in a row were killed before they heard a destination, it is slow, unless it is known to hang.
const UNHEARD_MIN: u32 = 10;
/// The longest that an attempt takes.
pub const ATTEMPT_MAX: Duration = Duration::from_secs(10);
/// An attempt that got no answer within at least this time is a failure. One with less time may only have been cut
/// short.
pub const HANG: Duration = Duration::from_millis(400);

/// What is known about a destination, remembered on disk for all processes: how long nothing is sent to it, how long it
/// usually takes to answer, and how long a process waited for it in vain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Health {
    /// How long nothing is sent to it.
    pub backoff: Backoff,
    /// When it answered last, in milliseconds since 1970; 0 for never.
    pub answered_ms: u64,
    /// The usual time until a request on a new connection is written, in milliseconds.
    pub connect_ms: u64,
    /// The usual time from then until the answer, in milliseconds.
    pub answer_ms: u64,
    /// How many requests in a row were written whole and got no answer in time.
    pub unanswered: u32,
    /// The longest time that an attempt was given in vain since the last answer, in milliseconds.
    pub vain_ms: u64,
    /// When that was, in milliseconds since 1970.
    pub vain_at_ms: u64,
}

impl Health {
    /// Whether it answered recently and does not seem to hang.
    pub fn is_known(&self, now_ms: u64) -> bool {
        let answered_lately = self.answered_ms > 0 && now_ms.abs_diff(self.answered_ms) < ANSWER_KNOWN_MS;
        answered_lately && self.unanswered < UNANSWERED_MAX && self.vain(now_ms).is_zero()
    }

    /// Whether so many processes in a row ended before an answer arrived, and none waited for one in vain, that the
    /// destination must be slower than these processes live.
    pub fn is_only_unheard(&self) -> bool {
        self.unanswered >= UNHEARD_MIN && self.vain_ms == 0
    }

    /// The usual time of a request on a new connection until its answer, if that is known.
    pub fn usual(&self, now_ms: u64) -> Option<Duration> {
        self.is_known(now_ms).then(|| Duration::from_millis(self.connect_ms + self.answer_ms))
    }

    /// How long a recent attempt was given in vain; zero if there was none.
    pub fn vain(&self, now_ms: u64) -> Duration {
        let is_fresh = now_ms.abs_diff(self.vain_at_ms) < VAIN_KNOWN_MS;
        Duration::from_millis(if is_fresh { self.vain_ms } else { 0 })
    }

    /// How long to wait before an attempt that can be given `available`; `None` if it may be made now. A process that
    /// can give more than twice the time that was in vain may try again early. No process can give more than twice the
    /// time to an attempt that already had half of [`ATTEMPT_MAX`].
    pub fn wait(&self, now_ms: u64, available: Duration) -> Option<Duration> {
        let vain = self.vain(now_ms);
        let has_longer = !vain.is_zero() && available.min(ATTEMPT_MAX) > 2 * vain;
        self.backoff.wait(now_ms).filter(|_| !has_longer)
    }

    /// How much longer a process that can give `available` to a request must run before it may write one; `None` if it
    /// may now. Nothing is written to a destination that never answered while the last attempt had as much time: the
    /// same events would be sent again each time.
    pub fn missing(&self, now_ms: u64, available: Duration) -> Option<Duration> {
        let vain = self.vain(now_ms);
        let needed = (2 * vain).min(ATTEMPT_MAX);
        let may_send = self.is_known(now_ms) || vain.is_zero() || available > needed;
        (!may_send).then(|| needed.saturating_sub(available) + Duration::from_millis(1))
    }

    /// Whether a request that was written whole counts as received although `awaited` has passed without an answer. It
    /// does if the destination answered recently and may only be slower than this process can wait, and not if it seems
    /// to hang.
    pub fn is_unconfirmed(&self, now_ms: u64, awaited: Duration) -> bool {
        self.is_known(now_ms) && awaited < Duration::from_millis(3 * self.answer_ms + 50)
    }

    /// The state after an answer. `connect` is `None` for a request on an existing connection.
    pub fn after_answer(&self, now_ms: u64, connect: Option<Duration>, answer: Duration) -> Self {
        let smooth = |before: u64, now: Duration| match self.answered_ms {
            0 => now.as_millis() as u64,
            _ => (3 * before + now.as_millis() as u64).div_ceil(4),
        };
        Health {
            answered_ms: now_ms,
            connect_ms: connect.map_or(self.connect_ms, |connect| smooth(self.connect_ms, connect)),
            answer_ms: smooth(self.answer_ms, answer),
            ..Health::default()
        }
    }

    /// The state after a failure that came from the destination or from the network.
    pub fn after_failure(&self, now_ms: u64, retry_after: Option<Duration>, chance: u64) -> Self {
        let backoff = self.backoff.after_failure(now_ms, retry_after, chance);
        Health { backoff, unanswered: 0, vain_ms: 0, ..*self }
    }

    /// The state after an attempt that got no answer in the time it was given, because the process exits or no call
    /// waits any longer. For `chance` see [`Backoff::after_failure`].
    pub fn after_vain(&self, now_ms: u64, given: Duration, is_written: bool, chance: u64) -> Self {
        let mut next = *self;
        next.unanswered = next.unanswered.saturating_add(u32::from(is_written));
        next.vain_ms = (self.vain(now_ms).max(given).as_millis() as u64).max(1);
        next.vain_at_ms = now_ms;
        if given >= HANG {
            // At least half of the wait is certain, so that the next processes do not run into the same hang at once.
            let ceiling = self.backoff.ceiling_ms();
            let wait = ceiling / 2 + chance % (ceiling / 2 + 1);
            next.backoff = Backoff { failures: self.backoff.failures.saturating_add(1), not_before_ms: now_ms + wait };
        }
        next
    }

    /// The state after a request that was written whole and counted as unconfirmed.
    pub fn after_unconfirmed(&self) -> Self {
        Health { unanswered: self.unanswered.saturating_add(1), ..*self }
    }

    /// Whether it differs enough from what is on disk to be written.
    pub fn is_news(&self, before: &Self) -> bool {
        let differs = |a: u64, b: u64| a.abs_diff(b) > 20 + a.min(b) / 4;
        let is_same = Health {
            answered_ms: before.answered_ms,
            connect_ms: before.connect_ms,
            answer_ms: before.answer_ms,
            ..*self
        } == *before;
        !is_same
            || differs(self.connect_ms, before.connect_ms)
            || differs(self.answer_ms, before.answer_ms)
            || self.answered_ms.abs_diff(before.answered_ms) > ANSWER_KNOWN_MS / 4
    }

    /// The text that is written to disk.
    pub fn to_text(self) -> String {
        let Health { backoff, answered_ms, connect_ms, answer_ms, unanswered, vain_ms, vain_at_ms } = self;
        let Backoff { failures, not_before_ms } = backoff;
        format!(
            "{{\"failures\":{failures},\"not_before_ms\":{not_before_ms},\"answered_ms\":{answered_ms},\
             \"connect_ms\":{connect_ms},\"answer_ms\":{answer_ms},\"unanswered\":{unanswered},\
             \"vain_ms\":{vain_ms},\"vain_at_ms\":{vain_at_ms}}}"
        )
    }

    /// Parses what is on disk. If it is unreadable, nothing is known.
    pub fn from_text(text: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(text).unwrap_or_default();
        let number = |key| value.get(key).and_then(Value::as_u64).unwrap_or(0);
        let small = |key| number(key).min(u32::MAX.into());
        Health {
            backoff: Backoff::from_text(text),
            answered_ms: number("answered_ms"),
            connect_ms: small("connect_ms"),
            answer_ms: small("answer_ms"),
            unanswered: small("unanswered") as u32,
            vain_ms: small("vain_ms"),
            vain_at_ms: number("vain_at_ms"),
        }
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
            failures in any::<u32>(), asked in proptest::option::of(any::<u64>()),
            chance in any::<u64>(), now in 0..u64::MAX / 2,
        ) {
            let asked = asked.map(Duration::from_millis);
            let next = Backoff { failures, not_before_ms: 0 }.after_failure(now, asked, chance);
            let wait = Duration::from_millis(next.not_before_ms - now);
            prop_assert!(wait <= RETRY_AFTER_MAX);
            prop_assert!(wait >= asked.unwrap_or_default().min(RETRY_AFTER_MAX));
            let health = Health { backoff: next, ..Health::default() };
            prop_assert_eq!(Health::from_text(health.to_text().as_bytes()), health);
            prop_assert_eq!(next.wait(next.not_before_ms), None);
        }
    }

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn a_destination_that_answered_lately_has_a_usual_time() {
        let never = Health::default();
        assert_eq!((never.usual(NOW), never.is_unconfirmed(NOW, MS(1))), (None, false));
        let first = never.after_answer(NOW, Some(MS(30)), MS(100));
        assert_eq!(first.usual(NOW), Some(MS(130)));
        let second = first.after_answer(NOW, None, MS(200));
        assert_eq!(second.usual(NOW), Some(MS(30 + 125)), "smoothed");
        let day = 86_400_000;
        assert!(second.usual(NOW + day - 1).is_some() && second.usual(NOW + day).is_none(), "that was long ago");
        assert!(!never.is_known(1), "not even by a clock that begins in 1970");
        let slowest = 3 * second.answer_ms + 50;
        assert_eq!(slowest, 425);
        assert!(second.is_unconfirmed(NOW, MS(slowest - 1)) && !second.is_unconfirmed(NOW, MS(slowest)), "or it hangs");
    }

    #[test]
    fn one_that_leaves_several_in_a_row_without_an_answer_is_taken_for_hanging() {
        let mut health = Health::default().after_answer(NOW, None, MS(100));
        for _ in 0..UNANSWERED_MAX {
            assert!(health.is_unconfirmed(NOW, MS(10)));
            health = health.after_unconfirmed();
        }
        assert!(!health.is_unconfirmed(NOW, MS(10)) && health.usual(NOW).is_none());
        assert!(health.after_answer(NOW, None, MS(100)).is_known(NOW), "until it answers again");
    }

    #[test]
    fn one_that_many_killed_processes_did_not_hear_is_slow_unless_a_process_waited_for_it_in_vain() {
        let mut unheard = Health::default();
        for _ in 0..UNHEARD_MIN {
            assert!(!unheard.is_only_unheard());
            unheard = unheard.after_unconfirmed();
        }
        assert!(unheard.is_only_unheard() && unheard.after_unconfirmed().is_only_unheard());
        for other in [
            unheard.after_vain(NOW, MS(500), false, 0),
            unheard.after_failure(NOW, None, 0),
            unheard.after_answer(NOW, None, MS(1)),
        ] {
            assert!(!other.is_only_unheard(), "{other:?}");
        }
    }

    #[test]
    fn a_vain_wait_is_remembered_until_a_process_has_twice_as_long() {
        let short = Health::default().after_vain(NOW, MS(100), true, 7);
        assert_eq!(short.wait(NOW, MS(0)), None, "it may only have been cut short");
        assert_eq!((short.missing(NOW, MS(200)), short.missing(NOW, MS(201))), (Some(MS(1)), None));
        let ten_minutes = 600_000;
        assert!(short.missing(NOW + ten_minutes - 1, MS(0)).is_some());
        assert_eq!(short.missing(NOW + ten_minutes, MS(0)), None, "in the long run it is tried again");
        for (chance, wait) in [(0, 5_000), (4_999, 9_999), (5_000, 10_000), (5_001, 5_000)] {
            let hang = Health::default().after_vain(NOW, MS(500), false, chance);
            assert_eq!(hang.wait(NOW, MS(1_000)), Some(MS(wait)), "between half of the longest wait and all of it");
            assert_eq!(hang.wait(NOW, MS(1_001)), None);
        }
        let refused = Health::default().after_failure(NOW, Some(MS(60_000)), 0);
        assert!(refused.wait(NOW, MS(u64::MAX)).is_some(), "what a server asks for is obeyed by everybody");
        assert_eq!(short.after_vain(NOW, MS(50), true, 0).vain_ms, 100, "the longest counts");
        assert_eq!(short.after_failure(NOW, None, 0).missing(NOW, MS(0)), None, "one that refuses does not hang");
    }

    #[test]
    fn a_process_that_lives_for_long_does_not_go_on_trying_what_hangs() {
        for given in [ATTEMPT_MAX / 2, ATTEMPT_MAX] {
            let hang = Health::default().after_vain(NOW, given, true, 0);
            assert!(hang.wait(NOW, 100 * ATTEMPT_MAX).is_some(), "nobody can give an attempt more than {given:?}");
            let later = NOW + FIRST_MS;
            assert_eq!((hang.wait(later, MS(0)), hang.missing(later, MS(0))), (None, Some(ATTEMPT_MAX + MS(1))));
            assert_eq!(hang.missing(later, ATTEMPT_MAX + MS(1)), None, "after its pause it is tried again");
        }
    }

    #[test]
    fn only_what_changes_a_decision_is_worth_a_write() {
        let health = Health::default().after_answer(NOW, Some(MS(30)), MS(100));
        assert!(health.is_news(&Health::default()));
        assert!(!health.after_answer(NOW + 1_000, Some(MS(31)), MS(101)).is_news(&health));
        assert!(health.after_answer(NOW, None, MS(400)).is_news(&health));
        let at = |answered_ms| Health { answered_ms, ..health };
        let six_hours = 21_600_000;
        assert!(!at(NOW + six_hours).is_news(&health) && at(NOW + six_hours + 1).is_news(&health));
        for (before, now, is_news) in [(100, 145, false), (100, 146, true), (145, 100, false), (146, 100, true)] {
            let answers = |answer_ms| Health { answer_ms, ..health };
            assert_eq!(answers(now).is_news(&answers(before)), is_news, "{before} {now}");
            let connects = |connect_ms| Health { connect_ms, ..health };
            assert_eq!(connects(now).is_news(&connects(before)), is_news, "{before} {now}");
        }
        assert!(health.after_unconfirmed().is_news(&health));
    }

    #[test]
    fn health_is_read_back_as_it_was_written() {
        let health = Health::default().after_answer(NOW, Some(MS(30)), MS(100)).after_vain(NOW, MS(500), true, 1);
        assert_eq!(Health::from_text(health.to_text().as_bytes()), health);
        for text in ["", "{", "[]", "{\"answer_ms\":-1,\"unanswered\":\"x\"}"] {
            assert_eq!(Health::from_text(text.as_bytes()), Health::default(), "{text:?}");
        }
    }
}
