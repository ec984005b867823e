use fascine_concurrency::fail_after;

use super::policy::{Next, Policy};
use crate::{Bulkhead, Fallback, LoadShed, PipelineError, Priority, Timeout};

/// The time for everything together.
#[derive(Clone, Debug)]
pub struct Deadline(pub(super) Timeout);

impl<T: Send, E: Send> Policy<T, E> for Deadline {
    async fn run<N: Next<T, E>>(&self, next: N) -> Result<T, PipelineError<E>> {
        let ended = fail_after(self.0.rt(), self.0.after(), next.call()).await;
        ended.map_err(|_| PipelineError::Deadline(self.0.timed_out()))?
    }
}

impl<T: Send, E: Send> Policy<T, E> for Timeout {
    async fn run<N: Next<T, E>>(&self, next: N) -> Result<T, PipelineError<E>> {
        let ended = fail_after(self.rt(), self.after(), next.call()).await;
        ended.map_err(|_| PipelineError::TimedOut(self.timed_out()))?
    }
}

impl<T: Send, E: Send> Policy<T, E> for Bulkhead {
    async fn run<N: Next<T, E>>(&self, next: N) -> Result<T, PipelineError<E>> {
        let permit = self.enter().await.map_err(PipelineError::Bulkhead)?;
        let outcome = next.call().await;
        drop(permit);
        outcome
    }
}

impl<T: Send, E: Send + Sync> Policy<T, E> for Fallback<T, PipelineError<E>> {
    async fn run<N: Next<T, E>>(&self, next: N) -> Result<T, PipelineError<E>> {
        match Self::run(self, || next.call()).await {
            Ok(served) => Ok(served.value),
            Err(all) => Err(PipelineError::AllFailed(Box::new(all))),
        }
    }
}

/// The door, for calls of one priority.
#[derive(Clone, Debug)]
pub struct Door {
    pub(super) shed: LoadShed,
    pub(super) priority: Priority,
}

impl<T: Send, E: Send> Policy<T, E> for Door {
    async fn run<N: Next<T, E>>(&self, next: N) -> Result<T, PipelineError<E>> {
        let place = self.shed.enter(self.priority);
        let place = place.map_err(PipelineError::Overloaded)?;
        let outcome = next.call().await;
        drop(place);
        outcome
    }
}
