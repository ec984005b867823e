use std::time::Duration;

use crate::flow::sketch::{AfterFailure, Condition, Ending, Sketch, SketchEdge, SketchStep};

/// What a step does, from its start to its end.
#[derive(Clone, Debug)]
pub(super) struct Work {
    /// When its tries begin.
    begins: Vec<Duration>,
    /// When the first of them comes to its end, and is not cut off by its time-out.
    pub(super) tried: Option<Duration>,
    pub(super) takes: Duration,
    pub(super) gives: bool,
}

impl Work {
    pub(super) fn of(step: &SketchStep) -> Self {
        let mut work = Self::broken();
        for one in &step.tries {
            if !work.begins.is_empty() {
                work.takes += step.backoff;
            }
            work.begins.push(work.takes);
            match step.timeout {
                Some(timeout) if timeout < one.takes => work.takes += timeout,
                _ => {
                    work.takes += one.takes;
                    work.tried.get_or_insert(work.takes);
                    work.gives = one.ends == Ending::Gives;
                    if work.gives || one.ends == Ending::Panics {
                        break;
                    }
                }
            }
        }
        work
    }

    /// A step that fails without being run.
    pub(super) fn broken() -> Self {
        Self {
            begins: Vec::new(),
            tried: None,
            takes: Duration::ZERO,
            gives: false,
        }
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
