use std::sync::Arc;

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
        let step = &question.step;
        let given = self.read(step, asks)?;
        if let (Ok(output), false) = (&given, question.choices.is_empty()) {
            // As it is read, not as it was written: 1 is 1.0.
            let answer = output.to_json().map_err(|source| AnswerError::Value {
                step: step.clone(),
                source,
            })?;
            if !question.choices.contains(&answer) {
                return Err(AnswerError::NotAChoice {
                    step: step.clone(),
                    choices: question.choices.clone(),
                });
            }
        }
        Ok(given)
    }
}
