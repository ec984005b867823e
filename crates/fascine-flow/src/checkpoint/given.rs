use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::journal::{View, What};
use super::{Done, Failure, Record, RecordedResult, ResumeError, answering};
use crate::reply::Reply;
use crate::{AnswerError, Graph};

/// What somebody says of steps, before a run goes on.
#[derive(Debug, Default)]
pub(super) struct Choices {
    choices: Vec<(String, Choice)>,
    answers: Vec<(String, Result<Reply, AnswerError>)>,
}

#[derive(Debug)]
enum Choice {
    Done(Result<Box<RawValue>, serde_json::Error>),
    Failed(String),
    Rerun,
}

impl Choices {
    pub(super) fn answer(&mut self, step: String, answer: impl Serialize) {
        let reply = Reply::of(&step, answer);
        self.answers.push((step, reply));
    }

    pub(super) fn decline(&mut self, step: String, reason: String) {
        self.answers.push((step, Ok(Reply::Declined(reason))));
    }

    pub(super) fn done(&mut self, step: String, output: impl Serialize) {
        self.choices
            .push((step, Choice::Done(to_raw_value(&output))));
    }

    pub(super) fn failed(&mut self, step: String, reason: String) {
        self.choices.push((step, Choice::Failed(reason)));
    }

    pub(super) fn rerun(&mut self, step: String) {
        self.choices.push((step, Choice::Rerun));
    }

    /// The records of what was said.
    pub(super) fn records(
        self,
        view: &View<'_>,
        graph: &Graph,
    ) -> Result<Vec<Record>, ResumeError> {
        let choices = self.choices.into_iter();
        let choices = choices.map(|(step, choice)| choice.record(step, view, graph));
        let answers = self.answers.into_iter();
        let answers = answers.map(|(step, reply)| answering::record(&step, reply?, view, graph));
        let answers: Vec<_> = answers.collect::<Result<_, _>>()?;
        answering::check_answered_once(&answers)?;
        choices.chain(answers.into_iter().map(Ok)).collect()
    }
}

impl Choice {
    fn record(self, step: String, view: &View<'_>, graph: &Graph) -> Result<Record, ResumeError> {
        let number = graph.inner.find_path(&step);
        let last = view.steps.get(step.as_str());
        if number.is_none() && last.is_none() {
            return Err(ResumeError::UnknownStep { step });
        }
        let attempts = match last.map(|last| &last.what) {
            Some(What::Done(done)) if matches!(done.result, RecordedResult::Output(_)) => {
                return Err(ResumeError::AlreadyDone { step });
            }
            Some(What::Done(done)) => done.attempts,
            Some(What::Started { .. }) => 1,
            None => 0,
        };
        let result = match self {
            Self::Rerun => return Ok(Record::Rerun { step: step.into() }),
            Self::Failed(reason) => RecordedResult::Failure(Failure::Failed {
                causes: vec![reason],
            }),
            Self::Done(Err(source)) => return Err(ResumeError::Encode { step, source }),
            Self::Done(Ok(text)) => {
                if let Some(number) = number {
                    decode(graph, number, &text)?;
                }
                RecordedResult::Output(text)
            }
        };
        Ok(Record::Done(Box::new(Done {
            step: step.into(),
            started: None,
            attempts,
            result,
            decisions: None,
            writes: Vec::new(),
            is_open: false,
            is_idempotent: false,
        })))
    }
}

/// Holds an output to the type of what the step gives.
pub(super) fn decode(graph: &Graph, step: u32, text: &RawValue) -> Result<(), ResumeError> {
    let output = (graph.inner.steps[step as usize].output)();
    let decoded = (output.decode)(text);
    decoded.map(drop).map_err(|source| ResumeError::Decode {
        step: graph.inner.name(step),
        wanted: output.name.to_owned(),
        source,
    })
}
