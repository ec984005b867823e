use std::collections::HashSet;
use std::error::Error;
use std::iter;

use super::{GraphView, StepView};
use crate::walk::Walk;
use crate::{EdgeStatus, FlowReport, Graph, SkipCause, Status, StepName, StepReport};

/// The report is to be one of that graph: a step with another name than the report has in its place is drawn as if there
/// had been no run.
impl From<(&Graph, &FlowReport)> for GraphView {
    fn from((graph, report): (&Graph, &FlowReport)) -> Self {
        let mut view = Self::from(graph);
        let mut critical: HashSet<&str> = HashSet::new();
        critical.extend(report.critical_path.steps.iter().map(StepName::as_str));
        let mut told: Vec<StepView> = Vec::with_capacity(report.steps.len());
        let mut walk = Walk::new(report, |_| true);
        while let Some((depth, reported)) = walk.next_with_depth() {
            let is_critical = critical.contains(&*reported.path);
            let step = step(reported, depth, is_critical);
            match told.last_mut() {
                Some(outer) if depth > 0 => outer.nested.push(step),
                _ => told.push(step),
            }
        }
        for (step, told) in view.steps.iter_mut().zip(told) {
            if told.name == step.name {
                *step = told;
            }
        }
        for (edge, status) in view.edges.iter_mut().zip(&report.edges) {
            let is_told = |step: usize| view.steps[step].status.is_some();
            if is_told(edge.from) && is_told(edge.to) {
                let to = report.steps.get(edge.to);
                // Whether a suspended run will go there is not said yet.
                let to = to.filter(|to| to.status != Status::Pending);
                edge.taken = to.map(|to| is_taken(*status, to));
            }
        }
        view.ending = ending(report);
        view.wall = Some(report.wall);
        view.critical = report.critical_path.duration;
        view
    }
}

fn ending(report: &FlowReport) -> Vec<String> {
    let mut ending = Vec::new();
    if report.timed_out {
        ending.push("ran out of time".to_owned());
    }
    if report.suspended {
        ending.push("suspended".to_owned());
    }
    match report.questions.len() {
        0 => {}
        1 => ending.push("1 question is open".to_owned()),
        count => ending.push(format!("{count} questions are open")),
    }
    ending
}

fn step(reported: &StepReport, depth: usize, is_critical: bool) -> StepView {
    StepView {
        name: reported.name.to_string(),
        path: reported.path.to_string(),
        depth,
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
        nested: Vec::new(),
        hidden: 0,
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
