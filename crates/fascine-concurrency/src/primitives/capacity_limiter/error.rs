use super::Borrower;

/// Why a [`CapacityLimiter`](super::CapacityLimiter) gave no tokens, or took none back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CapacityError {
    /// This borrower holds tokens already.
    #[error("{borrower:?} holds tokens already")]
    AlreadyHolds {
        /// Who asked.
        borrower: Borrower,
    },
    /// This borrower waits for tokens already.
    #[error("{borrower:?} waits for tokens already")]
    AlreadyWaits {
        /// Who asked.
        borrower: Borrower,
    },
    /// This borrower holds no tokens that it could give back.
    #[error("{borrower:?} holds no tokens")]
    HoldsNone {
        /// Whose tokens were to be given back.
        borrower: Borrower,
    },
    /// The tokens are not there now, or others wait for them; only the `try_` forms say so.
    #[error("the tokens are not available now")]
    Unavailable,
}

impl CapacityError {
    /// Returns whether asking again later can succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable)
    }
}
