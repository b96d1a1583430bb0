//! One client for the whole process, for a Rust library of Pact: the module of docs/adopting.md, and a program that
//! uses it.

use pact_telemetry::{Client, Event, names};
use std::sync::OnceLock;

fn client() -> Option<&'static Client> {
    static CLIENT: OnceLock<Option<Client>> = OnceLock::new();
    let config = r#"{"library": {"id": "pact-rust", "name": "Pact Rust", "version": "1.0.0"}}"#;
    CLIENT.get_or_init(|| Client::new(config).ok()).as_ref()
}

/// Was `send_metrics(MetricEvent::ConsumerTestRun { … })`.
pub fn consumer_tests_ran(interactions: usize) {
    let value = i64::try_from(interactions).unwrap_or(i64::MAX);
    let (event, category) = (names::EVENT_PACT_CONSUMER_TESTS_RAN, names::CATEGORY_CONSUMER_TEST);
    if let Some(client) = client() {
        // A test run does not depend on the result.
        let _ = client.track(&Event::new(event, category, names::ACTION_COMPLETED, value));
    }
}

fn main() {
    consumer_tests_ran(3);
}
