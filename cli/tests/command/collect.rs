//! Promises of `collect`: its endpoints, its lines, its exit.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Client, Collector, GA4_BODY, GA4_TARGET, command, request, wait};

const HIT: &str = "v=1&t=event&tid=UA-1-1&cid=ab&ec=ProviderTest&ea=Completed&el=Pacts+verified&ev=3";

#[test]
fn a_ga4_event_is_answered_204_and_printed() {
    let collector = Collector::start(&[]);
    let answer = collector.connect().ask("POST", GA4_TARGET, GA4_BODY);
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let expected = json!({"type": "event", "request": 1, "protocol": "ga4", "name": "pacts_verified",
        "fields": {"client_id": "1.2", "os_arch": "linux"},
        "wire": {"client_id": "1.2", "os_arch": "linux"}, "problems": []});
    assert_eq!(collector.line(), expected);
}

#[test]
fn ga4_answers_204_to_anything() {
    let collector = Collector::start(&[]);
    let mut client = collector.connect();
    for body in ["", "{", "[]", "{\"events\":7}", "\u{0}"] {
        assert_eq!(client.ask("POST", "/mp/collect", body).status, 204);
    }
}

#[test]
fn a_request_without_credentials_is_one_for_a_relay_and_half_of_them_is_a_fault() {
    let collector = Collector::start(&[]);
    let mut client = collector.connect();
    client.ask("POST", "/mp/collect", GA4_BODY);
    assert_eq!(collector.line()["problems"], json!([]));
    client.ask("POST", "/mp/collect?measurement_id=G-X", GA4_BODY);
    assert_eq!(collector.line()["problems"], json!(["VALUE_REQUIRED query.api_secret: is required"]));
    let checked = client.ask("POST", "/debug/mp/collect", GA4_BODY).json();
    assert_eq!(checked["validationMessages"].as_array().unwrap().len(), 2, "Google's own validator");
}

/// Sends it as OTLP's clients do.
fn otlp(client: &mut Client, content_type: &str, body: &str) -> crate::support::Answer {
    let length = body.len();
    let head = format!("POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n");
    let request = format!("{head}Content-Length: {length}\r\n\r\n{body}");
    client.0.get_mut().write_all(request.as_bytes()).unwrap();
    client.answer()
}

#[test]
fn an_otlp_record_is_answered_200_and_printed_with_the_attributes_of_its_resource() {
    let collector = Collector::start(&[]);
    let mut client = collector.connect();
    let attribute = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let resource = json!({"attributes": [attribute("service.name", "pact-js"), attribute("os.type", "darwin"),
        attribute("host.arch", "arm64")]});
    let record = |name: &str, attributes| json!({"eventName": name, "attributes": attributes, "severityNumber": 9});
    let good = record("pact.a", json!([{"key": "pact.value", "value": {"intValue": "3"}}]));
    let bad = record("", json!([attribute("service.name", "x")]));
    let body = json!({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [good, bad]}]}]});
    let answer = otlp(&mut client, "application/json", &body.to_string());
    assert_eq!((answer.status, answer.json()), (200, json!({"partialSuccess": {}})));
    let line = collector.line();
    assert_eq!((&line["protocol"], &line["name"], &line["problems"]), (&json!("otlp"), &json!("pact.a"), &json!([])));
    let fields = json!({"library_name": "pact-js", "os_arch": "macos-aarch64", "value": "3"});
    assert_eq!(line["fields"], fields);
    let line = collector.line();
    assert_eq!(line["wire"]["record.service.name"], "x");
    let problem = "resourceLogs[0].scopeLogs[0].logRecords[1].eventName: is \"\"; a text is needed";
    assert_eq!(line["problems"], json!([problem]));
}

#[test]
fn otlp_refuses_what_it_cannot_read() {
    let collector = Collector::start(&[]);
    for (content_type, body, status) in [
        ("application/x-protobuf", "{}", 415),
        ("application/jsonl", "{}", 415),
        ("application/json", "{", 400),
        ("Application/JSON ; charset=utf-8", "[]", 400),
    ] {
        let answer = otlp(&mut collector.connect(), content_type, body);
        assert_eq!(answer.status, status, "{content_type} {body}");
        assert!(answer.json()["message"].is_string());
    }
}

#[test]
fn the_ga4_validator_answers_with_messages() {
    let collector = Collector::start(&[]);
    let mut client = collector.connect();
    let target = format!("/debug{GA4_TARGET}");
    let valid = client.ask("POST", &target, GA4_BODY);
    assert_eq!((valid.status, valid.json()), (200, json!({"validationMessages": []})));
    assert_eq!(valid.header("content-type"), Some("application/json"));
    let invalid = client.ask("POST", &target, GA4_BODY.replace("1.2", "host")).json();
    assert_eq!(invalid["validationMessages"][0]["fieldPath"], "client_id");
    assert_eq!(invalid["validationMessages"][0]["validationCode"], "VALUE_INVALID");
    assert!(invalid["validationMessages"][0]["description"].is_string());
}

#[test]
fn universal_analytics_answers_a_pixel_to_anything_and_prints_each_hit() {
    let collector = Collector::start(&[]);
    let mut client = collector.connect();
    for (method, target, body) in [
        ("POST", "/collect".to_owned(), HIT.to_owned()),
        ("GET", format!("/collect?{HIT}"), String::new()),
        ("POST", "/batch".to_owned(), format!("{HIT}\n{HIT}")),
        ("POST", "/batch".to_owned(), String::new()),
    ] {
        let answer = client.ask(method, &target, body);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("image/gif")));
        assert!(answer.body.starts_with(b"GIF89a"));
    }
    let requests: Vec<_> = (0..4).map(|_| collector.line()).collect();
    assert_eq!(requests.iter().map(|line| line["request"].clone()).collect::<Vec<_>>(), [1, 2, 3, 3]);
    for line in requests {
        assert_eq!((&line["protocol"], &line["problems"]), (&json!("universal-analytics"), &json!([])));
        assert_eq!(line["fields"]["event"], "Pacts verified");
        assert_eq!(line["wire"]["tid"], "UA-1-1");
    }
}

#[test]
fn the_universal_analytics_validator_answers_with_messages() {
    let collector = Collector::start(&[]);
    let answer = collector.connect().ask("POST", "/debug/collect", HIT.replace("ev=3", "ev=x")).json();
    let hit = &answer["hitParsingResult"][0];
    assert_eq!(hit["valid"], false);
    assert_eq!(hit["parserMessage"][0]["messageType"], "ERROR");
    assert_eq!(hit["parserMessage"][0]["parameter"], "ev");
    assert!(hit["hit"].as_str().unwrap().ends_with("ev=x"));
}

#[test]
fn a_warning_leaves_a_hit_valid() {
    let collector = Collector::start(&[]);
    let answer = collector.connect().ask("POST", "/debug/collect", format!("{HIT}&qt=14400001")).json();
    assert_eq!(answer["hitParsingResult"][0]["valid"], true);
    assert_eq!(answer["hitParsingResult"][0]["parserMessage"][0]["messageType"], "WARN");
}

#[test]
fn the_snowplow_adapter_takes_lines_and_answers_with_nothing() {
    let collector = Collector::start(&[]);
    let answer = collector.connect().ask("POST", "/com.google.analytics/v1", format!("{HIT}\n{HIT}\n"));
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(collector.line()["fields"]["action"], "Completed");
    assert_eq!(collector.line()["request"], 1);
}

#[test]
fn anything_else_is_not_found() {
    let collector = Collector::start(&[]);
    let mut client = collector.connect();
    for (method, target) in [("GET", "/"), ("GET", GA4_TARGET), ("PUT", "/collect"), ("POST", "/mp/collect/x")] {
        assert_eq!(client.ask(method, target, "").status, 404, "{method} {target}");
    }
}

#[test]
fn requests_are_printed_before_their_events_when_asked() {
    let collector = Collector::start(&["--requests"]);
    collector.connect().ask("POST", GA4_TARGET, GA4_BODY);
    let expected = json!({"type": "request", "number": 1, "method": "POST", "target": GA4_TARGET,
        "headers": {"host": "localhost", "content-length": GA4_BODY.len().to_string()},
        "body": GA4_BODY, "answer": 204});
    assert_eq!(collector.line(), expected);
    assert_eq!(collector.line()["type"], "event");
}

#[test]
fn one_connection_carries_many_requests() {
    let collector = Collector::start(&[]);
    let mut client = collector.connect();
    for number in 1..=50 {
        assert_eq!(client.ask("POST", GA4_TARGET, GA4_BODY).status, 204);
        assert_eq!(collector.line()["request"], number);
    }
}

#[test]
fn two_requests_are_served_at_once() {
    let collector = Collector::start(&["--answers", "hang,ok", "--requests"]);
    let mut first = collector.connect();
    first.send_event();
    assert_eq!(collector.line()["answer"], "hang");
    assert_eq!(collector.connect().ask("POST", GA4_TARGET, GA4_BODY).status, 204);
    assert!(first.is_silent());
}

#[test]
fn a_chunked_body_is_read() {
    let collector = Collector::start(&[]);
    let mut client = collector.connect();
    let (one, two) = HIT.split_at(10);
    let head = "POST /collect HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunks = format!("{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n", one.len(), two.len());
    write!(client.0.get_mut(), "{head}{chunks}").unwrap();
    assert_eq!(client.answer().status, 200);
    assert_eq!(collector.line()["fields"]["value"], "3");
}

#[test]
fn an_event_arrives_although_its_sender_dies_right_after_it() {
    let collector = Collector::start(&[]);
    for number in 1..=100 {
        let mut client = collector.connect();
        client.send_event();
        drop(client);
        assert_eq!(collector.line()["request"], number);
    }
}

#[test]
fn half_a_request_is_none() {
    let collector = Collector::start(&["--requests"]);
    let mut client = collector.connect();
    let whole = request("POST", GA4_TARGET, GA4_BODY.as_bytes());
    client.0.get_mut().write_all(&whole[..whole.len() - 1]).unwrap();
    drop(client);
    collector.connect().ask("GET", "/next", "");
    assert_eq!(collector.line()["target"], "/next");
}

#[test]
fn a_body_of_a_mebibyte_is_read_and_a_larger_one_refused() {
    let collector = Collector::start(&["--requests"]);
    let body = vec![b' '; 1_024 * 1_024];
    assert_eq!(collector.connect().ask("POST", GA4_TARGET, &body).status, 204);
    assert_eq!(collector.line()["answer"], 204);
    let mut client = collector.connect();
    // One byte too many, so that the whole is written before the answer comes.
    client.send("POST", GA4_TARGET, [&body[..], b" "].concat());
    assert_eq!(client.answer().status, 413);
    assert_eq!(collector.line()["answer"], 413);
}

#[test]
fn only_loopback_addresses_are_listened_on() {
    for address in ["0.0.0.0", "::", "192.0.2.1"] {
        let output = command().args(["collect", "--listen", address]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("not a loopback address") && error.contains(address), "{error}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_port_that_was_asked_for_is_the_one() {
    let first = Collector::start(&[]);
    let port = first.url.rsplit_once(':').unwrap().1;
    let taken = command().args(["collect", "--port", port]).output().unwrap();
    assert_eq!(taken.status.code(), Some(1));
    let error = String::from_utf8(taken.stderr).unwrap();
    assert!(error.contains(port) && error.contains("Without --port, it takes any free one"), "{error}");
    drop(first.connect());
    let url = first.url.clone();
    let port = port.to_owned();
    drop(first);
    let second = Collector::start(&["--listen", "127.0.0.1", "--port", &port]);
    assert_eq!(second.url, url);
}

#[test]
fn what_is_no_fault_of_the_arguments_exits_with_1() {
    let folder = std::env::temp_dir();
    let export = command().args(["collect", "--export"]).arg(&folder).output().unwrap();
    assert_eq!(export.status.code(), Some(1), "a folder is no file");
    assert!(String::from_utf8(export.stderr).unwrap().contains(folder.to_str().unwrap()));
    let wrong = command().args(["collect", "--port", "65536"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
#[cfg(unix)]
fn a_full_disk_leaves_whole_rows_in_the_export() {
    let rows = std::env::temp_dir().join(format!("pact-telemetry-rows-{}", std::process::id()));
    // No file of this process may have more bytes than that; the signal that says so is ignored.
    let limited = r#"trap "" XFSZ; ulimit -f 4; exec "$0" collect --export "$1""#;
    let mut child = Command::new("sh");
    child.args(["-c", limited, env!("CARGO_BIN_EXE_pact-telemetry")]).arg(&rows);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    std::io::BufRead::read_line(&mut out, &mut first).unwrap();
    let first: Value = serde_json::from_str(&first).unwrap();
    let address = first["url"].as_str().unwrap().strip_prefix("http://").unwrap().to_owned();
    for _ in 0..10 {
        let mut client = Client::connect(&address);
        assert_eq!(client.ask("POST", GA4_TARGET, GA4_BODY).status, 204, "a full disk refuses no event");
    }
    terminate(&child);
    let mut errors = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut errors).unwrap();
    child.wait().unwrap();
    let text = std::fs::read_to_string(&rows).unwrap();
    std::fs::remove_file(&rows).unwrap();
    assert!(errors.contains("cannot write"), "{errors}");
    assert!(text.ends_with('\n') && (1..10).contains(&text.lines().count()), "{text}");
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{text}");
}

#[test]
fn a_malformed_script_is_an_error_that_names_the_step() {
    let output = command().args(["collect", "--answers", "ok,hagn"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("step \"hagn\""));
}

#[test]
fn it_exits_when_its_reader_has_gone() {
    let mut child = command().arg("collect").stdout(Stdio::piped()).spawn().unwrap();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    std::io::BufRead::read_line(&mut out, &mut first).unwrap();
    drop(out);
    let address = first.split_once("http://").unwrap().1.split('"').next().unwrap();
    Client::connect(address).send_event();
    assert!(wait(&mut child).success());
}

#[cfg(target_os = "linux")]
#[test]
fn it_fails_when_its_lines_cannot_be_written() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut child = command().arg("collect").stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    assert_eq!(wait(&mut child).code(), Some(1));
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert!(said.contains("error: cannot write the output: "), "{said}");
}

#[test]
fn answers_do_not_wait_for_a_reader_of_the_lines() {
    let mut command = command();
    let command = command.args(["collect", "--requests"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    std::io::BufRead::read_line(&mut out, &mut first).unwrap();
    let address = first.split_once("http://").unwrap().1.split('"').next().unwrap();
    let mut client = Client::connect(address);
    // More than any pipe holds, and more than may wait.
    let body = vec![b' '; 1_024 * 1_024];
    let requests = 40;
    for _ in 0..requests {
        assert_eq!(client.ask("POST", "/mp/collect", &body).status, 204);
    }
    let (mut printed, mut left_out) = (0, 0);
    while printed + left_out < requests {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        match line["type"].as_str().unwrap() {
            "request" => printed += 1,
            "left_out" => left_out += line["lines"].as_u64().unwrap(),
            other => panic!("{other}"),
        }
    }
    assert!(printed > 1 && left_out > 1, "{printed} printed, {left_out} left out");
    client.send_event();
    assert_eq!(client.answer().status, 204);
    child.kill().unwrap();
    wait(&mut child);
}

#[cfg(unix)]
#[test]
fn a_signal_ends_it_at_once_with_success() {
    for signal in ["TERM", "INT"] {
        let mut collector = Collector::start(&["--answers", "hang", "--requests"]);
        let mut client = collector.connect();
        client.send_event();
        collector.line();
        let kill = format!("kill -{signal} {}", collector.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        assert_eq!(collector.wait().code(), Some(0), "SIG{signal}");
    }
}

/// Asks for the end, before which the last lines are written.
fn terminate(child: &std::process::Child) {
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
}

#[test]
fn no_character_that_steers_a_terminal_passes_through_its_lines() {
    let hostile = "a\u{1b}]0;x\u{7}\u{9b}31m\u{7f}\u{85}\u{61c}\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}z";
    let mut command = command();
    command.args(["collect", "--requests"]).env("PATH", "").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    std::io::BufRead::read_line(&mut lines, &mut first).unwrap();
    let listening: serde_json::Value = serde_json::from_str(&first).unwrap();
    let mut client = Client::connect(listening["url"].as_str().unwrap().strip_prefix("http://").unwrap());
    let body = json!({"client_id": hostile, hostile: 1, "events": [{"name": hostile, "params": {hostile: hostile}}]});
    client.ask("POST", GA4_TARGET, body.to_string());
    client.ask("POST", GA4_TARGET, format!("{{\"{hostile}"));
    let pair: String = hostile.bytes().map(|byte| format!("%{byte:02x}")).collect();
    client.ask("POST", "/collect", format!("v=1&{pair}={pair}&tid={pair}"));
    terminate(&child);
    let mut shown = String::new();
    std::io::Read::read_to_string(&mut lines, &mut shown).unwrap();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut shown).unwrap();
    child.wait().unwrap();
    let steers = |c: char| c.is_control() && c != '\n' || hostile.contains(c) && !c.is_ascii();
    assert!(!shown.contains(steers), "{:?}", shown.chars().find(|c| steers(*c)));
    let lines = shown.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let names: Vec<_> = lines.filter(|line| line["type"] == "event").map(|line| line["name"].clone()).collect();
    assert_eq!(names.first(), Some(&json!(hostile)), "the meaning is kept");
}
