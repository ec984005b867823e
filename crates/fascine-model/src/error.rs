use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fascine_resilience::{GaveUp, RetryError};

use crate::ModelFailure;

/// Why a model gave no answer. A clone is the same error: calls that share one fail with one.
#[derive(Clone, Debug)]
pub struct ModelError {
    failure: Arc<ModelFailure>,
    attempts: u32,
    reason: Option<GaveUp>,
}

impl ModelError {
    /// Makes the error of a call that took so many requests.
    #[must_use]
    pub fn new(failure: ModelFailure, attempts: u32) -> Self {
        Self {
            failure: Arc::new(failure),
            attempts,
            reason: None,
        }
    }

    /// What went wrong with the last request.
    #[must_use]
    pub fn failure(&self) -> &ModelFailure {
        &self.failure
    }

    /// How many requests were made.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Why no further request was made, if another might have succeeded.
    #[must_use]
    pub fn reason(&self) -> Option<GaveUp> {
        self.reason
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.failure.is_retryable()
    }

    /// How long the provider wants to be left alone, if it said.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.failure.retry_after()
    }
}

impl From<RetryError<ModelFailure>> for ModelError {
    fn from(error: RetryError<ModelFailure>) -> Self {
        let reason = (error.reason != GaveUp::Stopped).then_some(error.reason);
        Self {
            failure: Arc::new(error.error),
            attempts: error.attempts,
            reason,
        }
    }
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the model call failed at attempt {}", self.attempts)?;
        match self.reason {
            Some(reason) => write!(f, " ({reason})"),
            None => Ok(()),
        }
    }
}

impl Error for ModelError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.failure)
    }
}
