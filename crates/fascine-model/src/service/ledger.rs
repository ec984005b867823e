use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::calls::Key;

/// What was done for a call by those that it asked: several, where it is hedged or falls back.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// The call.
    pub(crate) key: Key,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    requests: u32,
    queue_wait: Duration,
    cost: Option<f64>,
}

impl Ledger {
    pub(crate) fn new(key: Key) -> Self {
        Self {
            key,
            entries: Mutex::default(),
        }
    }

    /// Counts requests; how many there were by then.
    pub(crate) fn sends(&self, requests: u32) -> u32 {
        let mut entries = self.lock();
        entries.requests = entries.requests.saturating_add(requests);
        entries.requests
    }

    pub(crate) fn waited(&self, wait: Duration) {
        self.lock().queue_wait += wait;
    }

    pub(crate) fn costs(&self, cost: Option<f64>) {
        let Some(cost) = cost else { return };
        let mut entries = self.lock();
        *entries.cost.get_or_insert(0.0) += cost;
    }

    pub(crate) fn requests(&self) -> u32 {
        self.lock().requests
    }

    pub(crate) fn queue_wait(&self) -> Duration {
        self.lock().queue_wait
    }

    pub(crate) fn cost(&self) -> Option<f64> {
        self.lock().cost
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
