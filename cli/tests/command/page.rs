//! Promises of `collect --open` over plain HTTP: access to the page, the messages of the stream, and what it does not
//! change. cli/tests/page tries it in a browser.

use std::io::{BufRead, Write};
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::{Answer, Client, Collector, GA4_BODY, GA4_TARGET, answer, command, head};

const HTML: &str = "text/html,application/xhtml+xml";
const STREAM: &str = "text/event-stream";

fn start(arguments: &[&str]) -> Collector {
    Collector::start(&[&["--open"], arguments].concat())
}

/// Asks for a part of the page as a browser does, with these headers.
fn get(collector: &Collector, path: &str, headers: &[(&str, &str)]) -> (Client, Answer) {
    let page = collector.page.clone().unwrap_or_else(|| "/page/x/".to_owned());
    get_path(collector, &format!("{page}{}", path.trim_start_matches('/')), headers)
}

/// The same for any path.
fn get_path(collector: &Collector, path: &str, headers: &[(&str, &str)]) -> (Client, Answer) {
    let mut client = collector.connect();
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(client.0.get_mut(), "GET {path} HTTP/1.1\r\n{lines}\r\n").unwrap();
    let answer = if path.ends_with('/') { answer(&mut client.0) } else { head(&mut client.0) };
    (client, answer)
}

fn host(collector: &Collector) -> String {
    collector.url.split_once("://").unwrap().1.to_owned()
}

/// One message of a stream: its fields. The sizes of chunks, and empty lines, are passed over.
fn message(client: &mut Client) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    loop {
        let mut line = String::new();
        assert!(client.0.read_line(&mut line).unwrap() > 0, "the stream ended");
        match line.trim_end().split_once(": ") {
            Some((name, value)) if !name.is_empty() => fields.push((name.to_owned(), value.to_owned())),
            None if !fields.is_empty() && line == "\n" => return fields,
            _ => {}
        }
    }
}

fn stream(collector: &Collector, last_id: &str) -> Client {
    let host = host(collector);
    let headers = [("Host", host.as_str()), ("Accept", STREAM), ("Last-Event-ID", last_id)];
    let (mut client, answer) = get(collector, "/stream", &headers);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some(STREAM)));
    assert_eq!(message(&mut client)[0], ("event".to_owned(), "hello".to_owned()));
    assert_eq!(message(&mut client)[0].0, "retry");
    client
}

fn value<'a>(message: &'a [(String, String)], name: &str) -> &'a str {
    message.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
}

fn data(message: &[(String, String)]) -> Value {
    serde_json::from_str(value(message, "data")).unwrap()
}

#[test]
fn without_being_asked_for_there_is_no_page() {
    let collector = Collector::start(&[]);
    let host = host(&collector);
    for (path, accept) in [("/", HTML), ("/stream", STREAM)] {
        for path in [path, &format!("/page/x{path}")] {
            assert_eq!(get_path(&collector, path, &[("Host", &host), ("Accept", accept)]).1.status, 404, "{path}");
        }
    }
}

#[test]
fn the_page_runs_only_its_own_script_and_is_never_kept() {
    let collector = start(&[]);
    let host = host(&collector);
    let page = || {
        let (_, answer) = get(&collector, "/", &[("Host", &host), ("Accept", HTML)]);
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
        answer
    };
    let nonce = |answer: &Answer| {
        let policy = answer.header("content-security-policy").unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let nonce = policy.split_once("script-src 'nonce-").unwrap().1.split('\'').next().unwrap().to_owned();
        assert_eq!(nonce.len(), 32);
        nonce
    };
    let (first, second) = (page(), page());
    assert_ne!(nonce(&first), nonce(&second));
    let html = String::from_utf8(first.body.clone()).unwrap();
    let own = format!("<script nonce=\"{}\">", nonce(&first));
    assert!(html.contains(&own) && html.matches("<script").count() == 1);
}

#[test]
fn another_host_or_origin_is_refused() {
    let collector = start(&[]);
    let own = host(&collector);
    let port = own.rsplit_once(':').unwrap().1;
    let (localhost, evil) = (format!("localhost:{port}"), format!("evil.example:{port}"));
    let (origin, other_port) = (format!("http://{own}"), "http://127.0.0.1:1".to_owned());
    let with_tls = format!("https://{own}");
    for (path, accept) in [("/", HTML), ("/stream", STREAM)] {
        let status = |headers: &[(&str, &str)]| {
            let headers = [headers, &[("Accept", accept)]].concat();
            get(&collector, path, &headers).1.status
        };
        assert_eq!(status(&[("Host", &own)]), 200);
        assert_eq!(status(&[("Host", &localhost)]), 200);
        assert_eq!(status(&[("Host", &own), ("Origin", &origin), ("Sec-Fetch-Site", "same-origin")]), 200);
        assert_eq!(status(&[]), 403, "no host");
        for host in [evil.as_str(), "evil.example", "127.0.0.1", "localhost", ""] {
            assert_eq!(status(&[("Host", host)]), 403, "{path} of {host:?}");
        }
        for origin in ["http://evil.example", "null", &other_port, &with_tls] {
            assert_eq!(status(&[("Host", &own), ("Origin", origin)]), 403, "{path} for {origin}");
        }
    }
    for site in ["cross-site", "same-site", "none"] {
        let headers = [("Host", own.as_str()), ("Accept", STREAM), ("Sec-Fetch-Site", site)];
        assert_eq!(get(&collector, "/stream", &headers).1.status, 403, "{site}");
    }
}

#[test]
fn without_the_address_that_was_printed_there_is_no_page() {
    let collector = start(&[]);
    let own = host(&collector);
    let page = collector.page.clone().unwrap();
    let token = page.strip_prefix("/page/").unwrap().strip_suffix('/').unwrap();
    assert_eq!(token.len(), 32, "128 bits");
    let status = |path: &str, accept: &str| get_path(&collector, path, &[("Host", &own), ("Accept", accept)]).1.status;
    let other = token.replace(|digit: char| digit.is_ascii_hexdigit(), "0");
    for (path, accept) in [
        ("/", HTML),
        ("/page/", HTML),
        ("/page//", HTML),
        (&*format!("/page/{other}/"), HTML),
        (&*format!("/page/{}/", &token[..31]), HTML),
        (&*format!("/page/{other}/stream"), STREAM),
        ("/page//stream", STREAM),
        ("/stream", STREAM),
    ] {
        assert!([403, 404].contains(&status(path, accept)), "{path}");
    }
    assert_eq!(status(&page, HTML), 200);
}

#[test]
fn a_token_may_be_chosen_and_not_a_weak_one() {
    let run = |token: &str| {
        let mut command = command();
        command.args(["collect", "--open"]).env("PATH", "").env("PACT_TELEMETRY_PAGE_TOKEN", token);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    for weak in ["short", "../../a-long-name-of-a-path", "a token with blanks in it", &"x".repeat(65)] {
        let output = run(weak).wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{weak}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("PACT_TELEMETRY_PAGE_TOKEN must be 16 to 64"));
    }
    let mut child = run("a-token-of-the-tests");
    let mut first = String::new();
    std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(first.contains("/page/a-token-of-the-tests/"), "{first}");
}

#[test]
fn a_web_page_of_another_site_writes_nothing() {
    for arguments in [&[][..], &["--open"]] {
        let collector = Collector::start(arguments);
        let (own, length) = (host(&collector), GA4_BODY.len());
        let post = |headers: &str| {
            let mut client = collector.connect();
            let head =
                format!("POST {GA4_TARGET} HTTP/1.1\r\nHost: {own}\r\n{headers}Content-Length: {length}\r\n\r\n");
            client.0.get_mut().write_all(format!("{head}{GA4_BODY}").as_bytes()).unwrap();
            client.answer().status
        };
        for headers in [
            "Origin: http://evil.example\r\n",
            "Origin: null\r\n",
            "Origin: http://127.0.0.1:1\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
            "Sec-Fetch-Site: same-site\r\n",
        ] {
            assert_eq!(post(headers), 403, "{headers}");
        }
        // An image of another site's page.
        let mut client = collector.connect();
        let image = format!("GET /collect?v=1 HTTP/1.1\r\nHost: {own}\r\nSec-Fetch-Site: cross-site\r\n\r\n");
        client.0.get_mut().write_all(image.as_bytes()).unwrap();
        assert_eq!(client.answer().status, 403);
        assert_eq!(post(&format!("Origin: http://{own}\r\n")), 204);
        assert_eq!(post(""), 204, "a program");
        assert_eq!(collector.line()["request"], 1, "what was refused is no request");
        assert_eq!(collector.line()["request"], 2);
    }
}

#[test]
fn the_protocols_are_answered_as_without_a_page() {
    let collector = start(&["--answers", "503,ok", "--requests"]);
    let own = host(&collector);
    get(&collector, "/", &[("Host", &own), ("Accept", HTML)]);
    drop(stream(&collector, ""));
    let mut client = collector.connect();
    // The page took no step of the script and no number. The `Host` of an event is not checked.
    assert_eq!(client.ask("POST", GA4_TARGET, GA4_BODY).status, 503);
    assert_eq!(collector.line()["number"], 1);
    assert_eq!(client.ask("POST", GA4_TARGET, GA4_BODY).status, 204);
    for (method, path) in [("GET", "/"), ("POST", "/"), ("GET", "/stream")] {
        assert_eq!(client.ask(method, path, "").status, 404, "{method} {path}");
    }
}

#[test]
fn the_stream_tells_each_request_with_its_events_and_takes_up_where_it_was() {
    let collector = start(&["--answers", "ok,503,ok"]);
    let mut client = collector.connect();
    let mut first = stream(&collector, "");
    client.ask("POST", GA4_TARGET, GA4_BODY);
    let told = message(&mut first);
    let (id, told) = (value(&told, "id").to_owned(), data(&told));
    assert_eq!((&told["number"], &told["answer"], &told["target"]), (&json!(1), &json!(204), &json!(GA4_TARGET)));
    assert_eq!((&told["body"], &told["note"]), (&json!(GA4_BODY), &Value::Null));
    let expected =
        json!([{"name": "pacts_verified", "wire": {"client_id": "1.2", "os_arch": "linux"}, "problems": []}]);
    assert_eq!(told["rows"], expected);
    drop(first);
    client.ask("POST", GA4_TARGET, GA4_BODY);
    client.ask("GET", "/elsewhere", "");
    client.ask("POST", "/mp/collect?measurement_id=G-1&api_secret=s", "{");
    let mut second = stream(&collector, &id);
    let refused = data(&message(&mut second));
    assert_eq!((&refused["number"], &refused["note"]), (&json!(2), &json!("was answered 503 and not taken in")));
    let unreadable = data(&message(&mut second));
    assert_eq!(unreadable["number"], 4);
    assert!(unreadable["note"].as_str().unwrap().starts_with("carries no event: body is not JSON"), "{unreadable}");
    assert_eq!(data(&message(&mut stream(&collector, "0-3")))["number"], 1, "an id of another run is the beginning");
}

#[test]
fn a_slow_reader_delays_nothing_and_is_told_how_much_it_missed() {
    let collector = start(&[]);
    let mut slow = stream(&collector, "");
    let mut client = collector.connect();
    // Together far more than the system keeps for a connection.
    let event = format!(r#"{{"name":"pacts_verified","params":{{"long":"{}"}}}}"#, "x".repeat(1_000));
    let body = format!(r#"{{"client_id":"1.2","events":[{}]}}"#, vec![event; 25].join(","));
    let requests = 700;
    for _ in 0..requests {
        assert_eq!(client.ask("POST", GA4_TARGET, &body).status, 204);
    }
    let (mut told, mut missed, mut last) = (0, 0, Value::Null);
    while told + missed < requests * 25 {
        let message = message(&mut slow);
        match value(&message, "event") {
            "missed" => missed += data(&message).as_u64().unwrap(),
            _ => {
                last = data(&message);
                told += last["rows"].as_array().unwrap().len() as u64;
            }
        }
    }
    assert!(missed > 0 && told > 0, "{told} told, {missed} missed");
    assert_eq!(last["number"], requests);
}

#[cfg(target_os = "linux")]
#[test]
fn the_desktop_is_asked_to_open_the_page_and_a_missing_browser_is_said() {
    use std::os::unix::fs::PermissionsExt;

    let folder = std::env::temp_dir().join(format!("pact-telemetry-open-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let noted = folder.join("noted");
    let errors = |path: &str| {
        let mut command = command();
        command.args(["collect", "--open"]).env("PATH", path).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let line = |from: &mut dyn BufRead| {
            let mut line = String::new();
            from.read_line(&mut line).unwrap();
            line
        };
        let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
        let first = line(&mut std::io::BufReader::new(child.stdout.take().unwrap()));
        assert!(line(&mut stderr).contains("PACT_TELEMETRY_NOTICE=seen"));
        let page = serde_json::from_str::<Value>(&first).unwrap()["page"].as_str().unwrap().to_owned();
        assert_eq!(line(&mut stderr), format!("The page is at {page}\n"));
        let second = line(&mut stderr);
        let ticket = std::fs::read_to_string(&noted).unwrap_or_default();
        let leads_to = |url: &str| {
            let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
            let mut client = Client::connect(address);
            let head = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\nAccept: {HTML}\r\n\r\n");
            client.0.get_mut().write_all(head.as_bytes()).unwrap();
            let answer = client.answer();
            (answer.status, answer.header("location").map(|path| format!("http://{address}{path}")))
        };
        if let Some(ticket) = ticket.lines().next() {
            assert_ne!(ticket, page, "the arguments of a program are for all to see");
            assert_eq!(leads_to(ticket), (303, Some(page.clone())));
            assert_eq!(leads_to(ticket).0, 403, "once");
            assert_eq!(leads_to(&page).0, 200);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        second
    };
    let said = errors(folder.to_str().unwrap());
    assert!(said.starts_with("No browser could be opened (xdg-open: "), "{said}");
    // It writes down its argument and then fails, so that a line says when it has done so.
    let opener = folder.join("xdg-open");
    std::fs::write(&opener, format!("#!/bin/sh\necho \"$@\" >'{}'\nexit 3\n", noted.display())).unwrap();
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
    let said = errors(folder.to_str().unwrap());
    assert!(said.contains("exit status: 3"), "{said}");
    assert!(std::fs::read_to_string(&noted).unwrap().starts_with("http://127.0.0.1:"));
    std::fs::remove_dir_all(&folder).unwrap();
}
