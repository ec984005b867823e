use std::fmt;
use std::future::Future;

use super::policy::Policy;
use crate::{PipelineError, Retry, Verdict};

/// A retry that asks `classify` about the call's own errors.
#[derive(Clone)]
pub struct Retrying<C> {
    pub(super) retry: Retry,
    pub(super) classify: C,
}

impl<C> fmt::Debug for Retrying<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Retrying").field(&self.retry).finish()
    }
}

impl<T, E, J> Policy<T, E> for Retrying<J>
where
    T: Send,
    E: Send + Sync,
    J: Fn(&E) -> Verdict + Send + Sync,
{
    async fn run<C, F>(&self, call: C) -> Result<T, PipelineError<E>>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, PipelineError<E>>> + Send,
    {
        let classify = |error: &PipelineError<E>| match error {
            PipelineError::Call(error) => (self.classify)(error),
            PipelineError::TimedOut(_) => Verdict::Retry,
            // We refused it ourselves, and would again: this is no failure, and costs no budget. Or it had been tried
            // as often as makes sense further in.
            _ => Verdict::Stop,
        };
        match self.retry.run(|_| call(), classify).await {
            Ok(attempted) => Ok(attempted.value),
            // One attempt that was refused is just that.
            Err(gave_up) if gave_up.attempts == 1 && gave_up.error.is_refusal() => {
                Err(gave_up.error)
            }
            Err(gave_up) => Err(PipelineError::GaveUp(Box::new(gave_up))),
        }
    }
}
