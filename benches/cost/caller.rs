//! What an event costs the thread that reports it: in bursts from one thread and from four, one a millisecond, opted
//! out, and as the first of its process. The floor is a bare bounded crossbeam `try_send` of one boxed 200-byte value.

use crate::child::{Place, Printed, gather, subjects};
use crate::figure::Unit;
use crate::probe::{arrived, settle, tell};
use crate::subject::Subject;
use crate::table::{Goal, Row, Table};
use crossbeam_channel::{Sender, bounded};
use std::sync::Barrier;
use std::time::{Duration, Instant};

const THREADS: usize = 4;

type Boxed = Box<[u8; 200]>;

/// One process for each subject. Floor and subject take turns in it, so that both are measured under the same load.
pub fn scene(name: &str, url: &str, sink: &str) {
    // Each task of pact_matching sets up TLS anew, and would otherwise take the processors for minutes.
    let (rounds, burst, lone) = if name == "pact_matching" { (6, 50, 200) } else { (40, 500, 800) };
    let subject = Subject::start(name, url);
    let (sender, receiver) = bounded::<Boxed>(4_096);
    let floor = |value: i64| push(&sender, value);
    let event = |value: i64| {
        let _ = std::hint::black_box(subject.event(value));
    };
    event(0);
    let mut wanted = arrived(sink) + 1;
    settle(name, &subject, sink, wanted);
    for _ in 0..rounds {
        tell("floor burst", alone(burst, floor));
        receiver.try_iter().for_each(drop);
        tell("burst", alone(burst, event));
        wanted += burst as u64;
        settle(name, &subject, sink, wanted);
        tell("floor threads", together(burst, floor).0);
        receiver.try_iter().for_each(drop);
        let (each, waited) = together(burst, event);
        tell("threads", each);
        tell("waited", waited);
        wanted += (THREADS * burst) as u64;
        settle(name, &subject, sink, wanted);
    }
    for _ in 0..lone {
        // By then the background threads sleep, and so does the core.
        std::thread::sleep(Duration::from_millis(1));
        tell("floor lone", alone(1, floor));
        std::thread::sleep(Duration::from_millis(1));
        tell("lone", alone(1, event));
        receiver.try_iter().for_each(drop);
    }
    settle(name, &subject, sink, wanted + lone);
    if matches!(name, "pact_telemetry" | "pact_matching") {
        // SAFETY: no other thread of this program changes the environment, and the library is built for this.
        unsafe { std::env::set_var("PACT_DO_NOT_TRACK", "true") };
        event(0); // the one call that notices it wakes the worker, which drops what waits
        for _ in 0..rounds {
            tell("floor off", alone(burst, floor));
            receiver.try_iter().for_each(drop);
            tell("off", alone(burst, event));
        }
    }
}

fn push(sender: &Sender<Boxed>, value: i64) {
    let mut boxed = Box::new([7u8; 200]);
    boxed[0] = value as u8;
    sender.try_send(boxed).expect("capacity");
}

/// Seconds for each of so many calls, on average.
fn alone(calls: usize, call: impl Fn(i64)) -> f64 {
    let start = Instant::now();
    for value in 0..calls as i64 {
        call(value);
    }
    start.elapsed().as_secs_f64() / calls as f64
}

/// The same from four threads at once: the seconds from the first start to the last end for each call, and how often a
/// call gave up its processor, as it would for a lock.
fn together(calls: usize, call: impl Fn(i64) + Sync) -> (f64, f64) {
    let barrier = Barrier::new(THREADS);
    let run = || {
        barrier.wait();
        let (before, start) = (gave_up(), Instant::now());
        for value in 0..calls as i64 {
            call(value);
        }
        (start, Instant::now(), gave_up() - before)
    };
    let ran: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (start, end) = (ran.iter().map(|run| run.0).min().unwrap(), ran.iter().map(|run| run.1).max().unwrap());
    let waited: i64 = ran.iter().map(|run| run.2).sum();
    ((end - start).as_secs_f64() / (THREADS * calls) as f64, waited as f64)
}

/// Voluntary context switches of this thread.
fn gave_up() -> i64 {
    // SAFETY: a place of the right type.
    unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_THREAD, &mut usage);
        usage.ru_nvcsw
    }
}

pub fn measure(place: &Place, table: &mut Table) {
    let mut printed: [Printed; 5] = Default::default();
    let mut firsts: [Printed; 5] = Default::default();
    for (at, name) in subjects() {
        printed[at] = place.play("caller", name, &place.sink.url);
    }
    for _ in 0..30 {
        for (at, name) in subjects() {
            for scene in ["first", "threads"] {
                gather(&mut firsts[at], place.play(scene, name, &place.sink.url));
            }
        }
    }
    let time = |what, printed: &[Printed; 5], key: &str, floor: &str, goals| {
        Row::new(what, Unit::Seconds, goals).figures(printed, key).floors(printed, floor)
    };
    let bare = "`try_send`";
    let goals = vec![Goal::TimesFloor(6.0), Goal::BelowAll];
    table.add(time("one event a millisecond", &printed, "lone", "floor lone", goals).floor_is(bare));
    let first = time("first event of a process", &firsts, "first", "first thread", vec![Goal::TimesFloor(2.5)]);
    table.add(first.floor_is("the first `pthread_create` of a process"));
    // No alternative ends its threads.
    let mut quiet: [Printed; 5] = Default::default();
    quiet[0] = place.play("again", "pact_telemetry", &place.sink.url);
    let again = time("event after the threads have ended", &quiet, "again", "thread", vec![Goal::TimesFloor(2.5)]);
    table.add(again.floor_is("a `pthread_create` after as long a quiet"));
    let faults = Row::new("page faults in it", Unit::Count, vec![]);
    table.add(faults.figures(&firsts, "faults"));
    let later = Row::new("`pthread_create` in a process that has had threads", Unit::Seconds, vec![]);
    table.add(later.floors(&firsts, "later thread").floor_is("std alone"));
    let touched = Row::new("32 fresh pages of memory, touched", Unit::Seconds, vec![]);
    table.add(touched.floors(&firsts, "touch").floor_is("std alone"));
    let whole = Row::new("`dlopen`, start and first event together", Unit::Seconds, vec![]);
    table.add(whole.figures(&firsts, "whole"));
    let goals = || vec![Goal::TimesFloor(3.5), Goal::BelowAll];
    table.add(time("one of 500 at once", &printed, "burst", "floor burst", goals()).floor_is(bare));
    table.add(time("the same from 4 threads", &printed, "threads", "floor threads", goals()).floor_is(bare));
    for (what, scene) in [
        ("one that is refused, its client's share being full", "full own more"),
        ("one that is refused, the queue being full", "full shared more"),
    ] {
        let mut full: [Printed; 5] = Default::default();
        for _ in 0..10 {
            gather(&mut full[0], place.play(scene, "pact_telemetry", &place.sink.url));
        }
        let row = time(what, &full, "refused", "accepted", vec![Goal::TimesFloor(1.0)]);
        table.add(row.floor_is("one that is taken before it, by the same process"));
    }
    let waited = Row::new("times 4 threads waited in 2,000 calls", Unit::Count, vec![Goal::AtMost(0.0)]);
    table.add(waited.figures(&printed, "waited"));
    let goals = vec![Goal::TimesFloor(1.0)];
    table.add(time("one that is opted out", &printed, "off", "floor off", goals).floor_is(bare));
}
