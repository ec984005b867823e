use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::CancelReason;
use crate::cancel::cleanup::{Cleanup, ScopeEnded};
use crate::cancel::node::Node;
use crate::cancel::observers::Observer;

/// Cancels a [`CancelScope`](crate::CancelScope), moves its deadline, or adds clean-up, from anywhere.
///
/// Clones are cheap and mean the same scope. A handle outlives its scope and does nothing then.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::CancelScope;
/// # use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let second = Duration::from_secs(1);
/// let scope = CancelScope::new(&rt).with_timeout(second);
/// let handle = scope.handle();
/// let done = scope.run(async {
///     for _ in 0..3 {
///         rt.sleep(second / 2).await;
///         handle.set_timeout(second); // There is progress: another second.
///     }
/// });
/// assert!(done.await.is_ok());
/// assert!(!handle.cancel_called());
/// # });
/// ```
#[derive(Clone)]
pub struct ScopeHandle {
    node: Arc<Node>,
    cleanup: Arc<Cleanup>,
}

impl ScopeHandle {
    pub(crate) fn new(node: Arc<Node>, cleanup: Arc<Cleanup>) -> Self {
        Self { node, cleanup }
    }

    /// Cancels the scope: its future is dropped at its next turn, once no [shield](crate::shield) in it is left.
    ///
    /// Only the first call counts, and only its reason is kept.
    pub fn cancel(&self) {
        self.node.cancel(CancelReason::Requested(None));
    }

    /// Cancels the scope as [`cancel`](Self::cancel) does, and says why.
    pub fn cancel_because(&self, reason: impl Into<Cow<'static, str>>) {
        let reason = CancelReason::Requested(Some(reason.into()));
        self.node.cancel(reason);
    }

    /// Cancels the scope as [`cancel`](Self::cancel) does, and lets shields and clean-up in it, in child tasks too, go
    /// on for `grace` at most; after that they are cut as well.
    ///
    /// Also for a scope that was cancelled without a limit before, or with a longer one. Shielded code that wants to
    /// know asks [`closing`](crate::closing); inside a shield, the end of the time of grace counts as a deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::{CancelScope, shield};
    /// # use std::{future::pending, time::Duration};
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let (started, second) = (rt.now(), Duration::from_secs(1));
    /// let scope = CancelScope::new(&rt);
    /// let handle = scope.handle();
    /// let stuck = scope.run(async {
    ///     handle.cancel_with_grace(3 * second);
    ///     shield(pending::<()>()).await
    /// });
    /// assert!(stuck.await.is_err());
    /// assert_eq!(rt.now() - started, 3 * second);
    /// # });
    /// ```
    pub fn cancel_with_grace(&self, grace: Duration) {
        self.node
            .cancel_with_grace(CancelReason::Requested(None), grace);
    }

    /// Returns whether the scope was cancelled, or ran out of time, even if its future ended nevertheless.
    #[must_use]
    pub fn cancel_called(&self) -> bool {
        self.node.cancel_reason().is_some()
    }

    /// Why the scope was cancelled.
    #[must_use]
    pub fn reason(&self) -> Option<CancelReason> {
        self.node.cancel_reason()
    }

    /// Returns whether the scope ended because it was cancelled itself: false while it runs, if its future ended in
    /// time, and if a scope further out ended both.
    #[must_use]
    pub fn cancelled_caught(&self) -> bool {
        self.node.caught()
    }

    /// The deadline of the scope itself; that of a scope further out may be nearer, see
    /// [`effective_deadline`](crate::effective_deadline).
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.node.deadline()
    }

    /// Moves the deadline, earlier or later, or sets one. It takes effect while the scope runs; a scope whose deadline
    /// has passed already stays cancelled.
    pub fn set_deadline(&self, deadline: Instant) {
        self.node.set_deadline(Some(deadline));
    }

    /// Moves the deadline to `duration` from now; `Duration::MAX` removes it.
    pub fn set_timeout(&self, duration: Duration) {
        let deadline = self.node.rt().and_then(|rt| rt.deadline_after(duration));
        self.node.set_deadline(deadline);
    }

    /// Removes the deadline.
    pub fn clear_deadline(&self) {
        self.node.set_deadline(None);
    }

    /// Has `future` run when the scope ends, whether its future ended, was cancelled from here or from further out, or
    /// panicked; the last that was deferred runs first.
    ///
    /// Clean-up is shielded, and runs in the scope's own task, after the scope's future has been dropped. It is limited
    /// by [`cancel_with_grace`](Self::cancel_with_grace) alone: give it a limit of its own with
    /// [`fail_after`](crate::fail_after).
    ///
    /// # Errors
    ///
    /// [`ScopeEnded`] when it is too late.
    ///
    /// # Cancel safety
    ///
    /// If the scope's future itself is dropped, by whoever owns it and not by a scope, clean-up is dropped without
    /// being run. What must happen even then belongs in a destructor.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::CancelScope;
    /// # use std::{future::pending, sync::{Arc, Mutex}, time::Duration};
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    /// let log = Arc::new(Mutex::new(vec![]));
    /// let scope = CancelScope::new(&rt).with_timeout(Duration::from_secs(1));
    /// let (handle, shared, clock) = (scope.handle(), Arc::clone(&log), rt.clone());
    /// let ended = scope.run(async move {
    ///     handle.defer(async move {
    ///         clock.sleep(Duration::from_secs(2)).await;
    ///         shared.lock().unwrap().push("logged out");
    ///     })
    ///     .unwrap();
    ///     pending::<()>().await
    /// });
    /// assert!(ended.await.is_err());
    /// assert_eq!(*log.lock().unwrap(), ["logged out"]);
    /// # });
    /// ```
    pub fn defer(
        &self,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ScopeEnded> {
        self.cleanup.push(Box::pin(future))?;
        self.node.tell();
        Ok(())
    }
}

impl fmt::Debug for ScopeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeHandle")
            .field("cancel_called", &self.cancel_called())
            .field("deadline", &self.deadline())
            .finish_non_exhaustive()
    }
}
