//! A route: where the events of a client go, and where they wait until they got there.

use crate::protocol::Destination;
use std::path::PathBuf;

/// Where the events of a client go, and where they are kept until they got there.
#[derive(Debug, PartialEq, Eq)]
pub struct Route {
    pub destination: Destination,
    /// Of the destination, credentials included.
    pub url: String,
    /// The destination's name in the spool.
    pub id: String,
    pub state_folder: Option<PathBuf>,
    /// Under a random identifier, also where the person did not ask for it.
    pub random_id: bool,
}

impl Route {
    /// To that destination, with its URL and its name worked out once.
    pub fn new(destination: Destination, state_folder: Option<PathBuf>, random_id: bool) -> Self {
        Route { url: destination.url(), id: destination.id(), destination, state_folder, random_id }
    }
}
