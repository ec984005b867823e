#[cfg(all(test, loom))]
mod model;

use std::sync::Arc;
use std::time::Duration;

use fascine_concurrency::{
    CapacityGuard, CapacityGuardArc, CapacityLimiter, effective_deadline, fail_after,
};
use fascine_rt::Rt;

use crate::BulkheadError;
use crate::places::Places;

/// Room for so many calls at a time, and a queue of those that wait for it: the mechanism of both
/// [`Bulkhead`](crate::Bulkhead) and [`AdaptiveLimit`](crate::AdaptiveLimit), which differ in who says how many.
///
/// Clones share the room and the queue. How much of the queue a call may use and how long it may wait is a setting of
/// each clone.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    rt: Rt,
    limiter: Arc<CapacityLimiter>,
    queue: Arc<Places>,
    queue_capacity: usize,
    max_wait: Duration,
}

impl Room {
    /// Nobody waits; who may wait, waits until the ambient deadline.
    pub(crate) fn new(rt: &Rt, limiter: Arc<CapacityLimiter>) -> Self {
        Self {
            rt: rt.clone(),
            limiter,
            queue: Arc::default(),
            queue_capacity: 0,
            max_wait: Duration::MAX,
        }
    }

    pub(crate) fn set_queue(&mut self, capacity: usize) {
        self.queue_capacity = capacity;
    }

    pub(crate) fn set_max_wait(&mut self, longest: Duration) {
        self.max_wait = longest;
    }

    pub(crate) async fn enter(&self) -> Result<CapacityGuard<'_>, BulkheadError> {
        if let Ok(guard) = self.limiter.try_acquire() {
            return Ok(guard);
        }
        self.wait_for(|| self.limiter.acquire()).await
    }

    pub(crate) async fn enter_arc(&self) -> Result<CapacityGuardArc, BulkheadError> {
        if let Ok(guard) = self.limiter.try_acquire_many_arc(1) {
            return Ok(guard);
        }
        self.wait_for(|| self.limiter.acquire_many_arc(1)).await
    }

    pub(crate) fn try_enter_arc(&self) -> Result<CapacityGuardArc, BulkheadError> {
        let entered = self.limiter.try_acquire_many_arc(1);
        entered.map_err(|_| self.full(self.waiting()))
    }

    pub(crate) fn rt(&self) -> &Rt {
        &self.rt
    }

    /// How many may be inside.
    pub(crate) fn total(&self) -> usize {
        self.limiter.total()
    }

    pub(crate) fn running(&self) -> usize {
        self.limiter.borrowed()
    }

    pub(crate) fn waiting(&self) -> usize {
        self.queue.taken()
    }

    /// Waits in a place of the queue, which is given back however this ends.
    async fn wait_for<F: Future>(
        &self,
        entrance: impl FnOnce() -> F,
    ) -> Result<F::Output, BulkheadError> {
        if self.max_wait.is_zero() {
            return Err(self.full(self.waiting()));
        }
        let place = self.queue.enter(self.queue_capacity);
        let place = place.map_err(|waiting| self.full(waiting))?;
        if effective_deadline().is_some_and(|deadline| deadline <= self.rt.now()) {
            return Err(BulkheadError::Deadline);
        }
        let waited = self.max_wait;
        let entered = match waited {
            Duration::MAX => Ok(entrance().await),
            // Boxed: those who wait as long as it takes, which may be thousands, have no room for it.
            _ => Box::pin(fail_after(&self.rt, waited, entrance())).await,
        };
        drop(place);
        entered.map_err(|_| BulkheadError::WaitTooLong { waited })
    }

    fn full(&self, waiting: usize) -> BulkheadError {
        BulkheadError::Full {
            running: self.total(),
            waiting,
        }
    }
}
