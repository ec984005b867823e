use std::time::Duration;

use fascine_model::ModelError;

use crate::{BudgetError, PromptError};

/// Why a turn came to nothing. The branch is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BranchError {
    /// The model was not asked, as it would have cost too much.
    #[error("branch `{branch}` must not spend more")]
    Budget {
        /// The branch.
        branch: String,
        /// Which limit.
        source: BudgetError,
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
    /// The model was not asked, as the branch may not ask it.
    #[error("branch `{branch}` must not ask model `{model}`")]
    ModelNotAllowed {
        /// The branch.
        branch: String,
        /// The model.
        model: String,
    },
    /// The model was not asked, as there is no system prompt.
    #[error("branch `{branch}` has no system prompt for its turn")]
    Prompt {
        /// The branch.
        branch: String,
        /// Why.
        source: PromptError,
    },
}

impl BranchError {
    /// How many requests were made.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        match self {
            Self::Model { source, .. } => source.attempts(),
            Self::Budget { .. } | Self::ModelNotAllowed { .. } | Self::Prompt { .. } => 0,
        }
    }

    /// Whether the same turn may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Model { source, .. } => source.is_retryable(),
            Self::Prompt { source, .. } => source.is_retryable(),
            Self::Budget { .. } | Self::ModelNotAllowed { .. } => false,
        }
    }

    /// How long the provider wants to be left alone, if it said.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Model { source, .. } => source.retry_after(),
            Self::Budget { .. } | Self::ModelNotAllowed { .. } | Self::Prompt { .. } => None,
        }
    }
}
