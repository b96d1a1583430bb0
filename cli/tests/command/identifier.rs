//! Promises of `id` and `reset-id`.

use serde_json::json;

use crate::home::{Home, write};

const RANDOM: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn the_hash_of_the_hostname_is_the_one_that_events_carry() {
    let home = Home::new();
    let id = home.run(&["id", "--json"]).json();
    assert_eq!(id["kind"], "hostname");
    let body = home.run(&["preview", "--protocol", "universal-analytics", "--raw"]).good();
    assert!(body.contains(&format!("&cid={}&", id["value"].as_str().unwrap())), "{body}");
    // Whatever the settings of this environment are.
    let odd = [("PACT_TELEMETRY_PROTOCOL", "ga4"), ("PACT_TELEMETRY_ENDPOINT", "nonsense")];
    assert_eq!(home.run_with(&["id", "--json"], &odd).json(), id);
}

#[test]
fn a_random_identifier_is_chosen_shown_reset_and_given_up() {
    let home = Home::new();
    home.run(&["on"]).good();
    assert_eq!(home.run(&["id", "random", "--json"]).json(), json!({"kind": "random", "value": null}));
    assert_eq!(home.saved(), json!({"enabled": true, "id": "random"}));
    write(&home.state().join("id"), &format!("{RANDOM}\n"));
    assert_eq!(home.run(&["id", "--json"]).json(), json!({"kind": "random", "value": RANDOM}));
    assert!(home.run(&["id"]).good().contains(RANDOM));
    home.run(&["reset-id"]).good();
    assert!(!home.state().join("id").exists());
    assert_eq!(home.run(&["reset-id", "--json"]).json(), json!({"kind": "random", "value": null}));
    write(&home.state().join("id"), &format!("{RANDOM}\n"));
    assert_eq!(home.run(&["id", "hostname", "--json"]).json()["kind"], "hostname");
    assert_eq!(home.saved(), json!({"enabled": true, "id": "hostname"}));
    assert!(!home.state().join("id").exists());
}

#[test]
fn a_choice_of_identifier_alone_is_no_opinion_on_sending() {
    let home = Home::new();
    home.run(&["id", "random"]).good();
    assert_eq!(home.saved(), json!({"id": "random"}));
    let status = home.run(&["status", "--json"]).json();
    assert_eq!((&status["enabled"], &status["rule"]), (&true.into(), &json!(null)), "{status}");
}

#[test]
fn a_choice_that_cannot_be_read_goes_on_to_mean_off() {
    let home = Home::new();
    home.save("torn");
    let error = home.run(&["id", "random"]).failed();
    assert!(error.contains("choice.json cannot be read") && error.contains("pact-telemetry off"), "{error}");
    assert_eq!(std::fs::read_to_string(home.choice()).unwrap(), "torn");
}

#[test]
fn the_hash_of_a_hostname_cannot_be_reset_and_that_is_said() {
    let home = Home::new();
    assert!(home.run(&["reset-id"]).failed().contains("pact-telemetry id random"));
    assert_eq!(home.files(), [""; 0]);
}
