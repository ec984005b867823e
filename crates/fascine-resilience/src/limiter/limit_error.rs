use std::time::Duration;

/// Why a [`RateLimiter`](crate::RateLimiter) gave no reservation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitError {
    /// The wait would end after the ambient deadline.
    #[error("the limits allow it only in {wait:?}, after the deadline")]
    Deadline {
        /// How long the wait would have been, if nobody gives anything back.
        wait: Duration,
    },
    /// So many are waiting that no more may queue.
    #[error("the queue is full: {capacity} are waiting")]
    QueueFull {
        /// How many may wait.
        capacity: usize,
    },
    /// More was asked for than the quota ever allows.
    #[error("{amount} {quota} were asked for, more than the whole quota of {limit}")]
    TooLarge {
        /// The quota's name.
        quota: String,
        /// What was asked for.
        amount: u64,
        /// What it allows.
        limit: u64,
    },
    /// The limiter has no quota of that name.
    #[error("there is no quota named `{quota}`")]
    UnknownQuota {
        /// The name.
        quota: String,
    },
    /// It does not fit now; only from `try_acquire`.
    #[error("the limits allow it in {wait:?}")]
    WouldWait {
        /// How long the wait would be, if nobody gives anything back.
        wait: Duration,
    },
}

impl LimitError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Deadline { .. } | Self::QueueFull { .. } | Self::WouldWait { .. }
        )
    }

    /// When the same call may succeed, if that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Deadline { wait } | Self::WouldWait { wait } => Some(*wait),
            _ => None,
        }
    }
}
