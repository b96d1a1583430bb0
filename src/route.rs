//! A route: where the events of a client go, and where they wait until they have arrived.

use crate::protocol::Destination;
use once_cell::race::OnceBool;
use std::path::{Path, PathBuf};

/// Where the events of a client go, and where they are kept until they have arrived.
#[derive(Debug)]
pub struct Route {
    pub destination: Destination,
    /// The URL of the destination, with credentials.
    pub url: String,
    /// The destination's name in the spool.
    pub id: String,
    state_folder: Option<PathBuf>,
    /// The person's home, if the state folder is below it. The home itself is never created.
    home: Option<PathBuf>,
    is_home_there: OnceBool,
    /// Whether the config asks for a random identifier, regardless of the person's choice.
    pub random_id: bool,
}

impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, &self.state_folder, self.random_id) == (&other.id, &other.state_folder, other.random_id)
    }
}

impl Route {
    /// The route to a destination. Computes its URL and its name once.
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

    /// The state folder; `None` if it would be below a home that does not exist. Checks the disk once.
    pub fn state_folder(&self) -> Option<&Path> {
        let is_there = || self.home.as_ref().is_none_or(|home| home.is_dir());
        self.state_folder.as_deref().filter(|_| self.is_home_there.get_or_init(is_there))
    }
}
