use std::collections::BTreeMap;
use std::time::Duration;

use fascine_message::Usage;

use super::distribution::Distribution;

/// What [`Metrics`](crate::Metrics) had counted at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// Calls that are over: the sum of the next four.
    pub calls: u64,
    /// Calls that gave an answer.
    pub answered: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Calls that were given up by whoever made them.
    pub cancelled: u64,
    /// Calls that ran out of time.
    pub deadline: u64,
    /// The failed ones, by [kind](crate::ModelFailure::kind).
    pub errors: BTreeMap<&'static str, u64>,
    /// Calls that were answered from a cache.
    pub cached: u64,
    /// Requests that were sent.
    pub requests: u64,
    /// Requests that repeated one before them.
    pub retries: u64,
    /// The tokens of all answers.
    pub usage: Usage,
    /// What they cost, in the currency of the price table.
    pub cost: f64,
    /// Calls that used tokens of a model that the price table does not know.
    pub unpriced: u64,
    /// From a call to its end.
    pub latency: Distribution<Duration>,
    /// The part of it that was spent waiting for limits.
    pub queue_wait: Distribution<Duration>,
    /// From a call to the first piece of a streamed answer.
    pub first_token: Distribution<Duration>,
    /// How fast answers were made, in tokens per second.
    pub tokens_per_second: Distribution<f64>,
}
