use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use fascine_rt::BoxFuture;

use crate::single_flight::waker_set::WakerSet;

/// A future that several tasks drive: whoever polls next. It ends with the last of them.
pub(crate) struct SharedFuture<T> {
    state: Mutex<State<T>>,
    wakers: Arc<WakerSet>,
    /// The waker that the future gets.
    waker: Waker,
}

enum State<T> {
    Idle(BoxFuture<T>),
    /// Somebody polls it now.
    Driven,
    /// `None` if it panicked.
    Ended(Option<T>),
}

impl<T: Clone> SharedFuture<T> {
    pub(crate) fn new(wakers: Arc<WakerSet>, future: BoxFuture<T>) -> Self {
        Self {
            state: Mutex::new(State::Idle(future)),
            waker: Arc::clone(&wakers).into(),
            wakers,
        }
    }

    pub(crate) fn wakers(&self) -> &WakerSet {
        &self.wakers
    }

    /// Polls the future in place of all; gives its output, or `None` if it panicked in somebody else's poll.
    pub(crate) fn poll(&self, place: u64, cx: &Context<'_>) -> Poll<Option<T>> {
        // Before the state is looked at: whoever changes it later wakes this one.
        self.wakers.register(place, cx.waker());
        let mut state = self.lock();
        match mem::replace(&mut *state, State::Driven) {
            State::Idle(future) => {
                drop(state);
                self.drive(place, future)
            }
            State::Driven => {
                self.wakers.note_news();
                Poll::Pending
            }
            State::Ended(output) => {
                *state = State::Ended(output.clone());
                Poll::Ready(output)
            }
        }
    }

    fn drive(&self, place: u64, future: BoxFuture<T>) -> Poll<Option<T>> {
        let mut driving = Driving {
            shared: self,
            future: Some(future),
        };
        let polled = driving.poll();
        match polled {
            Poll::Ready(output) => {
                // It is gone before anybody hears that it has ended.
                driving.future = None;
                driving.leave(State::Ended(Some(output.clone())));
                self.wakers.wake_all_but(Some(place));
                Poll::Ready(Some(output))
            }
            Poll::Pending => {
                if let Some(future) = driving.future.take() {
                    driving.leave(State::Idle(future));
                }
                self.wakers.tell_others(place);
                Poll::Pending
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The future while it is polled. If it unwinds, so does the task that polls it; the others are told.
struct Driving<'a, T: Clone> {
    shared: &'a SharedFuture<T>,
    future: Option<BoxFuture<T>>,
}

impl<T: Clone> Driving<'_, T> {
    fn poll(&mut self) -> Poll<T> {
        match &mut self.future {
            Some(future) => future
                .as_mut()
                .poll(&mut Context::from_waker(&self.shared.waker)),
            None => Poll::Pending,
        }
    }

    fn leave(self, state: State<T>) {
        let former = mem::replace(&mut *self.shared.lock(), state);
        drop(former);
        mem::forget(self);
    }
}

impl<T: Clone> Drop for Driving<'_, T> {
    fn drop(&mut self) {
        self.future = None;
        *self.shared.lock() = State::Ended(None);
        self.shared.wakers.wake_all_but(None);
    }
}

impl<T> fmt::Debug for SharedFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedFuture")
            .field("wakers", &self.wakers)
            .finish_non_exhaustive()
    }
}
