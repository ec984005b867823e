use std::time::Duration;

use fascine_model::ModelError;

/// Why a turn came to nothing. The branch is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BranchError {
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
    /// A tool asked the branch whose turn waits for it.
    #[error("branch `{branch}` was asked by a tool for which its turn waits; ask a fork")]
    WithinItself {
        /// The branch.
        branch: String,
    },
}

impl BranchError {
    /// How many requests were made.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        match self {
            Self::Model { source, .. } => source.attempts(),
            Self::WithinItself { .. } => 0,
        }
    }

    /// Whether the same turn may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Model { source, .. } => source.is_retryable(),
            Self::WithinItself { .. } => false,
        }
    }

    /// How long the provider wants to be left alone, if it said.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Model { source, .. } => source.retry_after(),
            Self::WithinItself { .. } => None,
        }
    }
}
