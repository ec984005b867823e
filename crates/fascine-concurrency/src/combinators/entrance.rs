use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::task::Waker;

use crate::sync::atomic::{AtomicUsize, Ordering, fence};
use crate::sync::{Mutex, lock};

/// Where futures wait until there is room for them in their stream.
///
/// No future is dropped, and no waker woken, cloned or dropped, while the lock is held.
pub(crate) struct Entrance<F> {
    state: Mutex<State<F>>,
    /// How many wait: it is looked at far more often than it changes.
    waiting: AtomicUsize,
}

struct State<F> {
    waiting: VecDeque<(usize, F)>,
    pushed: usize,
    closed: bool,
    parent: Option<Waker>,
}

impl<F> Entrance<F> {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                pushed: 0,
                closed: false,
                parent: None,
            }),
            waiting: AtomicUsize::new(0),
        }
    }

    /// The number of a future that need not wait; `None` when it is closed.
    pub(crate) fn number(&self) -> Option<usize> {
        let mut state = lock(&self.state);
        if state.closed {
            return None;
        }
        state.pushed += 1;
        Some(state.pushed - 1)
    }

    pub(crate) fn push(&self, future: F) -> Result<usize, Closed<F>> {
        let mut state = lock(&self.state);
        if state.closed {
            drop(state);
            return Err(Closed(future));
        }
        let number = state.pushed;
        state.pushed += 1;
        state.waiting.push_back((number, future));
        self.waiting.store(state.waiting.len(), Ordering::Release);
        let parent = state.parent.take();
        drop(state);
        if let Some(parent) = parent {
            parent.wake();
        }
        Ok(number)
    }

    pub(crate) fn pop(&self) -> Option<(usize, F)> {
        if self.is_empty() {
            return None;
        }
        let mut state = lock(&self.state);
        let first = state.waiting.pop_front();
        self.waiting.store(state.waiting.len(), Ordering::Release);
        first
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Stores whom the next push wakes, if there is a pusher that could.
    pub(crate) fn register(self: &Arc<Self>, waker: &Waker) {
        if Arc::strong_count(self) == 1 {
            // What the last pusher pushed before it went is seen from here on.
            fence(Ordering::Acquire);
            return;
        }
        let stored = lock(&self.state)
            .parent
            .as_ref()
            .is_some_and(|parent| parent.will_wake(waker));
        if !stored {
            let waker = waker.clone();
            let replaced = lock(&self.state).parent.replace(waker);
            drop(replaced);
        }
    }

    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
    }

    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    /// Closes it, and drops what waits and whom it would wake.
    pub(crate) fn shut(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let left = (std::mem::take(&mut state.waiting), state.parent.take());
        self.waiting.store(0, Ordering::Release);
        drop(state);
        drop(left);
    }
}

/// Adds futures to a [`CompletionStream`](crate::CompletionStream) from anywhere; made by its
/// [`pusher`](crate::CompletionStream::pusher).
pub struct Pusher<F> {
    entrance: Arc<Entrance<F>>,
}

impl<F> Pusher<F> {
    pub(crate) fn new(entrance: &Arc<Entrance<F>>) -> Self {
        Self {
            entrance: Arc::clone(entrance),
        }
    }

    /// Adds a future and returns its number; whoever waits for the stream notices it.
    ///
    /// # Errors
    ///
    /// [`Closed`], which gives the future back, when the stream is closed or gone.
    ///
    /// # Examples
    ///
    /// ```
    /// # use fascine_concurrency::CompletionStream;
    /// # use std::future::ready;
    /// let stream = CompletionStream::new();
    /// let pusher = stream.pusher();
    /// assert_eq!(pusher.push(ready(1)).ok(), Some(0));
    /// drop(stream);
    /// assert_eq!(pusher.push(ready(2)).unwrap_err().0.into_inner(), 2);
    /// ```
    pub fn push(&self, future: F) -> Result<usize, Closed<F>> {
        self.entrance.push(future)
    }

    /// Returns whether the stream is closed or gone.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.entrance.is_closed()
    }
}

impl<F> Clone for Pusher<F> {
    fn clone(&self) -> Self {
        Self::new(&self.entrance)
    }
}

impl<F> fmt::Debug for Pusher<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pusher")
            .field("waiting", &self.entrance.len())
            .finish_non_exhaustive()
    }
}

/// The stream takes no further futures; gives back the one that was pushed.
#[derive(thiserror::Error)]
#[error("the stream is closed")]
pub struct Closed<F>(pub F);

impl<F> fmt::Debug for Closed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed").finish_non_exhaustive()
    }
}

#[cfg(all(test, any(loom, shuttle)))]
mod model;
