use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::{CacheUse, RequestKey};

/// What makes two calls one. A call that wants a new answer does not take part in one that may give an old one.
pub(crate) type FlightKey = (RequestKey, CacheUse);

/// The calls that are being made, by what they ask. Whoever takes part in one holds it; here nobody does.
pub(crate) struct Flights<F> {
    next: AtomicU64,
    by_key: Mutex<HashMap<FlightKey, (u64, Weak<F>)>>,
}

impl<F> Flights<F> {
    pub(crate) fn new() -> Self {
        Self {
            next: AtomicU64::new(0),
            by_key: Mutex::default(),
        }
    }

    /// Takes part in the call, or begins it; `begin` is given what the call has to drop when it is over.
    pub(crate) fn join(
        self: &Arc<Self>,
        key: FlightKey,
        begin: impl FnOnce(Leave<F>) -> F,
    ) -> Arc<F> {
        let mut by_key = self.lock();
        if let Some((_, flight)) = by_key.get(&key)
            && let Some(flight) = flight.upgrade()
        {
            return flight;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let leave = Leave {
            flights: Arc::clone(self),
            key,
            number,
        };
        let flight = Arc::new(begin(leave));
        by_key.insert(key, (number, Arc::downgrade(&flight)));
        flight
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<FlightKey, (u64, Weak<F>)>> {
        self.by_key.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes a call to newcomers when it is dropped.
pub(crate) struct Leave<F> {
    flights: Arc<Flights<F>>,
    key: FlightKey,
    number: u64,
}

impl<F> Drop for Leave<F> {
    fn drop(&mut self) {
        let mut by_key = self.flights.lock();
        // The place may be that of the next call by now.
        if by_key
            .get(&self.key)
            .is_some_and(|(number, _)| *number == self.number)
        {
            by_key.remove(&self.key);
        }
    }
}

impl<F> fmt::Debug for Flights<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
