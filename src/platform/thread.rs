//! The library's own threads. std's threads are not used: for each one std takes memory from the system without the
//! library's allocator, and ends the process if there is none.

use std::ffi::CStr;
use std::time::Duration;

/// A thread that was started. It goes on by itself when this is dropped.
pub struct Thread(#[cfg(unix)] libc::pthread_t);

// SAFETY: it stands for a thread, and may be joined or detached from any other.
unsafe impl Send for Thread {}

impl Thread {
    /// Waits until the thread has ended and the system has taken back what it had. Returns `false` if the time is over,
    /// or if this system cannot wait for a limited time.
    #[cfg(target_os = "linux")]
    pub fn join_within(self, at_most: Duration) -> bool {
        let thread = std::mem::ManuallyDrop::new(self);
        // SAFETY: a timespec of zeros is valid, and clock_gettime(2) fills it in. The thread is neither joined nor
        // detached before; where the time is over it is detached by nobody, and the process ends.
        unsafe {
            let mut until: libc::timespec = std::mem::zeroed();
            libc::clock_gettime(libc::CLOCK_REALTIME, &mut until);
            let nanos = until.tv_nsec as u64 + u64::from(at_most.subsec_nanos());
            until.tv_sec += (at_most.as_secs() + nanos / 1_000_000_000) as libc::time_t;
            until.tv_nsec = (nanos % 1_000_000_000) as _;
            libc::pthread_timedjoin_np(thread.0, std::ptr::null_mut(), &until) == 0
        }
    }

    /// Waits until the thread has ended and the system has taken back what it had. Returns `false` if the time is over,
    /// or if this system cannot wait for a limited time.
    #[cfg(not(target_os = "linux"))]
    pub fn join_within(self, _at_most: Duration) -> bool {
        false
    }
}

#[cfg(unix)]
impl Drop for Thread {
    fn drop(&mut self) {
        // SAFETY: the thread was not joined, and is detached once.
        unsafe { libc::pthread_detach(self.0) };
    }
}

/// Starts a thread; `None` if the system cannot start one. It inherits the caller's signal mask. A panic ends only the
/// thread.
pub fn start(name: &'static CStr, stack_bytes: usize, run: impl FnOnce() + Send + 'static) -> Option<Thread> {
    super::process::stay_loaded();
    start_quiet(name, stack_bytes, move || {
        if let Err(payload) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
            std::mem::forget(payload); // dropping it could panic again
        }
    })
}

#[cfg(unix)]
fn start_quiet<F: FnOnce() + Send + 'static>(name: &'static CStr, stack_bytes: usize, run: F) -> Option<Thread> {
    use std::ffi::c_void;

    extern "C" fn main<F: FnOnce()>(task: *mut c_void) -> *mut c_void {
        // SAFETY: `start_quiet` made it of a box of that type, and gave it to this thread alone.
        let (name, run) = *unsafe { Box::from_raw(task.cast::<(&'static CStr, F)>()) };
        set_name(name);
        run();
        std::ptr::null_mut()
    }

    let task = Box::into_raw(Box::new((name, run)));
    // SAFETY: pthread_attr_init(3) fills in the attributes before anything reads them, and they are destroyed once.
    // `main` takes the task if the thread was started; otherwise it is dropped here.
    unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        if libc::pthread_attr_init(&mut attributes) != 0 {
            drop(Box::from_raw(task));
            return None;
        }
        let mut thread: libc::pthread_t = std::mem::zeroed();
        let is_started = libc::pthread_attr_setstacksize(&mut attributes, stack_bytes) == 0
            && libc::pthread_create(&mut thread, &attributes, main::<F>, task.cast()) == 0;
        libc::pthread_attr_destroy(&mut attributes);
        if !is_started {
            drop(Box::from_raw(task));
            return None;
        }
        Some(Thread(thread))
    }
}

/// The name that `ps` and debuggers show; at most 15 bytes on Linux (pthread_setname_np(3)).
#[cfg(unix)]
fn set_name(name: &CStr) {
    // SAFETY: a string that lives for ever, of the calling thread.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    unsafe {
        libc::pthread_setname_np(libc::pthread_self(), name.as_ptr());
    }
    // SAFETY: the same.
    #[cfg(target_vendor = "apple")]
    unsafe {
        libc::pthread_setname_np(name.as_ptr());
    }
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    let _ = name;
}

#[cfg(not(unix))]
fn start_quiet<F: FnOnce() + Send + 'static>(name: &'static CStr, stack_bytes: usize, run: F) -> Option<Thread> {
    let thread = std::thread::Builder::new().name(name.to_string_lossy().into()).stack_size(stack_bytes);
    thread.spawn(run).ok().map(|_| Thread())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test that cannot go on should stop
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[cfg(target_os = "linux")]
    fn own_name_and_stack_size() -> (String, usize) {
        let mut size = 0;
        // SAFETY: pthread_getattr_np(3) fills in the attributes of the calling thread before they are read.
        unsafe {
            let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
            libc::pthread_getattr_np(libc::pthread_self(), &mut attributes);
            libc::pthread_attr_getstacksize(&attributes, &mut size);
            libc::pthread_attr_destroy(&mut attributes);
        }
        (std::fs::read_to_string("/proc/thread-self/comm").unwrap_or_default(), size)
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_has_its_name_and_a_stack_of_that_size_and_may_panic() {
        let (tell, told) = channel();
        let started = start(c"pact-test", 256 * 1024, move || {
            let _ = tell.send(own_name_and_stack_size());
            std::panic::resume_unwind(Box::new(())); // as a fault of the library would
        });
        assert!(started.is_some());
        let (name, stack_bytes) = told.recv().unwrap();
        assert_eq!(name, "pact-test\n");
        // musl adds what it keeps there itself.
        assert!((256 * 1024..272 * 1024).contains(&stack_bytes), "{stack_bytes}");
        assert!(told.recv().is_err(), "what it had was dropped");
    }

    #[test]
    fn what_a_thread_should_have_had_is_dropped_where_there_is_none() {
        let (tell, told) = channel();
        // More than there are addresses. With less, qemu-user is killed for want of memory, since it keeps a note of
        // each page.
        assert!(start(c"pact-test", 1 << 60, move || tell.send(()).unwrap_or_default()).is_none());
        assert!(told.recv().is_err());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_is_waited_for_until_it_has_ended_or_the_time_is_over() {
        let (end, ends) = channel::<()>();
        let started = start(c"pact-test", 256 * 1024, move || {
            let _ = ends.recv();
        });
        assert!(!started.unwrap().join_within(Duration::from_millis(1)));
        drop(end);
        let (tell, told) = channel();
        let started = start(c"pact-test", 256 * 1024, move || tell.send(()).unwrap());
        assert!(started.unwrap().join_within(Duration::from_secs(60)));
        assert_eq!(told.try_recv(), Ok(()));
    }
}
