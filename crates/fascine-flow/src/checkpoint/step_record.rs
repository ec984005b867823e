use serde_json::Value;

use super::{Done, Failure, RecordedResult};
use crate::StepError;

/// What is known of a step of a recorded run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StepRecord {
    /// It was never started.
    NotStarted,
    /// It was started, and the run was not given up since: it may be running, or its process is no more.
    Started,
    /// It ended, and this is what came of it.
    Done(Recorded),
    /// It was started and dropped midway: by a time-out, or because the run was cancelled or given up.
    OutcomeUnknown,
}

/// What came of a step that ended.
#[derive(Clone, Debug)]
pub struct Recorded(Done);

impl StepRecord {
    pub(crate) fn of(done: &Done) -> Self {
        match &done.result {
            RecordedResult::Failure(Failure::TimedOut { .. }) => Self::OutcomeUnknown,
            _ => Self::Done(Recorded(done.clone())),
        }
    }
}

impl Recorded {
    /// What the step gave, if it did not fail.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        match &self.0.result {
            RecordedResult::Output(text) => serde_json::from_str(text.get()).ok(),
            RecordedResult::Failure(_) => None,
        }
    }

    /// Why it failed, if it did: the causes are texts.
    #[must_use]
    pub fn error(&self) -> Option<StepError> {
        match &self.0.result {
            RecordedResult::Output(_) => None,
            RecordedResult::Failure(failure) => {
                Some(failure.to_error(&self.0.step, self.0.attempts))
            }
        }
    }

    /// How many tries its work took.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }
}
