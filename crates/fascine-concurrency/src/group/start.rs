use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use fascine_rt::Panic;

use crate::cancel::Node;
use crate::group::member::{End, Sink};
use crate::group::results::Report;
use crate::outcome::Outcome;
use crate::{CancelReason, ChildError};

/// Says that a child is ready; see [`TaskGroup::start`](crate::TaskGroup::start).
///
/// Dropping it without a word means that the child will never say so: whoever waits is told when the child ends.
#[must_use = "whoever started the child waits until it says that it is ready"]
pub struct Ready<R>(Arc<dyn Announce<R>>);

impl<R> Ready<R> {
    /// Lets [`start`](crate::TaskGroup::start) return with `value`: a port, a name, `()`.
    ///
    /// From here on the child is one like the others.
    pub fn set(self, value: R) {
        self.0.announce(value);
    }
}

impl<R> fmt::Debug for Ready<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").finish_non_exhaustive()
    }
}

/// A child ended before it said that it was ready.
///
/// The group does not count that as a failure: whoever started the child has the error, and decides.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError<E> {
    /// It was cancelled, with its group or by its runtime's end; or the group takes no more children.
    #[error("the child was cancelled before it was ready")]
    Cancelled,
    /// It returned an error.
    #[error("the child failed before it was ready")]
    Failed(#[source] E),
    /// It ended well, and never said so.
    #[error("the child ended without saying that it was ready")]
    NeverReady,
    /// It panicked.
    #[error("the child panicked before it was ready: {}", .0.message())]
    Panicked(Panic),
}

/// The future of [`TaskGroup::start`](crate::TaskGroup::start).
#[must_use = "the child is cancelled if nobody waits until it is ready"]
pub struct Start<R, E> {
    outcome: Arc<Started<R, E>>,
    /// `None` once the child belongs to its group alone.
    node: Option<Arc<Node>>,
}

type Started<R, E> = Outcome<Result<R, StartError<E>>>;

impl<R: Send + 'static, E: Send + 'static> Start<R, E> {
    pub(crate) fn new(node: Arc<Node>) -> (Self, Ready<R>, StartSink<R, E>) {
        let outcome = Arc::new(Outcome::new());
        let ready = Ready(Arc::clone(&outcome) as Arc<dyn Announce<R>>);
        let sink = StartSink(Arc::clone(&outcome));
        let node = Some(node);
        (Self { outcome, node }, ready, sink)
    }
}

impl<R, E> Future for Start<R, E> {
    type Output = Result<R, StartError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let started = ready!(self.outcome.poll(cx.waker()));
        self.node = None;
        Poll::Ready(started)
    }
}

impl<R, E> Drop for Start<R, E> {
    fn drop(&mut self) {
        if let Some(node) = &self.node {
            node.cancel(CancelReason::Requested(None));
        }
    }
}

impl<R, E> fmt::Debug for Start<R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start").finish_non_exhaustive()
    }
}

/// What a child that is ready needs to know of whoever waits: not which errors it has.
trait Announce<R>: Send + Sync {
    fn announce(&self, value: R);
}

impl<R: Send, E: Send> Announce<R> for Started<R, E> {
    fn announce(&self, value: R) {
        self.set(Ok(value));
    }
}

/// Gives an early end to whoever waits in `start`, and a later one to the group.
pub(crate) struct StartSink<R, E>(Arc<Started<R, E>>);

impl<R, T, E> Sink<Result<T, E>, T, E> for StartSink<R, E> {
    fn take(&self, end: End<Result<T, E>>) -> Report<T, E> {
        if !self.0.is_open() {
            return Plain.take(end);
        }
        let (failure, report) = match end {
            End::Output(Ok(output)) => (StartError::NeverReady, Some(Ok(output))),
            End::Output(Err(error)) => (StartError::Failed(error), None),
            End::Panicked(panic) => (StartError::Panicked(panic), None),
            End::Cancelled => (StartError::Cancelled, None),
        };
        self.0.set(Err(failure));
        report
    }
}

/// Gives everything to the group.
pub(crate) struct Plain;

impl<T, E> Sink<Result<T, E>, T, E> for Plain {
    fn take(&self, end: End<Result<T, E>>) -> Report<T, E> {
        Some(match end {
            End::Output(output) => output.map_err(ChildError::Failed),
            End::Panicked(panic) => Err(ChildError::Panicked(panic)),
            End::Cancelled => Err(ChildError::Cancelled),
        })
    }
}
