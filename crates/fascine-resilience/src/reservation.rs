use std::fmt;
use std::sync::Arc;

use crate::LimitError;
use crate::rate_limiter::{Inner, Taken};

/// What a [`RateLimiter`](crate::RateLimiter) granted.
///
/// Dropping it gives everything back: the call it was for was never made. [`commit`](Self::commit) keeps it as
/// reserved, [`settle`](Self::settle) corrects it to the true cost.
#[must_use = "dropping a reservation gives it back"]
pub struct Reservation {
    limiter: Arc<Inner>,
    taken: Vec<Taken>,
}

impl Reservation {
    pub(crate) fn new(limiter: Arc<Inner>, taken: Vec<Taken>) -> Self {
        Self { limiter, taken }
    }

    /// Keeps what was reserved: the call was made, and cost that.
    pub fn commit(mut self) {
        self.taken.clear();
    }

    /// Corrects the named currencies to what the call cost, and keeps the others as reserved.
    ///
    /// What was not used is given back at once. What was used beyond the reservation counts from now on, and holds
    /// back those who come after.
    ///
    /// # Errors
    ///
    /// [`LimitError::UnknownQuota`]; the reservation is then kept as it was.
    pub fn settle(mut self, actual: &[(&str, u64)]) -> Result<(), LimitError> {
        let taken = std::mem::take(&mut self.taken);
        let mut corrections = Vec::with_capacity(actual.len());
        for (quota, amount) in actual {
            let index = self
                .limiter
                .index(quota)
                .ok_or_else(|| LimitError::UnknownQuota {
                    quota: (*quota).to_owned(),
                })?;
            corrections.push((index, *amount));
        }
        let now = self.limiter.rt.now();
        let mut state = self.limiter.lock();
        for (index, actual) in corrections {
            let Taken { id, amount } = taken[index];
            if actual <= amount {
                state.windows[index].give_back(id, amount - actual);
            } else {
                state.windows[index].take(now, actual - amount);
            }
        }
        let first = state.first_waker();
        drop(state);
        if let Some(first) = first {
            first.wake();
        }
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.taken.is_empty() {
            return;
        }
        let mut state = self.limiter.lock();
        for (index, Taken { id, amount }) in self.taken.drain(..).enumerate() {
            state.windows[index].give_back(id, amount);
        }
        let first = state.first_waker();
        drop(state);
        if let Some(first) = first {
            first.wake();
        }
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation")
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}
