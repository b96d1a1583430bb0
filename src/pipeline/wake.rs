//! How the threads of the host program wake the worker, or have it started. While the worker looks at the queue by
//! itself, that is one load an event.

use crate::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use crate::sync::parker::Parker;
use std::time::{Duration, Instant};

/// What the worker is doing, as far as a tracking thread must know.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Rest {
    /// It looks at the queue by itself within a linger: nothing to do for the tracking thread.
    Awake = 0,
    /// It sleeps for a while before it ends: the next event wakes it.
    Asleep = 1,
    /// There is no thread: the next event starts it.
    NoThread = 2,
}

pub(super) struct Wake {
    rest: AtomicU8,
    /// A call waits: no linger.
    urgent: AtomicBool,
    parker: Parker,
}

impl Wake {
    pub fn new() -> Self {
        Wake { rest: AtomicU8::new(Rest::NoThread as u8), urgent: AtomicBool::new(false), parker: Parker::default() }
    }

    /// After an event was put into the queue: has a worker that does not look there by itself do so. `start` starts
    /// one, and says whether that went well; where not, the event waits, and a later one tries again.
    #[inline(always)]
    pub fn rouse(&self, start: impl FnOnce() -> bool) {
        // SeqCst, after the queue's own SeqCst tail: either this load sees that the worker sleeps, or the worker's look
        // at the queue, which follows its store of `rest`, sees this event (see `sleep`).
        if !self.is(Rest::Awake) {
            self.wake(start);
        }
    }

    #[cold]
    #[inline(never)]
    fn wake(&self, start: impl FnOnce() -> bool) {
        if self.swap(Rest::Asleep, Rest::Awake) {
            self.parker.unpark();
        } else if self.swap(Rest::NoThread, Rest::Awake) && !start() {
            self.rest.store(Rest::NoThread as u8, Ordering::SeqCst);
        }
    }

    /// Has the worker look at the queue now, without linger.
    pub fn hurry(&self, start: impl FnOnce() -> bool) {
        self.urgent.store(true, Ordering::SeqCst);
        self.rouse(start);
        self.parker.unpark();
    }

    /// Ends the linger, because the queue is filling up, or the sleep if its time is over.
    pub fn nudge(&self) {
        self.parker.unpark();
    }

    pub fn is_started(&self) -> bool {
        !self.is(Rest::NoThread)
    }

    /// For the worker: lets events gather, unless a call waits.
    pub fn linger(&self, time: Duration) {
        if !self.urgent.swap(false, Ordering::SeqCst) {
            self.parker.park(Some(time));
        }
    }

    /// For the worker: sleeps until the next event, or until a call waits. `false` if the time is over, which is asked
    /// again after each `nudge`, and nothing came: this worker ends, and the next event starts another one.
    pub fn sleep(&self, at_most: impl Fn() -> Duration, is_queue_empty: impl Fn() -> bool) -> bool {
        let begin = Instant::now();
        self.rest.store(Rest::Asleep as u8, Ordering::SeqCst);
        // After the store: an event whose thread did not yet see it is seen here.
        while is_queue_empty() && !self.urgent.load(Ordering::SeqCst) && self.is(Rest::Asleep) {
            let left = at_most().saturating_sub(begin.elapsed());
            if left.is_zero() {
                return !self.ends(is_queue_empty);
            }
            self.parker.park(Some(left));
        }
        self.rest.store(Rest::Awake as u8, Ordering::SeqCst);
        true
    }

    /// For the worker that sleeps: must it end? From the moment in which there is no worker the next event starts one.
    /// An event whose thread did not see that moment is seen after it.
    fn ends(&self, is_queue_empty: impl Fn() -> bool) -> bool {
        if !self.swap(Rest::Asleep, Rest::NoThread) {
            return false; // woken in this moment
        }
        let is_needed = !is_queue_empty() || self.urgent.load(Ordering::SeqCst);
        // Where this fails, a tracking thread has started another worker, which finds the event.
        !(is_needed && self.swap(Rest::NoThread, Rest::Awake))
    }

    fn swap(&self, from: Rest, to: Rest) -> bool {
        self.rest.compare_exchange(from as u8, to as u8, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    #[inline(always)]
    fn is(&self, rest: Rest) -> bool {
        self.rest.load(Ordering::SeqCst) == rest as u8
    }
}

/// The model for loom: every order that threads and memory allow (`make model`).
#[cfg(all(test, loom))]
mod model {
    use super::super::queue::Queue;
    use super::*;
    use crate::sync::in_every_order;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize;
    use loom::thread;

    type Tell = fn(&Wake);

    /// A worker that sleeps whenever the queue is empty until it took all events; not woken once, it would sleep for
    /// ever, which loom reports. The queue's small part holds one event here, so that the second makes the large one.
    fn no_event_is_slept_over(tell: Tell, events: usize, threads: usize) {
        in_every_order(move || {
            let (wake, queue) = (Arc::new(Wake::new()), Arc::new(Queue::new(events)));
            wake.rest.store(Rest::Awake as u8, Ordering::SeqCst);
            let worker = thread::spawn({
                let (wake, queue) = (wake.clone(), queue.clone());
                move || {
                    let mut taken = Vec::new();
                    while taken.len() < events {
                        // Practically no limit, because the model's clock does not advance.
                        assert!(wake.sleep(|| Duration::from_secs(3_600), || queue.is_empty()));
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
    fn a_worker_never_sleeps_while_a_call_waits() {
        no_event_is_slept_over(|wake| wake.hurry(|| unreachable!("there is a thread")), 1, 1);
    }

    /// A worker whose time asleep is over in every order with a thread that tracks: either this worker takes the event,
    /// or the tracking thread starts another.
    #[test]
    fn no_event_is_left_by_a_worker_that_ends() {
        in_every_order(|| {
            let (wake, queue) = (Arc::new(Wake::new()), Arc::new(Queue::new(1)));
            wake.rest.store(Rest::Awake as u8, Ordering::SeqCst);
            let worker = thread::spawn({
                let (wake, queue) = (wake.clone(), queue.clone());
                move || {
                    let mut taken = 0;
                    // Twice, because it may wake spuriously before the event is there.
                    while wake.sleep(|| Duration::ZERO, || queue.is_empty()) {
                        taken += queue.take().count();
                    }
                    taken
                }
            });
            assert!(queue.push(0).is_ok());
            let is_started = std::cell::Cell::new(false);
            wake.rouse(|| {
                is_started.set(true);
                true
            });
            let taken = worker.join().unwrap();
            assert!(taken == 1 || is_started.get(), "the event waits, and nobody comes");
        });
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
