//! A TCP connection that is used and closed only while its descriptor still stands for it (see `descriptor.rs`).

use super::descriptor::Owned;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// A connection.
#[derive(Debug)]
pub struct Socket(Owned<TcpStream>);

impl Socket {
    /// Begins a connection. It can be shut down from now on, and is connected when `finish` has returned.
    #[cfg(unix)]
    pub fn begin(address: &SocketAddr, _timeout: Duration) -> io::Result<Self> {
        let stream = connecting::new(address)?;
        stream.set_nonblocking(true)?;
        connecting::begin(&stream, address)?;
        // By now it has a port of its own.
        Ok(Socket(Owned::new(stream, |stream| stream.local_addr().is_ok_and(|own| own.port() != 0))))
    }

    /// Connects within a time limit: Windows has no call that ends a connect which another thread began.
    #[cfg(not(unix))]
    pub fn begin(address: &SocketAddr, timeout: Duration) -> io::Result<Self> {
        Ok(Socket(Owned::new(TcpStream::connect_timeout(address, timeout)?, |_| true)))
    }

    /// Waits until it is connected, within a time limit. An error of the kind [`io::ErrorKind::TimedOut`] says that the
    /// time is over.
    pub fn finish(&self, timeout: Duration) -> io::Result<()> {
        let stream = self.stream()?;
        #[cfg(unix)]
        connecting::wait(stream, timeout)?;
        #[cfg(not(unix))]
        let _ = timeout;
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)
    }

    /// The connection, if the descriptor still stands for it.
    pub fn stream(&self) -> io::Result<&TcpStream> {
        self.0.get()
    }

    /// Whether it is open and there is nothing to read. Does not wait and reads nothing.
    #[cfg(unix)]
    pub fn is_quiet(&self) -> bool {
        use std::os::fd::AsRawFd;
        let Ok(stream) = self.stream() else { return false };
        let mut byte = 0_u8;
        let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
        // SAFETY: an open socket, and room for one byte, which recv(2) keeps no pointer to.
        let amount = unsafe { libc::recv(stream.as_raw_fd(), (&raw mut byte).cast(), 1, flags) };
        amount < 0 && io::Error::last_os_error().kind() == io::ErrorKind::WouldBlock
    }

    /// Whether it is open and there is nothing to read. Does not wait.
    #[cfg(not(unix))]
    pub fn is_quiet(&self) -> bool {
        let Ok(stream) = self.stream() else { return false };
        let nothing = || stream.peek(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        stream.set_nonblocking(true).is_ok() && nothing() && stream.set_nonblocking(false).is_ok()
    }

    /// Shuts it down, which ends every call on it in another thread.
    pub fn shut_down(&self) {
        if let Ok(stream) = self.stream() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Connections that another thread can shut down while they are being made, which those of std cannot.
#[cfg(unix)]
mod connecting {
    use std::ffi::c_int;
    use std::io::{self, ErrorKind};
    use std::mem::{size_of, zeroed};
    use std::net::{SocketAddr, TcpStream};
    use std::os::fd::{AsRawFd, FromRawFd};
    use std::time::{Duration, Instant};

    fn check(result: c_int) -> io::Result<c_int> {
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
    }

    /// A socket that no child process inherits.
    pub fn new(address: &SocketAddr) -> io::Result<TcpStream> {
        let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        #[cfg(target_os = "linux")]
        let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
        #[cfg(not(target_os = "linux"))]
        let kind = libc::SOCK_STREAM;
        // SAFETY: socket(2) takes numbers alone, and what it returned is owned by nobody else.
        let stream = unsafe { TcpStream::from_raw_fd(check(libc::socket(family, kind, 0))?) };
        #[cfg(not(target_os = "linux"))]
        // SAFETY: fcntl(2) of an open descriptor with numbers alone.
        check(unsafe { libc::fcntl(stream.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) })?;
        #[cfg(target_vendor = "apple")]
        {
            let (on, size): (c_int, _) = (1, size_of::<c_int>() as libc::socklen_t);
            let (level, option) = (libc::SOL_SOCKET, libc::SO_NOSIGPIPE);
            // SAFETY: an open socket and a whole int, to which no pointer is kept.
            check(unsafe { libc::setsockopt(stream.as_raw_fd(), level, option, (&raw const on).cast(), size) })?;
        }
        Ok(stream)
    }

    /// Begins the connection of a socket that does not block.
    pub fn begin(stream: &TcpStream, address: &SocketAddr) -> io::Result<()> {
        // SAFETY: an address of zeros is valid.
        let mut storage: libc::sockaddr_storage = unsafe { zeroed() };
        let to = &raw mut storage;
        let length = match address {
            SocketAddr::V4(address) => {
                // SAFETY: the storage has room for an address of every family, aligned for it.
                let to = unsafe { &mut *to.cast::<libc::sockaddr_in>() };
                to.sin_family = libc::AF_INET as libc::sa_family_t;
                to.sin_port = address.port().to_be();
                to.sin_addr.s_addr = u32::from_ne_bytes(address.ip().octets());
                size_of::<libc::sockaddr_in>()
            }
            SocketAddr::V6(address) => {
                // SAFETY: as above.
                let to = unsafe { &mut *to.cast::<libc::sockaddr_in6>() };
                to.sin6_family = libc::AF_INET6 as libc::sa_family_t;
                to.sin6_port = address.port().to_be();
                to.sin6_flowinfo = address.flowinfo();
                to.sin6_addr.s6_addr = address.ip().octets();
                to.sin6_scope_id = address.scope_id();
                size_of::<libc::sockaddr_in6>()
            }
        };
        // SAFETY: an open socket and an initialised address of that length, to which no pointer is kept.
        let begun = unsafe { libc::connect(stream.as_raw_fd(), to.cast_const().cast(), length as libc::socklen_t) };
        match check(begun) {
            // An interrupted connect goes on by itself.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINPROGRESS | libc::EINTR)) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Waits until the connection stands or has failed.
    pub fn wait(stream: &TcpStream, timeout: Duration) -> io::Result<()> {
        let deadline = Instant::now() + timeout;
        let mut poll = libc::pollfd { fd: stream.as_raw_fd(), events: libc::POLLOUT, revents: 0 };
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            let millis = left.as_micros().div_ceil(1_000).min(c_int::MAX as u128) as c_int;
            // SAFETY: one entry, which is ours for the whole call.
            match check(unsafe { libc::poll(&raw mut poll, 1, millis) }) {
                Ok(0) => {}
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        // A socket that was shut down meanwhile has no peer, and on some systems no error either.
        stream.take_error()?.map_or_else(|| stream.peer_addr().map(drop), Err)
    }
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)] // a test that cannot go on should stop
mod tests {
    use super::*;
    use std::net::TcpListener;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_connection_stands_when_it_is_finished_and_one_that_is_refused_fails() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else { continue }; // a machine without IPv6
            let address = listener.local_addr().unwrap();
            let socket = Socket::begin(&address, LONG).unwrap();
            socket.finish(LONG).unwrap();
            assert_eq!(socket.stream().unwrap().peer_addr().unwrap(), address);
            assert!(socket.is_quiet());
            drop(listener);
            let refused = Socket::begin(&address, LONG).and_then(|socket| socket.finish(LONG));
            assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        }
    }

    #[cfg(target_os = "linux")] // elsewhere a full backlog refuses
    #[test]
    fn a_connection_that_hangs_is_given_up_in_time_and_ends_when_another_thread_shuts_it_down() {
        use std::os::fd::AsRawFd;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // SAFETY: listen(2) of an open socket; it makes the backlog smaller.
        assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
        let address = listener.local_addr().unwrap();
        let begin = || Socket::begin(&address, LONG).unwrap();
        let mut taken = Vec::new();
        let hanging = loop {
            let socket = begin();
            match socket.finish(Duration::from_millis(300)) {
                Ok(()) => taken.push(socket),
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
                    break socket;
                }
            }
        };
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| hanging.finish(LONG));
            hanging.shut_down();
            let failure = waiting.join().unwrap().unwrap_err();
            assert_ne!(failure.kind(), io::ErrorKind::TimedOut);
        });
    }
}
