//! Events as a table for people: first what all events share, then a row for each other field and a column for each
//! event, or a block for each event where that would be too wide. It shows everything that arrived and checks nothing.

use serde_json::Value;

use crate::collect::endpoint::Protocol;
use crate::collect::record::{Event, FIELDS, NAME, NEEDED, text};
use crate::text::escaped;

/// The widest line before columns become blocks.
const WIDTH: usize = 120;

/// The whole text, with an empty line after it; an empty text for no events.
pub fn render(events: &[Event]) -> String {
    Protocol::ALL
        .into_iter()
        .map(|protocol| {
            let numbered = events.iter().zip(1..).filter(|(event, _)| event.protocol == protocol);
            one_protocol(protocol, &numbered.collect::<Vec<_>>())
        })
        .collect()
}

fn one_protocol(protocol: Protocol, events: &[(&Event, usize)]) -> String {
    if events.is_empty() {
        return String::new();
    }
    let all = rows(protocol, events);
    let shared = |row: &Vec<String>| match row.as_slice() {
        [_, _, first, rest @ ..] => !rest.is_empty() && rest.iter().all(|value| value == first),
        _ => false,
    };
    let (same, different): (Vec<_>, Vec<_>) = all.into_iter().partition(shared);
    let mut text = String::new();
    if !same.is_empty() {
        let head = ["Field".to_owned(), format!("{} key", protocol.name()), format!("All {} events", events.len())];
        let cut = same.into_iter().map(|row| row.into_iter().take(3).collect());
        text += &grid(&[head.to_vec()].into_iter().chain(cut).collect::<Vec<_>>());
        text.push('\n');
    }
    if different.len() < 2 {
        return text; // only the shared fields
    }
    let whole = grid(&different);
    if whole.lines().all(|line| line.chars().count() <= WIDTH) {
        return text + &whole + "\n";
    }
    let keys: Vec<_> = different.iter().filter_map(|row| row.get(1)).collect();
    for event in events {
        let own = rows(protocol, &[*event]).into_iter().filter(|row| row.get(1).is_some_and(|key| keys.contains(&key)));
        text += &grid(&own.collect::<Vec<_>>());
        text.push('\n');
    }
    text
}

fn rows(protocol: Protocol, events: &[(&Event, usize)]) -> Vec<Vec<String>> {
    let cells: Vec<_> = events.iter().map(|(event, _)| cells(event)).collect();
    let mut head = vec!["Field".to_owned(), format!("{} key", protocol.name())];
    head.extend(events.iter().map(|(_, number)| format!("Event {number}")));
    let mut rows = vec![head];
    for (label, key) in keys(protocol, &cells) {
        let value = |cells: &Vec<(String, String)>| {
            let found = cells.iter().find(|(name, _)| *name == key);
            found.map_or_else(String::new, |(_, value)| value.clone())
        };
        let values: Vec<String> = cells.iter().map(value).collect();
        if values.iter().any(|value| !value.is_empty()) {
            rows.push([label, escaped(&key)].into_iter().chain(values).collect());
        }
    }
    rows
}

/// The rows in their order: what is collected, what the protocol needs, then whatever else is there.
fn keys(protocol: Protocol, cells: &[Vec<(String, String)>]) -> Vec<(String, String)> {
    let needed = NEEDED.iter().skip(1).map(|(field, _)| field);
    let known = FIELDS
        .iter()
        .chain(needed)
        .flat_map(|field| field.key(protocol).split(", ").map(|key| (field.label.to_owned(), key.to_owned())));
    let mut keys = vec![("Event name".to_owned(), NAME.to_owned())];
    keys.extend(known.filter(|(_, key)| !key.is_empty()));
    for (key, _) in cells.iter().flatten() {
        if !keys.iter().any(|(_, known)| known == key) {
            keys.push(("(unknown)".to_owned(), key.clone()));
        }
    }
    keys
}

fn cells(event: &Event) -> Vec<(String, String)> {
    let mut cells: Vec<(String, String)> = Vec::new();
    cells.extend(event.name.iter().map(|name| (NAME.to_owned(), escaped(name))));
    for (key, value) in &event.wire {
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                cells.extend(inner.iter().map(|(name, value)| (format!("{key}.{name}"), escaped(&text(value)))));
            }
            _ => cells.push((key.clone(), escaped(&text(value)))),
        }
    }
    cells
}

/// Aligned columns with two blanks between them.
pub fn grid(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}  "));
        cells.collect::<String>().trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    // A test that cannot go on should stop.
    #![allow(clippy::unwrap_used, clippy::panic)]
    use serde_json::json;

    use super::*;

    fn event(protocol: Protocol, name: Option<&str>, wire: Value) -> Event {
        let Value::Object(wire) = wire else { panic!("an object is needed") };
        Event { protocol, name: name.map(str::to_owned), wire, problems: Vec::new() }
    }

    #[test]
    fn fields_are_rows_and_events_are_columns() {
        let first = event(Protocol::UniversalAnalytics, None, json!({"av": "1.2", "cd3": "linux-x86_64"}));
        let second = event(Protocol::UniversalAnalytics, None, json!({"av": "1.3", "zz": "?"}));
        let expected = "\
Field                              universal-analytics key  Event 1       Event 2
Library version                    av                       1.2           1.3
Operating system and architecture  cd3                      linux-x86_64
(unknown)                          zz                                     ?

";
        assert_eq!(render(&[first, second]), expected);
    }

    #[test]
    fn what_is_the_same_in_all_events_stands_once() {
        let one = |version: &str| event(Protocol::Ga4, Some("pacts_verified"), json!({"library_version": version}));
        let expected = "\
Field       ga4 key     All 2 events
Event name  event.name  pacts_verified

Field            ga4 key          Event 1  Event 2
Library version  library_version  1        2

";
        assert_eq!(render(&[one("1"), one("2")]), expected);
    }

    #[test]
    fn what_is_too_wide_for_columns_becomes_blocks() {
        let wide = |letter: &str| event(Protocol::Ga4, Some("pacts_verified"), json!({"os_arch": letter.repeat(60)}));
        assert_eq!(render(&[wide("x")]).matches("Field").count(), 1);
        let two = render(&[wide("x"), wide("y")]);
        assert_eq!(two.matches("Field").count(), 3);
        assert!(two.contains("Event 1") && two.contains("Event 2") && two.contains("All 2 events"));
        assert_eq!(two.matches("pacts_verified").count(), 1);
    }

    #[test]
    fn consent_is_shown_one_row_each_and_control_characters_are_not_shown() {
        let wire = json!({"consent": {"ad_user_data": "DENIED"}, "os_arch": "a\u{1b}[2Jb"});
        let text = render(&[event(Protocol::Ga4, None, wire)]);
        assert!(text.contains("consent.ad_user_data"));
        assert!(text.contains(r"a\u{1b}[2Jb"));
    }

    #[test]
    fn no_event_is_no_table() {
        assert_eq!(render(&[]), "");
    }
}
