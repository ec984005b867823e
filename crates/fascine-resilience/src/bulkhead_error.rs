use std::time::Duration;

/// Why a [`Bulkhead`](crate::Bulkhead) or an [`AdaptiveLimit`](crate::AdaptiveLimit) let a call not through.
///
/// The call was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BulkheadError {
    /// The ambient deadline has passed: no wait can fit.
    #[error("the bulkhead is full, and the deadline leaves no time to wait")]
    Deadline,
    /// Enough are inside, and enough wait.
    #[error("the bulkhead is full: {running} calls are running and {waiting} wait")]
    Full {
        /// How many calls it lets run at a time.
        running: usize,
        /// How many wait already.
        waiting: usize,
    },
    /// Nobody left in time.
    #[error("the bulkhead stayed full for {waited:?}")]
    WaitTooLong {
        /// How long the call waited.
        waited: Duration,
    },
}

impl BulkheadError {
    /// Returns whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        !matches!(self, Self::Deadline)
    }
}
