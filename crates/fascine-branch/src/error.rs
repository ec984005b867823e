use std::time::Duration;

use fascine_message::{Message, Usage};
use fascine_model::{FinishReason, ModelError};

use crate::request_usage::{attempts_of, usage_of};
use crate::{BudgetError, DoesNotFit, Incomplete, LimitReached, PromptError, RequestUsage};

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
        /// The calls of the model before.
        requests: Vec<RequestUsage>,
    },
    /// The turn is over a bound of [`Prune`](crate::Prune), even without what was said before. No model was asked with it.
    #[error("branch `{branch}` cannot send the turn")]
    DoesNotFit {
        /// The branch.
        branch: String,
        /// Over which bound.
        source: DoesNotFit,
        /// The calls of the model before.
        requests: Vec<RequestUsage>,
    },
    /// The answer does not fit what was asked for, after all the times that the model was asked again.
    #[error("branch `{branch}` got no answer that fits")]
    Invalid {
        /// The branch.
        branch: String,
        /// The last answer, as the model wrote it.
        text: String,
        /// What is wrong with it, a line each, as the model would get to read it.
        reason: String,
        /// What there is of it.
        incomplete: Box<Incomplete>,
        /// The calls of the model.
        requests: Vec<RequestUsage>,
    },
    /// What was asked for makes no sense.
    #[error("the {field} of the operation {reason}")]
    InvalidOperation {
        /// What part of it.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The turn came to one of its limits.
    #[error("branch `{branch}` broke a turn off at a limit")]
    Limit {
        /// The branch.
        branch: String,
        /// Which.
        source: LimitReached,
        /// The calls of the model.
        requests: Vec<RequestUsage>,
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
        /// The calls of the model, this one the last.
        requests: Vec<RequestUsage>,
    },
    /// The model was not asked, as the branch may not ask it.
    #[error("branch `{branch}` must not ask model `{model}`")]
    ModelNotAllowed {
        /// The branch.
        branch: String,
        /// The model.
        model: String,
        /// The calls of the model before.
        requests: Vec<RequestUsage>,
    },
    /// Something of the program's own panicked: a model, a clock.
    #[error("branch `{branch}` broke a turn off because {what} panicked: {message}")]
    Panicked {
        /// The branch.
        branch: String,
        /// What panicked.
        what: String,
        /// What it panicked with.
        message: String,
        /// The calls of the model that had ended by then.
        requests: Vec<RequestUsage>,
    },
    /// The model was not asked, as there is no system prompt.
    #[error("branch `{branch}` has no system prompt for its turn")]
    Prompt {
        /// The branch.
        branch: String,
        /// Why.
        source: PromptError,
        /// The calls of the model before.
        requests: Vec<RequestUsage>,
    },
    /// The model would not answer, or a filter cut its answer, where data was asked for.
    #[error("branch `{branch}` was given no data: {}", .finish_reason.as_str())]
    Withheld {
        /// The branch.
        branch: String,
        /// Why the answer ends where it ends.
        finish_reason: FinishReason,
        /// What the model said instead.
        message: Message,
        /// The calls of the model.
        requests: Vec<RequestUsage>,
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
        attempts_of(self.requests())
    }

    /// What they cost.
    #[must_use]
    pub fn usage(&self) -> Usage {
        usage_of(self.requests())
    }

    /// Each call of the model, in order.
    #[must_use]
    pub fn requests(&self) -> &[RequestUsage] {
        match self {
            Self::Budget { requests, .. }
            | Self::DoesNotFit { requests, .. }
            | Self::Invalid { requests, .. }
            | Self::Limit { requests, .. }
            | Self::Model { requests, .. }
            | Self::ModelNotAllowed { requests, .. }
            | Self::Panicked { requests, .. }
            | Self::Prompt { requests, .. }
            | Self::Withheld { requests, .. } => requests,
            Self::InvalidOperation { .. } | Self::WithinItself { .. } => &[],
        }
    }

    /// The error of an operation that made these requests in all.
    pub(crate) fn after(mut self, all: Vec<RequestUsage>) -> Self {
        match &mut self {
            Self::Budget { requests, .. }
            | Self::DoesNotFit { requests, .. }
            | Self::Invalid { requests, .. }
            | Self::Limit { requests, .. }
            | Self::Model { requests, .. }
            | Self::ModelNotAllowed { requests, .. }
            | Self::Panicked { requests, .. }
            | Self::Prompt { requests, .. }
            | Self::Withheld { requests, .. } => *requests = all,
            Self::InvalidOperation { .. } | Self::WithinItself { .. } => {}
        }
        self
    }

    /// Whether the same turn may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Model { source, .. } => source.is_retryable(),
            Self::Prompt { source, .. } => source.is_retryable(),
            Self::Invalid { .. } => true,
            _ => false,
        }
    }

    /// How long the provider wants to be left alone, if it said.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Model { source, .. } => source.retry_after(),
            _ => None,
        }
    }
}
