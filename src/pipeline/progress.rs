//! How threads of the host program wait for the worker and the uploader.

use crate::sync::atomic::{AtomicUsize, Ordering, fence};
use crate::sync::{Condvar, Mutex, lock};
use std::sync::PoisonError;
use std::time::Duration;

#[derive(Default)]
pub(super) struct Progress {
    lock: Mutex<()>,
    is_made: Condvar,
    /// How many threads wait.
    waiting: AtomicUsize,
}

impl Progress {
    /// Waits until `done` returns true, which is checked again whenever there is progress. `pause` says how long to
    /// wait at most before both are called again; `None` ends the wait. Returns whether `done` was true.
    pub fn wait(&self, done: impl Fn() -> bool, pause: impl Fn() -> Option<Duration>) -> bool {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst); // before `done` is asked, see `announce`
        let mut guard = lock(&self.lock);
        while !done() {
            let Some(time) = pause() else { break };
            guard = self.is_made.wait_timeout(guard, time).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(guard);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        done()
    }

    /// Makes all waiting threads check again. Costs next to nothing while none waits: a thread of the host program
    /// calls it for each event that the full queue gives back.
    pub fn announce(&self) {
        // Either this finds the thread that waits, or `done` finds what was done before this.
        fence(Ordering::SeqCst);
        if self.waiting.load(Ordering::Relaxed) == 0 {
            return;
        }
        drop(lock(&self.lock)); // a thread that checked before this is waiting by now, and is woken below
        self.is_made.notify_all();
    }
}

/// The model for loom: every order that threads and memory allow (`make model`).
#[cfg(all(test, loom))]
mod model {
    use super::super::queue::Queue;
    use super::*;
    use crate::sync::in_every_order;
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicUsize, Ordering};
    use loom::thread;

    /// A worker that puts what it takes on disk, and a thread that tracked and waits until that is so, as `flush` and
    /// the end of the process do. One that is told too early would fail, one that is never told would wait for ever,
    /// which loom reports.
    #[test]
    fn a_waiting_thread_is_woken_when_all_is_on_disk_and_not_before() {
        in_every_order(|| {
            const EVENTS: usize = 2;
            let (queue, progress) = (Arc::new(Queue::new(EVENTS)), Arc::new(Progress::default()));
            let on_disk = Arc::new(AtomicUsize::new(0));
            let worker = thread::spawn({
                let (queue, progress, on_disk) = (queue.clone(), progress.clone(), on_disk.clone());
                move || {
                    while on_disk.load(Ordering::Relaxed) < EVENTS {
                        queue.hold();
                        for _ in queue.take() {
                            on_disk.fetch_add(1, Ordering::Relaxed);
                        }
                        queue.let_go();
                        progress.announce();
                        thread::yield_now();
                    }
                }
            });
            (0..EVENTS).for_each(|event| assert!(queue.push(event).is_ok()));
            assert!(progress.wait(|| queue.is_done(), || Some(Duration::MAX)));
            assert_eq!(on_disk.load(Ordering::Relaxed), EVENTS);
            worker.join().unwrap();
        });
    }
}
