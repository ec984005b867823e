use super::{CheckpointError, GraphChange, Point, RunId};
use crate::AnswerError;

/// Why a recorded run cannot be taken up. Nothing was run, and nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// A step has ended well: there is nothing to be decided about it.
    #[error("step `{step}` is done")]
    AlreadyDone {
        /// The step.
        step: String,
    },
    /// An answer is not wanted, or not what is wanted.
    #[error("an answer cannot be taken")]
    Answer(#[from] AnswerError),
    /// The graph is not the one that was run.
    #[error("run `{run}` is of another graph: {change}")]
    Changed {
        /// The run.
        run: RunId,
        /// What is different.
        change: GraphChange,
    },
    /// The store failed, or has no such run.
    #[error("the journal cannot be used")]
    Checkpoint(#[from] CheckpointError),
    /// What a step gave, or was said to have given, is of another type than it gives now. A [replay](crate::Flow::replay_from)
    /// from [before](crate::Journal::before) it runs the step again.
    #[error("what is recorded of step `{step}` is no `{wanted}`")]
    Decode {
        /// The step.
        step: String,
        /// The type of what it gives.
        wanted: String,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// What a step is to have given cannot be JSON.
    #[error("what step `{step}` is to have given cannot be JSON")]
    Encode {
        /// The step.
        step: String,
        /// What the serializer says.
        source: serde_json::Error,
    },
    /// What the steps shared cannot be made again.
    #[error("what the steps shared cannot be made again")]
    State(#[from] crate::StateError),
    /// Somebody else goes on with the run.
    #[error("run `{run}` was taken up by somebody else")]
    Taken {
        /// The run.
        run: RunId,
    },
    /// Steps were started and nobody knows what came of them, and they are not declared
    /// [idempotent](crate::StepBuilder::idempotent). For each of them it has to be
    /// [decided](crate::Resume::assume_done) whether it is done.
    #[error("it is not known what came of {}", list(steps))]
    Undecided {
        /// The steps.
        steps: Vec<String>,
    },
    /// The journal has no such moment.
    #[error("the journal does not reach as far as {point}")]
    UnknownPoint {
        /// The moment.
        point: Point,
    },
    /// Something is decided about a step that is not there.
    #[error("there is no step `{step}`")]
    UnknownStep {
        /// The step.
        step: String,
    },
}

impl ResumeError {
    /// Of what the store says to the first record of somebody who goes on with a run.
    pub(super) fn taking(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Conflict { run, .. } => Self::Taken { run },
            other => Self::Checkpoint(other),
        }
    }
}

/// The first of many names.
pub(super) fn list(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`"));
    let mut shown: Vec<_> = shown.collect();
    if names.len() > SHOWN {
        shown.push(format!("{} more", names.len() - SHOWN));
    }
    shown.join(", ")
}

const SHOWN: usize = 10;
