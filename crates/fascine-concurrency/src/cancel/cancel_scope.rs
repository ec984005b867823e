use std::sync::Arc;
use std::time::{Duration, Instant};

use fascine_rt::Rt;

use crate::cancel::cleanup::Cleanup;
use crate::cancel::node::Node;
use crate::cancel::run::Run;
use crate::cancel::scope_handle::ScopeHandle;

/// A part of a program that can be cancelled from anywhere, has a deadline that can be moved, and cleans up.
///
/// Make one, take its [`handle`](Self::handle), and [`run`](Self::run) a future in it. Scopes nest: the nearer
/// deadline wins, and cancelling a scope ends everything inside it, through any number of scopes, groups and tasks, but
/// for what is [shielded](crate::shield).
///
/// Cancelling is dropping: the future is dropped where it waits, once, and nothing in it can refuse. If somebody
/// cancelled the scope, that happens without another poll; if its deadline passed, the future is polled once more, and
/// has ended in time if it is ready then. A scope that was cancelled before it began does not begin.
///
/// For a plain time limit [`fail_after`](crate::fail_after) is shorter, and cheaper.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::CancelScope;
/// # use std::{future::pending, time::Duration};
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let scope = CancelScope::new(&rt).with_timeout(Duration::from_secs(60));
/// let handle = scope.handle();
/// let clock = rt.clone();
/// let button = rt.spawn(async move {
///     clock.sleep(Duration::from_secs(3)).await;
///     handle.cancel_because("the user pressed escape");
/// });
/// let cancelled = scope.run(pending::<()>()).await.unwrap_err();
/// assert_eq!(cancelled.reason().message(), Some("the user pressed escape"));
/// # button.await.unwrap();
/// # });
/// ```
#[derive(Debug)]
#[must_use = "a scope does nothing until it runs a future"]
pub struct CancelScope {
    node: Arc<Node>,
    cleanup: Arc<Cleanup>,
}

impl CancelScope {
    /// Makes a scope without a deadline, whose timers are those of `rt`.
    pub fn new(rt: &Rt) -> Self {
        Self::of(Node::new(None, Some(rt.clone()), None, false))
    }

    /// Makes a scope that cancelling from further out does not reach; it can still be cancelled itself.
    pub fn shielded(rt: &Rt) -> Self {
        Self::of(Node::new(None, Some(rt.clone()), None, true))
    }

    fn of(node: Arc<Node>) -> Self {
        Self {
            node,
            cleanup: Arc::new(Cleanup::new()),
        }
    }

    /// Sets the deadline.
    pub fn with_deadline(self, deadline: Instant) -> Self {
        self.node.set_deadline(Some(deadline));
        self
    }

    /// Sets the deadline to `duration` from now; `Duration::MAX` sets none.
    pub fn with_timeout(self, duration: Duration) -> Self {
        let deadline = self.node.rt().and_then(|rt| rt.deadline_after(duration));
        self.node.set_deadline(deadline);
        self
    }

    /// Makes a handle to cancel the scope from anywhere.
    pub fn handle(&self) -> ScopeHandle {
        ScopeHandle::new(Arc::clone(&self.node), Arc::clone(&self.cleanup))
    }

    /// Runs `future` in the scope.
    ///
    /// Clean-up that was [deferred](ScopeHandle::defer) is done before it ends, however it ends. A panic of the future
    /// goes on after that.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](crate::Cancelled) when the scope itself was cancelled or ran out of time; the future has been
    /// dropped by then. Cancelling from further out passes through: nothing is returned, the whole is dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the future. Deferred clean-up that has not been done is dropped too: nothing async can be
    /// done by a destructor.
    pub fn run<F: Future>(self, future: F) -> Run<F> {
        Run::new(self.node, self.cleanup, future)
    }
}
