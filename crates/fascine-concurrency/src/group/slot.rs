use std::fmt;
use std::sync::{Arc, Weak};

use fascine_rt::BoxFuture;

use crate::group::shared::Shared;
use crate::outcome::Outcome;

/// Whoever waits, in order, until a group with a limit has room.
pub(crate) enum Queued<T: Send + 'static, E: Send + 'static> {
    /// A child that the group holds.
    Child(BoxFuture<()>),
    /// Somebody who holds a child back meanwhile; gone, if the caller gave up.
    Caller(Weak<Outcome<Option<Slot<T, E>>>>),
}

/// Room for one child of a group with a limit; given back when it is dropped unused.
pub(crate) struct Slot<T: Send + 'static, E: Send + 'static> {
    /// `None` once it is used.
    shared: Option<Arc<Shared<T, E>>>,
}

impl<T: Send + 'static, E: Send + 'static> Slot<T, E> {
    pub(crate) fn new(shared: Arc<Shared<T, E>>) -> Self {
        Self {
            shared: Some(shared),
        }
    }

    /// Leaves the room to a child, which gives it back when it ends.
    pub(crate) fn into_used(mut self) {
        self.shared = None;
    }
}

impl<T: Send + 'static, E: Send + 'static> Drop for Slot<T, E> {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.free_slot();
        }
    }
}

/// There is no room.
pub(crate) struct Full;

/// A group with a limit has no room for the child just now; it comes back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the group is full")]
pub struct GroupFull<F> {
    future: F,
}

impl<F> GroupFull<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future }
    }

    /// The child that was not started.
    pub fn into_future(self) -> F {
        self.future
    }
}

impl<F> fmt::Debug for GroupFull<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupFull").finish_non_exhaustive()
    }
}
