//! Who is told what happens in a branch.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use fascine_rt::Panic;

use crate::{BranchEvent, EventKind, EventRecord};

mod events;
mod hub;
mod observation;
mod queue;

pub use events::{Events, Missed};
use hub::Handler;
pub(crate) use hub::Hub;
pub use observation::Observation;
pub(crate) use queue::EventQueue;

/// A handler, and whose it is.
type Listener<'a> = (&'a Arc<Hub>, Arc<Handler>);

/// What a branch tells, and to whom.
#[derive(Debug)]
pub(crate) struct Observers {
    /// Its own listeners; made when the first of them comes.
    hub: OnceLock<Arc<Hub>>,
    /// Those of the branches that it was forked from, if it was to take them over.
    inherited: Vec<Arc<Hub>>,
    is_enabled: AtomicBool,
    /// The number of the next event. Held while an event is put into the queues, so that they have them in order.
    sequence: Mutex<u64>,
}

impl Observers {
    /// Begins with the listeners of another branch.
    pub(crate) fn inheriting(inherited: Vec<Arc<Hub>>) -> Self {
        Self {
            hub: OnceLock::new(),
            inherited,
            is_enabled: AtomicBool::new(true),
            sequence: Mutex::new(0),
        }
    }

    /// All that would be told.
    pub(crate) fn hubs(&self) -> Vec<Arc<Hub>> {
        let own = [Arc::clone(self.hub())];
        own.into_iter()
            .chain(self.inherited.iter().cloned())
            .collect()
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        self.hub.get_or_init(Arc::default)
    }

    pub(crate) fn enable(&self, is_enabled: bool) {
        self.is_enabled.store(is_enabled, Ordering::Relaxed);
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.is_enabled.load(Ordering::Relaxed)
    }

    /// Whether anybody would be told.
    pub(crate) fn is_listening(&self) -> bool {
        self.is_enabled() && self.all().any(Hub::is_listening)
    }

    /// How often a handler of this branch panicked.
    pub(crate) fn panics(&self) -> u64 {
        self.hub.get().map_or(0, |hub| hub.panics())
    }

    /// Tells everybody, in the order they came; `log` first. Nothing is locked while a handler runs.
    pub(crate) fn tell(&self, branch: &str, event: BranchEvent, log: &dyn Fn(&EventRecord)) {
        self.tell_others(branch, event, log, None);
    }

    fn tell_others(
        &self,
        branch: &str,
        event: BranchEvent,
        log: &dyn Fn(&EventRecord),
        except: Option<&Arc<Handler>>,
    ) {
        let (record, handlers) = self.number(branch, event);
        log(&record);
        for (hub, handler) in handlers {
            if except.is_some_and(|except| Arc::ptr_eq(except, &handler)) {
                continue;
            }
            let told = catch_unwind(AssertUnwindSafe(|| handler.tell(&record)));
            let Err(payload) = told else { continue };
            let message = Panic::new(payload).message().to_owned();
            hub.count_panic();
            // One that panics when it is told of a panic is counted and left alone: this ends.
            if record.kind() != EventKind::ObserverPanicked {
                let panicked = BranchEvent::ObserverPanicked {
                    turn: record.turn(),
                    observer: handler.id(),
                    message,
                };
                self.tell_others(branch, panicked, log, Some(&handler));
            }
        }
    }

    /// Gives an event its number, and finds who is to be told.
    fn number(&self, branch: &str, event: BranchEvent) -> (EventRecord, Vec<Listener<'_>>) {
        let branch = Arc::from(branch);
        let mut wakers = Vec::new();
        let mut handlers = Vec::new();
        let mut sequence = self.sequence.lock().unwrap_or_else(PoisonError::into_inner);
        let record = EventRecord {
            branch,
            sequence: *sequence,
            event,
        };
        *sequence += 1;
        if self.is_enabled() {
            for hub in self.hub.get().into_iter().chain(&self.inherited) {
                let found = hub.deliver(&record, &mut wakers);
                handlers.extend(found.into_iter().map(|handler| (hub, handler)));
            }
        }
        drop(sequence);
        wakers.into_iter().for_each(std::task::Waker::wake);
        (record, handlers)
    }

    fn all(&self) -> impl Iterator<Item = &Hub> {
        let hubs = self.hub.get().into_iter().chain(&self.inherited);
        hubs.map(|hub| &**hub)
    }
}
