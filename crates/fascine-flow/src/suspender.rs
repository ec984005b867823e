use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::sync::{Mutex, MutexGuard};

/// Suspends a [`FlowRun`](crate::FlowRun): no more steps begin, those that are running end, and those that wait for an
/// answer are as if they had not begun. Then the run gives its report: what has not begun is
/// [`Pending`](crate::Status::Pending), and [`suspended`](crate::FlowReport::suspended) is set. A clone suspends the
/// same run.
///
/// A run with a [checkpoint](crate::Flow::with_checkpoint) can be [resumed](crate::Flow::resume) then, by this or another
/// process. Without one, what it did is in its report alone.
#[derive(Clone, Debug)]
pub struct Suspender {
    request: Arc<SuspendRequest>,
}

impl Suspender {
    pub(crate) fn new(request: &Arc<SuspendRequest>) -> Self {
        Self {
            request: Arc::clone(request),
        }
    }

    /// Suspends the run once the steps that are running have ended, however long they take. After the end of the run it
    /// does nothing.
    pub fn suspend(&self) {
        self.suspend_within(Duration::MAX);
    }

    /// Suspends the run, and cancels what is still running after that time. Doing it again sets another time, counted
    /// anew.
    pub fn suspend_within(&self, grace: Duration) {
        let waker = {
            let mut state = self.request.lock();
            state.0 = Some(grace);
            state.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// How long running steps may take from now on, if the run is to be suspended, and whom to tell.
#[derive(Debug, Default)]
pub(crate) struct SuspendRequest {
    state: Mutex<(Option<Duration>, Option<Waker>)>,
}

impl SuspendRequest {
    pub(crate) fn is_there(&self) -> bool {
        self.lock().0.is_some()
    }

    pub(crate) fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Duration> {
        let mut state = self.lock();
        if let Some(grace) = state.0.take() {
            return Poll::Ready(grace);
        }
        let replaced = state.1.replace(cx.waker().clone());
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, (Option<Duration>, Option<Waker>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
