//! The `status` subcommand: whether telemetry is on, which rule decided, what waits, what was sent. Reads only.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use pact_telemetry::{Explanation, Rule, RuleSource};
use serde_json::{Value, json};

use crate::id::Identifier;
use crate::ledger::{Ledger, Request};
use crate::library::{self, Explained};
use crate::log::came_back;
use crate::places;
use crate::table;
use crate::text::{date, escaped, plural, say, say_json};
use crate::waiting::{Queue, Waiting};

/// The exit code of `status --exit-code` if telemetry is off.
const OFF: u8 = 3;

/// The arguments of `status`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Exit with code 3 if telemetry is off
    #[arg(long)]
    exit_code: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Everything that is known, or why it cannot be read.
struct Status {
    explained: Explained,
    state: Option<PathBuf>,
    waiting: Result<Waiting, String>,
    ledger: Result<Ledger, String>,
    notice_shown_ms: Option<u64>,
    /// Until when the notice holds events back; `None` if it does not.
    hold_until_ms: Option<u64>,
    id: Result<Identifier, String>,
}

/// Shows the status.
///
/// # Errors
/// A sentence for the person: an internal fault, or the output cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let status = Status::read()?;
    if arguments.json {
        say_json(&status.to_json())?;
    } else {
        say(&status.report())?;
    }
    let is_off = status.explained.off_by().is_some();
    Ok(if is_off && arguments.exit_code { ExitCode::from(OFF) } else { ExitCode::SUCCESS })
}

/// Why a rule says "off", in words.
pub fn because(rule: &Rule) -> String {
    let read = rule.read.as_deref().map(escaped).unwrap_or_default();
    let RuleSource::File(path) = &rule.source else {
        return format!("{}={read} in the environment says so", escaped(rule.name));
    };
    let path = path_of(path).unwrap_or_default();
    match rule.name {
        "saved choice" if read == "off" => format!("you chose so (in {path})"),
        "system choice" if read == "off" => format!("an administrator of this machine chose so (in {path})"),
        _ => format!("{path}: {read}"),
    }
}

/// What turns it on again.
fn undo(rule: &Rule) -> &'static str {
    match rule.name {
        "saved choice" => " `pact-telemetry on` turns it on.",
        "system choice" => " An administrator undoes that with `pact-telemetry on --system`.",
        _ => "",
    }
}

fn path_of(path: &Option<PathBuf>) -> Option<String> {
    path.as_ref().map(|path| escaped(&path.to_string_lossy()))
}

impl Status {
    fn read() -> Result<Self, String> {
        let state = places::state();
        let (waiting, ledger) = match &state {
            Some(state) => (Waiting::read(state).map_err(|error| error.to_string()), Ledger::read(state)),
            None => (Ok(Waiting::default()), Ok(Ledger::default())),
        };
        let (explained, id) = (library::explain()?, Identifier::read());
        let notice = &explained.explanation.notice;
        let notice_shown_ms = notice.shown_ms;
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        let hold_until_ms = notice.hold_until_ms.filter(|until| *until > now_ms && explained.waits_for_the_notice());
        Ok(Status { explained, state, waiting, ledger, notice_shown_ms, hold_until_ms, id })
    }

    fn last(&self, is_wanted: impl Fn(&Request) -> bool) -> Option<&Request> {
        self.ledger.as_ref().ok()?.requests.iter().rev().find(|request| is_wanted(request))
    }

    fn last_delivery(&self) -> Option<&Request> {
        self.last(Request::is_delivered)
    }

    fn last_failure(&self) -> Option<&Request> {
        self.last(|request| request.answer.is_some() && !request.is_delivered())
    }

    /// The URL of a queue's events, if events of this environment go there too.
    fn url(&self, queue: &Queue) -> Option<&str> {
        let Explanation { destination, endpoint, .. } = &self.explained.explanation;
        (*destination == queue.destination).then_some(endpoint)
    }

    fn to_json(&self) -> Value {
        let path = |path: Result<PathBuf, String>| path.ok().map(|path| path.to_string_lossy().into_owned());
        let all = &self.explained.explanation;
        let queue = |queue: &Queue| {
            json!({"destination": queue.destination, "url": self.url(queue), "events": queue.events,
                "batches": queue.batches, "oldest_ms": queue.oldest_ms, "failures": queue.failures,
                "not_before_ms": queue.not_before_ms})
        };
        let waiting = self.waiting.as_ref().map_or_else(
            |error| json!({"unreadable": error}),
            |waiting| {
                let sum = |of: fn(&Queue) -> usize| waiting.queues.iter().map(of).sum::<usize>();
                let oldest = waiting.queues.iter().filter_map(|queue| queue.oldest_ms).min();
                json!({"events": sum(|queue| queue.events), "batches": sum(|queue| queue.batches),
                    "oldest_ms": oldest, "set_aside": waiting.set_aside,
                    "destinations": waiting.queues.iter().map(queue).collect::<Vec<_>>()})
            },
        );
        let request = |request: Option<&Request>| {
            request.map(|request| {
                let all = request.to_json();
                json!({"at_ms": request.at_ms, "url": base(&request.url), "answer": all.get("answer")})
            })
        };
        json!({
            "enabled": all.rule.is_none(),
            "rule": all.rule,
            "rules": self.explained.rules_as_json(),
            "problem": self.explained.problem,
            "endpoint": all.endpoint,
            "protocol": all.protocol,
            "configured": all.is_configured,
            "debug": all.is_debug,
            "waiting": waiting,
            "last_delivery": request(self.last_delivery()),
            "last_failure": request(self.last_failure()),
            "log_unreadable": self.ledger.as_ref().err(),
            "notice_shown_ms": self.notice_shown_ms,
            "hold_until_ms": self.hold_until_ms,
            "id": self.id.as_ref().map_or_else(|error| json!({"unreadable": error}), Identifier::to_json),
            "files": {"choice": path(places::choice()), "system_choice": path(places::system_choice()),
                "state": self.state.as_ref().map(|path| path.to_string_lossy())},
        })
    }

    fn report(&self) -> String {
        let mut text = match self.explained.off_by() {
            Some(rule) => format!("Telemetry is off: {}.{}\n", because(rule), undo(rule)),
            None => "Telemetry is on. `pact-telemetry off` turns it off.\n".to_owned(),
        };
        if let Some(problem) = &self.explained.problem {
            text += &format!("But programs refuse their settings: {}.\n", escaped(problem));
        }
        if self.explained.explanation.is_debug {
            text += "PACT_TELEMETRY_DEBUG is set: programs print their requests and send nothing.\n";
        }
        text += "\nThe rules. The first \"off\" decides; a program can also turn telemetry off for itself:\n\n";
        text += &table::grid(&self.explained.explanation.rules.iter().map(rule_row).collect::<Vec<_>>());
        text.push('\n');
        text += &table::grid(&self.facts().into_iter().map(|(name, value)| vec![name, value]).collect::<Vec<_>>());
        text
    }

    fn facts(&self) -> Vec<(String, String)> {
        let mut facts = self.waiting_facts();
        let sent = |request: Option<&Request>| {
            let words = |request: &Request| {
                format!("{} to {}, {}", date(request.at_ms), escaped(base(&request.url)), came_back(request))
            };
            match &self.ledger {
                Ok(_) => request.map_or_else(|| "none in the log".to_owned(), words),
                Err(error) => format!("the log cannot be read: {}", escaped(error)),
            }
        };
        let mut shown =
            self.notice_shown_ms.map_or_else(|| "not shown yet".to_owned(), |ms| format!("shown {}", date(ms)));
        if let Some(until) = self.hold_until_ms {
            shown += &format!("; nothing leaves before {}", date(until));
        }
        let state = self.state.as_ref().map(|path| escaped(&path.to_string_lossy()));
        let state = state.unwrap_or_else(|| "nothing: there is no home folder".to_owned());
        let id = self.id.as_ref().map_or_else(|error| escaped(error), Identifier::in_words);
        let more = [
            ("Goes to", escaped(&self.explained.explanation.endpoint) + ", unless a program says otherwise"),
            ("Last delivery", sent(self.last_delivery())),
            ("Last failure", sent(self.last_failure())),
            ("First notice", shown),
            ("Identifier", id),
            ("Kept in", state),
        ];
        facts.extend(more.map(|(name, value)| (name.to_owned(), value)));
        facts
    }

    fn waiting_facts(&self) -> Vec<(String, String)> {
        let waiting = match &self.waiting {
            Ok(waiting) => waiting,
            Err(error) => return vec![("Waiting".to_owned(), format!("cannot be read: {}", escaped(error)))],
        };
        let mut facts: Vec<_> = waiting.queues.iter().filter_map(|queue| self.queue_in_words(queue)).collect();
        if facts.is_empty() {
            facts.push("nothing".to_owned());
        }
        if waiting.set_aside > 0 {
            facts.push(format!("{} that could not be read, set aside", plural(waiting.set_aside, "file")));
        }
        facts.into_iter().map(|fact| ("Waiting".to_owned(), fact)).collect()
    }

    fn queue_in_words(&self, queue: &Queue) -> Option<String> {
        if queue.batches == 0 && queue.failures == 0 {
            return None;
        }
        let to = match self.url(queue) {
            Some(url) => escaped(url),
            None => format!("another address ({})", escaped(&queue.destination)),
        };
        let mut words = format!("{} in {}", plural(queue.events, "event"), plural(queue.batches, "batch"));
        if let Some(oldest) = queue.oldest_ms {
            words += &format!(", the oldest since {}", date(oldest));
        }
        words += &format!(", for {to}");
        if let Some(not_before) = queue.not_before_ms.filter(|_| queue.failures > 0) {
            words += &format!("; after {} not before {}", plural(queue.failures as usize, "failure"), date(not_before));
        }
        Some(words)
    }
}

/// An address without its query, which contains an account and its key.
fn base(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

fn rule_row(rule: &Rule) -> Vec<String> {
    let (path, nothing) = match &rule.source {
        RuleSource::File(path) => (path_of(path).map(|path| format!("({path})")).unwrap_or_default(), "no file"),
        _ => (String::new(), "not set"),
    };
    let read = rule.read.as_deref().map_or_else(|| nothing.to_owned(), escaped);
    vec![format!("  {}", rule.name), rule.says.name().to_owned(), format!("{read} {path}")]
}
