use std::future::Future;

use super::policy::Policy;
use crate::{Hedge, Idempotent, PipelineError};

/// A hedge round calls that may be made twice.
#[derive(Clone, Debug)]
pub struct Hedging(pub(super) Hedge);

impl<T: Send, E: Send> Policy<T, E> for Hedging {
    async fn run<C, F>(&self, call: C) -> Result<T, PipelineError<E>>
    where
        C: Fn() -> F + Send + Sync,
        F: Future<Output = Result<T, PipelineError<E>>> + Send,
    {
        let hedged = self.0.run(Idempotent(|_| call())).await;
        hedged.map(|hedged| hedged.value)
    }
}
