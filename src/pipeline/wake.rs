//! How the host's threads wake the worker, or have it started. While the worker looks at the queue by itself, that is one load an
//! event.

use crate::bell::Bell;
use crate::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

/// What the worker is doing, as far as a tracking thread must know.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Rest {
    /// It looks at the queue by itself within a linger: nothing to do for the tracking thread.
    Awake = 0,
    /// It sleeps without a limit: the next event wakes it.
    Asleep = 1,
    /// There is no thread: the next event starts it.
    NoThread = 2,
}

pub(super) struct Wake {
    rest: AtomicU8,
    /// Somebody waits: no linger.
    urgent: AtomicBool,
    bell: Bell,
}

impl Wake {
    pub fn new() -> Self {
        Wake { rest: AtomicU8::new(Rest::NoThread as u8), urgent: AtomicBool::new(false), bell: Bell::default() }
    }

    /// After an event was put into the queue: has a worker that does not look there by itself do so. `start` starts one, and says
    /// whether that went well; where not, the event waits, and a later one tries again.
    #[inline(always)]
    pub fn rouse(&self, start: impl FnOnce() -> bool) {
        // SeqCst, after the queue's own SeqCst tail: either this load sees that the worker sleeps, or the worker's look at the
        // queue, which follows its store of `rest`, sees this event (see `sleep`).
        if !self.is(Rest::Awake) {
            self.wake(start);
        }
    }

    #[cold]
    #[inline(never)]
    fn wake(&self, start: impl FnOnce() -> bool) {
        let from = |rest: Rest| {
            let awake = Rest::Awake as u8;
            self.rest.compare_exchange(rest as u8, awake, Ordering::SeqCst, Ordering::SeqCst).is_ok()
        };
        if from(Rest::Asleep) {
            self.bell.ring();
        } else if from(Rest::NoThread) && !start() {
            self.rest.store(Rest::NoThread as u8, Ordering::SeqCst);
        }
    }

    /// Has the worker look at the queue now, without linger.
    pub fn hurry(&self, start: impl FnOnce() -> bool) {
        self.urgent.store(true, Ordering::SeqCst);
        self.rouse(start);
        self.bell.ring();
    }

    /// Ends the linger: the queue is filling up.
    pub fn nudge(&self) {
        self.bell.ring();
    }

    pub fn is_started(&self) -> bool {
        !self.is(Rest::NoThread)
    }

    /// The worker's: lets events gather, unless somebody hurries.
    pub fn linger(&self, time: Duration) {
        if !self.urgent.swap(false, Ordering::SeqCst) {
            self.bell.wait(Some(time));
        }
    }

    /// The worker's: sleeps until the next event, or until somebody hurries.
    pub fn sleep(&self, is_queue_empty: impl Fn() -> bool) {
        self.rest.store(Rest::Asleep as u8, Ordering::SeqCst);
        // After the store: an event whose thread did not yet see it is seen here.
        while is_queue_empty() && !self.urgent.load(Ordering::SeqCst) && self.is(Rest::Asleep) {
            self.bell.wait(None);
        }
        self.rest.store(Rest::Awake as u8, Ordering::SeqCst);
    }

    #[inline(always)]
    fn is(&self, rest: Rest) -> bool {
        self.rest.load(Ordering::SeqCst) == rest as u8
    }
}

/// In every order that the threads and the memory allow (`make model`).
#[cfg(all(test, loom))]
mod model {
    use super::super::queue::Queue;
    use super::*;
    use crate::sync::in_every_order;
    use loom::sync::atomic::AtomicUsize;
    use loom::sync::Arc;
    use loom::thread;

    type Tell = fn(&Wake);

    /// A worker that sleeps whenever the queue is empty until it took all events; not woken once, it would sleep for ever, which
    /// loom reports. The queue's small part holds one event here, so that the second makes the large one.
    fn no_event_is_slept_over(tell: Tell, events: usize, threads: usize) {
        in_every_order(move || {
            let (wake, queue) = (Arc::new(Wake::new()), Arc::new(Queue::new(events)));
            wake.rest.store(Rest::Awake as u8, Ordering::SeqCst);
            let worker = thread::spawn({
                let (wake, queue) = (wake.clone(), queue.clone());
                move || {
                    let mut taken = Vec::new();
                    while taken.len() < events {
                        wake.sleep(|| queue.is_empty());
                        wake.urgent.swap(false, Ordering::SeqCst);
                        taken.extend(queue.take());
                    }
                    taken.sort_unstable();
                    assert!(taken.into_iter().eq(0..events), "each once");
                }
            });
            let track = move |first: usize, wake: &Wake, queue: &Queue<usize>| {
                for event in (first..events).step_by(threads) {
                    assert!(queue.push(event).is_ok());
                    tell(wake);
                }
            };
            let start = |first| {
                let (wake, queue) = (wake.clone(), queue.clone());
                thread::spawn(move || track(first, &wake, &queue))
            };
            let others: Vec<_> = (1..threads).map(start).collect();
            track(0, &wake, &queue);
            others.into_iter().for_each(|other| other.join().unwrap());
            worker.join().unwrap();
        });
    }

    #[test]
    fn an_event_is_never_slept_over() {
        let tell: Tell = |wake| wake.rouse(|| unreachable!("there is a thread"));
        no_event_is_slept_over(tell, 1, 1);
        no_event_is_slept_over(tell, 2, 1);
        no_event_is_slept_over(tell, 2, 2);
    }

    #[test]
    fn whoever_hurries_is_never_slept_over() {
        no_event_is_slept_over(|wake| wake.hurry(|| unreachable!("there is a thread")), 1, 1);
    }

    #[test]
    fn of_two_threads_with_a_first_event_one_starts_the_worker() {
        in_every_order(|| {
            let (wake, started) = (Arc::new(Wake::new()), Arc::new(AtomicUsize::new(0)));
            let start = |started: &AtomicUsize| started.fetch_add(1, Ordering::SeqCst) == 0;
            let other = thread::spawn({
                let (wake, started) = (wake.clone(), started.clone());
                move || wake.rouse(|| start(&started))
            });
            wake.rouse(|| start(&started));
            other.join().unwrap();
            assert_eq!(started.load(Ordering::SeqCst), 1);
            assert!(wake.is_started());
        });
    }
}
