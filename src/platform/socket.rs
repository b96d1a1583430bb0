//! A TCP connection that is used and closed only while its descriptor still is that connection (see `descriptor.rs`).

use std::io;
use std::mem::ManuallyDrop;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// A connection.
#[derive(Debug)]
pub struct Socket {
    stream: ManuallyDrop<TcpStream>,
    #[cfg(unix)]
    identity: Option<super::descriptor::Identity>,
}

impl Socket {
    /// Connects within a time.
    pub fn connect(address: &SocketAddr, timeout: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(address, timeout)?;
        #[cfg(unix)]
        let identity = {
            use std::os::fd::AsRawFd;
            super::descriptor::Identity::of(stream.as_raw_fd())
        };
        let socket = Socket {
            stream: ManuallyDrop::new(stream),
            #[cfg(unix)]
            identity,
        };
        socket.stream()?.set_nodelay(true)?;
        Ok(socket)
    }

    /// The connection, if it still is ours.
    pub fn stream(&self) -> io::Result<&TcpStream> {
        if self.is_ours() {
            Ok(&self.stream)
        } else {
            Err(io::ErrorKind::ConnectionAborted.into())
        }
    }

    /// Ends whatever is done with it on another thread.
    pub fn shut_down(&self) {
        if let Ok(stream) = self.stream() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    #[cfg(unix)]
    fn is_ours(&self) -> bool {
        use std::os::fd::AsRawFd;
        self.identity.is_some() && super::descriptor::Identity::of(self.stream.as_raw_fd()) == self.identity
    }

    #[cfg(not(unix))]
    fn is_ours(&self) -> bool {
        true
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.is_ours() {
            // SAFETY: dropped once, here, and not used after.
            unsafe { ManuallyDrop::drop(&mut self.stream) };
        }
    }
}
