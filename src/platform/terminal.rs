//! Telling the person something, without ever waiting for a reader and without writing into a descriptor that is not
//! standard error any more.

/// Who got to see it?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It stands on a terminal.
    Seen,
    /// It was written to a pipe or a file that may never be read.
    Written,
    /// It was not written: there is nowhere to write it.
    Nobody,
}

#[cfg(unix)]
pub use on_unix::tell;

/// Writes it to standard error: a console, a pipe or a file.
#[cfg(windows)]
pub fn tell(text: &str) -> Told {
    use std::io::{IsTerminal, Write};
    let mut error = std::io::stderr();
    if !super::descriptor::is_standard_error_seen() || error.write_all(text.as_bytes()).is_err() {
        return Told::Nobody;
    }
    if error.is_terminal() { Told::Seen } else { Told::Written }
}

#[cfg(unix)]
mod on_unix {
    use super::Told;
    use std::ffi::{CStr, c_int};
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Standard error as it was when the library was loaded: device and inode, whether it was a file without a name,
    /// whether it was a connection to systemd's journal, and whether that was looked at. A program that closed it may
    /// have got the number for a socket or a file of its own. Not zero everywhere: then it would lie in a
    /// page that nothing else touches while the library is loaded, and cost the host a page fault.
    static AT_LOAD: [AtomicU64; 5] = {
        let no_device = AtomicU64::new(u64::MAX);
        [no_device, AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0)]
    };

    /// Test runners (Jest, Vitest) redraw their last lines on a terminal: they move the cursor up by as many lines as
    /// they wrote last, and do not know what others wrote since. They overwrite these empty lines, not the notice.
    const PADDING: &str = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";

    #[cfg_attr(any(target_os = "linux", target_os = "android"), unsafe(link_section = ".init_array"))]
    #[cfg_attr(target_vendor = "apple", unsafe(link_section = "__DATA,__mod_init_func"))]
    #[used]
    static LOOK_AT_LOAD: extern "C" fn() = {
        extern "C" fn look() {
            let [device, inode, was_nameless, was_journal, is_known] = &AT_LOAD;
            if let Some(stat) = stat(libc::STDERR_FILENO) {
                let (at, number) = identity(&stat);
                device.store(at, Ordering::Relaxed);
                inode.store(number, Ordering::Relaxed);
                was_nameless.store(is_nameless_file(&stat).into(), Ordering::Relaxed);
                was_journal.store(is_journal(&stat).into(), Ordering::Relaxed);
            }
            is_known.store(1, Ordering::Release);
        }
        look
    };

    /// Device and inode.
    #[allow(clippy::unnecessary_cast)] // the types differ by system
    fn identity(stat: &libc::stat) -> (u64, u64) {
        (stat.st_dev as u64, stat.st_ino as u64)
    }

    fn stat(descriptor: c_int) -> Option<libc::stat> {
        let mut stat = std::mem::MaybeUninit::<libc::stat>::uninit();
        // SAFETY: fstat(2) takes any number, and writes a whole stat where it returns 0.
        unsafe { (libc::fstat(descriptor, stat.as_mut_ptr()) == 0).then(|| stat.assume_init()) }
    }

    /// To standard error if that is a terminal; else to the controlling terminal, if this process is in its foreground;
    /// else to standard error, if that is a pipe or a file.
    pub fn tell(text: &str) -> Told {
        // SAFETY: takes any number.
        if unsafe { libc::isatty(libc::STDERR_FILENO) } == 1 {
            return if write(libc::STDERR_FILENO, &on_terminal(text)) { Told::Seen } else { Told::Nobody };
        }
        if tell_terminal(&on_terminal(text)) {
            return Told::Seen;
        }
        if is_standard_error() && write(libc::STDERR_FILENO, text) {
            return Told::Written;
        }
        Told::Nobody
    }

    /// On lines of its own, whatever stands on the terminal's last line and whatever is drawn there next.
    fn on_terminal(text: &str) -> String {
        ["\r\n", text, PADDING].concat()
    }

    /// Writes to the controlling terminal, if there is one and this process is in its foreground.
    fn tell_terminal(text: &str) -> bool {
        const TERMINAL: &CStr = c"/dev/tty";
        let flags = libc::O_WRONLY | libc::O_NOCTTY | libc::O_NONBLOCK | libc::O_CLOEXEC;
        // SAFETY: the path is terminated; the descriptor is this thread's alone, and closed once.
        unsafe {
            let terminal = libc::open(TERMINAL.as_ptr(), flags);
            if terminal < 0 {
                return false;
            }
            let is_foreground = libc::tcgetpgrp(terminal) == libc::getpgrp();
            let is_written = is_foreground && write(terminal, text);
            libc::close(terminal);
            is_written
        }
    }

    /// What captures output by descriptor (pytest) does so in a file without a name.
    fn is_nameless_file(stat: &libc::stat) -> bool {
        stat.st_mode & libc::S_IFMT == libc::S_IFREG && stat.st_nlink == 0
    }

    fn is_socket(stat: &libc::stat) -> bool {
        stat.st_mode & libc::S_IFMT == libc::S_IFSOCK
    }

    /// Is it the connection to systemd's journal that a service has as standard error? systemd names it by its device
    /// and inode in `JOURNAL_STREAM` (systemd.exec(5)). On the thread that loads the library.
    fn is_journal(stat: &libc::stat) -> bool {
        let named = || std::env::var("JOURNAL_STREAM").ok().filter(|_| super::super::process::unsupported().is_none());
        let (device, inode) = identity(stat);
        is_socket(stat) && named().is_some_and(|named| named == format!("{device}:{inode}"))
    }

    /// Whether descriptor 2 is a pipe, a socket from the parent process or to the journal, or a file that is only
    /// written to, and still what it was when the library was loaded. Any other socket, a device, or anything else that
    /// got the number is not standard error. If the library was loaded while output was captured, the pipe or file from
    /// before the capture is standard error too.
    fn is_standard_error() -> bool {
        let Some(stat) = stat(libc::STDERR_FILENO) else { return false };
        let at_load = AT_LOAD.each_ref().map(|part| part.load(Ordering::Acquire));
        let [device, inode, was_nameless, was_journal, is_known] = at_load;
        let is_same = (device, inode) == identity(&stat);
        // SAFETY: takes any number.
        let mode = unsafe { libc::fcntl(libc::STDERR_FILENO, libc::F_GETFL) } & libc::O_ACCMODE;
        match stat.st_mode & libc::S_IFMT {
            _ if !is_same && was_nameless == 0 && is_known != 0 => false,
            libc::S_IFIFO => mode == libc::O_WRONLY || mode == libc::O_RDWR,
            libc::S_IFREG => mode == libc::O_WRONLY || is_nameless_file(&stat),
            libc::S_IFSOCK if is_same && was_journal != 0 => true,
            libc::S_IFSOCK => (is_same || is_known == 0) && is_from_parent(libc::STDERR_FILENO),
            _ => false,
        }
    }

    /// Is it one end of a pair of sockets that another process made? Node.js gives its child processes such a pair
    /// instead of pipes. A pair that this process made itself, or a connection to a server, is not standard error.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn is_from_parent(socket: c_int) -> bool {
        const NAMELESS: usize = std::mem::size_of::<libc::sa_family_t>();
        // SAFETY: plain numbers and bytes, for which zero is a value; the calls get their lengths and write no more.
        unsafe {
            let mut name: libc::sockaddr_un = std::mem::zeroed();
            let mut length = std::mem::size_of_val(&name) as libc::socklen_t;
            let is_named = libc::getpeername(socket, (&raw mut name).cast(), &mut length) != 0
                || name.sun_family != libc::AF_UNIX as libc::sa_family_t
                || length as usize > NAMELESS;
            let mut maker: libc::ucred = std::mem::zeroed();
            let mut length = std::mem::size_of_val(&maker) as libc::socklen_t;
            let option = libc::SO_PEERCRED;
            !is_named
                && libc::getsockopt(socket, libc::SOL_SOCKET, option, (&raw mut maker).cast(), &mut length) == 0
                && maker.pid != libc::getpid()
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn is_from_parent(_socket: c_int) -> bool {
        false
    }

    /// All of it in one call, so that the lines of two processes do not mix, and without waiting: `false` if it does
    /// not fit now.
    fn write(descriptor: c_int, text: &str) -> bool {
        let mut poll = libc::pollfd { fd: descriptor, events: libc::POLLOUT, revents: 0 };
        let (bytes, length) = (text.as_ptr().cast(), text.len());
        // SAFETY: one entry, of this function; and as many bytes as the text has. A pipe that is writable takes
        // PIPE_BUF bytes at once (pipe(7)), and the text is shorter. SIGPIPE is blocked on the library's threads.
        unsafe {
            let is_ready = libc::poll(&mut poll, 1, 0) == 1 && poll.revents & libc::POLLOUT != 0;
            let write = || match stat(descriptor) {
                Some(stat) if is_socket(&stat) => libc::send(descriptor, bytes, length, libc::MSG_DONTWAIT),
                _ => libc::write(descriptor, bytes, length),
            };
            is_ready && write() == length as isize
        }
    }
}
