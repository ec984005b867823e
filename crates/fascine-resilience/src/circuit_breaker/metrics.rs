use std::time::Duration;

use crate::CircuitState;

/// What a [`CircuitBreaker`](crate::CircuitBreaker) has done so far, and does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CircuitMetrics {
    /// How many calls succeeded.
    pub successes: u64,
    /// How many calls failed.
    pub failures: u64,
    /// How many calls said nothing about the service: excluded errors, cancelled calls.
    pub ignored: u64,
    /// How many calls were refused.
    pub rejected: u64,
    /// How many calls that succeeded or failed were slow.
    pub slow: u64,
    /// How often the state changed.
    pub changes: u64,
    /// The state.
    pub state: CircuitState,
    /// How long the state has lasted, or nothing if it is the first.
    pub since: Duration,
}
