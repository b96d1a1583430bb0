//! The ledger: each request that left this machine, as the library wrote it down before it was sent, and what came
//! back. Reads only. A line may be incomplete, and an answer may be missing.

use std::path::Path;

use pact_telemetry::internal::{LEDGER_FILE, OLDER_LEDGER_FILE};
use serde_json::{Map, Value, json};

use crate::places;

/// The most that is read of a file. The library keeps its files far smaller.
const FILE_LIMIT: u64 = 16 * 1024 * 1024;

/// A request that left.
#[derive(Debug, PartialEq)]
pub struct Request {
    id: String,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Such as `POST`.
    pub method: String,
    /// The URL as it was sent, with credentials.
    pub url: String,
    /// Names and values as sent.
    pub headers: Map<String, Value>,
    /// As sent.
    pub body: String,
    /// `None`: the request is still on its way, or the program exited before the answer came.
    pub answer: Option<Answer>,
}

/// What came back.
#[derive(Debug, PartialEq)]
pub struct Answer {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// A status, or why there is none.
    pub outcome: Result<u64, String>,
}

/// What both files hold.
#[derive(Debug, Default, PartialEq)]
pub struct Ledger {
    /// In the order in which they left.
    pub requests: Vec<Request>,
    /// Lines that cannot be read.
    pub torn: usize,
}

impl Request {
    /// Whether the server accepted it.
    pub fn is_delivered(&self) -> bool {
        matches!(&self.answer, Some(Answer { outcome: Ok(200..=299), .. }))
    }

    /// All of it as JSON.
    pub fn to_json(&self) -> Value {
        let answer = self.answer.as_ref().map(|answer| match &answer.outcome {
            Ok(status) => json!({"at_ms": answer.at_ms, "status": status}),
            Err(failure) => json!({"at_ms": answer.at_ms, "failure": failure}),
        });
        json!({"request": self.id, "at_ms": self.at_ms, "method": self.method, "url": self.url,
            "headers": self.headers, "body": self.body, "answer": answer})
    }
}

impl Ledger {
    /// Reads the ledger in a state folder.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub fn read(state: &Path) -> Result<Self, String> {
        let file = |name: &str| {
            let path = state.join(name);
            let bytes = places::read(&path, FILE_LIMIT).map_err(|error| format!("{}: {error}", path.display()))?;
            Ok::<_, String>(bytes.unwrap_or_default())
        };
        let newer = file(LEDGER_FILE)?;
        let older = file(OLDER_LEDGER_FILE)?;
        // If the library renamed the file in between, both are the same file.
        let is_same = !newer.is_empty() && older.starts_with(&newer);
        let mut ledger = Ledger::default();
        ledger.add(&older);
        if !is_same {
            ledger.add(&newer);
        }
        Ok(ledger)
    }

    fn add(&mut self, text: &[u8]) {
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if !self.add_line(line) {
                self.torn += 1;
                // The next process may have continued in the same line.
                let starts = line.iter().enumerate().skip(1).filter(|(_, byte)| **byte == b'{').map(|(at, _)| at);
                let mut rests = starts.filter_map(|at| line.get(at..));
                rests.find(|rest| self.add_line(rest));
            }
        }
    }

    fn add_line(&mut self, line: &[u8]) -> bool {
        let bytes = line;
        let Ok(line) = serde_json::from_slice::<Value>(bytes) else { return false };
        let Some((id, at_ms)) = text(&line, "request").zip(number(&line, "at_ms")) else { return false };
        let outcome = match (number(&line, "status"), text(&line, "failure")) {
            (Some(status), _) => Ok(status),
            (None, Some(failure)) => Err(failure),
            (None, None) => return self.add_request(bytes, &line, id, at_ms),
        };
        // Its request may be gone: the older file was replaced.
        if let Some(request) = self.requests.iter_mut().rev().find(|request| request.id == id) {
            request.answer = Some(Answer { at_ms, outcome });
        }
        true
    }

    fn add_request(&mut self, bytes: &[u8], line: &Value, id: String, at_ms: u64) -> bool {
        let Some((method, url)) = text(line, "method").zip(text(line, "url")) else { return false };
        let Some(body) = body(bytes, line) else { return false };
        let headers = line.get("headers").and_then(Value::as_object).cloned().unwrap_or_default();
        self.requests.push(Request { id, at_ms, method, url, headers, body, answer: None });
        true
    }
}

/// The body as it was sent: a string, or JSON as it stands at the end of the line, with its own order and spaces.
fn body(bytes: &[u8], line: &Value) -> Option<String> {
    const KEY: &[u8] = b",\"body\":"; // within a string a quote has a backslash before it
    if !line.get("body")?.is_object() {
        return text(line, "body");
    }
    let start = bytes.windows(KEY.len()).position(|part| part == KEY)? + KEY.len();
    let body = bytes.get(start..)?.trim_ascii_end().strip_suffix(b"}")?;
    String::from_utf8(body.to_vec()).ok()
}

fn text(line: &Value, key: &str) -> Option<String> {
    line.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn number(line: &Value, key: &str) -> Option<u64> {
    line.get(key).and_then(Value::as_u64)
}

#[cfg(test)]
mod tests {
    // A test that cannot go on should stop.
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn request(id: &str) -> String {
        let body = "{\"events\":[{\"name\":\"a\"}]}\n{";
        json!({"request": id, "at_ms": 5, "method": "POST", "url": "https://a/", "headers": {"a": "b"}, "body": body})
            .to_string()
    }

    fn ledger(text: &str) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.add(text.as_bytes());
        ledger
    }

    #[test]
    fn an_answer_finds_its_request_and_one_may_be_missing() {
        let text = [&request("1"), &request("2"), r#"{"request":"2","at_ms":9,"status":204}"#, ""].join("\n");
        let ledger = ledger(&text);
        assert_eq!((ledger.requests.len(), ledger.torn), (2, 0));
        assert_eq!(ledger.requests[0].answer, None);
        assert_eq!(ledger.requests[1].answer, Some(Answer { at_ms: 9, outcome: Ok(204) }));
        assert!(ledger.requests[1].is_delivered() && !ledger.requests[0].is_delivered());
    }

    #[test]
    fn wherever_a_line_is_torn_the_next_one_is_still_read() {
        let (first, second) = (request("1"), request("2"));
        for end in 1..first.len() {
            let torn = ledger(&format!("{}\n{second}\n", &first[..end]));
            assert_eq!((torn.requests.len(), torn.torn), (1, 1), "{end}");
            let glued = ledger(&format!("{}{second}\n", &first[..end]));
            assert_eq!((glued.requests.len(), glued.torn), (1, 1), "{end}");
            assert_eq!(glued.requests[0].id, "2");
        }
        let junk = ledger("\u{0}\u{0}\n[]\n7\n{\"request\":1}\n");
        assert_eq!((junk.requests.len(), junk.torn), (0, 4));
    }

    #[test]
    fn a_body_of_json_is_read_byte_for_byte() {
        let body = r#"{"b":1, "a":"\u00e9","headers":{},"body":{"x":[{}]},"n":1.0}"#;
        let line =
            r#"{"request":"1","at_ms":5,"method":"POST","url":"https://a/,\"body\":{}","headers":{"body":""},"body":"#;
        let ledger = ledger(&format!("{line}{body}}}\n"));
        assert_eq!((ledger.torn, ledger.requests[0].body.as_str()), (0, body));
    }

    #[test]
    fn an_answer_to_nothing_is_no_torn_line() {
        assert_eq!(ledger("{\"request\":\"1\",\"at_ms\":9,\"failure\":\"x\"}\n"), Ledger::default());
    }
}
