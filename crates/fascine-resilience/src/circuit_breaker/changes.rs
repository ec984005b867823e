use std::sync::Arc;

use crate::{CircuitBreaker, StateChange};

/// The changes of state of a [`CircuitBreaker`] from now on, made by [`CircuitBreaker::changes`].
///
/// The breaker remembers the last 64; whoever is further behind misses the older ones, and sees it by the numbers.
/// Nothing is kept for it, and nobody waits for it.
#[derive(Clone, Debug)]
#[must_use = "changes are only seen by whoever asks for the next"]
pub struct StateChanges {
    breaker: CircuitBreaker,
    seen: u64,
}

impl StateChanges {
    pub(super) fn new(breaker: CircuitBreaker) -> Self {
        let seen = breaker.inner.core().with_machine(|machine| machine.changes);
        Self { breaker, seen }
    }

    /// Waits for the next change that was not seen yet.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: the next call returns the same change.
    pub async fn next(&mut self) -> StateChange {
        loop {
            let core = self.breaker.inner.core();
            let looked = core.with_machine(|machine| {
                let next = machine
                    .history
                    .iter()
                    .find(|change| change.number > self.seen);
                next.copied().ok_or_else(|| Arc::clone(&machine.changed))
            });
            match looked {
                Ok(change) => {
                    self.seen = change.number;
                    return change;
                }
                Err(changed) => changed.wait().await,
            }
        }
    }
}
