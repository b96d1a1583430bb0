//! A TCP connection that is used and closed only while its descriptor still is that connection (see `descriptor.rs`).

use super::descriptor::Owned;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// A connection.
#[derive(Debug)]
pub struct Socket(Owned<TcpStream>);

impl Socket {
    /// Connects within a time.
    pub fn connect(address: &SocketAddr, timeout: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(address, timeout)?;
        let socket =
            Socket(Owned::new(stream, |stream| stream.peer_addr().is_ok_and(|peer| peer.port() == address.port())));
        socket.stream()?.set_nodelay(true)?;
        Ok(socket)
    }

    /// The connection, if it still is ours.
    pub fn stream(&self) -> io::Result<&TcpStream> {
        self.0.get()
    }

    /// Ends whatever is done with it on another thread.
    pub fn shut_down(&self) {
        if let Ok(stream) = self.stream() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
