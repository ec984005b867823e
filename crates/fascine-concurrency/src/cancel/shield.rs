use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::cancel::place::{Limit, Place};
use crate::cancel::scoped::{Parent, Scoped};

/// Runs a future that no cancelling from further out may cut.
///
/// While it runs, scopes around it that were cancelled, or whose deadline passed, do not end; the code after it runs
/// until it next has to wait, and is cut there. Deadlines of scopes further out do not reach inside:
/// [`effective_deadline`](crate::effective_deadline) does not see them.
///
/// Only [`cancel_with_grace`](crate::ScopeHandle::cancel_with_grace) sets a limit to it from outside. For clean-up use
/// [`shield_for`](crate::shield_for), which sets one from inside.
///
/// A scope is one task: what runs beside the shield in the same scope, joined to it by a combinator, goes on too while
/// the scope waits for the shield. In a [`TaskGroup`](crate::TaskGroup) each child is cut on its own.
///
/// # Cancel safety
///
/// A shield holds off scopes. It cannot keep its owner from dropping it: a `select` around it, or a runtime that is
/// shut down, cuts it as any other future.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{move_on_after, shield};
/// # use std::{cell::Cell, time::Duration};
/// # fascine_testing::TestRuntime::run(|rt| async move {
/// let second = Duration::from_secs(1);
/// let saved = Cell::new(false);
/// move_on_after(&rt, second, async {
///     shield(rt.sleep(3 * second)).await;
///     saved.set(true); // No wait yet.
///     rt.sleep(second).await;
///     unreachable!("it is cut here, two seconds late");
/// })
/// .await;
/// assert!(saved.get());
/// # });
/// ```
pub fn shield<F: Future>(future: F) -> Shield<F> {
    Shield {
        scoped: Scoped::new(future),
    }
}

pin_project! {
    /// The future of [`shield`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct Shield<F> {
        #[pin]
        scoped: Scoped<F>,
    }
}

impl<F: Future> Future for Shield<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let scoped = self.project().scoped;
        let fresh = || Place::new(None, Limit::Never, true);
        match scoped.poll(cx, Parent::Ambient, fresh) {
            Poll::Ready(Ok(output)) => Poll::Ready(output),
            // It has no deadline, no handle and no runtime: nothing can end it but its future.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}
