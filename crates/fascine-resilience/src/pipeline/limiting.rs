use super::policy::{Next, Policy};
use crate::{LimitError, PipelineError, RateLimiter, Reservation};

/// A rate limiter, and what each call costs of it.
#[derive(Clone, Debug)]
pub struct Limiting {
    pub(super) limiter: RateLimiter,
    pub(super) cost: Box<[(&'static str, u64)]>,
}

impl<T: Send, E: Send> Policy<T, E> for Limiting {
    async fn run<N: Next<T, E>>(&self, next: N) -> Result<T, PipelineError<E>> {
        // A future that waits is larger than a reservation, and mostly there is nothing to wait for.
        let reserved = match self.limiter.try_acquire(&self.cost) {
            Err(LimitError::WouldWait { .. }) => self.limiter.acquire(&self.cost).await,
            decided => decided,
        };
        let mut charge = Charge(Some(reserved.map_err(PipelineError::Limited)?));
        let outcome = next.call().await;
        if outcome.as_ref().is_err_and(PipelineError::is_refusal) {
            charge.refund();
        }
        outcome
    }
}

/// What a call costs, also if it is dropped half-way: the other side may have seen it.
struct Charge(Option<Reservation>);

impl Charge {
    /// It was not made after all.
    fn refund(&mut self) {
        drop(self.0.take());
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        if let Some(reservation) = self.0.take() {
            reservation.commit();
        }
    }
}
