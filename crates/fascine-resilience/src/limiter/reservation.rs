use std::fmt;
use std::sync::Arc;

use crate::LimitError;
use crate::limiter::few::Few;
use crate::limiter::inner::{Inner, unknown};

/// What a [`RateLimiter`](crate::RateLimiter) granted.
///
/// Dropping it gives everything back: the call it was for was never made. [`commit`](Self::commit) keeps it as
/// reserved, [`settle`](Self::settle) corrects it to the true cost.
///
/// # Examples
///
/// ```
/// use fascine_resilience::{Quota, RateLimiter};
/// use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let limiter = RateLimiter::new(&rt, [Quota::new("tokens", 100, Duration::from_secs(1))?])?;
/// drop(limiter.acquire(&[("tokens", 80)]).await.unwrap());
/// assert_eq!(limiter.available("tokens"), Some(100));
/// limiter.acquire(&[("tokens", 80)]).await.unwrap().commit();
/// assert_eq!(limiter.available("tokens"), Some(20));
/// # Ok::<_, fascine_resilience::QuotaError>(())
/// # }).unwrap();
/// ```
#[must_use = "dropping a reservation gives it back"]
pub struct Reservation {
    limiter: Arc<Inner>,
    amounts: Few,
    tickets: Few,
    keeps: bool,
}

impl Reservation {
    #[inline]
    pub(crate) fn new(limiter: Arc<Inner>, amounts: Few, tickets: Few) -> Self {
        Self {
            limiter,
            amounts,
            tickets,
            keeps: false,
        }
    }

    /// How much of a currency was reserved; `None` if the limiter has no quota of that name.
    #[must_use]
    pub fn amount(&self, quota: &str) -> Option<u64> {
        Some(self.amounts[self.limiter.index(quota)?])
    }

    /// Keeps what was reserved: the call was made, and cost that.
    #[inline]
    pub fn commit(mut self) {
        self.keeps = true;
    }

    /// Corrects the named currencies to what the call cost, and keeps the others as reserved.
    ///
    /// What was not used is given back at once, to those who wait first; of a bucket, what has not flowed in again
    /// meanwhile. What was used beyond the reservation counts from now on, and holds back those who come after.
    ///
    /// # Errors
    ///
    /// [`LimitError::UnknownQuota`]; the reservation is then kept as it was.
    pub fn settle(mut self, actual: &[(&str, u64)]) -> Result<(), LimitError> {
        self.keeps = true;
        let mut costs = self.amounts.clone();
        for (quota, _) in actual {
            let index = self.limiter.index(quota).ok_or_else(|| unknown(quota))?;
            costs[index] = 0;
        }
        for (quota, cost) in actual {
            if let Some(index) = self.limiter.index(quota) {
                costs[index] = costs[index].saturating_add(*cost);
            }
        }
        self.limiter.change(|state, now, wakers| {
            let mut unused = self.amounts.clone();
            for (quota, cost) in costs.iter().enumerate() {
                let more = cost.saturating_sub(self.amounts[quota]);
                unused[quota] = self.amounts[quota].saturating_sub(*cost);
                if more > 0 {
                    state.store.get().charge(now, quota, more);
                }
            }
            state.give_back(now, &unused, &self.tickets, wakers);
        });
        Ok(())
    }
}

impl Drop for Reservation {
    #[inline]
    fn drop(&mut self) {
        if !self.keeps {
            self.limiter.change(|state, now, wakers| {
                state.give_back(now, &self.amounts, &self.tickets, wakers);
            });
        }
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation")
            .field("amounts", &self.amounts)
            .finish_non_exhaustive()
    }
}
