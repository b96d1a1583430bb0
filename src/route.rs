//! A route: where the events of a client go, and where they wait until they got there.

use crate::protocol::Destination;
use once_cell::race::OnceBool;
use std::path::{Path, PathBuf};

/// Where the events of a client go, and where they are kept until they got there.
#[derive(Debug)]
pub struct Route {
    pub destination: Destination,
    /// Of the destination, credentials included.
    pub url: String,
    /// The destination's name in the spool.
    pub id: String,
    state_folder: Option<PathBuf>,
    /// The person's home, where the state folder is below it: it is never made.
    home: Option<PathBuf>,
    is_home_there: OnceBool,
    /// Under a random identifier, also where the person did not ask for it.
    pub random_id: bool,
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, &self.state_folder, self.random_id) == (&other.id, &other.state_folder, other.random_id)
    }
}

impl Route {
    /// To that destination, with its URL and its name worked out once.
    pub fn new(
        destination: Destination,
        state_folder: Option<PathBuf>,
        home: Option<PathBuf>,
        random_id: bool,
    ) -> Self {
        let home = home.filter(|home| state_folder.as_ref().is_some_and(|folder| folder.starts_with(home)));
        let (url, id) = (destination.url(), destination.id());
        Route { url, id, destination, state_folder, home, is_home_there: OnceBool::new(), random_id }
    }

    /// The state folder, as it was configured.
    pub fn configured_state_folder(&self) -> Option<&Path> {
        self.state_folder.as_deref()
    }

    /// The state folder; `None` where it would be below a home that is not there. Asks the disk once.
    pub fn state_folder(&self) -> Option<&Path> {
        let is_there = || self.home.as_ref().is_none_or(|home| home.is_dir());
        self.state_folder.as_deref().filter(|_| self.is_home_there.get_or_init(is_there))
    }
}
