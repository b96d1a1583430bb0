//! The upload that is in flight, so that another thread can cancel it: no event is sent after its owner said no, and an
//! upload that is on its way when that happens is cancelled. Knows nothing of HTTP but how to cancel a request.

use super::owner::Owner;
use crate::sync::{Mutex, lock};
use crate::transport::{Cancel, Canceller};
use std::sync::Arc;

/// For the uploads of these clients; `make model` has clients and means of its own.
pub struct InFlight<Client = Owner, Means = Canceller> {
    upload: Mutex<Option<Upload<Client, Means>>>,
}

struct Upload<Client, Means> {
    clients: Vec<Arc<Client>>,
    means: Means,
    cancelled: Option<Cancelled>,
}

/// Why an upload was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// A client was turned off.
    OptedOut,
    /// The process exits and cannot wait for the answer.
    Exiting,
}

impl<Client, Means: Cancel> InFlight<Client, Means> {
    /// With nothing in flight.
    pub fn new() -> Self {
        InFlight { upload: Mutex::new(None) }
    }

    /// Begins an upload with events of these clients, unless `allowed` returns false. An opt-out that comes later finds
    /// the upload here; `allowed` sees one that came before, since it is called under the same lock.
    pub fn begin(&self, clients: Vec<Arc<Client>>, means: Means, allowed: impl Fn() -> bool) -> bool {
        let mut upload = lock(&self.upload);
        let is_allowed = allowed();
        if is_allowed {
            *upload = Some(Upload { clients, means, cancelled: None });
        }
        is_allowed
    }

    /// The upload is over. Returns why it was cancelled, if it was.
    pub fn finish(&self) -> Option<Cancelled> {
        lock(&self.upload).take().and_then(|upload| upload.cancelled)
    }

    /// Cancels the upload if it carries events of this client: its sockets are shut down when this returns.
    pub fn cancel(&self, client: &Arc<Client>) {
        self.cancel_if(Cancelled::OptedOut, |upload| upload.clients.iter().any(|other| Arc::ptr_eq(other, client)));
    }

    /// Cancels the upload, since the process exits.
    pub fn abandon(&self) {
        self.cancel_if(Cancelled::Exiting, |_| true);
    }

    fn cancel_if(&self, why: Cancelled, is_meant: impl Fn(&Upload<Client, Means>) -> bool) {
        if let Some(upload) = lock(&self.upload).as_mut()
            && upload.cancelled != Some(Cancelled::OptedOut)
            && is_meant(upload)
        {
            upload.cancelled = Some(why);
            upload.means.cancel();
        }
    }
}

/// The model for loom: every order that threads and memory allow (`make model`).
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::sync::in_every_order;
    use loom::sync::atomic::{AtomicBool, Ordering};
    use loom::thread;

    struct Flag(Arc<AtomicBool>);

    impl Cancel for Flag {
        fn cancel(&self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Threads turn a client off, as `Client::turn_off` does, while an upload with its event goes through: when one of
    /// them has returned, nothing of that client is in flight without being cancelled.
    fn nothing_is_in_flight_after(threads: usize) {
        in_every_order(move || {
            let in_flight = Arc::new(InFlight::new());
            let (client, is_cancelled) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
            let is_off = Arc::new(AtomicBool::new(false));
            let turns_off = |_| {
                let (in_flight, client, is_off) = (in_flight.clone(), client.clone(), is_off.clone());
                thread::spawn(move || {
                    client.store(false, Ordering::SeqCst);
                    in_flight.cancel(&client);
                    is_off.store(true, Ordering::Release);
                })
            };
            let others: Vec<_> = (0..threads).map(turns_off).collect();
            let (flag, is_on) = (Flag(is_cancelled.clone()), || client.load(Ordering::SeqCst));
            if in_flight.begin(vec![client.clone()], flag, is_on) {
                let was_said = is_off.load(Ordering::Acquire);
                let was_cancelled = in_flight.finish().is_some();
                assert!(was_cancelled || !was_said, "off, and still on its way");
                assert_eq!(was_cancelled, is_cancelled.load(Ordering::Relaxed));
            }
            others.into_iter().for_each(|other| other.join().unwrap());
            assert!(!in_flight.begin(vec![client.clone()], Flag(is_cancelled), is_on));
        });
    }

    #[test]
    fn turning_a_client_off_returns_when_its_upload_is_cancelled() {
        nothing_is_in_flight_after(1);
        nothing_is_in_flight_after(2);
    }

    #[test]
    fn the_upload_of_another_client_goes_on() {
        in_every_order(|| {
            let in_flight = Arc::new(InFlight::new());
            let other = thread::spawn({
                let in_flight = in_flight.clone();
                move || in_flight.cancel(&Arc::new(()))
            });
            let is_cancelled = Arc::new(AtomicBool::new(false));
            assert!(in_flight.begin(vec![Arc::new(())], Flag(is_cancelled), || true));
            assert!(in_flight.finish().is_none());
            other.join().unwrap();
        });
    }
}
