//! The library's threads end after a quiet time, and the next event starts them again.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // tests

mod support;

use support::processes::Home;
use support::{Collector, values};

#[test]
fn no_thread_is_left_after_a_quiet_time_and_the_next_event_starts_them_again() {
    let (home, collector) = (Home::new(), Collector::start(&[]));
    home.run(&collector.url, "track 1, flush Delivered, alone, track 2, flush Delivered, alone, track 3");
    assert_eq!(values(&collector.events_until_end()), [1, 2, 3]);
}

#[test]
fn no_thread_is_left_while_events_wait_on_disk_for_a_server_that_fails() {
    let (home, collector) = (Home::new(), Collector::start(&["--answers", "503 retry-after=60*"]));
    home.run(&collector.url, "track 1, flush Kept, alone, track 2, persist Kept, alone");
    assert_eq!(home.batches().len(), 2);
}

#[test]
fn events_at_any_spacing_arrive_also_in_the_moment_in_which_the_threads_end() {
    // The uploader ends a second after an answer. The worker checks the queue for a second, then sleeps for 750 ms,
    // then ends.
    const SPACINGS_MS: [&[u64]; 6] = [
        &[1, 2, 5, 10, 20, 45, 50, 55, 100, 200, 500, 1_500, 2_500],
        &[990, 1_000, 1_005, 1_010, 1_020],
        &[1_045, 1_050, 1_055, 1_060],
        &[1_745, 1_750, 1_755],
        &[1_760, 1_775, 1_790],
        &[1_800, 1_820, 1_850],
    ];
    let collector = Collector::start(&[]);
    let (mut running, mut tracked) = (Vec::new(), 0);
    for spacings in SPACINGS_MS {
        let home = Home::new();
        let mut steps = Vec::new();
        for spacing in spacings {
            steps.push(format!("track {tracked}, sleep {spacing}"));
            tracked += 1;
        }
        let steps = format!("{}, track {tracked}, until /delivered={}", steps.join(", "), spacings.len() + 1);
        tracked += 1;
        let process = home.process(&collector.url, &steps).start();
        running.push((home, process));
    }
    running.into_iter().for_each(|(_home, process)| drop(process.end()));
    assert_eq!(values(&collector.events_until_end()), Vec::from_iter(0..tracked));
}
