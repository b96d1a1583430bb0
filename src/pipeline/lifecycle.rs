//! The threads' birth and the process's end: lazy start, a fresh pipeline in a forked child, the wait at exit.
//! The library never leaves a process that loaded it (build.rs links it so), so there is no unload to handle.

use super::queue::Queue;
use super::{uploader, worker, Pipeline, Queued};
use crate::platform::clock::coarse_millis;
use crate::platform::memory;
use crate::platform::process::{at_exit, with_signals_blocked, PerProcess};
use crate::platform::thread;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

static PIPELINE: PerProcess<Pipeline> = PerProcess::new();

/// The sender's stack. It holds a TLS handshake and no recursion; the default of 2 MiB is address space that a host
/// under RLIMIT_AS may not have.
const STACK_BYTES: usize = 512 * 1024;

/// After the thread could not be started, how long until the next event tries again, in milliseconds.
const RETRY_START_MS: u64 = 1_000;

/// On a person's machine, how long the end of the process waits for a connection: a server nearby has the events in this run.
/// One that is further away has them with the next, since the end costs the person more than the delay does.
const CONNECT_PATIENCE: Duration = Duration::from_millis(20);

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
    let is_room = memory::is_there(Queue::<Queued>::BYTES + memory::CALL_BYTES);
    is_room.then(|| PIPELINE.get_or_init(|| Pipeline::new(NEXT_ID.fetch_add(1, Ordering::Relaxed))))
}

/// This process's pipeline, if there is one.
pub(crate) fn existing() -> Option<&'static Pipeline> {
    PIPELINE.get()
}

/// Starts the sender's thread. `false` where the system gives none: the events wait, and a later one tries again.
pub(super) fn start_sender(pipeline: &'static Pipeline) -> bool {
    /// The handler outlives a fork, so one registration serves the children too.
    static AT_EXIT: AtomicBool = AtomicBool::new(false);
    let now = coarse_millis();
    if now < pipeline.retry_start_at.load(Ordering::Relaxed) {
        return false;
    }
    let start = || thread::start(c"pact-telemetry", STACK_BYTES, move || worker::run(pipeline));
    if !memory::is_there(memory::CALL_BYTES) || !with_signals_blocked(start) {
        pipeline.retry_start_at.store(now + RETRY_START_MS, Ordering::Relaxed);
        return false;
    }
    if !AT_EXIT.swap(true, Ordering::SeqCst) {
        at_exit(wait_for_answers);
    }
    true
}

/// Starts the uploader's thread, if it does not run yet. Called by the worker alone, whose signal mask it inherits.
pub(super) fn start_uploader(pipeline: &'static Pipeline) -> bool {
    let start = || thread::start(c"pact-upload", STACK_BYTES, move || uploader::run(pipeline));
    if !pipeline.has_uploader.load(Ordering::Relaxed) && memory::is_there(memory::CALL_BYTES) && start() {
        pipeline.has_uploader.store(true, Ordering::Relaxed);
    }
    pipeline.has_uploader.load(Ordering::Relaxed)
}

/// Gives what waits a last chance, within the budget: to be on disk, and then to be answered. In CI, whose disk is about to
/// vanish, also to be sent first; elsewhere what is not sent in a moment goes with the next run. In a forked child that never
/// tracked there is no pipeline.
extern "C" fn wait_for_answers() {
    let waited = std::panic::catch_unwind(|| {
        let Some(pipeline) = existing() else { return };
        let begin = Instant::now();
        let deadline = begin + pipeline.exit_timeout();
        pipeline.exiting.store(true, Ordering::SeqCst);
        if !pipeline.is_idle() && Instant::now() < deadline {
            pipeline.hurry();
            let is_over = || pipeline.is_idle() || (pipeline.is_recorded() && pipeline.is_unreachable());
            let moment = if pipeline.is_ci() { deadline } else { deadline.min(begin + CONNECT_PATIENCE) };
            if !pipeline.wait(moment, is_over) {
                pipeline.wait(deadline, || is_over() || (pipeline.is_recorded() && pipeline.wire.close()));
            }
        }
        pipeline.wire.close(); // whatever is begun now, nobody would hear the end of
    });
    if let Err(payload) = waited {
        std::mem::forget(payload); // its drop could panic again, and nobody is left to tell
    }
}
