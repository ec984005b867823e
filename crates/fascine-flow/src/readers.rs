use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::task::Waker;

use crate::FlowEvent;
use crate::event::Queue;
use crate::sync::{Mutex, MutexGuard};

/// Those who watch a run, and the runs nested in it. They may come at any time.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    /// A run that nobody watches takes no lock.
    is_watched: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    queues: Vec<Arc<Queue>>,
    has_ended: bool,
}

impl Readers {
    pub(crate) fn add(&self, queue: Arc<Queue>) {
        let mut state = self.lock();
        if state.has_ended {
            drop(state);
            queue.end();
            return;
        }
        state.queues.push(queue);
        self.is_watched.store(true, Ordering::Release);
    }

    pub(crate) fn is_watched(&self) -> bool {
        self.is_watched.load(Ordering::Acquire)
    }

    /// Tells all. Those to be woken go into `wakers`.
    pub(crate) fn push(&self, event: &FlowEvent, wakers: &mut Vec<Waker>) {
        for queue in &self.lock().queues {
            wakers.extend(queue.push(event.clone()));
        }
    }

    /// Nothing follows.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.has_ended = true;
        let queues = std::mem::take(&mut state.queues);
        drop(state);
        queues.iter().for_each(|queue| queue.end());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
