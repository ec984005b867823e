use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::{Header, OpenQuestion, StepError};

/// One thing that happened in a run. To a store it is something to be serialised, as JSON: what it says is asked of the
/// [`Journal`](crate::Journal).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Record {
    /// A step asks, and waits for the answer.
    Asked(Box<OpenQuestion>),
    /// The graph is another one from here on; what stays of the records before is recorded again behind it.
    Changed(Box<Header>),
    /// The run was given up or has ended: what runs now was dropped.
    Closed {},
    /// A step has ended.
    Done(Box<Done>),
    /// What was recorded after the record `from` counts no longer.
    Replayed {
        /// How many records count still.
        from: u64,
    },
    /// What was recorded of a step counts no longer: it did not begin after all, or somebody has decided so.
    Rerun {
        /// Its path.
        step: Box<str>,
    },
    /// Somebody goes on with the run.
    Resumed {},
    /// The function of a step is about to be called.
    Started {
        /// Its path.
        step: Box<str>,
        /// Whether it may be called again if nobody knows what came of it.
        #[serde(default, skip_serializing_if = "is_false")]
        idempotent: bool,
    },
}

impl Record {
    /// The number of the record of the step's start, if this one says how the step ended: whoever reads this record
    /// needs that one no longer, and a store may leave it out.
    #[must_use]
    pub fn supersedes(&self) -> Option<u64> {
        match self {
            Self::Done(done) => done.started,
            _ => None,
        }
    }
}

/// A record and its number.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The number: 0 for the first.
    pub sequence: u64,
    /// The record.
    pub record: Record,
}

impl Entry {
    /// Puts them together.
    #[must_use]
    pub fn new(sequence: u64, record: Record) -> Self {
        Self { sequence, record }
    }
}

/// How a step ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(unnameable_types, reason = "it is for the journal alone")]
pub struct Done {
    pub(crate) step: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) started: Option<u64>,
    pub(crate) attempts: u32,
    pub(crate) result: Result,
    /// What the conditions said that were asked: of the edges out of it, then of those it was run in place of. Nothing
    /// if they have to be asked again.
    #[serde(default)]
    pub(crate) decisions: Option<Vec<Vec<bool>>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) writes: Vec<Write>,
    /// It failed, and the run did not go on with something in its place.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) is_open: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) is_idempotent: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(value: &bool) -> bool {
    !value
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Result {
    Failure(Failure),
    Output(Box<RawValue>),
}

/// A change of the shared state by a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Write {
    /// The version it made.
    pub(crate) version: u64,
    pub(crate) key: Box<str>,
    pub(crate) value: Value,
    /// It is what the reducer made of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) is_reduced: bool,
}

/// Why a step failed, as texts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Failure {
    Condition {
        from: String,
        message: String,
    },
    /// What the error says, and what its causes say.
    Failed {
        causes: Vec<String>,
    },
    Panicked {
        message: String,
    },
    TimedOut {
        nanos: u64,
    },
    Undecided {
        from: String,
        causes: Vec<String>,
    },
}

impl Failure {
    pub(crate) fn of(error: &StepError) -> Self {
        match error {
            StepError::Condition { from, message, .. } => Self::Condition {
                from: from.clone(),
                message: message.clone(),
            },
            StepError::Panicked { message, .. } => Self::Panicked {
                message: message.clone(),
            },
            StepError::TimedOut { after, .. } => Self::TimedOut {
                nanos: u64::try_from(after.as_nanos()).unwrap_or(u64::MAX),
            },
            StepError::Failed { source, .. } => Self::Failed {
                causes: causes(&**source),
            },
            StepError::Undecided { from, source, .. } => Self::Undecided {
                from: from.clone(),
                causes: causes(&**source),
            },
        }
    }

    /// The error of the step, as far as it was recorded: its causes are texts.
    pub(crate) fn to_error(&self, step: &str, attempts: u32) -> StepError {
        let step = step.to_owned();
        match self {
            Self::Condition { from, message } => StepError::Condition {
                step,
                from: from.clone(),
                message: message.clone(),
            },
            Self::Failed { causes } => StepError::Failed {
                step,
                attempts,
                source: chain(causes),
            },
            Self::Undecided { from, causes } => StepError::Undecided {
                step,
                from: from.clone(),
                source: chain(causes),
            },
            Self::Panicked { message } => StepError::Panicked {
                step,
                message: message.clone(),
            },
            Self::TimedOut { nanos } => StepError::TimedOut {
                step,
                attempts,
                after: std::time::Duration::from_nanos(*nanos),
            },
        }
    }
}

/// What an error says, and what its causes say.
fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    chain.take(CAUSES).map(ToString::to_string).collect()
}

/// The error that was made texts, as far as it can be told.
fn chain(causes: &[String]) -> Arc<dyn Error + Send + Sync> {
    let cause = |source, text: &String| {
        Some(Box::new(Cause {
            text: text.clone(),
            source,
        }))
    };
    let source: Option<Box<Cause>> = causes.iter().rev().fold(None, cause);
    match source {
        Some(cause) => Arc::from(cause as Box<dyn Error + Send + Sync>),
        None => Arc::from(Box::<dyn Error + Send + Sync>::from("unknown")),
    }
}

/// An error that was recorded, and its cause.
#[derive(Debug)]
struct Cause {
    text: String,
    source: Option<Box<Self>>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|cause| cause as _)
    }
}

/// How long a chain of causes is recorded: some lead back to themselves.
const CAUSES: usize = 32;
