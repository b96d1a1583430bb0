//! What survives a process: events that no server answered, and the record of a server that does not answer. Every
//! process here is a real one, with a home that it shares with the other processes of its test.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests

mod support;

use serde_json::{Value, json};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::processes::*;
use support::*;

/// Longer than a batch is left to the process that wrote it.
const RESERVED: Duration = Duration::from_millis(5_300);

/// A server that closes every connection at once, and counts them.
struct Closing {
    url: String,
    port: u16,
    count: Arc<AtomicUsize>,
    end: Arc<AtomicUsize>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Closing {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (count, end) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counter, ended) = (count.clone(), end.clone());
        let accept = move || {
            for connection in listener.incoming() {
                drop(connection);
                if ended.load(Ordering::SeqCst) != 0 {
                    return;
                }
                counter.fetch_add(1, Ordering::SeqCst);
            }
        };
        let thread = Some(std::thread::spawn(accept));
        Closing { url: format!("http://127.0.0.1:{port}"), port, count, end, thread }
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Stops, so that a real server can use the port.
    fn give_way(mut self, answers: &str) -> Collector {
        self.end.store(1, Ordering::SeqCst);
        drop(std::net::TcpStream::connect(("127.0.0.1", self.port)));
        self.thread.take().unwrap().join().unwrap();
        let collector = Collector::start(&["--port", &self.port.to_string(), "--requests", "--answers", answers]);
        assert_eq!(collector.url, self.url);
        collector
    }
}

fn count(stats: &Value, pointer: &str) -> u64 {
    stats.pointer(pointer).unwrap_or_else(|| panic!("{pointer} in {stats}")).as_u64().unwrap()
}

fn events_of(lines: Vec<Value>) -> Vec<i64> {
    values(&lines.into_iter().filter(|line| line["type"] == "event").collect::<Vec<_>>())
}

/// The events of all requests, including those whose process did not wait for the answer.
fn sent(lines: &[Value]) -> Vec<i64> {
    let bodies = lines.iter().filter_map(|line| Some(serde_json::from_str::<Value>(line["body"].as_str()?).unwrap()));
    let events = bodies.flat_map(|body| body["events"].as_array().unwrap().clone());
    let mut values: Vec<_> = events.map(|event| event["params"]["metric_value"].as_i64().unwrap()).collect();
    values.sort_unstable();
    values
}

#[test]
fn an_event_of_a_killed_process_arrives_once_with_a_later_processs_first_event() {
    let home = Home::new();
    let collector = Collector::start(&["--requests", "--answers", "hang"]);
    let killed = home.process(&collector.url, "track 1, ask, sleep 60000").start();
    assert_eq!(collector.next_request()["answer"], "hang");
    killed.kill();
    assert_eq!(home.batches().len(), 1, "on disk before it was on the wire");
    // Without the wait, the batch could still belong to the other process.
    let early = home.run(&collector.url, "track 2, close, print");
    assert_eq!((count(&early[0], "/delivered"), count(&early[0], "/left_by_others/delivered")), (1, 0));
    std::thread::sleep(RESERVED);
    let late = home.run(&collector.url, "track 3, close, until /left_by_others/delivered, print");
    assert_eq!((count(&late[0], "/delivered"), count(&late[0], "/left_by_others/delivered")), (1, 1));
    assert_eq!(home.batches(), Vec::<String>::new());
    assert_eq!(events_of(collector.end()), [1, 2, 3]);
}

#[test]
fn a_process_that_vanishes_after_its_close_hears_the_answer_to_what_an_earlier_one_left() {
    let home = Home::new();
    let collector = Collector::start(&["--requests", "--answers", "hang,ok,delay=50*"]);
    let killed = home.process(&collector.url, "track 1, ask, sleep 60000").start();
    collector.next_request();
    killed.kill();
    home.age(RESERVED);
    // Too short a wait for a whole request to a destination that never answered, so what was left goes in a second one.
    let vanishes = home.process(&collector.url, "track 2, close 900, vanish");
    vanishes.config("exit_timeout_ms", json!(10_000)).run();
    let ledger = std::fs::read_to_string(home.state().join("ledger.jsonl")).unwrap();
    let answered = ledger.lines().filter(|line| line.ends_with(r#","status":204}"#)).count();
    assert_eq!((answered, ledger.lines().count()), (2, 5), "{ledger}");
    assert_eq!(home.batches(), Vec::<String>::new());
    assert_eq!(events_of(collector.end()), [1, 2]);
}

#[test]
fn a_thousand_events_of_a_killed_process_all_arrive_once() {
    let home = Home::new();
    let collector = Collector::start(&["--requests", "--answers", "hang"]);
    let steps: Vec<_> = (0..1_000).map(|value| format!("track {value}")).collect();
    let killed = home.process(&collector.url, &format!("{}, ask, sleep 60000", steps.join(", "))).start();
    collector.next_request();
    // The worker never waits for the server.
    wait_until(|| home.events() == 1_000);
    killed.kill();
    home.age(RESERVED);
    home.run(&collector.url, "track 1000, close, until /left_by_others/delivered=1000");
    assert_eq!(events_of(collector.end()), Vec::from_iter(0..1_001));
    assert_eq!(home.batches(), Vec::<String>::new());
}

#[test]
fn after_a_503_nobody_asks_before_retry_after_and_all_arrive_after_it() {
    let home = Home::new();
    let collector = Collector::start(&["--requests", "--answers", "503 retry-after=11"]);
    let first = home.run(&collector.url, "track 1, flush Kept, print");
    let since = Instant::now();
    assert_eq!((count(&first[0], "/spooled"), &first[0]["last_failure"]), (1, &json!("status 503")));
    let second = home.run(&collector.url, "track 2, flush Kept, print");
    assert_eq!(count(&second[0], "/spooled"), 1, "{}", second[0]);
    assert_eq!((home.batches().len(), home.files(".retry").len()), (2, 1));
    home.age(RESERVED);
    assert!(since.elapsed() < Duration::from_secs(10), "too slow a machine to tell");
    // Longer than the library's own first wait can be, so this wait is the server's.
    std::thread::sleep(Duration::from_millis(11_200).saturating_sub(since.elapsed()));
    home.run(&collector.url, "track 3, close, until /left_by_others/delivered=2");
    assert_eq!((home.batches().len(), home.failures()), (0, 0), "and the failure is forgotten");
    let lines = collector.end();
    let answers: Vec<_> = lines.iter().filter(|line| line["type"] == "request").map(|line| &line["answer"]).collect();
    let refused = answers.iter().filter(|answer| answer.to_string().contains("503")).count();
    assert_eq!(refused, 1, "nobody asked in vain: {answers:?}");
    assert_eq!(events_of(lines), [1, 2, 3]);
}

#[test]
fn a_process_that_lives_on_sends_by_itself_when_retry_after_has_passed() {
    let home = Home::new();
    let collector = Collector::start(&["--requests", "--answers", "503 retry-after=11"]);
    // No thread of the library waits that long. The first event after that time makes it send all of them.
    let steps = "track 1, flush Kept, print, track 2, flush Kept, print, sleep 11200, track 3, until /delivered=3, \
                 sleep 200, print";
    let process = home.process(&collector.url, steps).start();
    collector.next_request();
    let since = Instant::now();
    collector.next_request();
    let waited = since.elapsed();
    assert!(waited >= Duration::from_millis(10_800), "asked again after {waited:?}");
    let stats = process.end();
    assert_eq!([0, 1].map(|at| count(&stats[at], "/spooled")), [1, 2]);
    assert_eq!((count(&stats[2], "/delivered"), count(&stats[2], "/spooled")), (3, 0));
    assert_eq!(home.batches(), Vec::<String>::new());
    assert_eq!(events_of(collector.end()), [1, 2, 3]);
}

#[test]
fn a_hundred_runs_without_a_server_make_a_handful_of_attempts_and_lose_nothing() {
    let home = Home::new();
    let closing = Closing::start();
    for value in 0..100 {
        let stats = home.run(&closing.url, &format!("track {value}, flush Kept, print"));
        assert_eq!(count(&stats[0], "/spooled"), 1);
    }
    let attempts = closing.count();
    assert!((1..=6).contains(&attempts), "{attempts} attempts");
    assert_eq!(home.batches().len(), 100);
    let collector = closing.give_way("ok");
    home.forget_failures();
    home.age(RESERVED);
    home.run(&collector.url, "track 100, close, until /left_by_others/delivered=100");
    assert_eq!(home.batches(), Vec::<String>::new());
    assert_eq!(events_of(collector.end()), Vec::from_iter(0..101));
}

#[test]
fn thirty_processes_at_once_deliver_each_event_once() {
    let home = Home::new();
    let collector = Collector::start(&["--requests", "--answers", "delay=20*"]);
    let start = |value| home.process(&collector.url, &format!("track {value}, close, print")).start();
    let running: Vec<_> = (0..30).map(start).collect();
    for process in running {
        let stats = process.end();
        let [delivered, spooled] = ["/delivered", "/spooled"].map(|name| count(&stats[0], name));
        assert_eq!(delivered + spooled, 1, "delivered, or another took it: {}", stats[0]);
    }
    home.age(RESERVED);
    home.run(&collector.url, "track 30, close");
    assert_eq!(home.batches(), Vec::<String>::new());
    assert_eq!(events_of(collector.end()), Vec::from_iter(0..31));
}

#[test]
fn of_many_processes_at_once_one_takes_what_others_left() {
    let home = Home::new();
    let closing = Closing::start();
    for value in 0..20 {
        home.run(&closing.url, &format!("track {value}, flush Kept"));
    }
    let collector = closing.give_way("delay=50*");
    home.forget_failures();
    home.age(RESERVED);
    let start = |value| home.process(&collector.url, &format!("track {value}, close, batches 0")).start();
    let running: Vec<_> = (20..32).map(start).collect();
    running.into_iter().for_each(|process| drop(process.end()));
    assert_eq!(home.batches(), Vec::<String>::new());
    assert_eq!(sent(&collector.end()), Vec::from_iter(0..32));
}

#[test]
fn thirty_processes_that_end_at_once_leave_what_a_later_one_delivers_once() {
    let home = Home::new();
    let collector = Collector::start(&["--requests", "--answers", "delay=100*"]);
    let start = |value| {
        // Enough time to be on disk, even if all of them start at once on two cores.
        home.process(&collector.url, &format!("track {value}, print")).config("exit_timeout_ms", json!(5_000)).start()
    };
    let running: Vec<_> = (0..30).map(start).collect();
    running.into_iter().for_each(|process| drop(process.end()));
    std::thread::sleep(Duration::from_millis(300)); // the request that was in flight when its process exited
    home.age(RESERVED);
    home.run(&collector.url, "track 30, close, batches 0");
    home.age(RESERVED);
    home.run(&collector.url, "track 31, close");
    assert_eq!(home.batches(), Vec::<String>::new());
    let mut arrived = events_of(collector.end());
    let all = arrived.len();
    arrived.dedup();
    // At least once, because a process that exits before its answer arrives cannot know that the server got the
    // request.
    println!("{} of {all} arrived twice", all - arrived.len());
    assert_eq!(arrived, Vec::from_iter(0..32));
}

#[test]
fn many_processes_that_end_at_once_in_ci_all_arrive_in_a_few_requests_before_the_last_has_ended() {
    let (home, collector) = (Home::new(), Collector::start(&["--requests"]));
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let value = next.fetch_add(1, Ordering::SeqCst);
                    if value >= 200 {
                        return;
                    }
                    // No time limit may be reached, however loaded the machine is.
                    let process = home.process(&collector.url, &format!("track {value}")).variable("CI", "true");
                    process.config("exit_timeout_ms", json!(10_000)).run();
                }
            });
        }
    });
    assert_eq!(home.batches(), Vec::<String>::new());
    let lines = collector.end();
    let requests = lines.iter().filter(|line| line["type"] == "request").count();
    assert_eq!(events_of(lines), Vec::from_iter(0..200));
    assert!(requests <= 40, "{requests} requests");
}

#[test]
fn processes_that_end_one_after_the_other_in_ci_send_their_own() {
    let (home, collector) = (Home::new(), Collector::start(&["--requests"]));
    for value in 0..5 {
        home.process(&collector.url, &format!("track {value}")).variable("CI", "true").run();
        assert_eq!(home.batches(), Vec::<String>::new(), "sent before its process ended");
    }
    assert_eq!(events_of(collector.end()), Vec::from_iter(0..5));
}

/// A home where an earlier process left the event 1 for a server that answers 503, and that server.
fn with_one_left() -> (Home, Collector) {
    let home = Home::new();
    let collector = Collector::start(&["--requests", "--answers", "503*"]);
    home.run(&collector.url, "track 1, flush Kept");
    assert_eq!(home.batches().len(), 1);
    (home, collector)
}

#[test]
fn opting_out_late_by_the_environment_empties_the_spool() {
    let (home, collector) = with_one_left();
    let steps = "track 2, flush Kept, set DO_NOT_TRACK, refused, until /dropped/opted_out, print, batches 0";
    let stats = home.run(&collector.url, steps);
    assert_eq!((count(&stats[0], "/dropped/opted_out"), count(&stats[0], "/spooled")), (1, 0));
    assert_eq!(home.batches(), Vec::<String>::new());
}

#[test]
fn opting_out_before_anything_was_sent_empties_the_spool_too() {
    let (home, collector) = with_one_left();
    home.run(&collector.url, "track 2, set DO_NOT_TRACK, refused, until /dropped/opted_out, flush, batches 0");
    assert_eq!(home.batches(), Vec::<String>::new());
}

#[test]
fn opting_out_by_the_saved_choice_empties_the_spool() {
    let (home, collector) = with_one_left();
    home.run(&collector.url, "track 2, flush Kept, choose off, track 3, until /dropped/opted_out, batches 0");
    assert_eq!(home.batches(), Vec::<String>::new());
}

#[test]
fn a_choice_saved_before_anything_was_sent_empties_the_spool_too() {
    let (home, collector) = with_one_left();
    home.run(&collector.url, "track 2, choose off, track 3, until /dropped/opted_out, batches 0");
    assert_eq!(home.batches(), Vec::<String>::new());
}

#[test]
fn what_is_tracked_after_a_yes_is_kept_though_the_no_before_it_emptied_the_spool() {
    let (home, collector) = with_one_left();
    let steps = "track 2, flush Kept, set DO_NOT_TRACK, refused, until /dropped/opted_out, \
                 unset DO_NOT_TRACK, track 3, flush Lost, flush Kept, batches 1, print";
    let stats = home.run(&collector.url, steps);
    assert_eq!((count(&stats[0], "/dropped/opted_out"), count(&stats[0], "/spooled")), (1, 1));
    assert_eq!(home.batches().len(), 1);
}

#[test]
fn opted_out_from_the_start_no_folder_is_made() {
    let home = Home::of_a_new_person();
    let collector = Collector::start(&["--requests"]);
    for variable in ["DO_NOT_TRACK", "PACT_DO_NOT_TRACK", "pact_do_not_track"] {
        home.process(&collector.url, "refused, flush, close, print").variable(variable, "1").run();
    }
    home.run(&collector.url, "off, refused, close");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    std::fs::create_dir_all(home.path().join(".config/pact-telemetry")).unwrap();
    std::fs::write(home.path().join(".config/pact-telemetry/choice.json"), "{\"enabled\": false}").unwrap();
    home.run(&collector.url, "refused, close");
    assert!(!home.path().join(".local").exists());
    assert_eq!(collector.end(), Vec::<Value>::new());
}

#[test]
fn the_hosts_switch_removes_its_own_batches_and_no_others() {
    let (home, collector) = with_one_left();
    let left = home.batches();
    let stats = home.run(&collector.url, "track 2, flush Kept, off, until /dropped/opted_out, print, batches 1");
    assert_eq!((count(&stats[0], "/dropped/opted_out"), count(&stats[0], "/spooled")), (1, 0));
    assert_eq!(home.batches(), left);
}

#[test]
fn what_a_server_will_never_take_is_dropped_with_the_reason_and_its_file_removed() {
    let (home, collector) = with_one_left();
    drop(collector);
    let refusing = Collector::start(&["--requests", "--answers", "404*"]);
    let stats = home.run(&refusing.url, "track 2, close, print");
    assert_eq!(count(&stats[0], "/dropped/http_status"), 1);
    assert_eq!(home.batches().len(), 1, "another destination's is left alone");
    assert_eq!(home.failures(), 1);
}

#[test]
fn what_others_left_and_a_server_refuses_is_dropped_too() {
    let home = Home::new();
    let collector = Collector::start(&["--requests", "--answers", "503, 404*"]);
    home.run(&collector.url, "track 1, flush Kept");
    home.forget_failures();
    home.age(RESERVED);
    let stats = home.run(&collector.url, "track 2, close, until /left_by_others/dropped, print");
    assert_eq!((count(&stats[0], "/dropped/http_status"), count(&stats[0], "/left_by_others/dropped")), (1, 1));
    assert_eq!(home.batches(), Vec::<String>::new());
    assert_eq!(collector.events_until_end().len(), 0);
}

#[test]
fn a_torn_file_is_set_aside_and_holds_up_nobody() {
    let home = Home::new();
    let collector = Collector::start(&["--requests", "--answers", "503, 503"]);
    home.run(&collector.url, "track 1, flush Kept");
    home.forget_failures();
    home.run(&collector.url, "track 2, flush Kept");
    home.forget_failures();
    home.age(RESERVED);
    let torn = home.spool().join(&home.batches()[0]);
    let text = std::fs::read(&torn).unwrap();
    std::fs::write(&torn, &text[..text.len() / 2]).unwrap();
    home.run(&collector.url, "track 3, close, until /left_by_others/delivered");
    assert_eq!((home.batches().len(), home.files(".torn").len()), (0, 1));
    assert_eq!(events_of(collector.end()), [2, 3]);
}

#[test]
fn the_files_are_for_this_user_alone() {
    let (home, _collector) = with_one_left();
    let mode = |path: &Path| std::fs::symlink_metadata(path).unwrap().mode() & 0o7777;
    // The state folder existed before, and keeps its mode.
    assert_eq!(mode(&home.spool()), 0o700);
    for name in home.files("") {
        assert_eq!(mode(&home.spool().join(&name)), 0o600, "{name}");
        let text = std::fs::read_to_string(home.spool().join(&name)).unwrap();
        assert!(!text.contains("secret") && !text.contains("127.0.0.1"), "{name}: {text}");
    }
}

/// The event is sent directly from memory. After a failure it waits in memory and is sent when the backoff is over.
fn memory_only(place: impl Fn(&str, &str) -> Process) {
    let collector = Collector::start(&["--requests", "--answers", "ok, 503 retry-after=1"]);
    let steps = "track 1, flush Delivered, print, track 2, flush TimedOut, print, track 3, flush, close, \
                 until /delivered=3, print";
    // As in CI: on a person's machine nothing is sent if nothing can be kept, see notice.rs.
    let stats = place(&collector.url, steps).variable("CI", "true").run();
    assert_eq!([0, 1].map(|at| count(&stats[at], "/delivered")), [1, 1]);
    assert_eq!((count(&stats[1], "/queued"), count(&stats[1], "/spooled")), (1, 0), "it is on no disk");
    assert_eq!((count(&stats[2], "/delivered"), count(&stats[2], "/spooled")), (3, 0), "{}", stats[2]);
    assert_eq!(events_of(collector.end()), [1, 2, 3]);
}

/// All at the same time, because each of them waits for as long as the library pauses after a failure, up to ten
/// seconds.
#[test]
fn events_wait_in_memory_wherever_no_disk_takes_them() {
    let places: [(&str, fn()); 12] = [
        ("without a home", without_a_home),
        ("a relative home", with_a_relative_home),
        ("a home that is missing", with_a_home_that_is_missing_and_is_not_made),
        ("a file as state folder", with_a_file_in_the_place_of_the_state_folder),
        ("below a file", with_a_state_folder_below_a_file),
        ("a link as spool", with_a_link_in_the_place_of_the_spool),
        ("another's home", in_a_home_of_another_user),
        ("another's home, as root", as_root_in_a_home_of_another_user),
        ("a disk that is read-only", on_a_disk_that_is_read_only),
        ("a disk without blocks", on_a_disk_whose_blocks_are_all_taken),
        ("a disk without names", on_a_disk_on_which_no_name_can_be_made),
        ("a quota that is used up", on_a_disk_whose_quota_is_used_up),
    ];
    std::thread::scope(|scope| {
        for (name, place) in places {
            std::thread::Builder::new().name(name.into()).spawn_scoped(scope, place).unwrap();
        }
    });
}

fn without_a_home() {
    let home = Home::of_a_new_person();
    memory_only(|url, steps| {
        let mut process = home.process(url, steps);
        process.command.env_remove("HOME");
        process
    });
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

fn with_a_relative_home() {
    let home = Home::of_a_new_person();
    memory_only(|url, steps| {
        let mut process = home.process(url, steps).variable("HOME", "below");
        process.command.current_dir(home.path());
        process
    });
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

fn with_a_home_that_is_missing_and_is_not_made() {
    let home = Home::of_a_new_person();
    let missing = home.path().join("missing");
    memory_only(|url, steps| home.process(url, steps).variable("HOME", &missing));
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

fn with_a_file_in_the_place_of_the_state_folder() {
    let home = Home::of_a_new_person();
    let file = home.path().join("file");
    std::fs::write(&file, "mine").unwrap();
    memory_only(|url, steps| home.process(url, steps).config("state_dir", json!(file)));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

fn with_a_state_folder_below_a_file() {
    let home = Home::of_a_new_person();
    let file = home.path().join("file");
    std::fs::write(&file, "mine").unwrap();
    memory_only(|url, steps| home.process(url, steps).config("state_dir", json!(file.join("below"))));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

fn with_a_link_in_the_place_of_the_spool() {
    let home = Home::of_a_new_person();
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(home.state()).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), home.spool()).unwrap();
    memory_only(|url, steps| home.process(url, steps));
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

fn is_root(home: &Home) -> bool {
    std::fs::metadata(home.path()).unwrap().uid() == 0
}

fn in_a_home_of_another_user() {
    let home = Home::of_a_new_person();
    if !is_root(&home) {
        println!("skipped: takes root to run as another user");
        return;
    }
    std::fs::set_permissions(home.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    memory_only(|url, steps| home.process(url, steps).run_by(65_534));
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

fn as_root_in_a_home_of_another_user() {
    let home = Home::of_a_new_person();
    if !is_root(&home) {
        println!("skipped: takes root");
        return;
    }
    std::os::unix::fs::chown(home.path(), Some(65_534), None).unwrap();
    memory_only(|url, steps| home.process(url, steps));
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

/// Whether this process may have a mount namespace of its own.
fn can_mount() -> bool {
    let tried = Command::new("unshare").args(["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    let can = tried.is_ok_and(|output| output.status.success());
    if !can {
        println!("skipped: unshare -m and mount are not permitted here");
    }
    can
}

fn on_a_disk_that_is_read_only() {
    if can_mount() {
        let home = Home::of_a_new_person();
        let script = format!("mount -t tmpfs -o ro none '{}'", home.path().display());
        memory_only(|url, steps| home.process(url, steps).after(&script, &["-m"]));
    }
}

fn on_a_disk_whose_blocks_are_all_taken() {
    if can_mount() {
        let home = Home::of_a_new_person();
        let path = home.path().display();
        // Names can still be made.
        let blocks =
            format!("mount -t tmpfs -o size=64k none '{path}'; head -c 1000000 /dev/zero > '{path}/full' || true");
        memory_only(|url, steps| home.process(url, steps).after(&blocks, &["-m"]));
    }
}

fn on_a_disk_on_which_no_name_can_be_made() {
    if can_mount() {
        let home = Home::of_a_new_person();
        let path = home.path().display();
        // Except for two folders.
        let names = format!("mount -t tmpfs -o size=64k,nr_inodes=5 none '{path}'; mkdir -p '{path}/.local/state'");
        memory_only(|url, steps| home.process(url, steps).after(&names, &["-m"]));
    }
}

fn on_a_disk_whose_quota_is_used_up() {
    if !can_mount() {
        return;
    }
    let (home, place) = (Home::of_a_new_person(), tempfile::tempdir().unwrap());
    let (path, disk) = (home.path().display(), place.path().join("disk"));
    std::fs::File::create(&disk).unwrap().set_len(160 << 20).unwrap(); // about the least that Btrfs takes
    let disk = disk.display();
    // An empty file system has 16 KiB in use.
    let quota = format!(
        "mkfs.btrfs -qf '{disk}' >/dev/null 2>&1; mount -o loop '{disk}' '{path}'; btrfs quota enable '{path}'; \
         btrfs qgroup limit 16k '{path}'; btrfs filesystem sync '{path}' >/dev/null; ! touch '{path}/a' 2>/dev/null"
    );
    let tried = Command::new("unshare").args(["-m", "sh", "-ec", &quota]).output();
    if !tried.is_ok_and(|output| output.status.success()) {
        println!("skipped: no Btrfs with a quota can be made here");
        return;
    }
    memory_only(|url, steps| home.process(url, steps).after(&quota, &["-m"]));
}

#[test]
fn a_spool_that_is_removed_while_a_process_runs_costs_nothing_but_the_memory_of_it() {
    let home = Home::new();
    let collector = Collector::start(&["--requests", "--answers", "ok, 503 retry-after=1"]);
    let steps = "track 1, flush Delivered, track 2, flush Kept, print, gone, track 3, flush, until /delivered=2, print";
    let mut process = home.process(&collector.url, steps).start();
    collector.next_event();
    process.wait_for_print();
    remove_folder(&home.state());
    let stats = process.end();
    balanced(&stats[0]);
    let arrived = events_of(collector.end());
    assert_eq!(arrived, [2, 3], "{}", stats[0]);
}

#[test]
fn what_others_left_is_not_sent_twice_by_processes_that_end_at_once() {
    let home = Home::new();
    let closing = Closing::start();
    for value in 0..40 {
        home.run(&closing.url, &format!("track {value}, flush Kept"));
    }
    let collector = closing.give_way("ok, delay=60*");
    home.forget_failures();
    home.age(RESERVED);
    for value in 40..44 {
        home.run(&collector.url, &format!("track {value}, close"));
    }
    assert_eq!(home.batches(), Vec::<String>::new());
    let lines = collector.end();
    assert_eq!(sent(&lines), Vec::from_iter(0..44));
}
