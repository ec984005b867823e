use std::collections::HashSet;

use super::journal::{View, What};
use super::{Done, Failure, Record, RecordedResult};
use crate::reply::Reply;
use crate::{AnswerError, Graph};

/// The record of an answer that is given before the run goes on.
pub(super) fn record(
    step: &str,
    reply: Reply,
    view: &View<'_>,
    graph: &Graph,
) -> Result<Record, AnswerError> {
    let found = graph.inner.find_asking(step);
    let path = found.as_ref().map_or(step, |(path, _)| path);
    let question = view.questions.get(path).map(|(_, question)| *question);
    if let Some(last) = view.steps.get(path)
        && let What::Done(done) = last.what
        && !done.is_open
    {
        let step = step.to_owned();
        return Err(AnswerError::AlreadyAnswered { step });
    }
    let given = match (question, &found) {
        (Some(question), Some((_, asks))) => reply.check(question, *asks)?,
        (None, Some((_, asks))) => reply.read(step, *asks)?,
        // Only the step that runs it knows the type.
        (Some(question), None) => reply.check_choices(question)?,
        (None, None) => {
            let step = step.to_owned();
            return Err(AnswerError::NoSuchQuestion { step });
        }
    };
    let result = match given {
        Ok(output) => {
            let text = output.to_text().map_err(|source| AnswerError::Value {
                step: step.to_owned(),
                source,
            });
            RecordedResult::Output(text?)
        }
        Err(declined) => RecordedResult::Failure(Failure::Failed {
            causes: vec![declined.to_string()],
        }),
    };
    Ok(Record::Done(Box::new(Done {
        step: path.into(),
        started: None,
        attempts: question.map_or(0, |_| 1),
        result,
        decisions: None,
        writes: Vec::new(),
        is_open: false,
        is_idempotent: true,
    })))
}

/// Of two answers to one question one would be lost.
pub(super) fn check_answered_once(answers: &[Record]) -> Result<(), AnswerError> {
    let mut answered = HashSet::new();
    for record in answers {
        if let Record::Done(done) = record
            && !answered.insert(&*done.step)
        {
            let step = done.step.to_string();
            return Err(AnswerError::AlreadyAnswered { step });
        }
    }
    Ok(())
}
