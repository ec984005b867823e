use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::event_kind::EventKinds;
use crate::{EventRecord, Missed};

/// Events that wait to be read. When it is full the oldest goes.
#[derive(Debug)]
pub(crate) struct EventQueue {
    kinds: EventKinds,
    capacity: NonZeroUsize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    records: VecDeque<EventRecord>,
    missed: u64,
    is_closed: bool,
    reader: Option<Waker>,
}

impl EventQueue {
    pub(crate) fn new(kinds: EventKinds, capacity: NonZeroUsize) -> Self {
        Self {
            kinds,
            capacity,
            state: Mutex::default(),
        }
    }

    /// Adds an event, and gives who waits for one.
    pub(super) fn push(&self, record: &EventRecord) -> Option<Waker> {
        if !self.kinds.contains(record.kind()) {
            return None;
        }
        let mut state = self.state();
        if state.records.len() >= self.capacity.get() {
            state.records.pop_front();
            state.missed += 1;
        }
        state.records.push_back(record.clone());
        state.reader.take()
    }

    /// Says that nothing will come any more, and gives who waits.
    pub(super) fn close(&self) -> Option<Waker> {
        let mut state = self.state();
        state.is_closed = true;
        state.reader.take()
    }

    /// Takes the next event, or says how many are missing before it.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<EventRecord, Missed>>> {
        let mut state = self.state();
        if state.missed > 0 {
            let count = std::mem::take(&mut state.missed);
            return Poll::Ready(Some(Err(Missed { count })));
        }
        if let Some(record) = state.records.pop_front() {
            return Poll::Ready(Some(Ok(record)));
        }
        if state.is_closed {
            return Poll::Ready(None);
        }
        let replaced = state.reader.replace(cx.waker().clone());
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
