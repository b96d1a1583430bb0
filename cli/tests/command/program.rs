//! A real program that uses the library: this test binary again, which runs the commands that it reads line by line.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use pact_telemetry::{Client, DropReason, Event, names};
use serde_json::json;

use crate::home::Home;
use crate::support::{Collector, PATIENCE, wait};

/// Set: this is the program.
const ROLE: &str = "PACT_TELEMETRY_TEST_PROGRAM";

/// Marks each answer of the program; other lines come from the test binary.
const MARK: &str = "program: ";

#[test]
fn program() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let config = json!({
        "library": {"id": "pact-example", "name": "Pact Example", "version": "1.0.0"},
        "test_framework": "JUnit", "platform_version": "21.0.2",
    });
    let client = Client::new(&config.to_string()).unwrap();
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let answer = match line.split_once(' ') {
            Some(("track", value)) => {
                let (event, category) = (names::EVENT_PACTS_VERIFIED, names::CATEGORY_PROVIDER_TEST);
                let event = Event::new(event, category, names::ACTION_COMPLETED, value.parse().unwrap());
                format!("{:?}", client.track(&event))
            }
            _ if line == "settle" => settled(&client),
            _ => format!("{:?}", client.flush(PATIENCE)),
        };
        println!("\n{MARK}{answer}");
    }
}

/// Waits until nothing waits for another attempt, and says what became of it.
fn settled(client: &Client) -> String {
    loop {
        let stats = client.stats();
        if stats.queued() == 0 && stats.spooled() == 0 {
            return format!("{} delivered, {} opted out", stats.delivered(), stats.dropped(DropReason::OptedOut));
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A running program.
pub struct Program {
    child: Child,
    input: Option<ChildStdin>,
    answers: Receiver<String>,
}

impl Program {
    /// Starts it with this home and as in CI, where it need not show the notice first. Its events go to this collector.
    pub fn start(home: &Home, collector: &Collector) -> Self {
        Program::start_with(home, collector, &[])
    }

    /// The same, with more in its environment.
    pub fn start_with(home: &Home, collector: &Collector, variables: &[(&str, &str)]) -> Self {
        let mut command = home.command(std::env::current_exe().unwrap().to_str().unwrap());
        command.args(["--exact", "program::program", "--nocapture"]).env(ROLE, "1").env("CI", "1");
        Program::start_as(command.envs(account(&collector.url)).envs(variables.iter().copied()))
    }

    fn start_as(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        let mut talk = child.stderr.take().unwrap(); // read, so that a notice counts as shown
        thread::spawn(move || std::io::copy(&mut talk, &mut std::io::sink()));
        let (sender, answers) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Some(answer) = line.strip_prefix(MARK) {
                    let _ = sender.send(answer.to_owned());
                }
            }
        });
        Program { child, input, answers }
    }

    fn tell(&mut self, line: &str) -> String {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
        self.answers.recv_timeout(PATIENCE * 2).expect("an answer of the program")
    }

    /// Reports an event of this value.
    pub fn track(&mut self, value: u32) -> String {
        self.tell(&format!("track {value}"))
    }

    /// Waits until every event is delivered or dropped.
    pub fn flush(&mut self) -> String {
        self.tell("flush")
    }

    /// Waits until nothing waits for another attempt.
    pub fn settle(&mut self) -> String {
        self.tell("settle")
    }

    /// Lets it exit as programs usually do.
    pub fn end(mut self) {
        drop(self.input.take());
        assert!(wait(&mut self.child).success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The variables that send events to that collector.
pub fn account(url: &str) -> [(&'static str, &str); 3] {
    [
        ("PACT_TELEMETRY_ENDPOINT", url),
        ("PACT_TELEMETRY_MEASUREMENT_ID", "G-TEST"),
        ("PACT_TELEMETRY_API_SECRET", "secret"),
    ]
}
