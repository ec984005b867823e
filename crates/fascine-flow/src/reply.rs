use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::ask::Asks;
use crate::{AnswerError, Declined, OpenQuestion, Output};

/// What somebody says to a question.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Answer(Value),
    Declined(String),
}

/// What the step makes of it.
pub(crate) type Given = Result<Output, Arc<Declined>>;

impl Reply {
    /// Makes JSON of an answer. Calls what is foreign.
    pub(crate) fn of(step: &str, answer: impl Serialize) -> Result<Self, AnswerError> {
        let answer = serde_json::to_value(answer);
        answer
            .map(Self::Answer)
            .map_err(|source| AnswerError::Value {
                step: step.to_owned(),
                source,
            })
    }

    /// Reads the answer as one of the type that is wanted. Calls what is foreign.
    pub(crate) fn read(self, step: &str, asks: Asks) -> Result<Given, AnswerError> {
        match self {
            Self::Answer(answer) => {
                let read = (asks.read)(answer);
                let read = read.map_err(|source| AnswerError::WrongType {
                    step: step.to_owned(),
                    wanted: asks.wanted.to_owned(),
                    source,
                });
                read.map(Ok)
            }
            Self::Declined(reason) => Ok(Err(Arc::new(Declined { reason }))),
        }
    }

    /// Reads the answer as one that the question takes. Calls what is foreign.
    pub(crate) fn check(self, question: &OpenQuestion, asks: Asks) -> Result<Given, AnswerError> {
        let given = self.read(&question.step, asks)?;
        check_choice(question, &given)?;
        Ok(given)
    }

    /// The same, where the type is not known.
    pub(crate) fn check_choices(self, question: &OpenQuestion) -> Result<Given, AnswerError> {
        let given = match self {
            Self::Answer(answer) => Ok(Output::new(answer)),
            Self::Declined(reason) => Err(Arc::new(Declined { reason })),
        };
        check_choice(question, &given)?;
        Ok(given)
    }
}

/// As it was read, not as it was written: 1 is 1.0.
fn check_choice(question: &OpenQuestion, given: &Given) -> Result<(), AnswerError> {
    let (Ok(output), false) = (given, question.choices.is_empty()) else {
        return Ok(());
    };
    let step = || question.step.clone();
    let answer = output.to_json().map_err(|source| AnswerError::Value {
        step: step(),
        source,
    })?;
    if question.choices.contains(&answer) {
        return Ok(());
    }
    Err(AnswerError::NotAChoice {
        step: step(),
        choices: question.choices.clone(),
    })
}
