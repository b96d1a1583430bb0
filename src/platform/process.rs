//! What a library needs to know about its process: that it was forked, that it exits, which signals its threads must
//! not take, and the machine's name. Starts nothing by itself.

use crate::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering;

/// One `T` for each process: a forked child finds it empty again and makes its own.
///
/// `pthread_atfork` clears the pointer in a child, so noticing a fork costs a load and no system call. If the kernel
/// supports it, the pointer also lives in a page that the kernel zeroes in a child (`MADV_WIPEONFORK`, Linux 4.14),
/// which also covers a raw `clone`. The page alone is not enough, because under qemu-user `madvise` succeeds and does
/// nothing. Values are never freed, because other threads may use them.
pub struct PerProcess<T: Send + Sync + 'static> {
    slot: std::sync::atomic::AtomicPtr<AtomicPtr<Made<T>>>,
    /// The value that was made last, of this process or of the one that it was forked from. Nothing reads it: it is
    /// here for tools that look for leaks, which do not look into the wiped page.
    last: std::sync::atomic::AtomicPtr<Made<T>>,
}

/// A value, and the one of the process from which its own was forked.
struct Made<T> {
    value: T,
    _before: *mut Made<T>,
}

impl<T: Send + Sync + 'static> PerProcess<T> {
    /// An empty one, for a `static`.
    pub const fn new() -> Self {
        use std::{ptr::null_mut, sync::atomic::AtomicPtr};
        PerProcess { slot: AtomicPtr::new(null_mut()), last: AtomicPtr::new(null_mut()) }
    }

    /// This process's value, if it was made.
    #[inline(always)]
    pub fn get(&self) -> Option<&'static T> {
        // SAFETY: the slot is NULL or was published below by a Release store and is never unmapped.
        let slot = unsafe { self.slot.load(Ordering::Acquire).as_ref() }?;
        // SAFETY: the value is NULL (never made, or wiped by a fork) or comes from `Box::into_raw` and is never freed.
        unsafe { slot.load(Ordering::Acquire).as_ref() }.map(|made| &made.value)
    }

    /// This process's value. If several threads make one at once, the first wins and the others are dropped.
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
        let made = Made { value: make(), _before: self.last.load(Ordering::Relaxed) };
        let made = Box::into_raw(Box::new(made));
        match slot.compare_exchange(std::ptr::null_mut(), made, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {
                self.last.store(made, Ordering::Relaxed);
                // SAFETY: `made` was just published; from now on it is never freed.
                unsafe { &(*made).value }
            }
            Err(winner) => {
                // SAFETY: `made` was not published, so this thread alone has it.
                drop(unsafe { Box::from_raw(made) });
                // SAFETY: as in `get`.
                unsafe { &(*winner).value }
            }
        }
    }

    fn slot(&self) -> &'static AtomicPtr<Made<T>> {
        let mut slot = self.slot.load(Ordering::Acquire);
        if slot.is_null() {
            // Published only once it is registered: no thread may use a pointer that a fork would leave as it is.
            let fresh = cleared_in_a_child().cast::<AtomicPtr<Made<T>>>();
            // The page of the thread that lost stays mapped: 4 KiB, once, in a race of first events.
            slot = match self.slot.compare_exchange(slot, fresh, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => fresh,
                Err(winner) => winner,
            };
        }
        // SAFETY: never NULL here, zeroed when made (a valid empty AtomicPtr), aligned, and never unmapped.
        unsafe { &*slot }
    }
}

/// A slot for the model checker, which no fork clears.
#[cfg(loom)]
fn cleared_in_a_child() -> *mut AtomicPtr<u8> {
    Box::into_raw(Box::new(AtomicPtr::new(std::ptr::null_mut())))
}

/// Zeroed memory for one pointer that reads as zero again in a forked child. Never freed.
#[cfg(not(loom))]
fn cleared_in_a_child() -> *mut AtomicPtr<u8> {
    let leaked = || Box::into_raw(Box::new(AtomicPtr::new(std::ptr::null_mut())));
    let slot = wiped_on_fork().unwrap_or_else(leaked);
    #[cfg(unix)]
    at_fork::clear(slot);
    slot
}

/// Zeroed memory that the kernel promises to zero again in a forked child; `None` if it cannot.
#[cfg(not(loom))]
fn wiped_on_fork() -> Option<*mut AtomicPtr<u8>> {
    #[cfg(all(any(target_os = "linux", target_os = "android"), not(pact_like_macos)))]
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
                return Some(page.cast());
            }
            // SAFETY: as above; nothing points into it yet.
            unsafe { libc::munmap(page, SIZE) };
        }
    }
    None
}

/// Pointers that are cleared in a forked child, as many as are registered.
#[cfg(all(unix, not(loom)))]
mod at_fork {
    use std::ptr::null_mut;
    use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

    struct Entry {
        slot: *mut AtomicPtr<u8>,
        next: *mut Entry,
    }

    /// A list that only grows.
    static FIRST: AtomicPtr<Entry> = AtomicPtr::new(null_mut());
    static IS_REGISTERED: AtomicBool = AtomicBool::new(false);

    /// Async-signal-safe: loads and stores.
    extern "C" fn in_the_child() {
        let mut next = FIRST.load(Ordering::Acquire);
        // SAFETY: entries and their slots are published by `clear` when they are complete, and never freed.
        while let Some(entry) = unsafe { next.as_ref() } {
            // SAFETY: as above.
            unsafe { &*entry.slot }.store(null_mut(), Ordering::Release);
            next = entry.next;
        }
    }

    /// Registers a pointer that is cleared in every child that is forked from now on. The pointer is never freed.
    pub fn clear(slot: *mut AtomicPtr<u8>) {
        super::stay_loaded();
        let mut next = FIRST.load(Ordering::Acquire);
        let entry = Box::into_raw(Box::new(Entry { slot, next }));
        while let Err(now) = FIRST.compare_exchange_weak(next, entry, Ordering::AcqRel, Ordering::Acquire) {
            next = now;
            // SAFETY: not published yet, so this thread alone has it.
            unsafe { (*entry).next = next };
        }
        if !IS_REGISTERED.load(Ordering::Acquire) {
            // Two threads may both register, so the handler may run twice. If there is no memory for it (ENOMEM), the
            // wiped page remains as the only protection. SAFETY: the handler is a function of this library, which stays
            // in the process.
            let answer = unsafe { libc::pthread_atfork(None, None, Some(in_the_child)) };
            IS_REGISTERED.store(answer == 0, Ordering::Release);
        }
    }
}

/// Keeps this library in the process for good: its threads, its exit handler and its fork handler need their code. It
/// is cheap after the first time. Linux needs no call: the library is linked for that (build.rs), and musl never
/// unloads anything.
pub fn stay_loaded() {
    #[cfg(any(target_vendor = "apple", pact_like_macos, windows))]
    {
        static IS_PINNED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
        if !IS_PINNED.load(Ordering::Acquire) {
            IS_PINNED.store(pin(), Ordering::Release);
        }
    }
}

#[cfg(any(target_vendor = "apple", pact_like_macos))]
fn pin() -> bool {
    // SAFETY: dladdr(3) fills in the whole structure where it does not return 0; the name that it gives lives as long
    // as this library is loaded. dlopen(3) of a loaded library runs nothing; the handle is kept.
    unsafe {
        let mut about: libc::Dl_info = std::mem::zeroed();
        let flags = libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
        libc::dladdr(pin as *const libc::c_void, &mut about) != 0 && !libc::dlopen(about.dli_fname, flags).is_null()
    }
}

#[cfg(windows)]
fn pin() -> bool {
    use super::windows::{FROM_ADDRESS, GetModuleHandleExW, PIN};
    let mut library = std::ptr::null_mut();
    // SAFETY: with FROM_ADDRESS the second argument is an address in the library in question, not a name.
    unsafe { GetModuleHandleExW(PIN | FROM_ADDRESS, (pin as *const ()).cast(), &mut library) != 0 }
}

/// The reason why this library reports nothing in this kind of process; `None` if it does report.
pub fn unsupported() -> Option<&'static str> {
    if is_privileged() {
        Some("privileged process")
    } else if is_static() {
        Some("static program")
    } else {
        None
    }
}

/// Whether this process has more rights than the person who started it (set-user-ID and the like). Then its environment
/// and its files cannot be trusted.
fn is_privileged() -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // SAFETY: takes any number, cannot fail.
    return unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    #[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
    // SAFETY: these take nothing, and cannot fail.
    return unsafe { libc::getuid() != libc::geteuid() || libc::getgid() != libc::getegid() };
    #[cfg(not(unix))]
    return false;
}

/// Whether this program is linked statically with glibc and still loads this library. Then it has two C libraries, and
/// the second one can start no thread. Such a program was started without a dynamic loader, unless the loader itself
/// was started with the program as its argument.
fn is_static() -> bool {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: takes any number, cannot fail.
        let has_loader = unsafe { libc::getauxval(libc::AT_BASE) } != 0;
        let is_loader = || {
            let program = std::fs::read_link("/proc/self/exe").unwrap_or_default();
            program.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"ld"))
        };
        !has_loader && !is_loader()
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    false
}

/// Runs `start` with all signals blocked on this thread, so that a thread that it starts inherits that mask and no
/// handler of the host program runs on the library's threads. Then restores the caller's mask.
///
/// A signal that ends the process, which the host neither handles nor blocks, is left: where the host's own threads
/// have ended, one of the library's is the only one that can take it.
pub fn with_signals_blocked<R>(start: impl FnOnce() -> R) -> R {
    #[cfg(unix)]
    {
        // SAFETY: both sets are plain values that sigfillset and pthread_sigmask fill in before they are read; the
        // mask that is put back is the one that was taken.
        unsafe {
            let mut all: libc::sigset_t = std::mem::zeroed();
            let mut before: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&mut all);
            let is_known = libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut before) == 0;
            for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGQUIT] {
                let mut action: libc::sigaction = std::mem::zeroed();
                let is_default =
                    libc::sigaction(signal, std::ptr::null(), &mut action) == 0 && action.sa_sigaction == libc::SIG_DFL;
                if is_known && is_default && libc::sigismember(&before, signal) == 0 {
                    libc::sigdelset(&mut all, signal);
                }
            }
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

/// Registers `handler` for the exit of the process by `exit`, by `quick_exit` or by returning from `main`. It is not
/// called after `_exit` or a signal. On Linux, `exit` calls it once more after the destructors of the program's static
/// objects: handlers run in the reverse order of their registration, so those of objects that were made before run
/// after the first call.
#[cfg(not(windows))]
pub fn at_exit(handler: extern "C" fn()) {
    stay_loaded();
    unsafe extern "C" {
        fn atexit(handler: extern "C" fn()) -> std::ffi::c_int;
        #[cfg(target_os = "linux")]
        fn at_quick_exit(handler: extern "C" fn()) -> std::ffi::c_int;
    }
    // SAFETY: C11 7.22.4.2 and 7.22.4.3; the handler is a function of this library, which never leaves the process. A
    // refusal means that nothing is called, which is what happens with `_exit` too.
    unsafe {
        atexit(handler);
        #[cfg(target_os = "linux")]
        at_quick_exit(handler);
    }
    #[cfg(target_os = "linux")]
    let _ = LAST.set(handler);
}

/// What `call_last` calls.
#[cfg(target_os = "linux")]
static LAST: std::sync::OnceLock<extern "C" fn()> = std::sync::OnceLock::new();

/// The loader calls it after all exit handlers, and after the same functions of what was linked with this library.
#[cfg(target_os = "linux")]
extern "C" fn call_last() {
    if let Some(last) = LAST.get() {
        last();
    }
}

// SAFETY: the section is a list of functions without arguments, which the loader calls at the exit.
#[cfg(target_os = "linux")]
#[used]
#[unsafe(link_section = ".fini_array")]
static CALL_LAST: extern "C" fn() = call_last;

/// Registers `handler` for the exit of the process by `exit` or by returning from `main`, if the program uses one of
/// the system's C runtimes. It is not called after `_exit`, `ExitProcess` or `TerminateProcess`, nor with a C runtime
/// of the program's own. It may be called twice.
///
/// This library's own `atexit` would be too late: its handlers run when the library is detached, and by then the system
/// has ended all other threads ([`at_detach`]).
#[cfg(windows)]
pub fn at_exit(handler: extern "C" fn()) {
    use super::windows::{GetModuleHandleA, GetProcAddress};
    stay_loaded();
    for (runtime, register) in [(c"ucrtbase.dll", c"_crt_atexit"), (c"msvcrt.dll", c"_onexit")] {
        // SAFETY: both names are terminated. A runtime that is not loaded is not loaded by this.
        let found = unsafe { GetProcAddress(GetModuleHandleA(runtime.as_ptr()), register.as_ptr()) };
        if let Some(found) = found {
            // SAFETY: both functions take a function without arguments, and return what fits into a pointer; the
            // runtimes ignore what `_onexit`'s handler returns. The handler is a function of this library, which stays
            // in the process.
            unsafe {
                let register: unsafe extern "C" fn(extern "C" fn()) -> *mut std::ffi::c_void =
                    std::mem::transmute(found);
                register(handler);
            }
        }
    }
}

/// Registers `handler` for every exit of the process except `TerminateProcess`. It is called after the system has ended
/// all other threads. It must wait for nothing and take no lock, because a thread may have held the lock when it was
/// ended.
#[cfg(windows)]
pub fn at_detach(handler: extern "C" fn()) {
    unsafe extern "C" {
        fn atexit(handler: extern "C" fn()) -> std::ffi::c_int;
    }
    stay_loaded();
    // SAFETY: as above; in a DLL the C runtime calls it on DLL_PROCESS_DETACH.
    unsafe { atexit(handler) };
}

/// Whether this process is a forked child that has not executed a program since. Apple's frameworks may abort there.
#[cfg(target_vendor = "apple")]
pub fn is_forked_without_exec() -> bool {
    /// libproc.h: "process called exec". A child does not inherit it.
    const PROC_FLAG_EXEC: u32 = 0x4000;
    // SAFETY: proc_pidinfo fills in at most as many bytes as are said, and says how many.
    unsafe {
        let mut about: libc::proc_bsdinfo = std::mem::zeroed();
        let size = size_of::<libc::proc_bsdinfo>() as std::ffi::c_int;
        let given = libc::proc_pidinfo(libc::getpid(), libc::PROC_PIDTBSDINFO, 0, (&raw mut about).cast(), size);
        given != size || about.pbi_flags & PROC_FLAG_EXEC == 0
    }
}

/// Whether the main thread of this process has ended while others go on, where the system tells: on Linux, the process
/// then has no executable file any more.
pub fn has_main_thread_ended() -> bool {
    let has_none = |error: std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
    cfg!(target_os = "linux")
        && std::fs::read_link("/proc/self/exe").is_err_and(has_none)
        && std::fs::symlink_metadata("/proc/self/stat").is_ok()
}

/// The machine's name as the system gives it, or `None`. Starts no process and looks up no name.
#[cfg(unix)]
pub fn hostname() -> Option<String> {
    let mut buffer = [0u8; 256];
    // SAFETY: the buffer is ours and its true size is given; gethostname(2) keeps no pointer.
    let answer = unsafe { libc::gethostname(buffer.as_mut_ptr().cast(), buffer.len()) };
    // POSIX does not say whether a name that was cut is terminated. Without a NUL there is no name.
    let name = std::ffi::CStr::from_bytes_until_nul(&buffer).ok()?;
    (answer == 0).then(|| name.to_string_lossy().into_owned())
}

/// The machine's name as the system gives it and as `hostname` prints it, or `None`. COMPUTERNAME would end after 15
/// characters.
#[cfg(windows)]
pub fn hostname() -> Option<String> {
    let mut buffer = [0u16; 256];
    let mut length = buffer.len() as u32;
    // SAFETY: the buffer is ours and its true size is given, in characters.
    let answer = unsafe {
        super::windows::GetComputerNameExW(super::windows::COMPUTER_NAME_DNS_HOSTNAME, buffer.as_mut_ptr(), &mut length)
    };
    let name = buffer.get(..length as usize).filter(|name| answer != 0 && !name.is_empty())?;
    Some(String::from_utf16_lossy(name))
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
    fn without_a_wiped_page_pthread_atfork_clears_each_slot_and_nothing_of_the_parents() {
        let slots = [(); 3].map(|()| {
            let slot = Box::into_raw(Box::new(AtomicPtr::new(std::ptr::dangling_mut())));
            at_fork::clear(slot);
            // SAFETY: just made, never freed.
            unsafe { &*slot }
        });
        let is_empty = |slot: &&AtomicPtr<u8>| slot.load(Ordering::Acquire).is_null();
        // SAFETY: the child calls nothing but _exit.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: ends this child at once.
            unsafe { libc::_exit(i32::from(!slots.iter().all(is_empty))) };
        }
        let mut status = 0;
        // SAFETY: waits for the child made above.
        unsafe { libc::waitpid(child, &mut status, 0) };
        assert_eq!(status, 0);
        assert!(!slots.iter().any(is_empty));
    }

    #[test]
    #[cfg(unix)]
    fn of_many_first_threads_none_has_a_cell_that_a_fork_leaves_as_it_is() {
        for _ in 0..20 {
            let cell: &'static PerProcess<u32> = Box::leak(Box::new(PerProcess::new()));
            let first = std::sync::Barrier::new(4);
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        first.wait();
                        cell.get_or_init(|| 7);
                    });
                }
            });
            // SAFETY: the child calls nothing but this cell and _exit.
            let child = unsafe { libc::fork() };
            if child == 0 {
                // SAFETY: ends this child at once.
                unsafe { libc::_exit(i32::from(cell.get().is_some())) };
            }
            let mut status = 0;
            // SAFETY: waits for the child made above.
            unsafe { libc::waitpid(child, &mut status, 0) };
            assert_eq!(status, 0);
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_thread_started_inside_has_signals_blocked_but_those_that_end_the_process_and_the_caller_keeps_its_mask() {
        fn blocked(signal: libc::c_int) -> bool {
            // SAFETY: asks for this thread's mask without changing it.
            unsafe {
                let mut mask: libc::sigset_t = std::mem::zeroed();
                libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &mut mask);
                libc::sigismember(&mask, signal) == 1
            }
        }
        let all = [libc::SIGUSR1, libc::SIGALRM, libc::SIGCHLD, libc::SIGPROF, libc::SIGTERM];
        let inside = with_signals_blocked(|| std::thread::spawn(move || all.map(blocked)));
        assert_eq!(inside.join().unwrap(), [true, true, true, true, false], "nobody handles or blocks SIGTERM here");
        assert_eq!(all.map(blocked), [false; 5]);
        // A host program that takes it by sigwait(3) blocks it on all threads. Then it is blocked here too.
        let sigwaits = std::thread::spawn(|| {
            // SAFETY: changes the mask of this thread alone, with a set that was filled in.
            unsafe {
                let mut set: libc::sigset_t = std::mem::zeroed();
                libc::sigemptyset(&mut set);
                libc::sigaddset(&mut set, libc::SIGTERM);
                libc::pthread_sigmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
            }
            with_signals_blocked(|| std::thread::spawn(|| blocked(libc::SIGTERM))).join().unwrap()
        });
        assert!(sigwaits.join().unwrap());
    }

    #[test]
    fn the_machine_has_a_name() {
        assert!(!hostname().unwrap().is_empty());
    }
}

/// The model for loom: every order that threads and memory allow (`make model`).
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::sync::in_every_order;
    use loom::sync::Arc;
    use loom::sync::atomic::AtomicUsize;
    use loom::thread;

    /// Made by several threads at once, in the process and again in its child, whose page the kernel has zeroed.
    #[test]
    fn of_several_that_make_one_at_once_all_have_the_same() {
        in_every_order(|| {
            let (cell, made) = (Arc::new(PerProcess::new()), Arc::new(AtomicUsize::new(0)));
            cell.slot(); // loom does not know the page itself

            // Each thread makes another one.
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
