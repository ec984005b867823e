use std::time::Instant;

use super::cost::Cost;

/// What a call waits for, as the call itself knows it; [`Waiting`](crate::Waiting) is what that comes to for others.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// The next attempt begins then.
    Backoff { until: Instant },
    /// The circuit breaker may let it through then.
    Breaker { until: Instant },
    /// Room among the requests that are on their way.
    Concurrency,
    /// Its turn at the limiter, in whose line it has this number.
    Limiter { number: u64, cost: Cost },
}

impl Stage {
    /// Whether it is a place in a queue, of which there are only so many.
    pub(crate) fn is_queue(&self) -> bool {
        matches!(self, Self::Concurrency | Self::Limiter { .. })
    }
}
