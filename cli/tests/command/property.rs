//! Promises of `property`: every parameter of the list, ready requests, and a comparison that misses nothing.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::{PATIENCE, answer, command};

fn property(arguments: &[&str]) -> Output {
    command().arg("property").args(arguments).env("PATH", "").output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn definitions() -> Value {
    serde_json::from_slice(&property(&["--json"]).stdout).unwrap()
}

fn check(listed: &str) -> Output {
    let mut child = command();
    child.args(["property", "--check", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    child.stdin.take().unwrap().write_all(listed.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn every_parameter_that_an_event_carries_has_a_definition_and_no_other() {
    let all = ["--plugin-name=p", "--plugin-version=1", "--test-framework=t", "--platform-version=1"];
    let preview = command().args(["preview", "--json"]).args(all).output().unwrap();
    let preview: Value = serde_json::from_slice(&preview.stdout).unwrap();
    let body: Value = serde_json::from_str(preview["body"].as_str().unwrap()).unwrap();
    let params = body["events"][0]["params"].as_object().unwrap();
    let of_the_protocol = ["session_id", "engagement_time_msec"];
    let mut carried: Vec<_> = params.keys().map(String::as_str).filter(|key| !of_the_protocol.contains(key)).collect();
    let definitions = definitions();
    let of = |key: &str| definitions[key].as_array().unwrap().clone();
    let all = [of("customDimensions"), of("customMetrics")].concat();
    let mut defined: Vec<_> = all.iter().map(|one| one["parameterName"].as_str().unwrap()).collect();
    defined.sort_unstable();
    carried.sort_unstable();
    assert_eq!(defined, carried);
    assert_eq!(
        of("customMetrics"),
        [json!({"parameterName": "metric_value", "displayName": "Value", "scope": "EVENT",
        "measurementUnit": "STANDARD",
        "description": "tells how large test suites are: a count of interactions or results"})]
    );
    assert!(stdout(&property(&[])).contains("library_title"));
}

#[test]
fn the_script_creates_each_definition_in_the_property_with_the_token() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let script = stdout(&property(&["--requests", "123"]));
    let mut shell = Command::new("sh");
    shell.args(["-s"]).env("TOKEN", "secret-token").env("ANALYTICS_ADMIN_API", url).stdin(Stdio::piped());
    let mut shell = shell.stdout(Stdio::piped()).spawn().unwrap();
    shell.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let definitions = definitions();
    let mut arrived = json!({"customDimensions": [], "customMetrics": []});
    let count = definitions["customDimensions"].as_array().unwrap().len() + 1;
    for _ in 0..count {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut stream = std::io::BufReader::new(stream);
        let request = request(&mut stream);
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}").unwrap();
        let collection = request.0.strip_prefix("POST /v1beta/properties/123/").unwrap();
        let collection = collection.strip_suffix(" HTTP/1.1").unwrap().to_owned();
        arrived[collection].as_array_mut().unwrap().push(request.1);
    }
    assert!(shell.wait().unwrap().success());
    assert_eq!(arrived, definitions);
}

/// The request line and the body of a request with the right headers.
fn request(from: &mut impl std::io::BufRead) -> (String, Value) {
    // An answer is read as a request is, but for the first line.
    let mut first = String::new();
    from.read_line(&mut first).unwrap();
    let rest = std::io::Cursor::new(b"HTTP/1.1 200 OK\r\n".to_vec());
    let found = answer(&mut std::io::BufReader::new(std::io::Read::chain(rest, from)));
    assert_eq!(found.header("authorization"), Some("Bearer secret-token"));
    assert_eq!(found.header("content-type"), Some("application/json"));
    (first.trim_end().to_owned(), found.json())
}

#[test]
fn a_property_that_has_all_of_them_passes_the_check() {
    let definitions = definitions();
    let dimensions = json!({"customDimensions": definitions["customDimensions"]});
    let metrics = json!({"customMetrics": definitions["customMetrics"]});
    let checked = check(&format!("{dimensions}\n{metrics}"));
    assert!(checked.status.success(), "{checked:?}");
    assert!(stdout(&checked).contains("has all"));
}

#[test]
fn what_is_missing_of_another_scope_or_of_another_kind_is_told_by_name() {
    let mut listed = definitions();
    let dimensions = listed["customDimensions"].as_array_mut().unwrap();
    dimensions.retain(|one| one["parameterName"] != "os_arch");
    dimensions[0]["scope"] = "USER".into();
    dimensions[1]["displayName"] = "Some\u{1b}[2Jthing".into();
    dimensions.push(json!({"parameterName": "metric_value", "displayName": "Value", "scope": "EVENT"}));
    listed["customMetrics"] = json!([]);
    let checked = check(&listed.to_string());
    let text = stdout(&checked);
    assert_eq!(checked.status.code(), Some(1), "{text}");
    assert!(text.contains("os_arch: missing as a dimension of scope EVENT\n"), "{text}");
    assert!(
        text.contains("api_version: missing as a dimension of scope EVENT; found a dimension of scope USER"),
        "{text}"
    );
    assert!(text.contains("library_title: displayName is"), "{text}");
    assert!(
        text.contains("metric_value: missing as a metric of scope EVENT; found a dimension of scope EVENT"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn other_words_alone_are_told_and_are_no_failure() {
    let mut listed = definitions();
    listed["customDimensions"][0]["description"] = "ours".into();
    let checked = check(&listed.to_string());
    assert!(checked.status.success());
    assert!(stdout(&checked).contains("api_version: description is \"ours\""));
}

#[test]
fn too_many_definitions_of_others_are_told() {
    let mut listed = definitions();
    let dimensions = listed["customDimensions"].as_array_mut().unwrap();
    dimensions.pop();
    for number in 0..40 {
        dimensions.push(json!({"parameterName": format!("other_{number}"), "scope": "EVENT"}));
    }
    let checked = check(&listed.to_string());
    assert_eq!(checked.status.code(), Some(1));
    assert!(stdout(&checked).contains("must be archived before"), "{}", stdout(&checked));
}

#[test]
fn a_list_that_is_none_or_goes_on_is_an_error() {
    for (listed, expected) in [
        ("", "empty"),
        ("[]", "not a JSON object"),
        ("{", "not the JSON of the Admin API"),
        (r#"{"error": {"code": 403}}"#, "answered with an error"),
        (r#"{"customDimensions": [], "nextPageToken": "x"}"#, "nextPageToken"),
        (r#"{"customDimensions": [], "nextPageToken": 7}"#, "nextPageToken"),
        (r#"{"customDimensions": [7]}"#, "no objects"),
        (r#"{"customDimensions": "x"}"#, "is no list"),
        (r#"{"customDimensions": null}"#, "is no list"),
        (r#"{"name": "properties/1"}"#, "not of customDimensions.list"),
        (r#"{"customDimensions": [{"parameterName": "os_arch"}]}"#, "only one of both"),
    ] {
        let checked = check(listed);
        assert_eq!(checked.status.code(), Some(1), "{listed}");
        let error = String::from_utf8_lossy(&checked.stderr).into_owned();
        assert!(error.contains(expected), "{listed}: {error}");
    }
}

#[test]
#[cfg(unix)]
fn a_list_may_come_through_a_pipe_and_a_file_that_is_none_is_an_error() {
    let mut child = command();
    child.args(["property", "--check", "/dev/stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.spawn().unwrap();
    child.stdin.take().unwrap().write_all(definitions().to_string().as_bytes()).unwrap();
    assert!(stdout(&child.wait_with_output().unwrap()).contains("has all"));
    for path in ["/", "/dev/zero", "/no such file"] {
        let checked = property(&["--check", path]);
        assert_eq!(checked.status.code(), Some(1), "{path}");
        assert!(String::from_utf8_lossy(&checked.stderr).contains(path), "{path}: {checked:?}");
    }
}

#[test]
fn a_property_without_any_definition_lacks_all_of_them() {
    for listed in ["{}{}", "{}", r#"{"customDimensions": []} {"customMetrics": []}"#] {
        let checked = check(listed);
        assert!(stdout(&checked).contains("has 14 faults"), "{listed}: {checked:?}");
    }
}

#[test]
fn only_what_is_missing_is_asked_for_after_a_check() {
    let dir = std::env::temp_dir().join(format!("pact-telemetry-property-{}", std::process::id()));
    let mut listed = definitions();
    listed["customDimensions"].as_array_mut().unwrap().retain(|one| one["parameterName"] != "os_arch");
    std::fs::write(&dir, listed.to_string()).unwrap();
    let script = property(&["--requests", "5", "--check", dir.to_str().unwrap()]);
    std::fs::remove_file(&dir).unwrap();
    let script = stdout(&script);
    let created: Vec<_> = script.lines().filter(|line| line.starts_with("create custom")).collect();
    assert!(created.len() == 1 && created[0].contains("os_arch"), "{script}");
}
