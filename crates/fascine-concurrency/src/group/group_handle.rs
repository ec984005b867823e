use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::CancelReason;
use crate::cancel::Node;
use crate::group::shared::Shared;

/// Cancels a [`TaskGroup`](crate::TaskGroup) from anywhere.
///
/// Clones are cheap and mean the same group.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{ChildError, TaskGroup};
/// # use std::future::pending;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let group = TaskGroup::<(), ()>::new(&rt);
/// group.spawn(async { pending().await });
/// let handle = group.handle();
/// handle.cancel_because("shutting down");
/// assert!(matches!(group.join().await.unwrap_err().first, ChildError::Cancelled));
/// assert_eq!(handle.reason().unwrap().message(), Some("shutting down"));
/// # });
/// ```
#[derive(Clone)]
pub struct GroupHandle {
    group: Arc<dyn CancelGroup>,
}

impl GroupHandle {
    pub(crate) fn new<T: Send + 'static, E: Send + 'static>(shared: Arc<Shared<T, E>>) -> Self {
        Self { group: shared }
    }

    /// Cancels every child, those that are spawned later too. Shields in them are left to end.
    pub fn cancel(&self) {
        self.request(CancelReason::Requested(None), None);
    }

    /// Cancels every child as [`cancel`](Self::cancel) does, and says why.
    pub fn cancel_because(&self, reason: impl Into<Cow<'static, str>>) {
        self.request(CancelReason::Requested(Some(reason.into())), None);
    }

    /// Cancels every child as [`cancel`](Self::cancel) does, and lets shields in them go on for `grace` at most.
    pub fn cancel_with_grace(&self, grace: Duration) {
        self.request(CancelReason::Requested(None), Some(grace));
    }

    /// Why the group was cancelled through a handle; `None` if it was not.
    #[must_use]
    pub fn reason(&self) -> Option<CancelReason> {
        self.group.node().cancel_reason()
    }

    fn request(&self, reason: CancelReason, grace: Option<Duration>) {
        match grace {
            Some(grace) => self.group.node().cancel_with_grace(reason, grace),
            None => self.group.node().cancel(reason),
        }
        self.group.cancel_children();
    }
}

impl fmt::Debug for GroupHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupHandle")
            .field("reason", &self.reason())
            .finish_non_exhaustive()
    }
}

/// What a handle needs to know of a group: not its types.
trait CancelGroup: Send + Sync {
    fn node(&self) -> &Node;
    fn cancel_children(&self);
}

impl<T: Send + 'static, E: Send + 'static> CancelGroup for Shared<T, E> {
    fn node(&self) -> &Node {
        self.node()
    }

    fn cancel_children(&self) {
        self.cancel();
    }
}
