use super::policy::{Next, Policy};
use crate::{Hedge, Idempotent, PipelineError};

/// A hedge round calls that may be made twice.
#[derive(Clone, Debug)]
pub struct Hedging(pub(super) Hedge);

impl<T: Send, E: Send> Policy<T, E> for Hedging {
    async fn run<N: Next<T, E>>(&self, next: N) -> Result<T, PipelineError<E>> {
        let hedged = self.0.run(Idempotent(|_| next.call())).await;
        hedged.map(|hedged| hedged.value)
    }
}
