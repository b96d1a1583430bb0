//! What the uploader keeps while its thread rests.

use super::batch::Batch;
use super::owner::Owner;
use crate::retry::Health;
use crate::route::Route;
use crate::transport::Transport;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// What outlives the thread.
#[derive(Default)]
pub(super) struct State {
    /// Made late: its set-up is the most expensive thing here.
    pub transport: Option<Transport>,
    /// What waits to be sent, of this process.
    pub batches: VecDeque<Batch>,
    /// Clients that were made while batches of earlier processes waited, whose destination is to be looked at again
    /// soon.
    pub visits: Vec<Arc<Owner>>,
    /// What is known of a destination, where no disk remembers it.
    pub health: Vec<(Arc<Route>, Health)>,
    /// Where the notice lets events leave, so that it is not asked again.
    pub permitted: Vec<Arc<Route>>,
    /// The random identifier where no disk keeps one.
    pub identifier: Option<[u8; 16]>,
    /// Since when another process has been uploading.
    pub busy: Option<Instant>,
    /// Until when another process, which asked for it, has its turn.
    pub pause_until: Option<Instant>,
    /// What others left and this pass could not take: looked at again with the next, or it would never end.
    pub passed_over: Vec<String>,
}
