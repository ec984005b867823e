use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::desk::{Desk, Wanted};
use crate::path::{Prefix, is_within};
use crate::reply::Reply;
use crate::{AnswerError, Graph, OpenQuestion};

/// Answers the questions of a [`FlowRun`](crate::FlowRun), from anywhere. A clone answers the same.
///
/// An answer may come before the question: it is kept, and given the moment the step asks, which is then shown to
/// nobody. If it does not fit then, by its type or the [choices](crate::Question::with_choices), the question is
/// [open](OpenQuestion::refused) as if there had been none.
///
/// Steps are named by their names, or by their paths, as `parent/name`, if other steps run them.
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
        self.reply(step, Reply::of(step, answer)?)
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
            let is_taken = match self.desk.wanted(step)? {
                Wanted::Now(question, _, asks) => {
                    let given = reply.clone().check(&question, asks)?;
                    // Reading takes its time: somebody may have been faster.
                    self.desk.answer(&question, given)
                }
                Wanted::Later => {
                    let path = self.check_early(step, &reply)?;
                    self.desk.keep(&path, reply.clone())
                }
            };
            if is_taken {
                return Ok(());
            }
        }
    }

    /// Reads an answer to what is not asked yet, as far as it is known what that will be. Gives the path of the step.
    fn check_early(&self, step: &str, reply: &Reply) -> Result<Arc<str>, AnswerError> {
        if let Some((path, asks)) = self.graph.inner.find_asking(step) {
            drop(reply.clone().read(step, asks)?);
            return Ok(path);
        }
        // A step of a graph that another step will perhaps run.
        let mut steps = self.graph.inner.steps.iter();
        match steps.any(|outer| is_within(step, &Prefix::None.path(&outer.name))) {
            true => Ok(step.into()),
            false => Err(AnswerError::NoSuchQuestion {
                step: step.to_owned(),
            }),
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
