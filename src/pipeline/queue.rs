//! The bounded lock-free queue between the threads of the host program and the worker, in two parts. Knows nothing of
//! events.
//!
//! A channel writes to each of its places when it is made, and 4,096 of them are 32 pages of memory that the first
//! event of a process would pay for. Hence a small channel for the many processes that report a few events, and a large
//! one that is made when the small one is full for the first time.

use crate::platform::memory;
use crate::sync::atomic::{AtomicBool, Ordering, fence};
#[cfg(not(loom))]
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
#[cfg(loom)]
use model::{OnceBox, Receiver, Sender, TrySendError, bounded};
#[cfg(not(loom))]
use once_cell::race::OnceBox;

/// Places of the small channel: two pages.
#[cfg(not(loom))]
const NEAR: usize = 256;
#[cfg(loom)]
const NEAR: usize = 1;

pub(super) struct Queue<T> {
    capacity: usize,
    near: Channel<T>,
    far: OnceBox<Channel<T>>,
    /// The worker has taken out events that are not stored anywhere yet.
    is_held: AtomicBool,
    pushing: Pushing,
}

/// How many threads are in `push` at this moment. Counted on Windows alone, which ends threads wherever they are before
/// it tells the library: a channel waits for ever for a place that such a thread has claimed and not filled.
#[derive(Default)]
struct Pushing(#[cfg(any(windows, all(test, not(loom))))] std::sync::atomic::AtomicUsize);

impl Pushing {
    #[inline(always)]
    fn begin(&self) {
        #[cfg(any(windows, all(test, not(loom))))]
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    #[inline(always)]
    fn end(&self) {
        #[cfg(any(windows, all(test, not(loom))))]
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Channel<T>(Sender<T>, Receiver<T>);

impl<T> Channel<T> {
    fn new(capacity: usize) -> Self {
        let (sender, receiver) = bounded(capacity);
        Channel(sender, receiver)
    }
}

impl<T> Queue<T> {
    /// What the small channel allocates in one piece: its places, each with a number of the channel's own.
    pub const BYTES: usize = bytes_of::<T>(NEAR);

    /// For so many at most.
    pub fn new(capacity: usize) -> Self {
        let near = Channel::new(NEAR.min(capacity));
        Queue { capacity, near, far: OnceBox::new(), is_held: AtomicBool::new(false), pushing: Pushing::default() }
    }

    /// Adds an item, or returns it if there is no place or no memory. Never waits.
    #[inline(always)]
    pub fn push(&self, item: T) -> Result<(), T> {
        self.pushing.begin();
        let pushed = match self.near.0.try_send(item) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(item) | TrySendError::Disconnected(item)) => self.push_far(item),
        };
        self.pushing.end();
        pushed
    }

    /// Has it no place at this moment?
    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.near.0.is_full() && self.is_far_full()
    }

    #[cold]
    #[inline(never)]
    fn is_far_full(&self) -> bool {
        self.capacity <= NEAR || self.far.get().is_some_and(|far| far.0.is_full())
    }

    #[cold]
    #[inline(never)]
    fn push_far(&self, item: T) -> Result<(), T> {
        let capacity = self.capacity.saturating_sub(NEAR);
        if self.far.get().is_none() && (capacity == 0 || !memory::is_there(bytes_of::<T>(capacity))) {
            return Err(item);
        }
        let far = self.far.get_or_init(|| Box::new(Channel::new(capacity)));
        let pushed = far.0.try_send(item).map_err(TrySendError::into_inner);
        // Orders the making of the channel, too, before whatever the caller reads next (see `is_empty`).
        fence(Ordering::SeqCst);
        pushed
    }

    /// Is nothing in it? What was pushed before a `SeqCst` read of a place that this thread has written to `SeqCst`,
    /// and that did not find it written, is seen.
    pub fn is_empty(&self) -> bool {
        fence(Ordering::SeqCst);
        self.near.1.is_empty() && self.far.get().is_none_or(|far| far.1.is_empty())
    }

    /// How many are in it, about.
    pub fn len(&self) -> usize {
        self.near.1.len() + self.far.get().map_or(0, |far| far.1.len())
    }

    /// From now on, what is taken out counts as not stored.
    pub fn hold(&self) {
        self.is_held.store(true, Ordering::SeqCst);
    }

    /// What was taken out is stored.
    pub fn let_go(&self) {
        self.is_held.store(false, Ordering::SeqCst);
    }

    /// Whether everything that was pushed was taken out and stored.
    pub fn is_done(&self) -> bool {
        // In this order: it is held before it is taken out.
        self.is_empty() && !self.is_held.load(Ordering::SeqCst)
    }

    /// Takes out what is there now, and little of what arrives in the meantime, so that it ends even while other
    /// threads push.
    pub fn take(&self) -> impl Iterator<Item = T> + '_ {
        let there = |channel: &'_ Channel<T>| channel.1.len();
        let (near, far) = (there(&self.near), self.far.get().map_or(0, there));
        self.near.1.try_iter().take(near).chain(self.far.get().into_iter().flat_map(|far| far.1.try_iter()).take(far))
    }
}

#[cfg(any(windows, all(test, not(loom))))]
impl<T> Queue<T> {
    /// As [`Queue::take`], for the only thread that is left in the process. Takes nothing where another thread was
    /// ended in `push`: nobody knows which place it left unfilled.
    pub fn take_last(&self) -> impl Iterator<Item = T> + '_ {
        let is_whole = self.pushing.0.load(Ordering::SeqCst) == 0;
        is_whole.then(|| self.take()).into_iter().flatten()
    }
}

const fn bytes_of<T>(places: usize) -> usize {
    places * (size_of::<T>() + size_of::<u64>())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn fill(queue: &Queue<u32>) -> u32 {
        (0..).find(|number| queue.push(*number).is_err()).unwrap_or_default()
    }

    #[test]
    fn it_holds_its_capacity_and_gives_back_what_is_too_much() {
        for capacity in [1, 7, NEAR as u32, NEAR as u32 + 1, 1_000] {
            let queue = Queue::new(capacity as usize);
            assert!(queue.is_empty());
            assert!((0..capacity).all(|number| !queue.is_full() && queue.push(number).is_ok()));
            assert!(queue.is_full());
            assert_eq!(queue.push(77), Err(77));
            assert!(!queue.is_empty());
            assert!(queue.take().eq(0..capacity), "in their order");
            assert!(!queue.is_full());
            assert!(queue.is_empty());
            assert_eq!(fill(&queue), capacity, "and again");
        }
    }

    #[test]
    fn the_last_thread_takes_what_is_there_and_waits_for_no_thread_that_was_ended_in_a_push() {
        let queue = Queue::new(NEAR + 10);
        let fill = || (0..300).filter(|number| queue.push(*number).is_ok()).count();
        assert_eq!(fill(), NEAR + 10);
        assert_eq!(queue.take_last().count(), NEAR + 10);
        fill();
        // A thread that came no further: it may have claimed a place, and the channel would wait for it.
        queue.pushing.begin();
        assert_eq!(queue.take_last().count(), 0);
    }

    #[test]
    fn the_large_part_is_not_there_before_it_is_needed() {
        let queue = Queue::new(NEAR + 1);
        (0..NEAR).for_each(|number| assert!(queue.push(number).is_ok()));
        assert!(queue.far.get().is_none());
        assert!(queue.push(0).is_ok());
        assert!(queue.far.get().is_some());
    }

    #[test]
    fn taking_out_comes_to_an_end_while_others_push() {
        let queue = Queue::new(NEAR + 10);
        assert_eq!(fill(&queue), NEAR as u32 + 10);
        let mut taken = queue.take();
        let mut count = 0;
        while taken.next().is_some() && count < 10 * NEAR {
            count += 1;
            assert!(queue.push(0).is_ok());
        }
        assert_eq!(count, NEAR + 10, "as many as were there");
        drop(taken);
        assert_eq!(queue.take().count(), NEAR + 10);
    }

    #[test]
    fn of_many_that_push_at_once_none_is_lost_or_there_twice() {
        let queue = Queue::new(3_000);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let queue = &queue;
                scope.spawn(move || (0..750).for_each(|number| assert!(queue.push(thread * 750 + number).is_ok())));
            }
        });
        let mut all: Vec<_> = queue.take().collect();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..3_000));
    }
}

/// What loom knows neither of crossbeam nor of once_cell: a channel behind a lock, and a place for a box.
#[cfg(loom)]
mod model {
    use super::Ordering;
    use loom::sync::atomic::AtomicPtr;
    use loom::sync::{Arc, Mutex};
    use std::collections::VecDeque;

    pub struct Sender<T>(Arc<Mutex<VecDeque<T>>>, usize);
    pub struct Receiver<T>(Arc<Mutex<VecDeque<T>>>);

    pub enum TrySendError<T> {
        Full(T),
        #[allow(dead_code)] // crossbeam has it
        Disconnected(T),
    }

    impl<T> TrySendError<T> {
        pub fn into_inner(self) -> T {
            let (TrySendError::Full(item) | TrySendError::Disconnected(item)) = self;
            item
        }
    }

    pub fn bounded<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
        let items = Arc::new(Mutex::new(VecDeque::new()));
        (Sender(items.clone(), capacity), Receiver(items))
    }

    impl<T> Sender<T> {
        pub fn is_full(&self) -> bool {
            self.0.lock().unwrap().len() == self.1
        }

        pub fn try_send(&self, item: T) -> Result<(), TrySendError<T>> {
            let mut items = self.0.lock().unwrap();
            if items.len() == self.1 {
                return Err(TrySendError::Full(item));
            }
            items.push_back(item);
            Ok(())
        }
    }

    impl<T> Receiver<T> {
        pub fn len(&self) -> usize {
            self.0.lock().unwrap().len()
        }

        pub fn is_empty(&self) -> bool {
            self.len() == 0
        }

        pub fn try_iter(&self) -> impl Iterator<Item = T> + '_ {
            std::iter::from_fn(|| self.0.lock().unwrap().pop_front())
        }
    }

    pub struct OnceBox<T>(AtomicPtr<T>);

    impl<T> OnceBox<T> {
        pub fn new() -> Self {
            OnceBox(AtomicPtr::new(std::ptr::null_mut()))
        }

        pub fn get(&self) -> Option<&T> {
            let at = self.0.load(Ordering::Acquire);
            // A box that `get_or_init` put there, and that lives as long as this.
            #[allow(unsafe_code)]
            unsafe {
                at.as_ref()
            }
        }

        pub fn get_or_init(&self, make: impl FnOnce() -> Box<T>) -> &T {
            if self.get().is_none() {
                let made = Box::into_raw(make());
                let none = std::ptr::null_mut();
                if self.0.compare_exchange(none, made, Ordering::AcqRel, Ordering::Acquire).is_err() {
                    #[allow(unsafe_code)] // no other thread has it
                    unsafe {
                        drop(Box::from_raw(made));
                    }
                }
            }
            self.get().unwrap()
        }
    }

    impl<T> Drop for OnceBox<T> {
        fn drop(&mut self) {
            let at = self.0.load(Ordering::Acquire);
            if !at.is_null() {
                #[allow(unsafe_code)] // no other thread has it any more
                unsafe {
                    drop(Box::from_raw(at));
                }
            }
        }
    }
}
