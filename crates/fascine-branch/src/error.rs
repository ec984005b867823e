use std::time::Duration;

use fascine_model::ModelError;

use crate::DoesNotFit;

/// Why a turn came to nothing. The branch is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BranchError {
    /// The turn is over a bound of [`Prune`](crate::Prune), even without what was said before. No model was asked with it.
    #[error("branch `{branch}` cannot send the turn")]
    DoesNotFit {
        /// The branch.
        branch: String,
        /// Over which bound.
        source: DoesNotFit,
    },
    /// The model gave no answer.
    #[error("branch `{branch}` got no answer from model `{model}`")]
    Model {
        /// The branch.
        branch: String,
        /// The model.
        model: String,
        /// Why.
        source: ModelError,
    },
}

impl BranchError {
    /// How many requests were made.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        match self {
            Self::DoesNotFit { .. } => 0,
            Self::Model { source, .. } => source.attempts(),
        }
    }

    /// Whether the same turn may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::DoesNotFit { .. } => false,
            Self::Model { source, .. } => source.is_retryable(),
        }
    }

    /// How long the provider wants to be left alone, if it said.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::DoesNotFit { .. } => None,
            Self::Model { source, .. } => source.retry_after(),
        }
    }
}
