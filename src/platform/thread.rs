//! The library's own threads. std's threads are not used: for each one std takes memory from the system without the
//! library's allocator, and ends the process if there is none.

use std::ffi::CStr;

/// Starts a detached thread; `false` if the system cannot start one. It inherits the caller's signal mask. A panic ends
/// only the thread.
pub fn start(name: &'static CStr, stack_bytes: usize, run: impl FnOnce() + Send + 'static) -> bool {
    super::process::stay_loaded();
    start_quiet(name, stack_bytes, move || {
        if let Err(payload) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)) {
            std::mem::forget(payload); // dropping it could panic again
        }
    })
}

#[cfg(unix)]
fn start_quiet<F: FnOnce() + Send + 'static>(name: &'static CStr, stack_bytes: usize, run: F) -> bool {
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
            return false;
        }
        let mut thread: libc::pthread_t = std::mem::zeroed();
        let is_started = libc::pthread_attr_setstacksize(&mut attributes, stack_bytes) == 0
            && libc::pthread_attr_setdetachstate(&mut attributes, libc::PTHREAD_CREATE_DETACHED) == 0
            && libc::pthread_create(&mut thread, &attributes, main::<F>, task.cast()) == 0;
        libc::pthread_attr_destroy(&mut attributes);
        if !is_started {
            drop(Box::from_raw(task));
        }
        is_started
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
fn start_quiet<F: FnOnce() + Send + 'static>(name: &'static CStr, stack_bytes: usize, run: F) -> bool {
    let thread = std::thread::Builder::new().name(name.to_string_lossy().into()).stack_size(stack_bytes);
    thread.spawn(run).is_ok()
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
        assert!(start(c"pact-test", 256 * 1024, move || {
            let _ = tell.send(own_name_and_stack_size());
            std::panic::resume_unwind(Box::new(())); // as a fault of the library would
        }));
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
        assert!(!start(c"pact-test", 1 << 60, move || tell.send(()).unwrap_or_default()));
        assert!(told.recv().is_err());
    }
}
