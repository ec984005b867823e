use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::{PutError, Queue};
use crate::primitives::waiters::{Place, poll_place};
use crate::primitives::wakers::Wakers;
use crate::sync::lock;

/// The future of [`Queue::put`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct Put<'a, T> {
    queue: &'a Queue<T>,
    stage: Stage<T>,
}

enum Stage<T> {
    Ended,
    Start(T),
    /// The item is in the queue's hands.
    Waits(Place),
}

// The item is never pinned.
impl<T> Unpin for Put<'_, T> {}

impl<'a, T> Put<'a, T> {
    pub(super) fn new(queue: &'a Queue<T>, item: T) -> Self {
        Self {
            queue,
            stage: Stage::Start(item),
        }
    }
}

impl<T> Future for Put<'_, T> {
    type Output = Result<(), PutError<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Start(item) => {
                let item = match self.queue.try_put(item) {
                    Err(PutError::Full(item)) => item,
                    ended => return Poll::Ready(ended),
                };
                let waker = cx.waker().clone();
                let mut wakers = Wakers::default();
                let mut state = lock(&self.queue.state);
                let place = match state.put(item, &mut wakers) {
                    Err(PutError::Full(item)) => state.join_putters(item, waker),
                    ended => {
                        drop(state);
                        wakers.wake();
                        return Poll::Ready(ended);
                    }
                };
                drop(state);
                self.stage = Stage::Waits(place);
                Poll::Pending
            }
            Stage::Waits(place) => {
                self.stage = Stage::Waits(place);
                let putters = &self.queue.state;
                let taken = ready!(poll_place(putters, |state| &mut state.putters, place, cx));
                self.stage = Stage::Ended;
                Poll::Ready(taken.map_err(PutError::Closed))
            }
            Stage::Ended => panic!("`Queue::put` was polled after it had ended"),
        }
    }
}

impl<T> Drop for Put<'_, T> {
    fn drop(&mut self) {
        if let Stage::Waits(place) = self.stage {
            // The item and the waker go after the lock.
            let left = lock(&self.queue.state).putters.leave(place);
            drop(left);
        }
    }
}

impl<T> fmt::Debug for Put<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Put").finish_non_exhaustive()
    }
}
