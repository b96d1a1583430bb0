//! The `log` subcommand: the last requests that left this machine, byte for byte, and what came back.

use std::fmt::Write;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::ledger::{Ledger, Request};
use crate::places;
use crate::text::{date, escaped, plural, say, say_json};

/// The arguments of `log`.
#[derive(clap::Args)]
pub struct Arguments {
    /// How many of the last requests to show
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    number: usize,
    /// Print JSON, in which every byte is as it was sent
    #[arg(long)]
    json: bool,
}

/// Shows them, the last at the end.
///
/// # Errors
/// A sentence for the person: the log cannot be read.
pub fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    let state = places::state();
    let ledger = state.as_deref().map(Ledger::read).transpose()?.unwrap_or_default();
    let earlier = ledger.requests.len().saturating_sub(arguments.number);
    let shown = ledger.requests.get(earlier..).unwrap_or_default();
    if arguments.json {
        let requests: Vec<Value> = shown.iter().map(Request::to_json).collect();
        say_json(&json!({"requests": requests, "earlier": earlier, "torn_lines": ledger.torn}))?;
    } else {
        let empty = match state {
            Some(state) => format!(
                "The log in {} is empty. It begins with the next request that leaves, and `pact-telemetry off` \
                 removes it.\n",
                escaped(&state.to_string_lossy())
            ),
            None => "There is no log, because there is no home folder to keep it in.\n".to_owned(),
        };
        let is_empty = ledger.requests.is_empty() && ledger.torn == 0;
        say(&if is_empty { empty } else { report(shown, earlier, ledger.torn) })?;
    }
    Ok(ExitCode::SUCCESS)
}

fn report(shown: &[Request], earlier: usize, torn: usize) -> String {
    let mut text = String::new();
    if torn > 0 {
        let lines = plural(torn, "line");
        let _ = writeln!(text, "{lines} of the log cannot be read: a program was ended while it wrote.\n");
    }
    if earlier > 0 {
        let all = earlier + shown.len();
        let _ = writeln!(text, "{} came before; -n {all} shows all.\n", plural(earlier, "request"));
    }
    for request in shown {
        text += &one(request);
    }
    text
}

fn one(request: &Request) -> String {
    let mut text = format!("{}  {} {}\n", date(request.at_ms), escaped(&request.method), escaped(&request.url));
    for (name, value) in &request.headers {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let _ = writeln!(text, "  {}: {}", escaped(name), escaped(&value));
    }
    text.push('\n');
    for line in request.body.split('\n') {
        let _ = writeln!(text, "  {}", escaped(line));
    }
    let _ = writeln!(text, "\n  {}\n", came_back(request));
    text
}

/// What came back, in words.
pub fn came_back(request: &Request) -> String {
    let Some(answer) = &request.answer else {
        return "no answer is known: it is on its way, or the program ended".to_owned();
    };
    let took = answer.at_ms.saturating_sub(request.at_ms);
    match &answer.outcome {
        Ok(status @ 200..=299) => format!("delivered: answered {status} after {took} ms"),
        Ok(status) => format!("not delivered: answered {status} after {took} ms"),
        Err(failure) => format!("not delivered: {} after {took} ms", escaped(failure)),
    }
}
