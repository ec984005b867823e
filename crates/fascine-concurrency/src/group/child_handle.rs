use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::cancel::Node;
use crate::group::member::{End, Sink};
use crate::group::results::Report;
use crate::outcome::Outcome;
use crate::{CancelReason, ChildError};

/// A child of a group whose output goes to whoever holds this; made by
/// [`TaskGroup::spawn_with_handle`](crate::TaskGroup::spawn_with_handle).
///
/// Awaiting it gives the output. Dropping it does nothing: the child belongs to its group.
///
/// # Panics
///
/// When polled again after it gave the outcome.
///
/// # Cancel safety
///
/// To stop waiting without losing the output, await `&mut handle`.
#[must_use = "without the handle, the child's output is lost; `spawn` gives it to the group"]
#[derive(Debug)]
pub struct ChildHandle<U> {
    outcome: Arc<Outcome<Result<U, ChildEnded>>>,
    node: Arc<Node>,
}

/// A child gave its handle no output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChildEnded {
    /// It was cancelled, by its handle or with its group.
    #[error("the child was cancelled")]
    Cancelled,
    /// It returned an error, which the group has.
    #[error("the child failed")]
    Failed,
    /// It panicked; the group has the message.
    #[error("the child panicked")]
    Panicked,
}

impl<U> ChildHandle<U> {
    pub(crate) fn new(node: Arc<Node>) -> (Self, HandleSink<U>) {
        let outcome = Arc::new(Outcome::new());
        let sink = HandleSink(Arc::clone(&outcome));
        (Self { outcome, node }, sink)
    }

    /// Asks the child to end, without waiting for it. Its group does not count that as a failure.
    ///
    /// Shields in the child are left to end.
    pub fn cancel(&self) {
        self.node.cancel(CancelReason::Requested(None));
    }

    /// Returns whether the child has ended, one way or another.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !self.outcome.is_open()
    }
}

impl<U> Future for ChildHandle<U> {
    type Output = Result<U, ChildEnded>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.outcome.poll(cx.waker())
    }
}

/// Gives the output to the handle, and an error to the group.
pub(crate) struct HandleSink<U>(Arc<Outcome<Result<U, ChildEnded>>>);

impl<U, T, E> Sink<Result<U, E>, T, E> for HandleSink<U> {
    fn take(&self, end: End<Result<U, E>>) -> Report<T, E> {
        let (outcome, report) = match end {
            End::Output(Ok(output)) => (Ok(output), None),
            End::Output(Err(error)) => (Err(ChildEnded::Failed), Some(ChildError::Failed(error))),
            End::Panicked(panic) => (Err(ChildEnded::Panicked), Some(ChildError::Panicked(panic))),
            // Whoever holds the handle is told; nobody else waits for this child's output.
            End::Cancelled => (Err(ChildEnded::Cancelled), None),
        };
        self.0.set(outcome);
        report.map(Err)
    }
}
