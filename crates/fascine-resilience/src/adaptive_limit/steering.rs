#[cfg(all(test, loom))]
mod model;

use std::sync::Arc;
use std::time::Instant;

use fascine_concurrency::CapacityLimiter;

use super::sample::{LimitAlgorithm, Sample, SampleOutcome};
use crate::sync::{Mutex, lock};

/// Keeps the total of a limiter where an algorithm wants it.
pub(super) struct Steering<A> {
    limiter: Arc<CapacityLimiter>,
    algorithm: Mutex<A>,
}

impl<A> Steering<A> {
    pub(super) fn limiter(&self) -> &Arc<CapacityLimiter> {
        &self.limiter
    }
}

impl<A: LimitAlgorithm> Steering<A> {
    pub(super) fn new(algorithm: A) -> Self {
        Self {
            limiter: Arc::new(CapacityLimiter::new(algorithm.limit().get())),
            algorithm: Mutex::new(algorithm),
        }
    }

    /// Tells the algorithm of a call that ended, and does what it says; the call still has its room.
    pub(super) fn ended(&self, started: Instant, ended: Instant, outcome: SampleOutcome) {
        let sample = Sample {
            started,
            ended,
            running: self.limiter.borrowed(),
            outcome,
        };
        let (before, mut limit) = {
            let mut algorithm = lock(&self.algorithm);
            let before = algorithm.limit();
            algorithm.sample(&sample);
            (before, algorithm.limit())
        };
        if before == limit {
            return;
        }
        // Wakes those that now have room, so not under the lock; whoever comes last sets what is true last.
        loop {
            self.limiter.set_total(limit.get());
            let now = lock(&self.algorithm).limit();
            if now == limit {
                break;
            }
            limit = now;
        }
    }
}
