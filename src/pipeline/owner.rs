//! What a client's handle, its queued events and the background threads share.

use super::account::Account;
use super::off::{OffSwitch, Reason};
use crate::config::{EXIT_TIMEOUT_CI_MS, EXIT_TIMEOUT_MS, NoticeBy, Settings};
use crate::consent::{ChoiceFiles, Choices, SavedChoice};
use crate::route::Route;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The owner of an event: a client, whose handle may be gone when its events leave.
pub struct Owner {
    pub settings: Settings,
    pub route: Arc<Route>,
    pub account: Account,
    pub choice_files: ChoiceFiles,
    pub is_ci: bool,
    pub off: OffSwitch,
    is_saved_yes: AtomicBool,
    /// The pipeline that the account belongs to, 0 for none; another one means that this is a forked child.
    pub(super) pipeline_id: AtomicU64,
}

/// What [`Owner::read_choices`] found.
pub enum ChoicesSay {
    /// No choice says "off". The person may want a random identifier.
    On { random_id: bool, since_ms: u64 },
    /// Off; perhaps since now.
    Off { is_new: bool },
    /// The choices cannot be read at the moment.
    NotNow,
}

impl Owner {
    pub fn new(settings: Settings, route: Route, choice_files: ChoiceFiles, is_ci: bool, off: OffSwitch) -> Self {
        let route = Arc::new(route);
        Owner {
            settings,
            route,
            account: Account::default(),
            choice_files,
            is_ci,
            off,
            is_saved_yes: AtomicBool::new(false),
            pipeline_id: AtomicU64::new(0),
        }
    }

    /// Reads the saved choices again and applies them. The worker does so for the events that it takes, the uploader
    /// before each request.
    pub fn read_choices(&self) -> ChoicesSay {
        let choices = self.choice_files.read();
        match choices.off_by() {
            None => {
                self.note_yes(&choices);
                ChoicesSay::On { random_id: choices.user.random_id, since_ms: choices.user.since_ms }
            }
            Some(_) if choices.is_not_now() => ChoicesSay::NotNow,
            Some(_) => ChoicesSay::Off { is_new: self.off.turn_off(Reason::Saved) },
        }
    }

    /// Remembers whether the person saved a yes.
    pub fn note_yes(&self, choices: &Choices) {
        self.is_saved_yes.store(choices.user.choice == SavedChoice::On, Ordering::Relaxed);
    }

    /// Whether the person said yes, or said to have seen the notice.
    pub fn has_said_yes(&self) -> bool {
        self.settings.notice == NoticeBy::Seen || self.is_saved_yes.load(Ordering::Relaxed)
    }

    /// Whether no known reason keeps an event from leaving.
    pub fn is_on(&self) -> bool {
        self.off.reasons().without(Reason::Closed).is_empty()
    }

    /// Whether it joined a pipeline, of this process or of the process from which this one was forked.
    pub fn has_joined(&self) -> bool {
        self.pipeline_id.load(Ordering::Acquire) != 0
    }

    /// The longest that the exit of the process may wait for this client's events.
    pub fn exit_timeout(&self) -> Duration {
        let default = Duration::from_millis(if self.is_ci { EXIT_TIMEOUT_CI_MS } else { EXIT_TIMEOUT_MS });
        self.settings.exit_timeout.unwrap_or(default)
    }
}
