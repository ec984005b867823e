use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::EventRecord;
use crate::event_kind::EventKinds;
use crate::observers::queue::EventQueue;

/// The listeners of a branch. Forks that take them over share it.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    listeners: Mutex<Listeners>,
    /// How many there are: known without the lock.
    count: AtomicUsize,
    panics: AtomicU64,
}

#[derive(Debug, Default)]
struct Listeners {
    next_id: u64,
    handlers: Vec<Arc<Handler>>,
    queues: Vec<Arc<EventQueue>>,
}

/// A function that is told.
pub(super) struct Handler {
    id: u64,
    kinds: EventKinds,
    function: Box<dyn Fn(&EventRecord) + Send + Sync>,
}

impl Handler {
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn tell(&self, record: &EventRecord) {
        (self.function)(record);
    }
}

impl Hub {
    /// Adds a handler, and gives its id.
    pub(crate) fn add(
        &self,
        kinds: EventKinds,
        function: Box<dyn Fn(&EventRecord) + Send + Sync>,
    ) -> u64 {
        let mut listeners = self.listeners();
        let id = listeners.next_id;
        listeners.next_id += 1;
        let handler = Arc::new(Handler {
            id,
            kinds,
            function,
        });
        listeners.handlers.push(handler);
        self.recount(&listeners);
        id
    }

    /// Adds a queue.
    pub(crate) fn add_queue(&self, queue: Arc<EventQueue>) {
        let mut listeners = self.listeners();
        listeners.queues.push(queue);
        self.recount(&listeners);
    }

    /// Lets go of a handler.
    pub(super) fn remove(&self, id: u64) {
        let mut listeners = self.listeners();
        let index = listeners
            .handlers
            .iter()
            .position(|handler| handler.id == id);
        let removed = index.map(|index| listeners.handlers.remove(index));
        self.recount(&listeners);
        drop(listeners);
        // What the handler holds is somebody else's: it goes while nothing is locked.
        drop(removed);
    }

    /// Lets go of a queue.
    pub(super) fn remove_queue(&self, queue: &Arc<EventQueue>) {
        let mut listeners = self.listeners();
        listeners.queues.retain(|other| !Arc::ptr_eq(other, queue));
        self.recount(&listeners);
    }

    /// Puts an event into the queues, and says which handlers are to be told.
    pub(super) fn deliver(
        &self,
        record: &EventRecord,
        wakers: &mut Vec<Waker>,
    ) -> Vec<Arc<Handler>> {
        let listeners = self.listeners();
        for queue in &listeners.queues {
            wakers.extend(queue.push(record));
        }
        let handlers = listeners.handlers.iter();
        let told = handlers.filter(|handler| handler.kinds.contains(record.kind()));
        told.cloned().collect()
    }

    pub(super) fn is_listening(&self) -> bool {
        self.count.load(Ordering::Relaxed) > 0
    }

    pub(super) fn count_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    fn recount(&self, listeners: &Listeners) {
        let count = listeners.handlers.len() + listeners.queues.len();
        self.count.store(count, Ordering::Relaxed);
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let queues = std::mem::take(&mut self.listeners().queues);
        let wakers = queues.iter().filter_map(|queue| queue.close());
        wakers.for_each(Waker::wake);
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
