//! Resolves host names within a time limit. ureq's own resolver does the same, but it panics if no thread can be
//! started, reads `RUST_MIN_STACK` on the uploader's thread, and starts another thread for every look-up that hangs.

use crate::platform::thread;
use crate::sync::parker::Parker;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Error, Timeout};

/// How many look-ups may go on by themselves. getaddrinfo(3) cannot be interrupted, so a look-up that takes too long
/// goes on in its thread.
const MAX_LINGERING: usize = 2;

/// The stack of such a thread. glibc's resolver keeps its answers on the stack (64 KiB), but does not need the default
/// of 2 MiB.
const STACK_BYTES: usize = 256 * 1024;

static LINGERING: AtomicUsize = AtomicUsize::new(0);

/// Resolves a name on a thread of its own. An IP address needs no thread.
#[derive(Debug)]
pub struct BoundedResolver;

impl Resolver for BoundedResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(Error::HostNotFound);
        };
        let name = DefaultResolver::host_and_port(scheme, authority).ok_or(Error::HostNotFound)?;
        let mut found = match address(authority.host(), &name) {
            Some(address) => vec![address],
            None => look_up(name, timeout)?,
        };
        if authority.host().eq_ignore_ascii_case("localhost") {
            // `http` is allowed there because it does not leave the machine. A hosts file or a name server may say
            // otherwise.
            found.retain(|address| address.ip().to_canonical().is_loopback());
        }
        let mut addresses = self.empty();
        for address in config.ip_family().keep_wanted(found.into_iter()).take(16) {
            addresses.push(address);
        }
        if addresses.is_empty() {
            return Err(Error::HostNotFound);
        }
        Ok(addresses)
    }
}

/// The address, if the host is already an IP address.
fn address(host: &str, host_and_port: &str) -> Option<SocketAddr> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let port = host_and_port.rsplit_once(':')?.1.parse().ok()?;
    Some(SocketAddr::new(bare.parse::<IpAddr>().ok()?, port))
}

fn look_up(name: String, timeout: NextTimeout) -> Result<Vec<SocketAddr>, Error> {
    if LINGERING.fetch_add(1, Ordering::AcqRel) >= MAX_LINGERING {
        LINGERING.fetch_sub(1, Ordering::AcqRel);
        return Err(Error::Timeout(Timeout::Resolve));
    }
    let answer = Arc::new((OnceLock::new(), Parker::default()));
    let to = answer.clone();
    // The thread inherits the uploader's mask, which blocks all signals.
    let started = thread::start(c"pact-resolve", STACK_BYTES, move || {
        let found = name.to_socket_addrs().map(Vec::from_iter).unwrap_or_default();
        LINGERING.fetch_sub(1, Ordering::AcqRel);
        let _ = to.0.set(found);
        to.1.unpark();
    });
    if started.is_none() {
        LINGERING.fetch_sub(1, Ordering::AcqRel);
        return Err(Error::HostNotFound);
    }
    let deadline = Instant::now() + *timeout.after;
    loop {
        if let Some(found) = answer.0.get() {
            return Ok(found.clone());
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::Timeout(Timeout::Resolve));
        }
        answer.1.park(Some(left));
    }
}
