use serde_json::{Error, Value};

/// Why an answer was not taken. The question is as it was before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// Somebody else was faster.
    #[error("the question of step `{step}` has been answered already")]
    AlreadyAnswered {
        /// The step.
        step: String,
    },
    /// The step waits no longer: its time was over, it was cancelled, or it is not to run.
    #[error("the question of step `{step}` is no longer open")]
    Closed {
        /// The step.
        step: String,
    },
    /// No step of that name asks anything.
    #[error("there is no question of a step `{step}`")]
    NoSuchQuestion {
        /// What was to be answered.
        step: String,
    },
    /// The question takes other answers.
    #[error("the answer to step `{step}` is none of its choices, which are {}", Value::from(choices.as_slice()))]
    NotAChoice {
        /// The step.
        step: String,
        /// What it takes.
        choices: Vec<Value>,
    },
    /// The run has ended.
    #[error("the question of step `{step}` cannot be answered: the run is over")]
    RunOver {
        /// What was to be answered.
        step: String,
    },
    /// The run was suspended: answer the run that takes up where it stopped.
    #[error("the question of step `{step}` cannot be answered: the run was suspended")]
    Suspended {
        /// What was to be answered.
        step: String,
    },
    /// The answer cannot be JSON.
    #[error("the answer to step `{step}` cannot be JSON")]
    Value {
        /// The step.
        step: String,
        /// What the serializer says.
        source: Error,
    },
    /// The answer has another type.
    #[error("the answer to step `{step}` is no `{wanted}`")]
    WrongType {
        /// The step.
        step: String,
        /// The type it wants.
        wanted: String,
        /// What the deserializer says.
        source: Error,
    },
}

/// Somebody [declined](crate::Answers::decline) to answer. It is the source of the error of the step that asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the question was declined: {reason}")]
#[non_exhaustive]
pub struct Declined {
    /// Why.
    pub reason: String,
}
