use std::sync::{Mutex, MutexGuard, PoisonError};

use fascine_message::Usage;

/// What a service has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests that were sent, repeated ones among them.
    pub requests: u64,
    /// Requests that repeated one before them.
    pub retries: u64,
    /// Calls that gave an answer.
    pub answered: u64,
    /// Calls that failed.
    pub failed: u64,
    /// The tokens of the answers.
    pub usage: Usage,
}

#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Stats>);

impl Counters {
    pub(crate) fn snapshot(&self) -> Stats {
        *self.lock()
    }

    pub(crate) fn sent(&self, attempt: u32) {
        let mut stats = self.lock();
        stats.requests += 1;
        stats.retries += u64::from(attempt > 1);
    }

    pub(crate) fn answered(&self, usage: Usage) {
        let mut stats = self.lock();
        stats.answered += 1;
        stats.usage += usage;
    }

    pub(crate) fn failed(&self) {
        self.lock().failed += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Stats> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
