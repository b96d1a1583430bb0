//! The start of the threads and the exit of the process: lazy start, a fresh pipeline in a forked child, the wait at
//! exit. A process that loaded the library never unloads it (build.rs links it that way), so there is no unload to
//! handle.

use super::queue::Queue;
use super::{Pipeline, Queued, Threads, uploader, worker};
use crate::platform::clock::coarse_millis;
use crate::platform::memory;
use crate::platform::process::{PerProcess, at_exit, with_signals_blocked};
use crate::platform::thread;
use crate::sync::lock;
use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

static PIPELINE: PerProcess<Pipeline> = PerProcess::new();

/// The stack of a background thread. It holds a TLS handshake and no recursion; the default of 2 MiB is address space
/// that a host under RLIMIT_AS may not have.
const STACK_BYTES: usize = 512 * 1024;

/// After the worker could not be started, how long until the next event tries again, in milliseconds.
const RETRY_START_MS: u64 = 1_000;

/// How long the exit waits for the uploader to settle a request that it abandons: some writes to a disk.
const SETTLE: Duration = Duration::from_millis(20);

/// This process's pipeline, made if need be; `None` where there is no memory for it. A forked child gets its own.
#[inline(always)]
pub(crate) fn for_this_process() -> Option<&'static Pipeline> {
    PIPELINE.get().or_else(first)
}

#[cold]
#[inline(never)]
fn first() -> Option<&'static Pipeline> {
    /// Goes on counting in a forked child, so that its pipeline has another number than its parent's.
    static NEXT_ID: AtomicU64 = AtomicU64::new(1);
    let is_memory = memory::is_there(Queue::<Queued>::BYTES + memory::CALL_BYTES);
    let make = || Pipeline::new(NEXT_ID.fetch_add(1, Ordering::Relaxed), Threads { start_worker, start_uploader });
    is_memory.then(|| PIPELINE.get_or_init(make))
}

/// This process's pipeline, if there is one.
#[inline(always)]
pub(crate) fn existing() -> Option<&'static Pipeline> {
    PIPELINE.get()
}

/// Starts the worker. `false` where the system gives no thread: the events wait, and a later one tries again.
fn start_worker(pipeline: &'static Pipeline) -> bool {
    let (now, retry_at) = (coarse_millis(), &pipeline.intake.retry_start_at);
    if now < retry_at.load(Ordering::Relaxed) {
        return false;
    }
    let is_started = start(pipeline, 0, c"pact-telemetry", worker::run);
    if !is_started {
        retry_at.store(now + RETRY_START_MS, Ordering::Relaxed);
    }
    is_started
}

/// Starts the uploader. `false` where the system gives no thread.
fn start_uploader(pipeline: &'static Pipeline) -> bool {
    start(pipeline, 1, c"pact-upload", uploader::run)
}

fn start(pipeline: &'static Pipeline, place: usize, name: &'static CStr, run: fn(&'static Pipeline)) -> bool {
    /// The handler outlives a fork, so one registration serves the children too.
    static AT_EXIT: AtomicBool = AtomicBool::new(false);
    let mut started = lock(&pipeline.started);
    let Some(thread) = started.get_mut(place) else { return false };
    *thread = None; // one that has ended
    if memory::is_there(memory::CALL_BYTES) {
        let run = move || {
            run(pipeline);
            // Nobody is to join it any more, unless the exit of the process does already.
            lock(&pipeline.started).get_mut(place).map(Option::take);
        };
        *thread = with_signals_blocked(|| thread::start(name, STACK_BYTES, run));
    }
    let is_started = thread.is_some();
    drop(started);
    if is_started && !AT_EXIT.swap(true, Ordering::SeqCst) {
        at_exit(wait_for_answers);
        #[cfg(windows)]
        crate::platform::process::at_detach(record_last);
    }
    is_started
}

/// Gives what waits a last chance, within the budget: to be on disk, and then to be answered, where an answer can be
/// expected in time. In a forked child that never tracked there is no pipeline. Called again for what was tracked after
/// the first time.
extern "C" fn wait_for_answers() {
    let waited = std::panic::catch_unwind(|| {
        if let Some(pipeline) = existing() {
            if pipeline.exit.has_begun() && pipeline.is_taken() {
                return; // nothing was tracked since
            }
            let begin = Instant::now();
            let deadline = pipeline.exit.begin();
            if !pipeline.is_idle() && Instant::now() < deadline {
                pipeline.hurry();
                pipeline.wait_at_exit(deadline);
            }
            pipeline.leave();
            pipeline.end_threads(deadline);
            pipeline.exit.end(begin.elapsed());
        }
    });
    if let Err(payload) = waited {
        std::mem::forget(payload); // dropping it could panic again, and no caller could be told
    }
}

/// Windows alone: the process ends, and the system has ended its other threads before it tells the library. Where an
/// exit handler ran, there is nothing left to do.
#[cfg(windows)]
extern "C" fn record_last() {
    let recorded = std::panic::catch_unwind(|| {
        if let Some(pipeline) = existing() {
            worker::record_last(pipeline);
        }
    });
    if let Err(payload) = recorded {
        std::mem::forget(payload);
    }
}

impl Pipeline {
    fn wait_at_exit(&'static self, deadline: Instant) {
        let is_over = || self.is_idle() || (self.is_recorded() && (self.tally.is_unreachable() || self.is_hopeless()));
        while Instant::now() < deadline {
            let until = self.exit.next_look().map_or(deadline, |look| look.min(deadline));
            if self.wait(until, &is_over) {
                return;
            }
        }
    }

    /// Is a request being made whose answer cannot be expected in time?
    fn is_hopeless(&self) -> bool {
        let awaited = self.outbox.permit.awaited();
        self.exit.attempt().is_some_and(|attempt| !self.exit.is_worth_waiting(&attempt, awaited))
    }

    /// The threads of a host program that has freed all of its clients end before it does, so that nothing of the
    /// library is left for tools that look for leaks.
    fn end_threads(&'static self, deadline: Instant) {
        if self.clients.load(Ordering::Relaxed) > 0 || !self.is_idle() {
            return;
        }
        self.exit.set_over();
        self.nudge();
        self.outbox.parker.unpark();
        let started = std::mem::take(&mut *lock(&self.started));
        for thread in started.into_iter().flatten() {
            thread.join_within(deadline.saturating_duration_since(Instant::now()));
        }
    }

    /// No request is sent from now on. One that was sent and is not answered is abandoned, and what became of it is
    /// settled; one that was not sent is remembered, so that the next process does not wait for the same.
    fn leave(&'static self) {
        if self.outbox.permit.close() {
            self.exit.give_up();
            return;
        }
        self.outbox.in_flight.abandon();
        self.wait(Instant::now() + SETTLE, &|| self.outbox.permit.close());
    }
}
