//! What the uploader and the end of the process agree by: either a request is written and the end waits for its answer, or it is
//! not written any more.

use crate::sync::atomic::{AtomicU8, Ordering};

/// What is on the wire, as far as the end of the process must know: it waits for an answer, and after it nothing is begun that
/// nobody would hear the end of.
#[derive(Debug)]
pub struct Wire(AtomicU8);

impl Wire {
    const QUIET: u8 = 0;
    /// A request was written, and what became of it is not settled yet.
    const WRITTEN: u8 = 1;
    /// The process ends: no request is written any more.
    const CLOSED: u8 = 2;

    /// Nothing is on its way.
    pub fn quiet() -> Self {
        Wire(AtomicU8::new(Self::QUIET))
    }

    /// A request is about to be written. Returns whether it may.
    pub fn write(&self) -> bool {
        self.swap(Self::QUIET, Self::WRITTEN) || self.0.load(Ordering::SeqCst) == Self::WRITTEN
    }

    /// What became of it is settled.
    pub fn settled(&self) {
        self.swap(Self::WRITTEN, Self::QUIET);
    }

    /// No request is written from now on. Returns whether that is so: not while an answer is on its way.
    pub fn close(&self) -> bool {
        self.swap(Self::QUIET, Self::CLOSED) || self.is_closed()
    }

    /// The process goes on after all.
    pub fn reopen(&self) {
        self.swap(Self::CLOSED, Self::QUIET);
    }

    /// Was it said, and nothing written before?
    pub fn is_closed(&self) -> bool {
        self.0.load(Ordering::SeqCst) == Self::CLOSED
    }

    fn swap(&self, from: u8, to: u8) -> bool {
        self.0.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

/// In every order that the threads and the memory allow (`make model`).
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::sync::in_every_order;
    use loom::sync::atomic::AtomicBool;
    use loom::sync::Arc;
    use loom::thread;

    /// One thread sends two requests, another closes, as the end of the process does.
    #[test]
    fn nothing_is_written_after_the_end_went_and_it_goes_before_no_answer() {
        in_every_order(|| {
            let (wire, is_unsettled) = (Arc::new(Wire::quiet()), Arc::new(AtomicBool::new(false)));
            let is_gone = Arc::new(AtomicBool::new(false));
            let uploader = thread::spawn({
                let (wire, is_unsettled, is_gone) = (wire.clone(), is_unsettled.clone(), is_gone.clone());
                move || {
                    for _ in 0..2 {
                        let was_gone = is_gone.load(Ordering::Acquire);
                        // What is written again within one request, as the body after the head, may be.
                        if wire.write() && wire.write() {
                            assert!(!was_gone, "written, and nobody hears the answer");
                            is_unsettled.store(true, Ordering::Relaxed);
                            is_unsettled.store(false, Ordering::Relaxed);
                        } else {
                            assert!(wire.is_closed());
                        }
                        wire.settled();
                    }
                }
            });
            if wire.close() {
                assert!(!is_unsettled.load(Ordering::Relaxed), "gone while an answer is on its way");
                is_gone.store(true, Ordering::Release);
            }
            uploader.join().unwrap();
            assert!(wire.close());
        });
    }
}
