//! What the page can still ask for: the last requests with their events, as messages of a Server-Sent Events stream,
//! bounded in rows and bytes. Each reader has a place in it and no queue of its own. It knows no sockets.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::endpoint::Protocol;
use super::record::{Arrival, Event, FIELDS, Field, NEEDED, Outcome, line};

/// Rows that are kept: events, and requests that carried none.
pub const ROWS: u64 = 10_000;

/// Bytes of messages that are kept.
pub const BYTES: usize = 32 * 1_024 * 1_024;

/// Rows that are kept of one request, far more than a batch may carry. The others are only counted.
const ROWS_A_REQUEST: usize = 1_000;

/// A reader gets about this many bytes at a time, and the rest the next time.
const PIECE_BYTES: usize = 64 * 1_024;

/// The last requests.
pub struct Journal {
    /// A text that makes the places of this run different from those of an earlier run on the same port.
    run: u64,
    kept: Mutex<Kept>,
    news: watch::Sender<()>,
}

#[derive(Default)]
struct Kept {
    entries: VecDeque<Entry>,
    /// Rows since the start, kept or not.
    rows: u64,
    bytes: usize,
}

struct Entry {
    /// How many rows came before it.
    before: u64,
    message: String,
}

impl Journal {
    /// An empty journal. `run` must differ from that of any other run.
    pub fn new(run: u64) -> Journal {
        Journal { run, kept: Mutex::default(), news: watch::channel(()).0 }
    }

    /// Notes a request, unless it was for no endpoint of the collector.
    pub fn add(&self, arrival: &Arrival) {
        let Some(endpoint) = arrival.received.endpoint() else {
            return;
        };
        let mut kept = self.lock();
        let before = kept.rows;
        kept.rows += arrival.events.len().max(1) as u64;
        let data = data(arrival, endpoint.protocol().name());
        let message = format!("id: {:x}-{}\ndata: {data}\n\n", self.run, kept.rows);
        kept.bytes += message.len();
        kept.entries.push_back(Entry { before, message });
        kept.forget();
        drop(kept);
        self.news.send_replace(());
    }

    /// Wakes whenever something was added.
    pub fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// The place that the id of a message names; the beginning if the id is of another run, or is not an id.
    pub fn place(&self, id: &str) -> u64 {
        let place = id.split_once('-').and_then(|(run, rows)| {
            let is_own = u64::from_str_radix(run, 16).is_ok_and(|run| run == self.run);
            rows.parse().ok().filter(|_| is_own)
        });
        place.unwrap_or(0)
    }

    /// Messages from a place on, and the place after them; empty when there is nothing new. A message says how many
    /// rows are no longer kept.
    pub fn read(&self, place: u64) -> (String, u64) {
        let kept = self.lock();
        let first = kept.entries.partition_point(|entry| entry.before < place);
        let oldest = kept.entries.get(first).map_or(kept.rows, |entry| entry.before);
        let (mut messages, mut next) = (String::new(), oldest.max(place));
        if oldest > place {
            messages = format!("id: {:x}-{oldest}\nevent: missed\ndata: {}\n\n", self.run, oldest - place);
        }
        for (at, entry) in kept.entries.iter().enumerate().skip(first) {
            messages += &entry.message;
            next = kept.entries.get(at + 1).map_or(kept.rows, |entry| entry.before);
            if messages.len() >= PIECE_BYTES {
                break;
            }
        }
        (messages, next)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn forget(&mut self) {
        while let Some(oldest) = self.entries.front() {
            if self.bytes <= BYTES && self.rows - oldest.before <= ROWS {
                return;
            }
            self.bytes -= oldest.message.len();
            self.entries.pop_front();
        }
    }
}

/// The first message of a stream: what fields are called.
pub fn hello() -> String {
    let described = |field: &Field| {
        let keys = Protocol::ALL.map(|protocol| (protocol.name().to_owned(), field.key(protocol).into()));
        json!([field.neutral, field.label, Value::Object(keys.into_iter().collect())])
    };
    let collected = FIELDS.iter().map(described);
    let needed = NEEDED.iter().skip(1).map(|(field, _)| described(field));
    let fields: Vec<Value> = collected.chain(needed).collect();
    format!("event: hello\ndata: {}\n\n", json!({ "fields": fields, "rows": ROWS, "bytes": BYTES }))
}

fn data(arrival: &Arrival, protocol: &str) -> String {
    let received = &arrival.received;
    let row = |event: &Event| json!({ "name": event.name, "wire": event.wire, "problems": event.problems });
    let rows: Vec<Value> = arrival.events.iter().take(ROWS_A_REQUEST).map(row).collect();
    let (answer, reason) = match arrival.outcome {
        Outcome::Status(status) => (json!(status), format!("was answered {status} and not taken in")),
        Outcome::Fault(fault) => (json!(fault), format!("was answered with {fault:?} and not taken in")),
    };
    let note = arrival.events.is_empty().then(|| arrival.unreadable.clone().unwrap_or(reason));
    line(&[
        ("number", json!(arrival.number)),
        ("at", json!(arrival.at / 1_000)),
        ("protocol", json!(protocol)),
        ("method", json!(received.method)),
        ("target", json!(received.target)),
        ("headers", json!(received.headers)),
        ("body", json!(String::from_utf8_lossy(&received.body))),
        ("answer", answer),
        ("left_out", json!(arrival.events.len() - rows.len())),
        ("rows", rows.into()),
        ("note", json!(note)),
    ])
}

#[cfg(test)]
mod tests {
    // A test that cannot go on should stop.
    #![allow(clippy::unwrap_used)]
    use super::super::request::Received;
    use super::*;

    fn arrival(number: u64, hits: usize, text: &str) -> Arrival {
        let body = vec![format!("v=1&el={text}"); hits].join("\n");
        let received = Received {
            method: "POST".to_owned(),
            target: "/batch".to_owned(),
            body: body.into_bytes(),
            ..Received::default()
        };
        Arrival::new(number, received, Outcome::Status(200), 0)
    }

    /// All that can be read from a place on: how many messages, how many missed rows, and the last place.
    fn read_all(journal: &Journal, mut place: u64) -> (usize, u64, u64) {
        let (mut count, mut missed) = (0, 0);
        loop {
            let (text, next) = journal.read(place);
            if text.is_empty() {
                return (count, missed, place);
            }
            for message in text.split_terminator("\n\n") {
                match message.split_once("event: missed\ndata: ") {
                    Some((_, rows)) => missed += rows.parse::<u64>().unwrap(),
                    None => count += 1,
                }
            }
            place = next;
        }
    }

    #[test]
    fn a_reader_goes_on_where_it_was() {
        let journal = Journal::new(7);
        journal.add(&arrival(1, 2, "a"));
        let (text, place) = journal.read(0);
        assert!(text.starts_with("id: 7-2\ndata: {\"number\":1,"), "{text}");
        journal.add(&arrival(2, 1, "b"));
        assert_eq!(place, journal.place("7-2"));
        assert_eq!(read_all(&journal, place), (1, 0, 3));
        assert_eq!(journal.read(3), (String::new(), 3));
    }

    #[test]
    fn a_place_of_another_run_is_the_beginning() {
        let journal = Journal::new(7);
        for id in ["8-2", "7-", "7", "", "-2", "x-2"] {
            assert_eq!(journal.place(id), 0, "{id}");
        }
    }

    #[test]
    fn rows_are_bounded_and_the_missed_ones_counted() {
        let journal = Journal::new(7);
        (1..=600).for_each(|number| journal.add(&arrival(number, 20, "a")));
        let (count, missed, place) = read_all(&journal, 20);
        assert_eq!((count as u64 * 20, missed, place), (ROWS, 12_000 - 20 - ROWS, 12_000));
    }

    #[test]
    fn bytes_are_bounded_also_against_one_request() {
        let journal = Journal::new(7);
        let text = "x".repeat(1_000_000);
        (1..=20).for_each(|number| journal.add(&arrival(number, 1, &text)));
        assert!(journal.lock().bytes <= BYTES);
        let (count, missed, _) = read_all(&journal, 0);
        assert_eq!(count as u64 + missed, 20);
        assert!(count > 5);
        journal.add(&arrival(21, 1, &"\u{1}".repeat(3_000_000)));
        assert_eq!(read_all(&journal, 0), (0, 21, 21));
    }

    #[test]
    fn more_events_than_a_request_may_carry_are_counted() {
        let journal = Journal::new(7);
        journal.add(&arrival(1, ROWS_A_REQUEST + 3, "a"));
        assert!(journal.read(0).0.contains("\"left_out\":3,"));
    }
}
