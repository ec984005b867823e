use super::policy::{Next, Policy};
use crate::{CircuitBreaker, PipelineError};
use std::fmt;

/// A breaker, and which of the call's own errors it counts.
#[derive(Clone)]
pub struct Breaking<J> {
    pub(super) breaker: CircuitBreaker,
    pub(super) counts: J,
}

impl<J> fmt::Debug for Breaking<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Breaking").field(&self.breaker).finish()
    }
}

impl<T, E, J> Policy<T, E> for Breaking<J>
where
    T: Send,
    E: Send,
    J: Fn(&E) -> bool + Send + Sync,
{
    async fn run<N: Next<T, E>>(&self, next: N) -> Result<T, PipelineError<E>> {
        let permit = self.breaker.try_acquire();
        let permit = permit.map_err(PipelineError::CircuitOpen)?;
        let outcome = next.call().await;
        match &outcome {
            Ok(_) => permit.succeeded(),
            Err(PipelineError::TimedOut(_)) => permit.failed(),
            Err(PipelineError::Call(error)) if (self.counts)(error) => permit.failed(),
            // The other side was never asked, or did what it should.
            Err(_) => permit.ignored(),
        }
        outcome
    }
}
