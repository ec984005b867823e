//! What [`Steering`](super::steering::Steering) decides, done to the limiter.

use std::time::{Duration, Instant};

use super::cost::{Named, QUOTAS};
use super::shared_limiter::SharedLimiter;
use super::steering::{Sent, Steps};
use crate::LimitHint;

impl SharedLimiter {
    /// A request is being sent.
    pub(crate) fn sent(&self, now: Instant) -> Sent {
        let available = QUOTAS.map(|(name, _)| self.limiter().available(name).unwrap_or(0));
        self.steering().sent(now, available)
    }

    /// A request was answered, if only with an error that has nothing to do with limits.
    pub(crate) fn passed(&self, now: Instant, sent: &Sent, hints: &[LimitHint]) {
        let steps = self.steering().passed(now, sent, hints);
        self.take(&steps);
    }

    /// A request was refused for the limits' sake.
    pub(crate) fn refused(
        &self,
        now: Instant,
        sent: &Sent,
        wait: Option<Duration>,
        hints: &[LimitHint],
    ) {
        let steps = self.steering().refused(now, sent, wait, hints);
        self.take(&steps);
    }

    fn take(&self, steps: &Steps) {
        for quota in &steps.quotas {
            // It has a quota of that name: what is steered was read from it.
            let _ = self.limiter().change_quota(quota.clone());
        }
        let mut charges = Named::default();
        for ((name, _), charge) in QUOTAS.into_iter().zip(steps.charges) {
            if charge > 0 {
                charges.push(name, charge);
            }
        }
        if !charges.as_slice().is_empty() {
            let _ = self.limiter().charge(charges.as_slice());
        }
    }
}
