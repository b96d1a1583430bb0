//! A TCP connection that is used and closed only while its descriptor still stands for it (see `descriptor.rs`).

use super::descriptor::Owned;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// A connection.
#[derive(Debug)]
pub struct Socket(Owned<TcpStream>);

impl Socket {
    /// Connects within a time limit.
    pub fn connect(address: &SocketAddr, timeout: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(address, timeout)?;
        let socket =
            Socket(Owned::new(stream, |stream| stream.peer_addr().is_ok_and(|peer| peer.port() == address.port())));
        socket.stream()?.set_nodelay(true)?;
        Ok(socket)
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
