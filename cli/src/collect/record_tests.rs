//! Promises about what is read from a request, and what its lines say.

// A test that cannot go on should stop.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
use super::*;

const NOW: u64 = 1_790_000_000_000_000;

fn post(target: &str, body: impl Into<Vec<u8>>) -> Received {
    Received { method: "POST".to_owned(), target: target.to_owned(), body: body.into(), ..Received::default() }
}

fn ga4(body: &Value) -> Arrival {
    let received = post("/mp/collect?measurement_id=G-X&api_secret=Y", body.to_string());
    Arrival::new(1, received, Outcome::Status(204), NOW)
}

fn collected() -> Vec<(&'static str, &'static str)> {
    vec![
        ("library_title", "Pact JS"),
        ("library_name", "pact-js"),
        ("library_version", "1.2.3"),
        ("data_source", "client"),
        ("os_arch", "linux-x86_64"),
        ("plugin_name", "csv"),
        ("plugin_version", "0.1"),
        ("test_framework", "JUnit"),
        ("platform_version", "21"),
        ("event", "Pacts verified"),
        ("category", "ProviderTest"),
        ("action", "Completed"),
        ("value", "3"),
    ]
}

#[test]
fn fields_are_called_as_in_the_published_list() {
    let published = pact_telemetry::internal::FIELDS.map(|row| row.what[..1].to_uppercase() + &row.what[1..]);
    assert_eq!(published, FIELDS.map(|field| field.label));
}

#[test]
fn every_protocol_has_its_fields_under_the_keys_of_the_published_list() {
    for (row, field) in pact_telemetry::internal::FIELDS.iter().zip(&FIELDS) {
        let ga4 = match row.field.ga4 {
            pact_telemetry::internal::Ga4Place::Parameter(name) | pact_telemetry::internal::Ga4Place::Request(name) => {
                name
            }
            pact_telemetry::internal::Ga4Place::Implicit => "",
        };
        let published = [ga4, row.field.ua, &row.field.otlp.keys().join(", ")].map(str::to_owned);
        assert_eq!(published, Protocol::ALL.map(|protocol| field.key(protocol).to_owned()));
    }
}

fn shared(event: &Event) -> Vec<(&'static str, String)> {
    let own = ["api_version", "client_id", "anonymize_ip"];
    event.fields().into_iter().filter(|(name, _)| !own.contains(name)).collect()
}

#[test]
fn both_protocols_are_read_into_the_same_fields() {
    let ga4 = ga4(&json!({"client_id": "1.2", "events": [{"name": "pacts_verified", "params": {
        "api_version": 2, "library_title": "Pact JS", "library_name": "pact-js", "library_version": "1.2.3",
        "data_source": "client", "os_arch": "linux-x86_64", "plugin_name": "csv", "plugin_version": "0.1",
        "test_framework": "JUnit", "platform_version": "21", "event_label": "Pacts verified",
        "event_category": "ProviderTest", "event_action": "Completed", "metric_value": 3,
    }}]}));
    let payload = "v=1&t=event&tid=UA-1-1&cid=ab&aip=1&an=Pact%20JS&aid=pact-js&av=1.2.3&ds=client&cd3=linux-x86_64\
        &cd4=csv&cd5=0.1&cd6=JUnit&cd7=21&el=Pacts+verified&ec=ProviderTest&ea=Completed&ev=3";
    let ua = Arrival::new(1, post("/collect", payload), Outcome::Status(200), NOW);
    let (ga4, ua) = (&ga4.events[0], &ua.events[0]);
    let expected: Vec<_> = collected().into_iter().map(|(name, value)| (name, value.to_owned())).collect();
    assert_eq!(shared(ga4), expected);
    assert_eq!(shared(ua), expected);
    let field = |event: &Event, name: &str| event.fields().into_iter().find(|(own, _)| *own == name);
    assert_eq!(field(ga4, "api_version").unwrap().1, "2");
    assert_eq!(field(ua, "api_version").unwrap().1, "1");
    assert_eq!(field(ga4, "client_id").unwrap().1, "1.2");
    assert_eq!(field(ua, "client_id").unwrap().1, "ab");
    assert_eq!(field(ga4, "anonymize_ip"), None);
    assert_eq!(field(ua, "anonymize_ip").unwrap().1, "1");
    assert_eq!((ga4.name.as_deref(), ua.name.as_deref()), (Some("pacts_verified"), None));
    assert!(ga4.problems.is_empty() && ua.problems.is_empty());
}

#[test]
fn the_wire_holds_everything_as_received() {
    let arrival = ga4(&json!({"client_id": "1.2", "timestamp_micros": NOW, "consent": {"ad_user_data": "DENIED"},
        "events": [{"name": "a", "params": {"metric_value": 3, "session_id": "7"}}]}));
    let expected = json!({"client_id": "1.2", "timestamp_micros": NOW, "consent": {"ad_user_data": "DENIED"},
        "metric_value": 3, "session_id": "7"});
    assert_eq!(Value::Object(arrival.events[0].wire.clone()), expected);
}

#[test]
fn the_inner_of_two_equal_names_keeps_it_and_the_outer_one_is_not_lost() {
    let arrival = ga4(&json!({"client_id": "1.2", "timestamp_micros": 5,
        "events": [{"name": "a", "timestamp_micros": 6, "params": {"client_id": "x"}}]}));
    let expected = json!({"client_id": "x", "request.client_id": "1.2",
        "timestamp_micros": 6, "request.timestamp_micros": 5});
    assert_eq!(Value::Object(arrival.events[0].wire.clone()), expected);
}

#[test]
fn an_event_has_its_own_problems_and_those_of_the_request() {
    let mut events = vec![json!({"name": "a"}); 12];
    events[1] = json!({"name": "error"});
    events[10] = json!({"name": "1"});
    let arrival = ga4(&json!({"client_id": "no", "events": events}));
    let counts: Vec<usize> = arrival.events.iter().map(|event| event.problems.len()).collect();
    assert_eq!(counts, [1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1]);
    assert!(arrival.events[1].problems[1].starts_with("NAME_RESERVED events[1].name: "));
}

#[test]
fn every_line_of_a_batch_is_an_event() {
    let arrival = Arrival::new(1, post("/batch", "v=1&el=a\nv=1&el=b\n"), Outcome::Status(200), NOW);
    let labels: Vec<_> = arrival.events.iter().map(|event| event.wire["el"].clone()).collect();
    assert_eq!(labels, ["a", "b"]);
    let problems = &arrival.events[0].problems;
    assert!(problems.contains(&"ERROR cid: is missing or empty; it is required".to_owned()));
    assert!(!problems.iter().any(|problem| problem.contains("tid")), "a relay adds the property");
}

#[test]
fn a_get_has_its_hit_in_the_query() {
    let received =
        Received { method: "GET".to_owned(), target: "/collect?v=1&el=a%20b".to_owned(), ..Received::default() };
    let arrival = Arrival::new(1, received, Outcome::Status(200), NOW);
    assert_eq!(arrival.events[0].wire["el"], "a b");
}

#[test]
fn what_is_not_answered_with_success_is_not_taken_in() {
    for outcome in [Outcome::Status(503), Outcome::Status(302), Outcome::Status(413), Outcome::Fault("hang")] {
        let arrival = Arrival::new(1, post("/batch", "v=1"), outcome, NOW);
        assert!(arrival.events.is_empty(), "{outcome:?}");
        assert_eq!(arrival.unreadable, None);
    }
}

#[test]
fn a_request_without_a_readable_event_says_why() {
    let reason = |body: &str| Arrival::new(1, post("/mp/collect", body), Outcome::Status(204), NOW).unreadable;
    assert!(reason("{").unwrap().starts_with("carries no event: body is not JSON"));
    assert!(reason("{}").unwrap().contains("needs at least one event"));
    let empty = Arrival::new(1, post("/batch", ""), Outcome::Status(200), NOW);
    assert_eq!(empty.unreadable.unwrap(), "carries no event: the payload is empty");
}

#[test]
fn the_request_line_has_the_promised_keys_in_their_order() {
    let mut received = post("/nope?a=b", vec![b'x', 0xff]);
    received.headers = vec![("a".to_owned(), "1".to_owned()), ("a".to_owned(), "2".to_owned())];
    let arrival = Arrival::new(7, received, Outcome::Fault("hang"), NOW);
    let expected = "{\"type\":\"request\",\"number\":7,\"method\":\"POST\",\"target\":\"/nope?a=b\",\
        \"headers\":{\"a\":\"1, 2\"},\"body\":\"x\u{fffd}\",\"answer\":\"hang\"}";
    assert_eq!(arrival.request_line(), expected);
}

#[test]
fn the_event_line_leaves_out_what_is_absent() {
    let arrival = Arrival::new(1, post("/collect", "v=1&el=a"), Outcome::Status(200), NOW);
    let line: Value = serde_json::from_str(&arrival.events[0].line(1)).unwrap();
    assert_eq!(line["fields"], json!({"api_version": "1", "event": "a"}));
    assert_eq!(line.get("name"), None);
    assert_eq!((&line["protocol"], &line["request"]), (&json!("universal-analytics"), &json!(1)));
}
