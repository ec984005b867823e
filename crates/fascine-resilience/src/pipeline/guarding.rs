use std::future::Future;

use super::policy::Policy;
use crate::{
    AdaptiveLimit, Bulkhead, Fallback, LimitAlgorithm, LoadShed, PipelineError, Priority,
    SampleOutcome, Timeout,
};

/// The time for everything together.
#[derive(Clone, Debug)]
pub struct Deadline(pub(super) Timeout);

impl<T: Send, E: Send> Policy<T, E> for Deadline {
    async fn run<C, F>(&self, call: C) -> Result<T, PipelineError<E>>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, PipelineError<E>>> + Send,
    {
        let ended = self.0.run(&call).await;
        ended.map_err(PipelineError::Deadline)?
    }
}

impl<T: Send, E: Send> Policy<T, E> for Timeout {
    async fn run<C, F>(&self, call: C) -> Result<T, PipelineError<E>>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, PipelineError<E>>> + Send,
    {
        let ended = Self::run(self, &call).await;
        ended.map_err(PipelineError::TimedOut)?
    }
}

impl<T: Send, E: Send> Policy<T, E> for Bulkhead {
    async fn run<C, F>(&self, call: C) -> Result<T, PipelineError<E>>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, PipelineError<E>>> + Send,
    {
        let ended = Self::run(self, &call).await;
        ended.map_err(PipelineError::Bulkhead)?
    }
}

impl<T: Send, E: Send + Sync> Policy<T, E> for Fallback<T, PipelineError<E>> {
    async fn run<C, F>(&self, call: C) -> Result<T, PipelineError<E>>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, PipelineError<E>>> + Send,
    {
        match Self::run(self, &call).await {
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
    async fn run<C, F>(&self, call: C) -> Result<T, PipelineError<E>>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, PipelineError<E>>> + Send,
    {
        let ended = self.shed.run(self.priority, &call).await;
        ended.map_err(PipelineError::Overloaded)?
    }
}

impl<T: Send, E: Send, A: LimitAlgorithm> Policy<T, E> for AdaptiveLimit<A> {
    async fn run<C, F>(&self, call: C) -> Result<T, PipelineError<E>>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, PipelineError<E>>> + Send,
    {
        let ended = Self::run(self, &call, judge).await;
        ended.map_err(PipelineError::Bulkhead)?
    }
}

/// Answers count with their latency; what took too long is overload; errors may have come from anywhere.
fn judge<T, E>(outcome: &Result<T, PipelineError<E>>) -> SampleOutcome {
    match outcome {
        Ok(_) => SampleOutcome::Succeeded,
        Err(PipelineError::TimedOut(_)) => SampleOutcome::Overloaded,
        Err(_) => SampleOutcome::Ignored,
    }
}
