use std::error::Error;
use std::path::PathBuf;

use crate::RunId;

/// Why a checkpoint cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// Somebody else has written to the journal: another process has taken the run over.
    #[error("the journal of run `{run}` does not end at record {at}: somebody else writes it")]
    Conflict {
        /// The run.
        run: RunId,
        /// Where it was believed to end.
        at: u64,
    },
    /// What is stored was damaged, or is of something else.
    #[error("{} is damaged at byte {offset}: {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the first record begins that cannot be read.
        offset: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// What a step gave cannot be JSON.
    #[error("the output of step `{step}` cannot be recorded")]
    Encode {
        /// The step.
        step: String,
        /// What the serializer says.
        source: serde_json::Error,
    },
    /// The run has a journal already.
    #[error("run `{run}` has a journal already")]
    Exists {
        /// The run.
        run: RunId,
    },
    /// The journal is of a format that this version does not know.
    #[error("the journal of run `{run}` is of format {format}, which is not known")]
    Format {
        /// The run.
        run: RunId,
        /// The format.
        format: u32,
    },
    /// What the header says of the graph cannot be read, and the graph to go on with is another one.
    #[error("the header of run `{run}` does not say of which steps its graph was")]
    Header {
        /// The run.
        run: RunId,
    },
    /// The store took too long when the run was cancelled.
    #[error("the store did not answer in time")]
    Late,
    /// A record cannot be read.
    #[error("record {sequence} of run `{run}` cannot be read")]
    Record {
        /// The run.
        run: RunId,
        /// The number of the record.
        sequence: u64,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// The store failed.
    #[error("cannot {action}")]
    Store {
        /// What it was to do.
        action: &'static str,
        /// Why it did not.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The run has no journal.
    #[error("run `{run}` has no journal")]
    UnknownRun {
        /// The run.
        run: RunId,
    },
}

impl CheckpointError {
    /// The error of a store that could not do something.
    pub fn store(action: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Store {
            action,
            source: source.into(),
        }
    }
}
