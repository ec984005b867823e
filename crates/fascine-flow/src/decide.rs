use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use fascine_rt::Panic;
use futures_lite::FutureExt;

use crate::edge::{Condition, Edge, Seen};
use crate::edge_state::Decision;
use crate::graph::Inner;
use crate::{OnError, Output, SharedState, StepError};

/// What the conditions say that are asked when a step has ended, edge by edge. Empty if there are none.
#[derive(Default)]
pub(crate) struct Decisions {
    /// Of the edges out of the step.
    pub(crate) own: Vec<Decision>,
    /// Of the edges out of those it was run in place of, from one to the next.
    pub(crate) rescued: Vec<Vec<Decision>>,
}

impl Decisions {
    pub(crate) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.rescued.is_empty()
    }
}

pub(crate) async fn decide_all(
    graph: &Inner,
    step: u32,
    result: &Result<Output, StepError>,
    state: &SharedState,
) -> Decisions {
    let own = decide(graph, step, result, state).await;
    let mut rescued = Vec::new();
    if result.is_ok() {
        let mut next = graph.rescues.get(&step);
        while let Some(step) = next {
            rescued.push(decide(graph, *step, result, state).await);
            next = graph.rescues.get(step);
        }
    }
    Decisions { own, rescued }
}

/// Asks the conditions of the edges out of a step that has ended. Nothing is asked that can make no difference.
async fn decide(
    graph: &Inner,
    step: u32,
    result: &Result<Output, StepError>,
    state: &SharedState,
) -> Vec<Decision> {
    if !graph.decides[step as usize] {
        return Vec::new();
    }
    let Some(seen) = seen(graph, step, result, state) else {
        return Vec::new();
    };
    let edges = graph.outgoing.of(step);
    let mut decisions = Vec::with_capacity(edges.len());
    let mut is_taken = false;
    for number in edges {
        let edge = &graph.edges[*number as usize];
        let decision = ask(graph, edge, &seen).await;
        is_taken |= matches!(decision, Decision::Live) && edge.is_asked();
        decisions.push(decision);
    }
    for (number, decision) in edges.iter().zip(&mut decisions) {
        let condition = graph.edges[*number as usize].condition();
        if matches!(condition, Condition::Otherwise) && is_taken {
            *decision = Decision::Dead;
        }
    }
    decisions
}

/// What conditions see of a step; nothing if its edges are not live anyhow.
fn seen(
    graph: &Inner,
    step: u32,
    result: &Result<Output, StepError>,
    state: &SharedState,
) -> Option<Seen> {
    let more = &graph.steps[step as usize].settings.more;
    let outcome = match (result, more.as_ref().map(|more| &more.on_error)) {
        (Ok(output), _) | (Err(_), Some(OnError::Fallback(output))) => Ok(output.clone()),
        (Err(error), Some(OnError::Continue)) => Err(Arc::new(error.clone())),
        _ => return None,
    };
    let state = state.snapshot();
    Some(Seen { outcome, state })
}

async fn ask(graph: &Inner, edge: &Edge, seen: &Seen) -> Decision {
    let asked = match edge.condition() {
        Condition::Always | Condition::Otherwise | Condition::OnFailure => return Decision::Live,
        Condition::When(condition) => catch_unwind(AssertUnwindSafe(|| condition(seen))),
        Condition::TryWhen(condition) => match catch_unwind(AssertUnwindSafe(|| condition(seen))) {
            Ok(Ok(is_live)) => Ok(is_live),
            Ok(Err(error)) => {
                return Decision::Broken(StepError::Undecided {
                    step: graph.name(edge.to),
                    from: graph.name(edge.from),
                    source: Arc::from(error),
                });
            }
            Err(payload) => Err(payload),
        },
        Condition::WhenAsync(condition) => {
            match catch_unwind(AssertUnwindSafe(|| condition(seen.clone()))) {
                Ok(future) => AssertUnwindSafe(future).catch_unwind().await,
                Err(payload) => Err(payload),
            }
        }
    };
    match asked {
        Ok(true) => Decision::Live,
        Ok(false) => Decision::Dead,
        Err(payload) => {
            let name = |step: u32| graph.steps[step as usize].name.to_string();
            Decision::Broken(StepError::Condition {
                step: name(edge.to),
                from: name(edge.from),
                message: Panic::new(payload).message().to_owned(),
            })
        }
    }
}

impl Edge {
    fn is_asked(&self) -> bool {
        matches!(
            self.condition(),
            Condition::TryWhen(_) | Condition::When(_) | Condition::WhenAsync(_)
        )
    }
}
