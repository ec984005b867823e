use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use fascine_rt::Panic;

use crate::cancel::Node;
use crate::group::member::{End, Sink};
use crate::group::results::Report;
use crate::sync::{Mutex, lock};
use crate::{CancelReason, ChildError};

/// Says that a child is ready; see [`TaskGroup::start`](crate::TaskGroup::start).
///
/// Dropping it without a word means that the child will never say so: whoever waits is told when the child ends.
#[must_use = "whoever started the child waits until it says that it is ready"]
pub struct Ready<R>(Arc<StartShared<R>>);

impl<R> Ready<R> {
    /// Lets [`start`](crate::TaskGroup::start) return with `value`: a port, a name, `()`.
    ///
    /// From here on the child is one like the others.
    pub fn set(self, value: R) {
        self.0.set(Stage::Ready(value));
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
    shared: Arc<StartShared<R>>,
    failure: Arc<Mutex<Option<StartError<E>>>>,
    /// `None` once the child belongs to its group alone.
    node: Option<Arc<Node>>,
}

impl<R, E> Start<R, E> {
    pub(crate) fn new(node: Arc<Node>) -> (Self, Ready<R>, StartSink<R, E>) {
        let shared = Arc::new(StartShared(Mutex::new(State {
            stage: Stage::Starting,
            waiter: None,
        })));
        let failure = Arc::new(Mutex::new(None));
        let ready = Ready(Arc::clone(&shared));
        let sink = StartSink {
            shared: Arc::clone(&shared),
            failure: Arc::clone(&failure),
        };
        let start = Self {
            shared,
            failure,
            node: Some(node),
        };
        (start, ready, sink)
    }
}

impl<R, E> Future for Start<R, E> {
    type Output = Result<R, StartError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waker = cx.waker().clone();
        let mut state = lock(&self.shared.0);
        let outcome = match std::mem::replace(&mut state.stage, Stage::Over) {
            Stage::Ready(value) => Ok(value),
            Stage::Over => Err(()),
            Stage::Starting => {
                state.stage = Stage::Starting;
                let former = state.waiter.replace(waker);
                drop(state);
                drop(former);
                return Poll::Pending;
            }
        };
        drop(state);
        assert!(
            self.node.take().is_some(),
            "it was polled after the child had started"
        );
        let failure = lock(&self.failure).take();
        Poll::Ready(outcome.map_err(|()| failure.unwrap_or(StartError::Cancelled)))
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

struct StartShared<R>(Mutex<State<R>>);

struct State<R> {
    stage: Stage<R>,
    waiter: Option<Waker>,
}

enum Stage<R> {
    Starting,
    Ready(R),
    /// The value was taken, or there never will be one.
    Over,
}

impl<R> StartShared<R> {
    /// Goes on from `Starting`; returns false if the child had left that stage before.
    fn set(&self, stage: Stage<R>) -> bool {
        let mut state = lock(&self.0);
        if !matches!(state.stage, Stage::Starting) {
            drop(state);
            return false;
        }
        let former = std::mem::replace(&mut state.stage, stage);
        let waiter = state.waiter.take();
        drop(state);
        drop(former);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
        true
    }

    fn is_starting(&self) -> bool {
        matches!(lock(&self.0).stage, Stage::Starting)
    }
}

/// Gives an early end to whoever waits in `start`, and a later one to the group.
pub(crate) struct StartSink<R, E> {
    shared: Arc<StartShared<R>>,
    failure: Arc<Mutex<Option<StartError<E>>>>,
}

impl<R, T, E> Sink<Result<T, E>, T, E> for StartSink<R, E> {
    fn take(self, end: End<Result<T, E>>) -> Report<T, E> {
        // The child has ended: nobody else can leave that stage any more.
        if !self.shared.is_starting() {
            return Plain.take(end);
        }
        let (failure, report) = match end {
            End::Output(Ok(output)) => (StartError::NeverReady, Some(Ok(output))),
            End::Output(Err(error)) => (StartError::Failed(error), None),
            End::Panicked(panic) => (StartError::Panicked(panic), None),
            End::Cancelled => (StartError::Cancelled, None),
        };
        *lock(&self.failure) = Some(failure);
        self.shared.set(Stage::Over);
        report
    }
}

/// Gives everything to the group.
pub(crate) struct Plain;

impl<T, E> Sink<Result<T, E>, T, E> for Plain {
    fn take(self, end: End<Result<T, E>>) -> Report<T, E> {
        Some(match end {
            End::Output(output) => output.map_err(ChildError::Failed),
            End::Panicked(panic) => Err(ChildError::Panicked(panic)),
            End::Cancelled => Err(ChildError::Cancelled),
        })
    }
}
