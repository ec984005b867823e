use std::sync::Arc;
use std::time::Duration;

use crate::graph::Inner;
use crate::{FlowReport, Status, StepName, StepReport};

/// The chain of steps, each waiting for the one before it, that took longest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CriticalPath {
    /// Their paths. Behind a step that ran a graph come those that were critical in that.
    pub steps: Vec<StepName>,
    /// How long they ran, together. Of a graph that a step ran, the critical path counts.
    pub duration: Duration,
}

impl CriticalPath {
    pub(crate) fn find(graph: &Inner, steps: &[StepReport]) -> Self {
        // The longest chain that ends with each step, and the step before it in that chain.
        let mut longest: Vec<(Nanos, u32)> = vec![(0, NONE); steps.len()];
        // When it was known of each step what comes of it.
        let mut settled: Vec<Nanos> = vec![0; steps.len()];
        let mut last = NONE;
        let mut duration = 0;
        for number in &graph.order {
            let step = *number as usize;
            let edges = graph.incoming.of(*number).iter();
            let from = edges.map(|edge| graph.edges[*edge as usize].from);
            let before = from.map(|from| Self::speaks_for(graph, steps, from, *number));
            let started = steps[step].started.map(nanos);
            let mut known = started.unwrap_or_default();
            let mut waited = (0, NONE);
            for from in before {
                // A step that began with so many live edges has not waited for the others.
                if started.is_some_and(|started| settled[from] > started) {
                    continue;
                }
                known = known.max(settled[from]);
                if waited.1 == NONE || longest[from].0 > waited.0 {
                    waited = (longest[from].0, from as u32);
                }
            }
            settled[step] = match steps[step].status {
                Status::Aborted => Nanos::MAX,
                _ => known.saturating_add(nanos(steps[step].elapsed)),
            };
            let length = waited.0.saturating_add(nanos(critical(&steps[step])));
            longest[step] = (length, waited.1);
            if last == NONE || length > duration {
                (last, duration) = (*number, length);
            }
        }
        let mut chain = Vec::new();
        while last != NONE {
            let step = last as usize;
            // Steps that were skipped take no time, but what is behind them may have waited for what is before.
            if steps[step].started.is_some() {
                chain.push(&steps[step]);
            }
            last = longest[step].1;
        }
        let mut path = Vec::new();
        for step in chain.into_iter().rev() {
            path.push(Arc::clone(&step.path).into());
            for report in in_turn(&step.nested) {
                path.extend_from_slice(&report.critical_path.steps);
            }
        }
        Self {
            steps: path,
            duration: Duration::from_nanos(duration),
        }
    }

    /// Whom the steps behind a step wait for: if it fails, for what runs in its place, and so on.
    fn speaks_for(graph: &Inner, steps: &[StepReport], from: u32, to: u32) -> usize {
        let mut from = from;
        while steps[from as usize].status == Status::Failed
            && let Some(other) = graph.rescuer(from)
            && other != to
        {
            from = other;
        }
        from as usize
    }
}

/// As all steps have several of them, and are compared by them, they are 64 bits wide.
type Nanos = u64;

fn nanos(time: Duration) -> Nanos {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// No step.
const NONE: u32 = u32::MAX;

/// How long a step would have run if what it ran had not waited for places.
fn critical(step: &StepReport) -> Duration {
    if step.nested.is_empty() {
        return step.elapsed;
    }
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
