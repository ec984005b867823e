use super::Semaphore;

/// Why a [`Semaphore`] gave no permits, or took none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AcquireError {
    /// The semaphore is closed: it will never give permits again.
    #[error("the semaphore is closed")]
    Closed,
    /// So many permits can never exist.
    #[error(
        "{wanted} permits are more than a semaphore can have ({})",
        Semaphore::MAX_PERMITS
    )]
    TooMany {
        /// The permits that were asked for.
        wanted: usize,
    },
    /// The permits are not there now, or others wait for them; only the `try_` forms say so.
    #[error("the permits are not available now")]
    Unavailable,
}

impl AcquireError {
    /// Returns whether asking again later can succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable)
    }
}
