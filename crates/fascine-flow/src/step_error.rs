use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use crate::Status;

/// Why a step failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// The condition of an edge into it panicked.
    #[error("step `{step}` failed: the condition of its edge from `{from}` panicked: {message}")]
    Condition {
        /// The step.
        step: String,
        /// Where the edge begins.
        from: String,
        /// What the panic said.
        message: String,
    },
    /// It returned an error.
    #[error("step `{step}` failed at attempt {attempts}")]
    Failed {
        /// The step.
        step: String,
        /// How many tries its work took.
        attempts: u32,
        /// The error.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// It panicked.
    #[error("step `{step}` panicked: {message}")]
    Panicked {
        /// The step.
        step: String,
        /// What the panic said.
        message: String,
    },
    /// It took longer than it may.
    #[error("step `{step}` took longer than {after:?}, at attempt {attempts}")]
    TimedOut {
        /// The step.
        step: String,
        /// How many tries its work took.
        attempts: u32,
        /// How long it may take.
        after: Duration,
    },
    /// The condition of an edge into it [failed](crate::EdgeBuilder::try_when).
    #[error("step `{step}` failed: the condition of its edge from `{from}` cannot be told")]
    Undecided {
        /// The step.
        step: String,
        /// Where the edge begins.
        from: String,
        /// Why it cannot be told.
        source: Arc<dyn Error + Send + Sync>,
    },
}

impl StepError {
    /// The path of the step that failed: its name, or `parent/name` if another step ran it.
    #[must_use]
    pub fn step(&self) -> &str {
        match self {
            Self::Condition { step, .. }
            | Self::Failed { step, .. }
            | Self::Panicked { step, .. }
            | Self::TimedOut { step, .. }
            | Self::Undecided { step, .. } => step,
        }
    }
}

/// A step was to have completed, and has not.
#[derive(Clone, Debug, thiserror::Error)]
#[error("step `{step}` did not complete: it is {status}, after {elapsed:?}")]
#[non_exhaustive]
pub struct NotCompleted {
    /// The path of the step.
    pub step: String,
    /// What it is instead.
    pub status: Status,
    /// How long it ran.
    pub elapsed: Duration,
    /// Why it failed, if it did.
    pub source: Option<Arc<StepError>>,
}

/// Why a step was not to run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkipCause {
    /// No edge into it was live. This is no failure.
    #[error("no condition led to it")]
    Condition,
    /// A step before it did not complete.
    #[error("step `{step}` did not complete")]
    Dependency {
        /// The step where the trouble began.
        step: String,
    },
}
