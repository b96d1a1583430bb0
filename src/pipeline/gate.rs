//! The door to the wire: nobody's event passes it after its owner said no, and an upload that is on its way when that
//! happens is cut. Knows nothing of HTTP but how to cut it.

use crate::client::Shared;
use crate::transport::Cut;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub(crate) struct Gate {
    on_the_wire: Mutex<Option<Upload>>,
}

struct Upload {
    clients: Vec<Arc<Shared>>,
    cut: Cut,
    was_cut: bool,
}

impl Gate {
    /// Opens for an upload that carries events of these clients, unless `allowed` says no. Whoever opts out later
    /// finds the upload here; whoever did before is seen by `allowed`, which is asked under the same lock.
    pub fn enter(&self, clients: Vec<Arc<Shared>>, cut: Cut, allowed: impl Fn() -> bool) -> bool {
        let mut on_the_wire = self.lock();
        let open = allowed();
        if open {
            *on_the_wire = Some(Upload { clients, cut, was_cut: false });
        }
        open
    }

    /// The upload is over. Returns whether it was cut.
    pub fn leave(&self) -> bool {
        self.lock().take().is_some_and(|upload| upload.was_cut)
    }

    /// Cuts the upload if it carries events of this client: its sockets are shut down when this returns.
    pub fn cut(&self, client: &Arc<Shared>) {
        if let Some(upload) = self.lock().as_mut() {
            if !upload.was_cut && upload.clients.iter().any(|other| Arc::ptr_eq(other, client)) {
                upload.was_cut = true;
                upload.cut.now();
            }
        }
    }

    /// Runs something while nobody else passes the gate or uses this.
    pub fn alone<R>(&self, run: impl FnOnce() -> R) -> R {
        let _held = self.lock();
        run()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Upload>> {
        self.on_the_wire.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
