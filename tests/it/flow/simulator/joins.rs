use std::collections::BTreeSet;

use fascine::flow::{Join, Status};

use super::edges::Edge;
use super::simulation::Simulation;
use crate::flow::sketch::Condition;

/// What a step is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Broken,
    Run,
    Skip { by_failure: bool },
}

impl Simulation<'_> {
    /// What the edges into a step say, as soon as they do.
    pub(super) fn verdict(&self, step: usize) -> Option<Verdict> {
        let edges = (0..self.edges.len()).filter(|edge| self.edges[*edge].to == step);
        let edges: Vec<usize> = edges.collect();
        let count = |which: &[Edge]| {
            let settled = edges.iter().filter_map(|edge| self.settled[*edge]);
            settled.filter(|(edge, _)| which.contains(edge)).count()
        };
        let live = count(&[Edge::Live, Edge::LiveError, Edge::Rescue]);
        // A step that is there in place of another one waits for its failure, whatever else comes.
        let stands_in = |edge: &usize| self.edges[*edge].condition == Condition::OnFailure;
        let is_wanted = !edges.iter().any(stands_in) || count(&[Edge::Rescue]) == 1;
        let join = self.sketch.steps[step].join;
        if let Join::AtLeast(wanted) = join
            && is_wanted
            && live >= wanted.get() as usize
        {
            return Some(Verdict::Run);
        }
        if edges.iter().any(|edge| self.settled[*edge].is_none()) {
            return None;
        }
        let lost = count(&[Edge::Broken, Edge::Failed]);
        let runs = match join {
            Join::All => live == edges.len(),
            Join::AllSucceeded => live == edges.len() && count(&[Edge::LiveError]) == 0,
            Join::Always => true,
            Join::Any => live > 0,
            Join::NoneFailed => live > 0 && lost == 0,
            _ => false,
        };
        Some(if edges.is_empty() || (runs && is_wanted) {
            Verdict::Run
        } else if count(&[Edge::Broken]) > 0 && is_wanted {
            Verdict::Broken
        } else {
            let errors = count(&[Edge::LiveError]);
            let by_error = join == Join::AllSucceeded && errors > 0;
            Verdict::Skip {
                by_failure: count(&[Edge::Failed]) > 0 || by_error,
            }
        })
    }

    /// The steps where the failures began that led to a skip, of those that came first.
    pub(super) fn to_blame(&self, step: usize) -> BTreeSet<usize> {
        let state = &self.steps[step];
        if state.status != Status::Skipped
            || state.verdict != Some(Verdict::Skip { by_failure: true })
        {
            return BTreeSet::new();
        }
        let refuses_errors = self.sketch.steps[step].join == Join::AllSucceeded;
        let failed = (0..self.edges.len()).filter_map(|edge| {
            let (state, at) = self.settled[edge]?;
            let is_failure = state == Edge::Failed || (state == Edge::LiveError && refuses_errors);
            (self.edges[edge].to == step && is_failure).then_some((edge, at))
        });
        let failed: Vec<_> = failed.collect();
        let first = failed.iter().map(|(_, at)| *at).min();
        let first = failed.iter().filter(|(_, at)| Some(*at) == first);
        let sources = first.map(|(edge, _)| self.edges[*edge].from);
        sources
            .flat_map(|from| match self.steps[from].status {
                Status::Skipped => self.to_blame(from),
                _ => BTreeSet::from([from]),
            })
            .collect()
    }
}
