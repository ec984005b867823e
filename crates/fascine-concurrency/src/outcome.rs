use std::fmt;
use std::task::{Poll, Waker};

use crate::sync::{Mutex, lock};

/// A value that somebody will leave here, once, and somebody else waits for.
pub(crate) struct Outcome<T>(Mutex<State<T>>);

struct State<T> {
    stage: Stage<T>,
    waiter: Option<Waker>,
}

enum Stage<T> {
    Open,
    There(T),
    Taken,
}

impl<T> Outcome<T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State {
            stage: Stage::Open,
            waiter: None,
        }))
    }

    /// Leaves the value. Only the first counts.
    pub(crate) fn set(&self, value: T) {
        let mut state = lock(&self.0);
        if !matches!(state.stage, Stage::Open) {
            drop(state);
            return;
        }
        state.stage = Stage::There(value);
        let waiter = state.waiter.take();
        drop(state);
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    /// Returns whether nothing has been left yet.
    pub(crate) fn is_open(&self) -> bool {
        matches!(lock(&self.0).stage, Stage::Open)
    }

    /// Takes the value, or waits for it.
    ///
    /// # Panics
    ///
    /// When it has been taken.
    pub(crate) fn poll(&self, waker: &Waker) -> Poll<T> {
        let waker = waker.clone();
        let mut state = lock(&self.0);
        match std::mem::replace(&mut state.stage, Stage::Taken) {
            Stage::There(value) => {
                drop(state);
                Poll::Ready(value)
            }
            Stage::Open => {
                state.stage = Stage::Open;
                let former = state.waiter.replace(waker);
                drop(state);
                drop(former);
                Poll::Pending
            }
            Stage::Taken => {
                drop(state);
                panic!("a handle was polled after it gave the outcome")
            }
        }
    }
}

impl<T> fmt::Debug for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("open", &self.is_open())
            .finish_non_exhaustive()
    }
}
