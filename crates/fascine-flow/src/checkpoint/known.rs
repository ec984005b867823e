use super::{Done, RecordedResult};
use crate::decide::Decisions;
use crate::step::Step;
use crate::step_context::Foregone;
use crate::{Graph, Output};

/// What came of the steps of one graph in an earlier run, by their numbers. Nothing is allocated if nothing came of any.
#[derive(Debug, Default)]
pub(crate) struct Known(Vec<Past>);

/// What is known of one step.
#[derive(Debug)]
enum Past {
    Unknown,
    Known(Box<Done>),
    /// It was asked for.
    Taken,
}

/// What came of one.
pub(crate) struct KnownStep {
    pub(crate) foregone: Foregone,
    /// Nothing if the conditions of the edges out of it have to be asked.
    pub(crate) decisions: Option<Decisions>,
}

impl Known {
    pub(super) fn new(steps: impl Iterator<Item = Option<Box<Done>>>) -> Self {
        let known = steps.map(|done| done.map_or(Past::Unknown, Past::Known));
        Self(known.collect())
    }

    /// Whether it is known what the step gave, and what follows from it.
    pub(crate) fn is_decided(&self, step: u32) -> bool {
        self.done(step).is_some_and(|done| done.decisions.is_some())
    }

    /// What came of the step, once.
    pub(crate) fn take(&mut self, step: u32, graph: &Graph) -> Option<KnownStep> {
        let known = self.0.get_mut(step as usize)?;
        match std::mem::replace(known, Past::Taken) {
            Past::Known(done) => Some(KnownStep::new(*done, &graph.inner.steps[step as usize])),
            other => {
                *known = other;
                None
            }
        }
    }

    /// Whether what came of the step was taken.
    pub(crate) fn was_taken(&self, step: u32) -> bool {
        matches!(self.0.get(step as usize), Some(Past::Taken))
    }

    pub(super) fn done(&self, step: u32) -> Option<&Done> {
        match self.0.get(step as usize)? {
            Past::Known(done) => Some(done),
            Past::Unknown | Past::Taken => None,
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Done> {
        (0..self.0.len() as u32).filter_map(|step| self.done(step))
    }
}

impl KnownStep {
    fn new(done: Done, step: &Step) -> Self {
        let result = match done.result {
            RecordedResult::Output(text) => Ok(Output::recorded(text, (step.output)())),
            RecordedResult::Failure(failure) => Err(failure.to_error(&step.name, done.attempts)),
        };
        Self {
            foregone: Foregone {
                result,
                attempts: done.attempts,
                writes: done.writes,
            },
            decisions: done.decisions.as_deref().map(Decisions::recorded),
        }
    }
}
