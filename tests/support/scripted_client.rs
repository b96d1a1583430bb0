//! A program that makes a client and runs a list of steps, for the tests whose processes share a home (processes.rs).
//! Arguments: the config of the client, and the steps between commas, each with at most one argument.
#![allow(unsafe_code)] // fork
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a program of the tests

mod environment;

use pact_telemetry::{Client, DropReason, Event, Flushed, TrackError, names};
use serde_json::{Value, json};
use std::io::Write;
use std::time::{Duration, Instant};

/// Long enough for a busy machine. Nothing waits this long unless it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// The library's threads end after this time without work. A busy machine may take twice as long.
const QUIET_MAX: Duration = Duration::from_secs(3);

fn main() {
    let [config, steps] = std::env::args().skip(1).collect::<Vec<_>>().try_into().unwrap();
    let client = Client::new(&config).unwrap();
    for step in steps.split(',') {
        let (step, argument) = step.trim().split_once(' ').unwrap_or((step.trim(), ""));
        run(&client, step, argument);
    }
}

/// An event that can be recognised by its value.
fn numbered(value: &str) -> Event<'static> {
    let value = value.parse().unwrap();
    Event::new(names::EVENT_PACTS_VERIFIED, names::CATEGORY_PROVIDER_TEST, names::ACTION_COMPLETED, value)
}

/// The counters, whose sums must balance whenever they are read.
fn stats(client: &Client) -> Value {
    let stats = client.stats();
    let dropped: u64 = DropReason::all().map(|reason| stats.dropped(reason)).sum();
    let settled = stats.delivered() + stats.unconfirmed() + dropped;
    assert_eq!(stats.accepted(), settled + stats.queued() + stats.spooled(), "the books: {}", stats.to_json());
    serde_json::from_str(&stats.to_json()).unwrap()
}

/// The state folder of a person with this home.
fn state_folder() -> std::path::PathBuf {
    std::path::PathBuf::from(std::env::var_os("HOME").unwrap()).join(".local/state/pact-telemetry")
}

/// Waits until the condition of a step is true.
fn wait_until(client: &Client, step: &str, is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "{step}: {}", stats(client));
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// How many batches are on disk.
fn batches() -> usize {
    let entries = std::fs::read_dir(state_folder().join("spool")).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_name().to_str().is_some_and(|name| name.ends_with(".batch"))).count()
}

/// Saves a choice as `pact-telemetry off`, `on` and `id` do.
fn save_choice(choice: &Value) {
    let folder = std::path::PathBuf::from(std::env::var_os("HOME").unwrap()).join(".config/pact-telemetry");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("choice.json"), choice.to_string()).unwrap();
}

fn run(client: &Client, step: &str, argument: &str) {
    let milliseconds = || Duration::from_millis(argument.parse().unwrap());
    match step {
        "track" => client.track(&numbered(argument)).unwrap(),
        "refused" => assert_eq!(client.track(&numbered("0")), Err(TrackError::Disabled)),
        "ask" => drop(client.flush(Duration::ZERO)),
        "flush" => {
            let flushed = client.flush(PATIENCE);
            assert!(
                argument.is_empty() || format!("{flushed:?}") == argument,
                "{flushed:?} {}",
                client.stats().to_json()
            );
        }
        "persist" => {
            let persisted = client.persist(PATIENCE);
            assert_eq!(format!("{persisted:?}"), argument, "{}", client.stats().to_json());
        }
        "close" => drop(client.close(if argument.is_empty() { PATIENCE } else { milliseconds() })),
        // SAFETY: ends the process as a runtime does that runs no exit handlers.
        "vanish" => unsafe { libc::_exit(0) },
        "endless" => {
            let answers = [client.persist(Duration::MAX), client.flush(Duration::MAX), client.close(Duration::MAX)];
            assert_eq!(answers[1..], [Flushed::Delivered; 2], "{answers:?}");
        }
        "set" => environment::set(argument, "1"),
        "unset" => environment::remove(argument),
        "choose" => save_choice(&json!({"enabled": argument == "on"})),
        "identify" => save_choice(&json!({"id": argument})),
        "burst" => {
            let count: u64 = argument.parse().unwrap();
            (0..count).for_each(|value| client.track(&numbered(&value.to_string())).unwrap());
        }
        "off" => client.set_enabled(false),
        "sleep" => std::thread::sleep(milliseconds()),
        // So many batches are on disk.
        "batches" => wait_until(client, "batches", || Some(batches()) == argument.parse().ok()),
        // The test has removed the state folder.
        "gone" => wait_until(client, "gone", || !state_folder().exists()),
        // The library's threads have ended.
        "alone" => {
            let since = Instant::now();
            while std::fs::read_dir("/proc/self/task").unwrap().count() > 1 {
                assert!(since.elapsed() < 2 * QUIET_MAX, "a thread is left: {}", client.stats().to_json());
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        // The counters are read all the time, even while other threads work.
        "until" => {
            let (pointer, least) = argument.split_once('=').unwrap_or((argument, "1"));
            let is_so = || stats(client).pointer(pointer).unwrap().as_u64() >= least.parse().ok();
            wait_until(client, argument, is_so);
        }
        "fork" => {
            // SAFETY: the child runs its steps and exits; what std and this library allow after a fork is under test.
            let child = unsafe { libc::fork() };
            if child == 0 {
                client.track(&numbered(argument)).unwrap();
                client.close(PATIENCE);
                std::process::exit(0);
            }
            // SAFETY: waits for the child made above.
            unsafe { libc::waitpid(child, &mut 0, 0) };
        }
        "print" => {
            println!("STATS {}", stats(client));
            std::io::stdout().flush().unwrap();
        }
        // Read by the test like the counters.
        "explain" => println!("STATS {}", client.explain().to_json()),
        _ => panic!("{step}?"),
    }
}
