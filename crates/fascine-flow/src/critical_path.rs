use std::time::Duration;

use crate::graph::Inner;
use crate::{FlowReport, StepReport};

/// The chain of steps, each waiting for the one before it, that took longest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CriticalPath {
    /// Their paths. Behind a step that ran a graph come those that were critical in that.
    pub steps: Vec<String>,
    /// How long they ran, together. Of a graph that a step ran, the critical path counts.
    pub duration: Duration,
}

impl CriticalPath {
    pub(crate) fn find(graph: &Inner, steps: &[StepReport]) -> Self {
        // The longest chain that ends with each step, and the step before it in that chain.
        let mut longest: Vec<(Duration, Option<usize>)> = vec![(Duration::ZERO, None); steps.len()];
        let mut last = None;
        for step in &graph.order {
            let edges = graph.incoming.of(*step).iter();
            let before = edges.map(|edge| graph.edges[*edge as usize].from);
            // A step that failed and has a fallback step is done when that one is.
            let before = before.map(|from| match graph.rescuer(from) {
                Some(other) if other != *step && steps[other as usize].started.is_some() => other,
                _ => from,
            });
            let before = before.map(|from| from as usize);
            let before = before.max_by_key(|from| longest[*from].0);
            let step = *step as usize;
            let waited = before.map_or(Duration::ZERO, |from| longest[from].0);
            longest[step] = (waited.saturating_add(critical(&steps[step])), before);
            if last.is_none_or(|last: usize| longest[step].0 > longest[last].0) {
                last = Some(step);
            }
        }
        let duration = last.map_or(Duration::ZERO, |last| longest[last].0);
        let mut chain = Vec::new();
        while let Some(step) = last {
            // Steps that were skipped take no time, but what is behind them may have waited for what is before.
            if steps[step].started.is_some() {
                chain.push(&steps[step]);
            }
            last = longest[step].1;
        }
        let mut path = Vec::new();
        for step in chain.into_iter().rev() {
            path.push(step.path.to_string());
            for report in in_turn(&step.nested) {
                path.extend_from_slice(&report.critical_path.steps);
            }
        }
        Self {
            steps: path,
            duration,
        }
    }
}

/// How long a step would have run if what it ran had not waited for places.
fn critical(step: &StepReport) -> Duration {
    let waited = in_turn(&step.nested).map(|report| {
        let critical = report.critical_path.duration;
        report.wall.saturating_sub(critical)
    });
    step.elapsed.saturating_sub(waited.sum())
}

/// The graphs that a step ran one after the other: all, or none if some ran at one time.
fn in_turn(reports: &[FlowReport]) -> impl Iterator<Item = &FlowReport> {
    let mut at = Duration::ZERO;
    let is_in_turn = reports.iter().all(|report| {
        let is_free = report.begun >= at;
        at = report.begun.saturating_add(report.wall);
        is_free
    });
    reports.iter().filter(move |_| is_in_turn)
}
