use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::cancel::Node;
use crate::group::member::{End, Sink};
use crate::group::results::Report;
use crate::sync::{Mutex, lock};
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
pub struct ChildHandle<U> {
    shared: Arc<HandleShared<U>>,
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
        let shared = Arc::new(HandleShared(Mutex::new(State {
            outcome: Outcome::Running,
            waiter: None,
        })));
        let sink = HandleSink(Arc::clone(&shared));
        (Self { shared, node }, sink)
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
        !matches!(lock(&self.shared.0).outcome, Outcome::Running)
    }
}

impl<U> Future for ChildHandle<U> {
    type Output = Result<U, ChildEnded>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waker = cx.waker().clone();
        let mut state = lock(&self.shared.0);
        match std::mem::replace(&mut state.outcome, Outcome::Taken) {
            Outcome::Ended(outcome) => Poll::Ready(outcome),
            Outcome::Running => {
                state.outcome = Outcome::Running;
                let former = state.waiter.replace(waker);
                drop(state);
                drop(former);
                Poll::Pending
            }
            Outcome::Taken => {
                drop(state);
                panic!("a child's handle was polled after it gave the outcome")
            }
        }
    }
}

impl<U> fmt::Debug for ChildHandle<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChildHandle")
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

struct HandleShared<U>(Mutex<State<U>>);

struct State<U> {
    outcome: Outcome<U>,
    waiter: Option<Waker>,
}

enum Outcome<U> {
    Running,
    Ended(Result<U, ChildEnded>),
    Taken,
}

/// Gives the output to the handle, and an error to the group.
pub(crate) struct HandleSink<U>(Arc<HandleShared<U>>);

impl<U, T, E> Sink<Result<U, E>, T, E> for HandleSink<U> {
    fn take(self, end: End<Result<U, E>>) -> Report<T, E> {
        let (outcome, report) = match end {
            End::Output(Ok(output)) => (Ok(output), None),
            End::Output(Err(error)) => (Err(ChildEnded::Failed), Some(ChildError::Failed(error))),
            End::Panicked(panic) => (Err(ChildEnded::Panicked), Some(ChildError::Panicked(panic))),
            // Whoever holds the handle is told; nobody else waits for this child's output.
            End::Cancelled => (Err(ChildEnded::Cancelled), None),
        };
        let waiter = {
            let mut state = lock(&self.0.0);
            state.outcome = Outcome::Ended(outcome);
            state.waiter.take()
        };
        if let Some(waiter) = waiter {
            waiter.wake();
        }
        report.map(Err)
    }
}
