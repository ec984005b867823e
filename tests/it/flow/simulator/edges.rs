use std::time::Duration;

use fascine::flow::Status;

use super::joins::Verdict;
use super::simulation::Simulation;
use crate::flow::sketch::{AfterFailure, Condition, stands_in};

/// What came of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    Broken,
    Dead,
    Failed,
    Live,
    LiveError,
    /// It leads to the step that runs in place of its source, which has failed.
    Rescue,
}

impl Simulation<'_> {
    /// What the edge comes to, as soon as that is known.
    pub(super) fn comes_to(&self, number: usize) -> Option<Edge> {
        let edge = self.edges[number];
        let status = self.steps[edge.from].status;
        if edge.condition == Condition::OnFailure && status == Status::Failed {
            return Some(Edge::Rescue);
        }
        let carried = self.carries(edge.from)?;
        if !matches!(carried, Edge::Live | Edge::LiveError) {
            return Some(carried);
        }
        let siblings = (0..self.edges.len()).filter(|other| self.edges[*other].from == edge.from);
        let mut asked = siblings.filter(|other| self.edges[*other].condition.is_asked());
        Some(match edge.condition {
            Condition::Always => carried,
            Condition::OnFailure => Edge::Dead,
            Condition::Otherwise if self.answers[number].is_none() => return None,
            Condition::Otherwise if asked.any(|other| self.answers[other] == Some(Edge::Live)) => {
                Edge::Dead
            }
            Condition::Otherwise => carried,
            _ => match self.answers[number]? {
                Edge::Live => carried,
                other => other,
            },
        })
    }

    /// What a step gives to all that is behind it, but for the conditions.
    fn carries(&self, step: usize) -> Option<Edge> {
        let state = &self.steps[step];
        match (state.status, self.sketch.steps[step].after_failure) {
            (Status::Completed, _) => Some(Edge::Live),
            (Status::Failed, AfterFailure::CarryOn) => Some(Edge::LiveError),
            (Status::Failed, AfterFailure::Give) => Some(Edge::Live),
            (Status::Failed, AfterFailure::Run(other)) => match self.carries(other)? {
                Edge::Live => Some(Edge::Live),
                _ => Some(Edge::Failed),
            },
            (Status::Failed, _) => Some(Edge::Failed),
            (Status::Skipped, _) => Some(match state.verdict {
                Some(Verdict::Skip { by_failure: true }) => Edge::Failed,
                _ => Edge::Dead,
            }),
            _ => None,
        }
    }

    /// Finds out what the conditions say that are asked when a step has ended which has just begun, and when the last of
    /// them has answered: those of its own edges, then those of the steps in whose place it runs.
    pub(super) fn ask_conditions(&mut self, step: usize) -> Duration {
        let (gives, ends) = match (&self.steps[step].work, self.steps[step].work_ends()) {
            (Some(work), Some(ends)) => (work.gives, ends),
            _ => unreachable!("it has begun"),
        };
        let after = self.sketch.steps[step].after_failure;
        let is_live = gives || after == AfterFailure::Give;
        let mut at = ends;
        if is_live || after == AfterFailure::CarryOn {
            at = self.ask_about(step, at);
        }
        let mut of = step;
        while is_live && let Some(failed) = self.in_place_of(of) {
            at = self.ask_about(failed, at);
            of = failed;
        }
        at
    }

    /// Asks all conditions at once, about the state as it is then.
    fn ask_about(&mut self, step: usize, begins: Duration) -> Duration {
        let mut at = begins;
        for number in 0..self.edges.len() {
            if self.edges[number].from != step {
                continue;
            }
            let says = |live| if live { Edge::Live } else { Edge::Dead };
            self.answers[number] = match self.edges[number].condition {
                Condition::Panics => Some(Edge::Broken),
                Condition::When(live) => Some(says(live)),
                Condition::WhenAsync(live, takes) => {
                    at = at.max(begins + takes);
                    Some(says(live))
                }
                // It depends on what the others say.
                Condition::Otherwise => Some(Edge::Live),
                Condition::WhenCompleted(other) => Some(says(self.had_completed(other, begins))),
                _ => None,
            };
        }
        at
    }

    /// What a step changes is there once it has completed.
    fn had_completed(&self, step: usize, by: Duration) -> bool {
        let state = &self.steps[step];
        let gives = state.work.as_ref().is_some_and(|work| work.gives);
        gives && state.work_ends().is_some_and(|at| at <= by)
    }

    fn in_place_of(&self, step: usize) -> Option<usize> {
        let steps = &self.sketch.steps;
        steps
            .iter()
            .position(|other| other.fallback() == Some(step))
    }

    /// Who gives what a step gets.
    pub(super) fn inputs(&self, step: usize) -> Vec<(usize, Option<usize>)> {
        let inputs = (0..self.edges.len()).filter(|edge| self.edges[*edge].to == step);
        let inputs = inputs.filter_map(|edge| {
            let from = self.edges[edge].from;
            match self.settled[edge]?.0 {
                Edge::Live => Some((from, Some(self.giver(from)))),
                Edge::LiveError | Edge::Rescue => Some((from, None)),
                _ => None,
            }
        });
        let mut inputs: Vec<_> = inputs.collect();
        inputs.sort_unstable();
        inputs
    }

    fn giver(&self, step: usize) -> usize {
        match (
            self.steps[step].status,
            self.sketch.steps[step].after_failure,
        ) {
            (Status::Failed, AfterFailure::Give) => stands_in(step),
            (Status::Failed, AfterFailure::Run(other)) => self.giver(other),
            _ => step,
        }
    }
}

impl Condition {
    fn is_asked(self) -> bool {
        !matches!(self, Self::Always | Self::OnFailure | Self::Otherwise)
    }
}
