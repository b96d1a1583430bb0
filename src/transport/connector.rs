//! How connections are made: as ureq makes them, but over sockets that notice when the host program has closed all
//! descriptors. ureq's own sockets would go on with any file that got the same number.

use super::SendPermit;
use super::proxy::{Proxies, Way};
use crate::platform::socket::Socket;
use std::io::{ErrorKind, Read, Write};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, RustlsConnector,
    ShutdownHandle, Transport,
};
use ureq::{Error, Timeout};

/// How many bytes of an answer are read at most. ureq limits one head, but not how many interim ones (1xx) come before
/// it.
const ANSWER_LIMIT: usize = 512 * 1024;

/// Connects through a proxy if one is set, over TCP, and with TLS if the URL is `https`. Asks the [`SendPermit`] before
/// each request is written.
pub fn connector(proxies: Arc<Proxies>, send_permit: &'static SendPermit) -> impl Connector<()> {
    let top = PermitConnector { proxies: proxies.clone(), send_permit };
    let proxy = ProxyConnector { proxies, connect: ConnectProxyConnector::default() };
    ().chain(proxy).chain(TcpConnector).chain(RustlsConnector::default()).chain(top)
}

/// The topmost layer: the bytes that pass here belong to the request itself, not to TLS and not to the request that
/// opens a proxy's tunnel.
#[derive(Debug)]
struct PermitConnector {
    proxies: Arc<Proxies>,
    send_permit: &'static SendPermit,
}

impl<In: Transport> Connector<In> for PermitConnector {
    type Out = Permitted<In>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        let send_permit = Some(self.send_permit).filter(|_| !self.proxies.is_proxy(details.uri));
        Ok(chained.map(|inner| Permitted { inner, send_permit, head: None }))
    }
}

#[derive(Debug)]
struct Permitted<T> {
    inner: T,
    send_permit: Option<&'static SendPermit>,
    /// The head of a request, which is sent together with the start of its body, in one packet; empty once it was sent.
    /// `None` before a request.
    head: Option<Vec<u8>>,
}

impl<T: Transport> Permitted<T> {
    /// Sends the head, if it was not sent yet, and behind it these many bytes of output.
    fn send(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.send_permit.is_some_and(|permit| !permit.send()) {
            return Err(Error::ConnectionFailed);
        }
        let mut bytes = self.head.replace(Vec::new()).unwrap_or_default();
        if bytes.is_empty() {
            return self.inner.transmit_output(amount, timeout);
        }
        let output = self.inner.buffers().output();
        bytes.extend(output.get(..amount).unwrap_or_default());
        let max = output.len().max(1);
        bytes.chunks(max).try_for_each(|part| {
            let output = self.inner.buffers().output().get_mut(..part.len());
            output.into_iter().for_each(|output| output.copy_from_slice(part));
            self.inner.transmit_output(part.len(), timeout)
        })
    }
}

impl<T: Transport> Transport for Permitted<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if self.head.is_some() {
            return self.send(amount, timeout);
        }
        self.head = self.buffers().output().get(..amount).map(<[u8]>::to_vec);
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        if self.head.as_ref().is_some_and(|head| !head.is_empty()) {
            self.send(0, timeout)?; // a request without a body
        }
        self.head = None;
        self.send_permit.into_iter().for_each(SendPermit::awaits_answer);
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// ureq's own resolver, except for URLs that do not use the proxy.
#[derive(Debug)]
struct ProxyConnector {
    proxies: Arc<Proxies>,
    connect: ConnectProxyConnector,
}

impl<In: Transport> Connector<In> for ProxyConnector {
    type Out = <ConnectProxyConnector as Connector<In>>::Out;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        if chained.is_none() && self.proxies.way(details.uri) == Way::Direct {
            return Ok(None);
        }
        self.connect.connect(details, chained)
    }
}

#[derive(Debug)]
struct TcpConnector;

impl<In: Transport> Connector<In> for TcpConnector {
    type Out = Either<In, TcpTransport>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        if let Some(chained) = chained {
            return Ok(Some(Either::A(chained)));
        }
        let deadline = Instant::now() + *details.timeout.after;
        let mut failure = Error::ConnectionFailed;
        let mut addresses = details.addrs.clone();
        if addresses.is_empty() {
            // ureq lets a proxy resolve the name, and does not know that this URL does not use the proxy.
            addresses = details.resolver.resolve(details.uri, details.config, details.timeout)?;
        }
        for (index, address) in addresses.iter().enumerate() {
            // Each address gets its share of the remaining time, so that a first address that does not answer cannot
            // use all of it.
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / (addresses.len() - index).max(1) as u32;
            if share.is_zero() {
                break;
            }
            let socket = match Socket::begin(address, share) {
                Ok(socket) => Arc::new(socket),
                Err(error) => {
                    failure = failed(error);
                    continue;
                }
            };
            let handle: Arc<dyn ShutdownHandle> = socket.clone();
            // So that another thread can cut it off while it is being made.
            (details.register_shutdown)(Arc::downgrade(&handle) as Weak<dyn ShutdownHandle>)?;
            match socket.finish(deadline.saturating_duration_since(Instant::now()).min(share)) {
                Ok(()) => {
                    let buffers =
                        LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
                    return Ok(Some(Either::B(TcpTransport { socket, buffers, deadline, received: 0 })));
                }
                Err(error) => failure = failed(error),
            }
        }
        Err(failure)
    }
}

fn failed(error: std::io::Error) -> Error {
    if error.kind() == ErrorKind::TimedOut { Error::Timeout(Timeout::Connect) } else { error.into() }
}

impl ShutdownHandle for Socket {
    fn shutdown(&self) {
        self.shut_down();
    }
}

#[derive(Debug)]
struct TcpTransport {
    socket: Arc<Socket>,
    buffers: LazyBuffers,
    /// The deadline for the connection, including the proxy and TLS.
    deadline: Instant,
    /// How many bytes were read since something was sent.
    received: usize,
}

impl Transport for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let deadline = self.deadline(&timeout);
        self.received = 0;
        let mut stream = self.socket.stream()?;
        let mut output = self.buffers.output().get(..amount).unwrap_or_default();
        while !output.is_empty() {
            let written = before(deadline, &timeout, |left| {
                stream.set_write_timeout(Some(left))?;
                stream.write(output)
            })?;
            if written == 0 {
                return Err(std::io::Error::from(ErrorKind::WriteZero).into());
            }
            output = output.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let deadline = self.deadline(&timeout);
        let mut stream = self.socket.stream()?;
        let input = self.buffers.input_append_buf();
        let amount = before(deadline, &timeout, |left| {
            stream.set_read_timeout(Some(left))?;
            stream.read(input)
        })?;
        self.buffers.input_appended(amount);
        self.received += amount;
        if self.received > ANSWER_LIMIT {
            return Err(Error::LargeResponseHeader(self.received, ANSWER_LIMIT));
        }
        Ok(amount > 0)
    }

    /// A connection is used again only if nothing waits to be read on it, neither its end nor unexpected bytes.
    fn is_open(&mut self) -> bool {
        self.socket.is_quiet()
    }
}

impl TcpTransport {
    fn deadline(&self, timeout: &NextTimeout) -> Instant {
        let deadline = Instant::now() + *timeout.after;
        // ureq gives the whole time to each read of a proxy's answer.
        if timeout.reason == Timeout::Connect { deadline.min(self.deadline) } else { deadline }
    }
}

/// Makes a system call with the time that is left, and makes it again if it was interrupted, as it is when the process
/// was stopped for a while.
fn before(
    deadline: Instant,
    timeout: &NextTimeout,
    mut call: impl FnMut(Duration) -> std::io::Result<usize>,
) -> Result<usize, Error> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::Timeout(timeout.reason));
        }
        match call(left) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {
                return Err(Error::Timeout(timeout.reason));
            }
            done => return done.map_err(Error::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// Notes what is sent.
    #[derive(Debug)]
    struct Wire {
        buffers: LazyBuffers,
        sent: Arc<Mutex<Vec<String>>>,
    }

    impl Transport for Wire {
        fn buffers(&mut self) -> &mut dyn Buffers {
            &mut self.buffers
        }

        fn transmit_output(&mut self, amount: usize, _: NextTimeout) -> Result<(), Error> {
            let sent = String::from_utf8_lossy(&self.buffers.output()[..amount]).into_owned();
            self.sent.lock().unwrap().push(sent);
            Ok(())
        }

        fn await_input(&mut self, _: NextTimeout) -> Result<bool, Error> {
            Ok(true)
        }

        fn is_open(&mut self) -> bool {
            true
        }
    }

    fn within(millis: u64) -> NextTimeout {
        let after = ureq::unversioned::transport::time::Duration::from_millis(millis);
        NextTimeout { after, reason: Timeout::Global, per_read: None, per_write: None }
    }

    #[test]
    fn a_server_that_reads_slowly_does_not_prolong_an_attempt() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let long = Duration::from_secs(60);
        let socket = Arc::new(Socket::begin(&listener.local_addr().unwrap(), long).unwrap());
        socket.finish(long).unwrap();
        let mut server = listener.accept().unwrap().0;
        let reader = std::thread::spawn(move || {
            let mut part = vec![0; 64 * 1024];
            while server.read(&mut part).is_ok_and(|amount| amount > 0) {
                std::thread::sleep(Duration::from_millis(20)); // 64 MiB would take 20 seconds
            }
        });
        let (buffers, deadline) = (LazyBuffers::new(16, 64 * 1024 * 1024), Instant::now());
        let mut transport = TcpTransport { socket: socket.clone(), buffers, deadline, received: 0 };
        let amount = transport.buffers().output().len();
        let begun = Instant::now();
        let sent = transport.transmit_output(amount, within(300));
        assert!(matches!(sent, Err(Error::Timeout(Timeout::Global))), "{sent:?}");
        assert!(begun.elapsed() < Duration::from_secs(10));
        socket.shut_down();
        reader.join().unwrap();
    }

    #[test]
    fn the_head_of_each_request_is_sent_with_the_start_of_its_body() {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let wire = Wire { buffers: LazyBuffers::new(16, 16), sent: sent.clone() };
        let mut transport = Permitted { inner: wire, send_permit: None, head: None };
        let timeout = within(60_000);
        for (parts, expected) in [
            (&["head;", "body"][..], &["head;body"][..]),
            (&["head;", "body", "more"], &["head;body", "more"]),
            (&["head;", "a body of 16 b.."], &["head;a body of 1", "6 b.."]),
            (&["head;"], &["head;"]),
        ] {
            for part in parts {
                transport.buffers().output()[..part.len()].copy_from_slice(part.as_bytes());
                transport.transmit_output(part.len(), timeout).unwrap();
            }
            for _ in 0..2 {
                transport.await_input(timeout).unwrap();
            }
            assert_eq!(std::mem::take(&mut *sent.lock().unwrap()), expected);
        }
    }
}
