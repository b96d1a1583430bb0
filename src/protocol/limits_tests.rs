//! Checks for any input that each protocol's limits hold.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test that cannot go on should stop

use super::ga4::slug;
use super::*;
use proptest::prelude::*;
use serde_json::Value;

/// Text of any length around the limits, with characters of every width and those that escape badly.
fn text() -> impl Strategy<Value = String> {
    let any = proptest::collection::vec(
        prop_oneof![any::<char>(), Just('a'), Just('"'), Just('\u{1}'), Just('ü'), Just('😀'), Just('%')],
        0..620,
    );
    any.prop_map(String::from_iter)
}

fn identity() -> impl Strategy<Value = Identity> {
    (text(), text(), text(), text(), text(), text()).prop_map(
        |(library_id, library_name, library_version, data_source, test_framework, platform_version)| Identity {
            library_id,
            library_name,
            library_version,
            data_source,
            test_framework,
            platform_version,
        },
    )
}

/// The same text in each field.
fn identity_of(text: &str) -> Identity {
    Identity {
        library_id: text.into(),
        library_name: text.into(),
        library_version: text.into(),
        data_source: text.into(),
        test_framework: text.into(),
        platform_version: text.into(),
    }
}

/// The owned texts of a hit.
type Texts = (String, String, String, String, String);

/// The texts of an event of that name that is about no plugin.
fn event(name: &str) -> Texts {
    (name.into(), "c".into(), "a".into(), String::new(), String::new())
}

fn hit<'a>(identity: &'a Identity, texts: &'a Texts, value: i64, age_ms: u64) -> Hit<'a> {
    let (event, category, action, plugin_name, plugin_version) = texts;
    Hit { identity, event, category, action, value, plugin_name, plugin_version, session_id: 1_700_000_000, age_ms }
}

fn destination(protocol: Protocol) -> Destination {
    let credentials = match protocol {
        Protocol::Ga4 => Some(Credentials::Ga4 { measurement_id: "G-1".into(), api_secret: "s".into() }),
        Protocol::UniversalAnalytics => Some(Credentials::UniversalAnalytics { tracking_id: "UA-1-1".into() }),
        Protocol::Otlp => None,
    };
    Destination { protocol, endpoint: "https://example.com/x".into(), credentials }
}

fn encoded(protocol: Protocol, hits: &[Hit<'_>], now_micros: u64) -> Vec<Body> {
    let machine = Machine::named("build-7");
    encode(&destination(protocol), &Context { machine: &machine, now_micros }, hits)
}

fn json(body: &Body) -> Value {
    serde_json::from_str(&body.text).unwrap()
}

/// A line's pairs, decoded.
fn pairs(line: &str) -> Vec<(String, Vec<u8>)> {
    line.split('&').map(|pair| pair.split_once('=').unwrap()).map(|(key, value)| (key.into(), decoded(value))).collect()
}

fn decoded(value: &str) -> Vec<u8> {
    let mut bytes = value.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        assert!(byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte), "not encoded: {byte}");
        out.push(match byte {
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            plain => plain,
        });
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn ga4_event_and_parameter_names_hold_their_alphabet_and_length(name in text()) {
        let slug = slug(&name);
        prop_assert!(slug.len() <= 40 && slug.as_bytes()[0].is_ascii_lowercase(), "{}", slug);
        prop_assert!(slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
        prop_assert!(!["firebase_", "ga_", "google_"].iter().any(|prefix| slug.starts_with(prefix)));
    }

    #[test]
    fn ga4_has_at_most_25_parameters_of_at_most_100_characters_cut_between_them(
        identity in identity(), texts in (text(), text(), text(), text(), text()), value in 0..i64::MAX,
    ) {
        let bodies = encoded(Protocol::Ga4, &[hit(&identity, &texts, value, 0)], 1_700_000_000_000_000);
        let params = json(&bodies[0])["events"][0]["params"].as_object().unwrap().clone();
        prop_assert!(params.len() <= 25);
        for (name, value) in &params {
            prop_assert!(name.len() <= 40);
            if let Some(text) = value.as_str() {
                prop_assert!(!text.is_empty() && text.chars().count() <= 100, "{}", name);
            }
        }
        if let Some(label) = params.get("event_label") {
            prop_assert!(texts.0.starts_with(label.as_str().unwrap()));
        }
        prop_assert_eq!(params["metric_value"].as_i64().unwrap(), value);
    }

    #[test]
    fn ga4_requests_hold_25_events_and_130_kilobytes_and_lose_none(
        identity in identity(), texts in (text(), text(), text(), text(), text()), count in 0..60usize,
    ) {
        let hits: Vec<_> = (0..count).map(|index| hit(&identity, &texts, index as i64, 0)).collect();
        let bodies = encoded(Protocol::Ga4, &hits, 1_700_000_000_000_000);
        let mut seen = Vec::new();
        for body in &bodies {
            let events = json(body)["events"].as_array().unwrap().clone();
            prop_assert!(events.len() <= 25 && events.len() == body.hits.len() && body.text.len() < 130_000);
            prop_assert_eq!(body.hits.start, seen.len());
            seen.extend(events.iter().map(|event| event["params"]["metric_value"].as_i64().unwrap()));
        }
        prop_assert_eq!(seen, (0..count as i64).collect::<Vec<_>>());
    }

    #[test]
    fn ga4_timestamps_lie_in_the_past_and_at_most_72_hours_back(age_ms in any::<u64>(), now in 1u64..1u64 << 53) {
        let identity = crate::config::tests::identity();
        let texts = event("e");
        let body = encoded(Protocol::Ga4, &[hit(&identity, &texts, 1, age_ms)], now).remove(0);
        let stamp = json(&body)["events"][0]["timestamp_micros"].as_u64().unwrap();
        prop_assert!(stamp <= now && now - stamp <= 72 * 3_600 * 1_000_000);
    }

    #[test]
    fn ua_values_hold_their_bytes_cut_between_characters(
        identity in identity(), texts in (text(), text(), text(), text(), text()),
        value in 0..i64::MAX, age_ms in any::<u64>(),
    ) {
        let body = encoded(Protocol::UniversalAnalytics, &[hit(&identity, &texts, value, age_ms)], 1).remove(0);
        prop_assert!(body.text.len() <= 8_192);
        let pairs = pairs(&body.text);
        for (key, value) in &pairs {
            let text = std::str::from_utf8(value).unwrap();
            prop_assert!(!text.is_empty(), "{} is empty", key);
            if let Some(field) = fields::WRITTEN.iter().find(|field| field.ua == key) {
                prop_assert!(text.len() <= field.ua_max_bytes, "{}", key);
            }
        }
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        let value_of = |key: &str| pairs.iter().find(|(k, _)| k == key).map(|(_, v)| text(v));
        prop_assert_eq!(value_of("ev"), Some(value.to_string()));
        prop_assert!(value_of("qt").unwrap().parse::<u64>().unwrap() <= 4 * 3_600 * 1_000);
        let mut keys: Vec<_> = pairs.iter().map(|(key, _)| key.clone()).collect();
        keys.sort();
        keys.dedup();
        prop_assert_eq!(keys.len(), pairs.len(), "a key twice");
    }

    #[test]
    fn ua_requests_hold_20_hits_and_16_kilobytes_and_lose_none(
        identity in identity(), texts in (text(), text(), text(), text(), text()), count in 0..45usize,
    ) {
        let hits: Vec<_> = (0..count).map(|index| hit(&identity, &texts, index as i64, 0)).collect();
        let mut seen = 0;
        for body in encoded(Protocol::UniversalAnalytics, &hits, 1) {
            let lines: Vec<_> = body.text.split('\n').collect();
            prop_assert!(lines.len() <= 20 && lines.len() == body.hits.len() && body.text.len() <= 16_384);
            for line in lines {
                let expected = format!("ev={seen}");
                prop_assert!(line.split('&').any(|pair| pair == expected));
                seen += 1;
            }
        }
        prop_assert_eq!(seen, count);
    }
}

#[test]
fn a_ua_hit_with_every_field_at_its_limit_stays_under_8192_bytes() {
    let long = "\u{1}".repeat(600);
    let identity = identity_of(&long);
    let texts = (long.clone(), long.clone(), long.clone(), long.clone(), long);
    let body = encoded(Protocol::UniversalAnalytics, &[hit(&identity, &texts, i64::MAX, u64::MAX)], 1).remove(0);
    assert!(body.text.len() > 6_000 && body.text.len() <= 8_192, "{}", body.text.len());
}

/// A hit whose size grows by one byte for each that is asked for: `bytes` more than with 301 letters.
fn texts_of(bytes: usize) -> Texts {
    let (escaped, letters) = (bytes / 5, 301 + bytes % 5);
    let text = "\u{1}".repeat(escaped) + &"a".repeat(letters - escaped); // "\u0001"
    let part = |index: usize| text.get(100 * index..text.len().min(100 * (index + 1))).unwrap().to_owned();
    ("e".into(), part(0), part(1), part(2), part(3))
}

#[test]
fn a_ga4_batch_is_split_where_its_bytes_and_not_its_events_are_too_many() {
    let identity = identity_of(&"\u{1}".repeat(100));
    let bodies = |texts: &[Texts]| {
        let hits: Vec<_> = texts.iter().map(|texts| hit(&identity, texts, 1, 0)).collect();
        encoded(Protocol::Ga4, &hits, 1)
    };
    let mut texts = vec![texts_of(1_500); 25];
    texts.truncate(bodies(&texts)[0].hits.len());
    assert!(texts.len() < 25);
    let size_of_one = {
        let [one, two] = [1, 2].map(|count| bodies(&vec![texts_of(0); count])[0].text.len());
        two - one - 1
    };
    // Smaller hits, until one more of that size fits.
    let left = |texts: &[Texts]| 129_999 - 1 - bodies(texts)[0].text.len();
    for index in 0..texts.len() {
        if left(&texts) < size_of_one {
            texts[index] = texts_of(0);
        }
    }
    let fill = left(&texts) - size_of_one;
    texts.push(texts_of(fill));
    assert_eq!(bodies(&texts).iter().map(|body| body.text.len()).collect::<Vec<_>>(), [129_999]);
    *texts.last_mut().unwrap() = texts_of(fill + 1);
    assert_eq!(bodies(&texts).iter().map(|body| body.hits.len()).collect::<Vec<_>>(), [texts.len() - 1, 1]);
}

#[test]
fn a_request_is_filled_before_the_next_is_begun() {
    let identity = crate::config::tests::identity();
    let lengths = |protocol, name: &str, count| -> Vec<usize> {
        let texts = event(name);
        let hits: Vec<_> = (0..count).map(|index| hit(&identity, &texts, index, 0)).collect();
        encoded(protocol, &hits, 1).into_iter().map(|body| body.hits.len()).collect()
    };
    assert_eq!(lengths(Protocol::Ga4, "e", 26), [25, 1]);
    assert_eq!(lengths(Protocol::UniversalAnalytics, "e", 21), [20, 1]);
    let large = lengths(Protocol::UniversalAnalytics, &"ü".repeat(250), 20);
    assert!(large.len() == 3 && large.starts_with(&[large[1], large[1]]), "by their bytes: {large:?}");
}

#[test]
fn each_protocol_has_its_name_and_its_content_type() {
    for (protocol, name, content_type) in [
        (Protocol::Ga4, "ga4", "application/json"),
        (Protocol::UniversalAnalytics, "universal-analytics", "application/x-www-form-urlencoded"),
    ] {
        assert_eq!((protocol.name(), protocol.content_type()), (name, content_type));
        assert_eq!(Protocol::from_name(name), Some(protocol));
    }
    assert_eq!(Protocol::from_name("GA4"), None);
}

#[test]
fn slugs_follow_the_rule() {
    for (text, expected) in [
        ("Pacts verified", "pacts_verified"),
        ("Pact consumer tests ran", "pact_consumer_tests_ran"),
        ("a - b", "a_b"),
        ("3 pacts", "pact_3_pacts"),
        ("error", "pact_error"),
        ("Session start", "pact_session_start"),
        ("ga something", "pact_ga_something"),
        ("Größe", "gr_e"),
        ("日本", "pact__"),
    ] {
        assert_eq!(slug(text), expected, "{text}");
    }
    assert_eq!(slug(&"x".repeat(50)), "x".repeat(40));
    assert_eq!(slug(&format!("1{}", "x".repeat(50))).len(), 40);
}

#[test]
fn an_event_that_waited_too_long_says_the_longest_that_is_taken() {
    let identity = crate::config::tests::identity();
    let texts = event("e");
    let week = hit(&identity, &texts, 1, 7 * 86_400_000);
    let body = encoded(Protocol::Ga4, &[week], 1_700_000_000_000_000).remove(0);
    let almost_three_days = 1_699_740_860_000_000_u64; // 72 hours less a minute before
    assert_eq!(json(&body)["events"][0]["timestamp_micros"], almost_three_days);
    let body = encoded(Protocol::UniversalAnalytics, &[week], 1).remove(0);
    assert!(pairs(&body.text).contains(&("qt".into(), b"14400000".to_vec())), "four hours: {}", body.text);
}

#[test]
fn destinations_are_told_apart_by_protocol_url_and_credentials() {
    let [ga4, ua] = [Protocol::Ga4, Protocol::UniversalAnalytics].map(destination);
    let changed = |from: &Destination, change: fn(&mut Destination)| {
        let mut other = from.clone();
        change(&mut other);
        other
    };
    let secret = changed(&ga4, |to| {
        to.credentials = Some(Credentials::Ga4 { measurement_id: "G-1".into(), api_secret: "t".into() })
    });
    let tracking_id =
        changed(&ua, |to| to.credentials = Some(Credentials::UniversalAnalytics { tracking_id: "UA-1-2".into() }));
    let elsewhere = changed(&ua, |to| to.endpoint.push('y'));
    let mut ids = [&ga4, &ua, &secret, &tracking_id, &elsewhere].map(Destination::id).to_vec();
    assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())), "{ids:?}");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 5);
}

#[test]
fn only_googles_own_endpoints_need_credentials() {
    let needs = |endpoint: &str| {
        let destination = Destination { protocol: Protocol::Ga4, endpoint: endpoint.into(), credentials: None };
        !destination.is_configured()
    };
    for google in [
        "https://www.google-analytics.com/mp/collect",
        "https://region1.google-analytics.com/mp/collect",
        "https://google-analytics.com:443/x",
        "https://WWW.Google-Analytics.com./x",
    ] {
        assert!(needs(google), "{google}");
    }
    for other in ["https://relay.example/mp/collect", "https://not-google-analytics.com/x", "http://127.0.0.1:8/x"] {
        assert!(!needs(other), "{other}");
    }
    assert!(destination(Protocol::Ga4).is_configured());
}

#[test]
fn what_another_try_cannot_mend_is_dropped_as_each_protocol_says() {
    let kept = |protocol: Protocol| {
        let statuses = (100..600).filter(|status| matches!(protocol.verdict(*status, None), Verdict::Keep(_)));
        statuses.filter(|status| *status >= 400).collect::<Vec<_>>()
    };
    assert_eq!(kept(Protocol::Otlp), [407, 429, 502, 503, 504]);
    assert_eq!(kept(Protocol::Ga4), [vec![407, 408, 429], (500..600).collect()].concat());
    let wait = Some(Duration::from_secs(7));
    assert_eq!(Protocol::Otlp.verdict(503, wait), Verdict::Keep(wait));
    assert_eq!(Protocol::Otlp.verdict(302, None), Verdict::Keep(None), "a captive portal");
    assert_eq!(Protocol::Otlp.verdict(200, None), Verdict::Delivered);
}

#[test]
fn a_clock_before_1970_leaves_the_time_to_the_server() {
    let identity = crate::config::tests::identity();
    let texts = event("e");
    let body = encoded(Protocol::Ga4, &[hit(&identity, &texts, 1, 5)], 0).remove(0);
    assert!(json(&body)["events"][0].get("timestamp_micros").is_none());
}

#[test]
fn credentials_are_percent_encoded_into_the_query_and_never_shown_by_debug() {
    let mut destination = destination(Protocol::Ga4);
    destination.credentials = Some(Credentials::Ga4 { measurement_id: "G-1&x".into(), api_secret: "a+b=c".into() });
    assert_eq!(destination.url(), "https://example.com/x?measurement_id=G-1%26x&api_secret=a%2Bb%3Dc");
    destination.endpoint = "https://example.com/x?y=1".into();
    assert_eq!(destination.url(), "https://example.com/x?y=1&measurement_id=G-1%26x&api_secret=a%2Bb%3Dc");
    let shown = format!("{destination:?}");
    assert!(shown.contains("Credentials(…)") && !shown.contains("a+b"), "{shown}");
}

#[test]
fn each_event_has_the_parameters_of_its_own_client() {
    let (one, same, other) = (identity_of("one"), identity_of("one"), identity_of("other"));
    let texts = ["first", "second"].map(event);
    let hits: Vec<_> = [&one, &one, &same, &other, &other, &one]
        .iter()
        .enumerate()
        .map(|(index, identity)| hit(identity, &texts[index % 2], index as i64, 0))
        .collect();
    // An equal identity of another client is enough.
    let of_the_first: Vec<_> = hits.iter().map(|hit| hit.is_of_client_of(&hits[0])).collect();
    assert_eq!(of_the_first, [true, true, true, false, false, true]);
    let together = json(&encoded(Protocol::Ga4, &hits, 1_700_000_000_000_000)[0]);
    for (index, hit) in hits.iter().enumerate() {
        let alone = json(&encoded(Protocol::Ga4, &[*hit], 1_700_000_000_000_000)[0]);
        assert_eq!(together["events"][index], alone["events"][0], "{index}");
    }
}

#[test]
fn ga4_is_told_the_operating_system_by_the_name_of_its_reports() {
    for (os_arch, name) in [
        ("linux-x86_64", Some("Linux")),
        ("macos-aarch64", Some("macOS")),
        ("windows-x86_64", Some("Windows")),
        ("freebsd-x86_64", None),
        ("linux", None), // without an architecture it is none that the library writes
    ] {
        let machine = Machine { os_arch: os_arch.into(), ..Machine::named("build-7") };
        let start = super::ga4::start(&Context { machine: &machine, now_micros: 0 });
        let body: Value = serde_json::from_str(&format!("{start}]}}")).unwrap();
        let device = name.map(|name| serde_json::json!({ "operating_system": name }));
        assert_eq!(body.get("device"), device.as_ref(), "{os_arch}");
    }
}

#[test]
fn the_list_says_which_values_are_numbers() {
    let (identity, texts, machine) = (identity_of("x"), event("e"), Machine::named("build-7"));
    let (context, hit) = (Context { machine: &machine, now_micros: 0 }, hit(&identity, &texts, 1, 0));
    for row in &super::fields::FIELDS {
        let value = (row.field.value)(Protocol::Ga4, &context, &hit);
        assert_eq!(row.is_number, matches!(value, super::fields::FieldValue::Integer(_)), "{}", row.what);
    }
    assert_eq!(super::fields::FIELDS.iter().filter(|row| row.is_number).count(), 1);
}
