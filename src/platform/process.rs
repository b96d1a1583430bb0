//! What a library needs to know of its process: that it was forked, that it ends, that signals are none of its
//! thread's business, what the machine is called. Starts nothing by itself.

use crate::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering;

/// One `T` a process: a forked child finds it empty again and makes its own.
///
/// The pointer lives in a page that the kernel zeroes in a child (`MADV_WIPEONFORK`, Linux 4.14), so noticing a fork
/// costs a load and no system call, holds for a raw `clone` too, and touches nothing that was inherited. Where the
/// kernel has no such page, `pthread_atfork` clears the pointer. Values are never freed: other threads may be in them.
pub struct PerProcess<T: Send + Sync + 'static> {
    slot: std::sync::atomic::AtomicPtr<AtomicPtr<T>>,
}

impl<T: Send + Sync + 'static> PerProcess<T> {
    /// An empty one, for a `static`.
    pub const fn new() -> Self {
        PerProcess { slot: std::sync::atomic::AtomicPtr::new(std::ptr::null_mut()) }
    }

    /// This process's value, if it was made.
    #[inline(always)]
    pub fn get(&self) -> Option<&'static T> {
        // SAFETY: the slot is NULL or was published below by a Release store and is never unmapped.
        let slot = unsafe { self.slot.load(Ordering::Acquire).as_ref() }?;
        // SAFETY: the value is NULL (never made, or wiped by a fork) or comes from `Box::into_raw` and is never freed.
        unsafe { slot.load(Ordering::Acquire).as_ref() }
    }

    /// This process's value; of several threads that make one at once, the first wins and the others' are dropped.
    #[inline(always)]
    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &'static T {
        match self.get() {
            Some(value) => value,
            None => self.init(make),
        }
    }

    #[cold]
    #[inline(never)]
    fn init(&self, make: impl FnOnce() -> T) -> &'static T {
        let slot = self.slot();
        let made = Box::into_raw(Box::new(make()));
        match slot.compare_exchange(std::ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: `made` was just published; from now on it is never freed.
            Ok(_) => unsafe { &*made },
            Err(winner) => {
                // SAFETY: `made` was not published, so this thread alone has it.
                drop(unsafe { Box::from_raw(made) });
                // SAFETY: as in `get`.
                unsafe { &*winner }
            }
        }
    }

    fn slot(&self) -> &'static AtomicPtr<T> {
        let mut slot = self.slot.load(Ordering::Acquire);
        if slot.is_null() {
            let fresh = wiped_on_fork().cast::<AtomicPtr<T>>();
            // The loser's page stays mapped: 4 KiB, once, in a race of first events.
            slot = match self.slot.compare_exchange(slot, fresh, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => fresh,
                Err(winner) => winner,
            };
        }
        // SAFETY: never NULL here, zeroed when made (a valid empty AtomicPtr), aligned, and never unmapped.
        unsafe { &*slot }
    }
}

/// The model checker's own, which no kernel wipes.
#[cfg(loom)]
fn wiped_on_fork() -> *mut AtomicPtr<u8> {
    Box::into_raw(Box::new(AtomicPtr::new(std::ptr::null_mut())))
}

/// Zeroed memory for one pointer that reads as zero again in a forked child.
#[cfg(not(loom))]
fn wiped_on_fork() -> *mut AtomicPtr<u8> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        const SIZE: usize = 4096;
        // SAFETY: a fresh private anonymous mapping; nothing else can have a pointer into it.
        let page = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                SIZE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_POPULATE, // written to at once
                -1,
                0,
            )
        };
        if page != libc::MAP_FAILED {
            // SAFETY: exactly the mapping made above.
            if unsafe { libc::madvise(page, SIZE, libc::MADV_WIPEONFORK) } == 0 {
                return page.cast();
            }
            // SAFETY: as above; nothing points into it yet.
            unsafe { libc::munmap(page, SIZE) };
        }
    }
    cleared_by_atfork()
}

/// The same by `pthread_atfork`; a plain leaked pointer where there is no fork.
#[cfg(not(loom))]
fn cleared_by_atfork() -> *mut AtomicPtr<u8> {
    let slot = Box::into_raw(Box::new(AtomicPtr::new(std::ptr::null_mut())));
    #[cfg(unix)]
    {
        static SLOT: AtomicPtr<AtomicPtr<u8>> = AtomicPtr::new(std::ptr::null_mut());
        extern "C" fn in_the_child() {
            // SAFETY: NULL or the leaked slot below. Async-signal-safe: two atomic operations.
            if let Some(slot) = unsafe { SLOT.load(Ordering::Acquire).as_ref() } {
                slot.store(std::ptr::null_mut(), Ordering::Release);
            }
        }
        if SLOT.compare_exchange(std::ptr::null_mut(), slot, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            // SAFETY: the handler is a function of this library, which never leaves the process (see build.rs).
            unsafe { libc::pthread_atfork(None, None, Some(in_the_child)) };
        }
    }
    slot
}

/// Prints on standard error in one write, so that the lines of two processes do not mix. Returns whether a person gets
/// to see it.
pub fn print_to_person(text: &str) -> bool {
    use std::io::Write;
    #[cfg(unix)]
    let seen = super::descriptor::is_seen(libc::STDERR_FILENO);
    #[cfg(not(unix))]
    let seen = true;
    seen && std::io::stderr().write_all(text.as_bytes()).is_ok()
}

/// Runs `start` with every signal blocked on this thread, so that a thread started in it inherits that mask: no
/// signal of the host's is ever delivered on ours. The caller's own mask is put back.
pub fn with_signals_blocked<R>(start: impl FnOnce() -> R) -> R {
    #[cfg(unix)]
    {
        // SAFETY: both sets are plain values that sigfillset and pthread_sigmask fill in before they are read; the
        // mask that is put back is the one that was taken.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            let mut before: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&mut all);
            let blocked = libc::pthread_sigmask(libc::SIG_BLOCK, &all, &mut before) == 0;
            let result = start();
            if blocked {
                libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
            }
            result
        }
    }
    #[cfg(not(unix))]
    start()
}

/// Has `handler` called when the process ends by `exit` or by returning from `main`. Not by `_exit`, nor by a signal.
pub fn at_exit(handler: extern "C" fn()) {
    extern "C" {
        fn atexit(handler: extern "C" fn()) -> std::ffi::c_int;
    }
    // SAFETY: C11 7.22.4.2; the handler is a function of this library, which never leaves the process. A refusal
    // means that nothing is called, which is what happens with `_exit` too.
    unsafe { atexit(handler) };
}

/// The machine's name as the system gives it, or `None`. No process is started and no name is looked up for it.
#[cfg(unix)]
pub fn hostname() -> Option<String> {
    let mut buffer = [0u8; 256];
    // SAFETY: the buffer is ours and its true size is given; gethostname(2) keeps no pointer.
    let answer = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len()) };
    // POSIX leaves open whether a cut name is terminated: without a NUL there is no name.
    let name = std::ffi::CStr::from_bytes_until_nul(&buffer).ok()?;
    (answer == 0).then(|| name.to_string_lossy().into_owned())
}

/// The machine's name as the system gives it, or `None`.
#[cfg(windows)]
pub fn hostname() -> Option<String> {
    // COMPUTERNAME is set by the system for every session; gethostname would need Winsock started on this thread.
    std::env::var("COMPUTERNAME").ok()
}

#[cfg(all(test, not(loom)))]
#[allow(clippy::unwrap_used)] // a test that cannot go on should stop
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_forked_child_finds_the_cell_empty_and_the_parent_keeps_its_value() {
        static CELL: PerProcess<u32> = PerProcess::new();
        assert!(CELL.get().is_none());
        assert_eq!(*CELL.get_or_init(|| 7), 7);
        assert_eq!(*CELL.get_or_init(|| 8), 7);
        // SAFETY: the child calls nothing but this cell and _exit.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let code = i32::from(CELL.get().is_some()) + if *CELL.get_or_init(|| 9) == 9 { 0 } else { 2 };
            // SAFETY: ends this child at once.
            unsafe { libc::_exit(code) };
        }
        let mut status = 0;
        // SAFETY: waits for the child made above.
        unsafe { libc::waitpid(child, &mut status, 0) };
        assert_eq!(status, 0);
        assert_eq!(*CELL.get().unwrap(), 7);
    }

    #[test]
    #[cfg(unix)]
    fn without_a_wiped_page_pthread_atfork_clears_the_slot() {
        // SAFETY: just made, leaked.
        let slot = unsafe { &*cleared_by_atfork() };
        slot.store(std::ptr::dangling_mut(), Ordering::Release);
        // SAFETY: the child calls nothing but _exit.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: ends this child at once.
            unsafe { libc::_exit(i32::from(!slot.load(Ordering::Acquire).is_null())) };
        }
        let mut status = 0;
        // SAFETY: waits for the child made above.
        unsafe { libc::waitpid(child, &mut status, 0) };
        assert_eq!(status, 0);
        assert!(!slot.load(Ordering::Acquire).is_null());
    }

    #[test]
    #[cfg(unix)]
    fn a_thread_started_inside_has_every_signal_blocked_and_the_caller_keeps_its_mask() {
        fn blocked() -> bool {
            // SAFETY: asks for this thread's mask without changing it.
            unsafe {
                let mut mask: libc::sigset_t = std::mem::zeroed();
                libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut mask);
                libc::sigismember(&mask, libc::SIGTERM) == 1
            }
        }
        let inside = with_signals_blocked(|| std::thread::spawn(blocked));
        assert!(inside.join().unwrap());
        assert!(!blocked());
    }

    #[test]
    fn the_machine_has_a_name() {
        assert!(!hostname().unwrap().is_empty());
    }
}

/// In every order that the threads and the memory allow (`make model`).
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::sync::in_every_order;
    use loom::sync::atomic::AtomicUsize;
    use loom::sync::Arc;
    use loom::thread;

    /// Made by several threads at once, in the process and again in its child, whose page the kernel has zeroed.
    #[test]
    fn of_several_that_make_one_at_once_all_have_the_same() {
        in_every_order(|| {
            let (cell, made) = (Arc::new(PerProcess::new()), Arc::new(AtomicUsize::new(0)));
            cell.slot(); // the page itself is none of loom's

            // Each another.
            let make = |made: &AtomicUsize| made.fetch_add(1, Ordering::Relaxed);
            for generation in 0..2 {
                assert!(cell.get().is_none());
                let other = thread::spawn({
                    let (cell, made) = (cell.clone(), made.clone());
                    move || *cell.get_or_init(|| make(&made))
                });
                let here = *cell.get_or_init(|| make(&made));
                assert_eq!(here, other.join().unwrap());
                assert!(cell.get().is_some_and(|value| *value == here && here >= generation));
                cell.slot().store(std::ptr::null_mut(), Ordering::Release);
            }
        });
    }
}
