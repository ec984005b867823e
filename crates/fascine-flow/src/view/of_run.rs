use std::collections::HashSet;
use std::error::Error;
use std::iter;

use super::{EdgeView, GraphView, StepView};
use crate::{FlowReport, Graph, OnError, SkipCause, Status, StepName, StepReport};

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
        for (edge, built) in view.edges.iter_mut().zip(&graph.inner.edges) {
            let settings = &graph.inner.steps[built.from as usize].settings;
            let goes_on = settings.more.as_ref().is_some_and(|more| {
                !matches!(more.on_error, OnError::FailFast | OnError::SkipDependents)
            });
            let is_told = |step: usize| view.steps[step].status.is_some();
            if is_told(edge.from) && is_told(edge.to) {
                edge.taken = taken(edge, &report.steps, goes_on);
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

/// The report says how steps ended, not what conditions said: this is what follows from that for sure.
fn taken(edge: &EdgeView, steps: &[StepReport], goes_on: bool) -> Option<bool> {
    let (from, to) = (steps.get(edge.from)?, steps.get(edge.to)?);
    let is_live = match from.status {
        Status::Completed => true,
        Status::Failed => goes_on,
        _ => false,
    };
    if !is_live || to.skip_cause == Some(SkipCause::Condition) {
        return Some(false);
    }
    (!edge.is_conditional).then_some(to.started.is_some())
}

/// What went wrong, and why, down to the root. A chain that bites its tail is cut.
fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
    let causes = iter::successors(Some(error), |error: &&(dyn Error + 'static)| {
        (*error).source()
    });
    causes.take(DEPTH).map(|error| error.to_string()).collect()
}

const DEPTH: usize = 32;
