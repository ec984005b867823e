use std::collections::HashSet;
use std::error::Error;
use std::iter;

use super::{GraphView, StepView};
use crate::{EdgeStatus, FlowReport, Graph, SkipCause, StepName, StepReport};

/// The report is to be one of that graph: a step with another name than the report has in its place is drawn as if there
/// had been no run.
impl From<(&Graph, &FlowReport)> for GraphView {
    fn from((graph, report): (&Graph, &FlowReport)) -> Self {
        let mut view = Self::from(graph);
        let mut critical: HashSet<&str> = HashSet::new();
        critical.extend(report.critical_path.steps.iter().map(StepName::as_str));
        for (step, reported) in view.steps.iter_mut().zip(&report.steps) {
            if reported.name == step.name {
                let is_critical = critical.contains(&*reported.path);
                *step = self::step(reported, is_critical);
            }
        }
        for (edge, status) in view.edges.iter_mut().zip(&report.edges) {
            let is_told = |step: usize| view.steps[step].status.is_some();
            if is_told(edge.from) && is_told(edge.to) {
                edge.taken = report.steps.get(edge.to).map(|to| is_taken(*status, to));
            }
        }
        view.wall = Some(report.wall);
        view.critical = report.critical_path.duration;
        view
    }
}

fn step(reported: &StepReport, is_critical: bool) -> StepView {
    StepView {
        name: reported.name.to_string(),
        status: Some(reported.status),
        started: reported.started,
        elapsed: reported.elapsed,
        attempts: reported.attempts,
        errors: reported
            .error
            .as_deref()
            .map_or_else(Vec::new, |error| chain(error)),
        skip_cause: reported.skip_cause.as_ref().map(SkipCause::to_string),
        is_critical,
    }
}

/// A step may be skipped although something came along an edge into it.
fn is_taken(edge: EdgeStatus, to: &StepReport) -> bool {
    edge == EdgeStatus::Live && (to.started.is_some() || to.was_recorded)
}

/// What went wrong, and why, down to the root. A chain that bites its tail is cut.
fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
    let causes = iter::successors(Some(error), |error: &&(dyn Error + 'static)| {
        (*error).source()
    });
    causes.take(DEPTH).map(|error| error.to_string()).collect()
}

const DEPTH: usize = 32;
