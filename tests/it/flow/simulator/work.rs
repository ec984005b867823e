use std::time::Duration;

use super::{Expected, Limits};
use crate::flow::sketch::{AfterFailure, Condition, Ending, Sketch, SketchEdge, SketchStep};

/// What a step does, from its start to its end.
#[derive(Clone, Debug)]
pub(super) struct Work {
    /// When its tries begin.
    begins: Vec<Duration>,
    pub(super) takes: Duration,
    pub(super) gives: bool,
    /// For each try, when it begins to run a graph, if it runs one, and when it is cut off, if it is.
    within: Vec<Within>,
}

#[derive(Clone, Copy, Debug)]
struct Within {
    begins: Duration,
    ends: Option<Duration>,
    limits: Limits,
}

impl Work {
    pub(super) fn of(step: &SketchStep, deadline: Option<Duration>) -> Self {
        let mut work = Self::broken();
        for one in &step.tries {
            if !work.begins.is_empty() {
                let again = work.takes + step.backoff;
                if deadline.is_some_and(|deadline| again >= deadline) {
                    break;
                }
                work.takes = again;
            }
            work.begins.push(work.takes);
            let begins = work.takes + one.takes;
            let time_out = step.timeout.map(|timeout| work.takes + timeout);
            let limits = Limits {
                deadline: [deadline, time_out]
                    .into_iter()
                    .flatten()
                    .min()
                    .map(|deadline| deadline.saturating_sub(begins)),
                ..Limits::NONE
            };
            let (within, succeeds) = match &step.within {
                Some(within) => within.takes_and_succeeds(limits),
                None => (Duration::ZERO, true),
            };
            let takes = one.takes + within;
            let cut = step.timeout.filter(|timeout| *timeout < takes);
            let ends = cut.map(|cut| work.takes + cut);
            work.within.push(Within {
                begins,
                ends,
                limits,
            });
            work.takes += cut.unwrap_or(takes);
            if cut.is_none() && succeeds {
                work.gives = one.ends == Ending::Gives;
                if work.gives || one.ends == Ending::Panics {
                    break;
                }
            }
        }
        work
    }

    /// A step that fails without being run.
    pub(super) fn broken() -> Self {
        Self {
            begins: Vec::new(),
            takes: Duration::ZERO,
            gives: false,
            within: Vec::new(),
        }
    }

    /// When the graph was begun that the last try ran, and how that ended: if the step was cut off after that time, with
    /// it.
    pub(super) fn within(
        &self,
        sketch: &Sketch,
        ran: Option<Duration>,
    ) -> Option<(Duration, Expected)> {
        let tries = self.begins.iter().zip(&self.within);
        let mut tries = tries.filter(|(begins, _)| ran.is_none_or(|ran| **begins <= ran));
        let (_, last) = tries.next_back()?;
        let end = match (last.ends, ran) {
            (Some(ends), Some(ran)) => Some(ends.min(ran)),
            (ends, ran) => ends.or(ran),
        };
        if end.is_some_and(|end| end < last.begins) {
            return None;
        }
        let limits = Limits {
            cut: end.map(|end| end - last.begins),
            ..last.limits
        };
        Some((last.begins, sketch.simulate(limits)))
    }

    pub(super) fn attempts(&self) -> u32 {
        self.begins.len() as u32
    }

    pub(super) fn attempts_within(&self, time: Duration) -> u32 {
        self.begins.iter().filter(|begins| **begins <= time).count() as u32
    }
}

impl SketchStep {
    pub(super) fn ends_run(&self) -> bool {
        self.after_failure == AfterFailure::EndRun
    }

    pub(super) fn fallback(&self) -> Option<usize> {
        match self.after_failure {
            AfterFailure::Run(step) => Some(step),
            _ => None,
        }
    }
}

impl Sketch {
    fn takes_and_succeeds(&self, limits: Limits) -> (Duration, bool) {
        let expected = self.simulate(limits);
        (
            expected.wall,
            expected.steps.iter().all(|step| !step.is_undone()),
        )
    }

    /// The edges, and those to the steps that run in place of others.
    pub(super) fn all_edges(&self) -> Vec<SketchEdge> {
        let steps = self.steps.iter().enumerate();
        let hidden = steps.filter_map(|(from, step)| {
            Some(SketchEdge {
                from,
                to: step.fallback()?,
                condition: Condition::OnFailure,
            })
        });
        self.edges.iter().copied().chain(hidden).collect()
    }
}
