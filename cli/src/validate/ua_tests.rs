//! One promise for each limit of Universal Analytics, just inside it and just outside.

// A test that cannot go on should stop.
#![allow(clippy::indexing_slicing)]
use super::*;

const GOOD: &str = "v=1&t=event&tid=UA-117778936-1&cid=0123456789abcdef0123456789abcdef&ec=C&ea=A";

/// A good hit with these pairs in place of, or beside, its own.
fn with(changes: &[(&str, &str)]) -> Vec<u8> {
    let mut pairs: Vec<(&str, &str)> = GOOD.split('&').filter_map(|pair| pair.split_once('=')).collect();
    for (key, value) in changes {
        pairs.retain(|(own, _)| own != key);
        pairs.push((key, value));
    }
    let text: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    text.join("&").into_bytes()
}

fn faulty(payload: &[u8]) -> Vec<String> {
    hit(payload).into_iter().map(|message| message.parameter).collect()
}

#[test]
fn a_hit_as_pact_sends_it_is_valid() {
    let all = "&aip=1&ds=client&an=Pact%20JS&aid=pact-js&av=1.0&cd3=linux-x86_64&cd4=p&cd5=1&cd6=Ruby&cd7=3.3\
        &el=Pacts+verified&ev=3&qt=0";
    assert_eq!(hit(format!("{GOOD}{all}").as_bytes()), []);
}

#[test]
fn required_keys_are_there_and_not_empty() {
    for key in ["v", "t", "tid", "cid", "ec", "ea"] {
        assert_eq!(faulty(&with(&[(key, "")])), [key]);
        let pairs = GOOD.split('&').filter(|pair| !pair.starts_with(&format!("{key}=")));
        let without = pairs.collect::<Vec<_>>().join("&");
        assert_eq!(faulty(without.as_bytes()), [key]);
    }
}

#[test]
fn category_and_action_are_required_of_events_only() {
    assert!(faulty(b"v=1&t=pageview&tid=UA-1-1&cid=a").is_empty());
}

#[test]
fn the_version_is_1_and_the_hit_type_is_a_known_one() {
    assert_eq!(faulty(&with(&[("v", "2")])), ["v"]);
    assert_eq!(faulty(&with(&[("t", "events")])), ["t"]);
}

#[test]
fn a_property_has_the_form_ua_digits_digits() {
    assert!(faulty(&with(&[("tid", "UA-1-1")])).is_empty());
    for tid in ["UA-1", "UA--1", "UA-1-", "G-1", "ua-1-1", "UA-1-1-1", "UA-1-x"] {
        assert_eq!(faulty(&with(&[("tid", tid)])), ["tid"], "{tid}");
    }
}

#[test]
fn every_key_has_its_bytes_after_decoding() {
    for (key, bytes) in KEY_BYTES {
        // Two bytes each that take six characters on the wire.
        let full = "%C3%A9".repeat(bytes / 2);
        assert!(faulty(&with(&[(key, &full)])).is_empty(), "{key}");
        assert_eq!(faulty(&with(&[(key, &format!("{full}x"))])), [key]);
    }
}

#[test]
fn the_bytes_of_each_key_are_the_documented_ones() {
    let bytes = |key: &str| KEY_BYTES.iter().find(|(own, _)| *own == key).map(|(_, bytes)| *bytes);
    for key in ["an", "av"] {
        assert_eq!(bytes(key), Some(100));
    }
    for key in ["aid", "ec", "cd3", "cd4", "cd5", "cd6", "cd7"] {
        assert_eq!(bytes(key), Some(150));
    }
    for key in ["ea", "el"] {
        assert_eq!(bytes(key), Some(500));
    }
}

#[test]
fn the_value_is_a_whole_number_from_0() {
    assert!(faulty(&with(&[("ev", "0")])).is_empty());
    for value in ["-1", "1.0", "", "x", "%2B1"] {
        assert_eq!(faulty(&with(&[("ev", value)])), ["ev"], "{value}");
    }
}

#[test]
fn a_queue_time_over_four_hours_is_a_warning_only() {
    assert!(faulty(&with(&[("qt", "14400000")])).is_empty());
    let late = hit(&with(&[("qt", "14400001")]));
    assert_eq!((late.len(), late[0].severity), (1, Severity::Warn));
    let endless = hit(&with(&[("qt", "99999999999999999999999")]));
    assert_eq!(endless[0].severity, Severity::Warn);
    assert_eq!(hit(&with(&[("qt", "-1")]))[0].severity, Severity::Error);
}

#[test]
fn values_are_utf8_and_percent_encoded() {
    assert!(faulty(&with(&[("el", "caf%C3%A9")])).is_empty());
    for value in ["caf%C3", "caf%", "café", "a b"] {
        assert_eq!(faulty(&with(&[("el", value)])), ["el"], "{value}");
    }
}

#[test]
fn a_key_is_given_once() {
    assert_eq!(faulty(format!("{GOOD}&el=a&el=a").as_bytes()), ["el"]);
}

#[test]
fn a_payload_has_at_most_8192_bytes() {
    let padded = |bytes: usize| {
        let mut payload = format!("{GOOD}&z=").into_bytes();
        payload.resize(bytes, b'0');
        payload
    };
    assert_eq!(hit(&padded(8_192)), []);
    assert_eq!(faulty(&padded(8_193)), [""]);
}

#[test]
fn a_batch_has_at_most_20_hits_and_16384_bytes() {
    let lines = |count: usize| "a=b\n".repeat(count).into_bytes();
    assert_eq!(request(&lines(20), BATCH), []);
    assert_eq!(request(&lines(21), BATCH).len(), 1);
    assert_eq!(request(&[b'a'; 16_384], BATCH), []);
    assert_eq!(request(&[b'a'; 16_385], BATCH).len(), 1);
}

#[test]
fn collect_takes_one_hit_and_8192_bytes() {
    assert_eq!(request(b"a=b", COLLECT), []);
    assert_eq!(request(b"a=b\nc=d", COLLECT).len(), 1);
    assert_eq!(request(&[b'a'; 8_192], COLLECT), []);
    assert_eq!(request(&[b'a'; 8_193], COLLECT).len(), 1);
}

#[test]
fn a_request_without_a_hit_is_at_fault() {
    assert_eq!(request(b"", BATCH).len(), 1);
    assert_eq!(request(b"\n\n", BATCH).len(), 1);
}

#[test]
fn payloads_are_the_lines_that_are_not_empty() {
    assert_eq!(payloads(b"a=1\n\nb=2\n"), [b"a=1", b"b=2"]);
}
