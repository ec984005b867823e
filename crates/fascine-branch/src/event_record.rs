use std::sync::Arc;

use crate::{BranchEvent, EventKind, TurnId};

/// An event, and where it belongs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct EventRecord {
    /// The name of the branch.
    pub branch: Arc<str>,
    /// Which event of the branch it is, the first one being number 0. Those that nobody listened to do not count.
    pub sequence: u64,
    /// What happened.
    pub event: BranchEvent,
}

impl EventRecord {
    /// What kind of event it is.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        self.event.kind()
    }

    /// The turn it belongs to, if it belongs to one.
    #[must_use]
    pub fn turn(&self) -> Option<TurnId> {
        self.event.turn()
    }
}
