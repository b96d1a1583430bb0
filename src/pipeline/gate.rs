//! The door to the wire: nobody's event passes it after its owner said no, and an upload that is on its way when that
//! happens is cut. Knows nothing of HTTP but how to cut it.

use crate::client::Shared;
use crate::sync::{lock, Mutex};
use crate::transport::Cut;
use std::sync::Arc;

/// For the uploads of these clients; what they are does not matter here (`make model` has others).
pub(crate) struct Gate<Client = Shared, Means = Cut> {
    on_the_wire: Mutex<Option<Upload<Client, Means>>>,
}

struct Upload<Client, Means> {
    clients: Vec<Arc<Client>>,
    cut: Means,
    was_cut: bool,
}

/// Ends an upload from another thread.
pub(crate) trait Cutting {
    /// At once; does not wait.
    fn now(&self);
}

impl<Client, Means: Cutting> Gate<Client, Means> {
    /// With nothing on the wire.
    pub fn new() -> Self {
        Gate { on_the_wire: Mutex::new(None) }
    }

    /// Opens for an upload that carries events of these clients, unless `allowed` says no. Whoever opts out later
    /// finds the upload here; whoever did before is seen by `allowed`, which is asked under the same lock.
    pub fn enter(&self, clients: Vec<Arc<Client>>, cut: Means, allowed: impl Fn() -> bool) -> bool {
        let mut on_the_wire = lock(&self.on_the_wire);
        let open = allowed();
        if open {
            *on_the_wire = Some(Upload { clients, cut, was_cut: false });
        }
        open
    }

    /// The upload is over. Returns whether it was cut.
    pub fn leave(&self) -> bool {
        lock(&self.on_the_wire).take().is_some_and(|upload| upload.was_cut)
    }

    /// Cuts the upload if it carries events of this client: its sockets are shut down when this returns.
    pub fn cut(&self, client: &Arc<Client>) {
        if let Some(upload) = lock(&self.on_the_wire).as_mut() {
            if !upload.was_cut && upload.clients.iter().any(|other| Arc::ptr_eq(other, client)) {
                upload.was_cut = true;
                upload.cut.now();
            }
        }
    }

    /// Runs something while nobody else passes the gate or uses this.
    pub fn alone<R>(&self, run: impl FnOnce() -> R) -> R {
        let _held = lock(&self.on_the_wire);
        run()
    }
}

/// In every order that the threads and the memory allow (`make model`).
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::sync::in_every_order;
    use loom::sync::atomic::{AtomicBool, Ordering};
    use loom::thread;

    struct Flag(Arc<AtomicBool>);

    impl Cutting for Flag {
        fn now(&self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Threads turn a client off, as `Client::turn_off` does, while an upload with its event goes through: when one of them has
    /// returned, nothing of that client is on the wire uncut.
    fn nothing_is_on_the_wire_after(threads: usize) {
        in_every_order(move || {
            let gate = Arc::new(Gate::new());
            let (client, is_cut) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
            let is_off = Arc::new(AtomicBool::new(false));
            let turns_off = |_| {
                let (gate, client, is_off) = (gate.clone(), client.clone(), is_off.clone());
                thread::spawn(move || {
                    client.store(false, Ordering::SeqCst);
                    gate.cut(&client);
                    is_off.store(true, Ordering::Release);
                })
            };
            let others: Vec<_> = (0..threads).map(turns_off).collect();
            let (flag, is_on) = (Flag(is_cut.clone()), || client.load(Ordering::SeqCst));
            if gate.enter(vec![client.clone()], flag, is_on) {
                let was_said = is_off.load(Ordering::Acquire);
                let was_cut = gate.leave();
                assert!(was_cut || !was_said, "off, and still on its way");
                assert_eq!(was_cut, is_cut.load(Ordering::Relaxed));
            }
            others.into_iter().for_each(|other| other.join().unwrap());
            assert!(!gate.enter(vec![client.clone()], Flag(is_cut), is_on));
        });
    }

    #[test]
    fn whoever_turns_a_client_off_returns_when_its_upload_is_cut() {
        nothing_is_on_the_wire_after(1);
        nothing_is_on_the_wire_after(2);
    }

    #[test]
    fn the_upload_of_another_client_goes_on() {
        in_every_order(|| {
            let gate = Arc::new(Gate::new());
            let other = thread::spawn({
                let gate = gate.clone();
                move || gate.cut(&Arc::new(()))
            });
            let is_cut = Arc::new(AtomicBool::new(false));
            assert!(gate.enter(vec![Arc::new(())], Flag(is_cut), || true));
            assert!(!gate.leave());
            other.join().unwrap();
        });
    }
}
