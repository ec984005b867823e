use super::policy::{Next, Policy};
use crate::{PipelineError, Retry, Verdict};
use std::fmt;

/// A retry that asks `classify` about the call's own errors.
#[derive(Clone)]
pub struct Retrying<C> {
    pub(super) retry: Retry,
    pub(super) classify: C,
    pub(super) refusals: Refusals,
}

/// What to do when a policy further in refuses an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusals {
    /// It is known at once.
    End,
    /// Wait until it would not refuse, if it knows when.
    Wait,
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
    async fn run<N: Next<T, E>>(&self, next: N) -> Result<T, PipelineError<E>> {
        let classify = |error: &PipelineError<E>| match error {
            PipelineError::Call(error) => (self.classify)(error),
            PipelineError::TimedOut(_) => Verdict::Retry,
            // We refused it ourselves: this is no failure, and costs no budget.
            error if error.is_refusal() && self.refusals == Refusals::Wait => {
                error.retry_after().map_or(Verdict::Stop, Verdict::Rejected)
            }
            _ => Verdict::Stop,
        };
        match self.retry.run(|_| next.call(), classify).await {
            Ok(attempted) => Ok(attempted.value),
            // One attempt that was refused is just that.
            Err(gave_up) if gave_up.attempts == 1 && gave_up.error.is_refusal() => {
                Err(gave_up.error)
            }
            Err(gave_up) => Err(PipelineError::GaveUp(Box::new(gave_up))),
        }
    }
}
