use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_core::Stream;

use crate::sync::{Mutex, MutexGuard};
use crate::{OpenQuestion, Status};

/// A step came to another status, or asks something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowEvent {
    /// The path of the step: its name, or `parent/name` and `parent[3]/name` if another step runs it. A `/`, `[` or `\\` in
    /// a name has a `\\` before it.
    pub step: Arc<str>,
    /// The status it came to, or is in while it asks.
    pub status: Status,
    /// When, after the start of the run.
    pub at: Duration,
    /// How long the step had been running.
    pub elapsed: Duration,
    /// What it asks, from now on.
    pub question: Option<Arc<OpenQuestion>>,
}

/// The events of a run, as they happen. It ends with the run.
///
/// It holds a thousand events: if nobody reads them, the oldest go, and [`missed`](Self::missed) counts them. The run
/// never waits for a reader.
#[derive(Debug)]
pub struct FlowEvents {
    queue: Arc<Queue>,
}

impl FlowEvents {
    pub(crate) fn new() -> (Self, Arc<Queue>) {
        let queue = Arc::<Queue>::default();
        (
            Self {
                queue: Arc::clone(&queue),
            },
            queue,
        )
    }

    /// Waits for the next event; `None` after the last.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: an event stays until the poll that returns it.
    pub async fn next(&mut self) -> Option<FlowEvent> {
        poll_fn(|cx| self.queue.poll_next(cx)).await
    }

    /// How many events were lost because nobody read them in time.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.queue.lock().missed
    }
}

impl Stream for FlowEvents {
    type Item = FlowEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<FlowEvent>> {
        self.queue.poll_next(cx)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<FlowEvent>,
    missed: u64,
    ended: bool,
    reader: Option<Waker>,
}

impl Queue {
    /// Adds an event. Whoever waited for it is to be woken once nothing is locked.
    pub(crate) fn push(&self, event: FlowEvent) -> Option<Waker> {
        let mut state = self.lock();
        if state.events.len() == CAPACITY {
            state.events.pop_front();
            state.missed += 1;
        }
        state.events.push_back(event);
        state.reader.take()
    }

    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        wake(state);
    }

    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<FlowEvent>> {
        let mut state = self.lock();
        if let Some(event) = state.events.pop_front() {
            return Poll::Ready(Some(event));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        let replaced = state.reader.replace(cx.waker().clone());
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Outside the lock, as a waker may run anything.
fn wake(mut state: MutexGuard<'_, State>) {
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader {
        reader.wake();
    }
}

const CAPACITY: usize = 1000;
