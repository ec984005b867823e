use std::fmt;

use super::policy::{Next, Policy};
use crate::{AdaptiveLimit, LimitAlgorithm, PipelineError, SampleOutcome};

/// An adaptive limit, and which of the call's own errors say that the other side is overloaded.
pub struct Adapting<A, J> {
    pub(super) limit: AdaptiveLimit<A>,
    pub(super) is_overload: J,
}

impl<T, E, A, J> Policy<T, E> for Adapting<A, J>
where
    T: Send,
    E: Send,
    A: LimitAlgorithm,
    J: Fn(&E) -> bool + Send + Sync,
{
    async fn run<N: Next<T, E>>(&self, next: N) -> Result<T, PipelineError<E>> {
        let permit = self.limit.acquire().await;
        let permit = permit.map_err(PipelineError::Bulkhead)?;
        let outcome = next.call().await;
        permit.end(match &outcome {
            Ok(_) => SampleOutcome::Succeeded,
            Err(PipelineError::TimedOut(_)) => SampleOutcome::Overloaded,
            Err(PipelineError::Call(error)) if (self.is_overload)(error) => {
                SampleOutcome::Overloaded
            }
            // It may have come from anywhere, and its latency says nothing.
            Err(_) => SampleOutcome::Ignored,
        });
        outcome
    }
}

impl<A, J: Clone> Clone for Adapting<A, J> {
    fn clone(&self) -> Self {
        Self {
            limit: self.limit.clone(),
            is_overload: self.is_overload.clone(),
        }
    }
}

impl<A, J> fmt::Debug for Adapting<A, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Adapting").field(&self.limit).finish()
    }
}
