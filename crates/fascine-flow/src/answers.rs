use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::desk::{Desk, Wanted};
use crate::reply::Reply;
use crate::step_id::StepKey;
use crate::{AnswerError, Graph, OpenQuestion};

/// Answers the questions of a [`FlowRun`](crate::FlowRun), from anywhere. A clone answers the same.
///
/// An answer may come before the question: it is kept, and given the moment the step asks, which is then shown to
/// nobody. If it is none of the [choices](crate::Question::with_choices), the question is
/// [open](OpenQuestion::refused) as if there had been none.
///
/// Once [`answer`](Self::answer) has said yes, the step gets the answer, though its time may be over meanwhile; only a
/// run that is cancelled or dropped loses it.
#[derive(Clone)]
pub struct Answers {
    graph: Graph,
    desk: Arc<Desk>,
}

impl Answers {
    pub(crate) fn new(graph: &Graph, desk: &Arc<Desk>) -> Self {
        Self {
            graph: graph.clone(),
            desk: Arc::clone(desk),
        }
    }

    /// Gives the answer that the step of that name waits for: a value of its type, or JSON that can be read as one.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if it is not wanted, or is not what is wanted: the question is open then as before.
    pub fn answer(&self, step: &str, answer: impl Serialize) -> Result<(), AnswerError> {
        let answer = serde_json::to_value(answer);
        let answer = answer.map_err(|source| AnswerError::Value {
            step: step.to_owned(),
            source,
        });
        self.reply(step, Reply::Answer(answer?))
    }

    /// Lets the step of that name fail: [`Declined`](crate::Declined) is the source of its error. It is not tried
    /// again.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] if no answer is wanted.
    pub fn decline(&self, step: &str, reason: impl Into<String>) -> Result<(), AnswerError> {
        self.reply(step, Reply::Declined(reason.into()))
    }

    /// The questions that wait for an answer, in the order they were asked.
    #[must_use]
    pub fn open(&self) -> Vec<Arc<OpenQuestion>> {
        self.desk.questions()
    }

    fn reply(&self, step: &str, reply: Reply) -> Result<(), AnswerError> {
        loop {
            let wanted = self.desk.wanted(step)?;
            let given = match &wanted {
                Wanted::Now(question, asks) => reply.clone().check(question, *asks)?,
                Wanted::Later => {
                    let number = self.graph.inner.find(&StepKey::from(step));
                    let asks = number.and_then(|number| self.graph.inner.asks(number));
                    let unknown = || AnswerError::NoSuchQuestion {
                        step: step.to_owned(),
                    };
                    reply.clone().read(step, asks.ok_or_else(unknown)?)?
                }
            };
            // Reading takes its time: somebody may have been faster.
            if self.desk.answer(&wanted, step, given, reply.clone()) {
                return Ok(());
            }
        }
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers")
            .field("open", &self.open())
            .finish_non_exhaustive()
    }
}
