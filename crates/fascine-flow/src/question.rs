use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Error, Value};

use crate::StepOutput;

/// What a step [asks](crate::GraphBuilder::ask) somebody outside of the run, and the type of the answer.
///
/// # Defaults
///
/// - no details
/// - any answer of the type
pub struct Question<A> {
    text: String,
    details: Result<Value, Error>,
    choices: Result<Vec<Value>, Error>,
    answer: PhantomData<fn() -> A>,
}

impl<A: StepOutput> Question<A> {
    /// Asks this.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            details: Ok(Value::Null),
            choices: Ok(Vec::new()),
            answer: PhantomData,
        }
    }

    /// Adds what one has to know to answer. If it cannot be JSON, the step fails.
    #[must_use]
    pub fn with_details(mut self, details: impl Serialize) -> Self {
        self.details = serde_json::to_value(details);
        self
    }

    /// Takes no other answers than these. If one of them cannot be JSON, the step fails.
    #[must_use]
    pub fn with_choices(mut self, choices: impl IntoIterator<Item = A>) -> Self {
        let choices = choices.into_iter();
        self.choices = choices.map(serde_json::to_value).collect();
        self
    }

    pub(crate) fn asked(self) -> Result<Asked, Error> {
        Ok(Asked {
            text: self.text,
            details: self.details?,
            choices: self.choices?,
        })
    }
}

impl<A> fmt::Debug for Question<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("text", &self.text)
            .field("details", &self.details)
            .field("choices", &self.choices)
            .finish_non_exhaustive()
    }
}

/// A question, whatever the type of its answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) text: String,
    pub(crate) details: Value,
    pub(crate) choices: Vec<Value>,
}

/// A question that waits for its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OpenQuestion {
    /// The step that asks: what to [answer](crate::Answers::answer) by.
    pub step: String,
    /// What it asks.
    pub text: String,
    /// What one has to know to answer; `null` if there is nothing.
    pub details: Value,
    /// The only answers it takes; empty if it takes all of their type.
    pub choices: Vec<Value>,
    /// The type of the answer, as the compiler calls it.
    pub wanted: String,
    /// Since when, after the start of the run.
    pub since: Duration,
    /// Why an answer that had been given before it was asked was not taken.
    pub refused: Option<String>,
}
