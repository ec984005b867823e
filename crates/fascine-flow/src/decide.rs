use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use fascine_rt::Panic;
use futures_lite::FutureExt;

use crate::edge::{Condition, Edge, Seen};
use crate::edge_state::Decision;
use crate::graph;
use crate::worker::Crew;
use crate::{OnError, Output, StepError};

/// What the conditions say that are asked when a step has ended, edge by edge. Empty if there are none.
#[derive(Default)]
pub(crate) struct Decisions {
    /// Of the edges out of the step.
    pub(crate) own: Vec<Decision>,
    /// Of the edges out of those it was run in place of, from one to the next.
    pub(crate) rescued: Vec<Vec<Decision>>,
    /// The step was dropped before all were asked: nothing is known.
    pub(crate) were_cut: bool,
}

impl Decisions {
    pub(crate) fn cut() -> Self {
        Self {
            were_cut: true,
            ..Self::default()
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.rescued.is_empty()
    }
}

/// Whether there may be something to decide when the step ends.
pub(crate) fn has_conditions(graph: &graph::Inner, step: u32) -> bool {
    graph.decides[step as usize] || graph.rescues.contains_key(&step)
}

pub(crate) async fn decide_all(
    crew: &Crew,
    step: u32,
    result: &Result<Output, StepError>,
) -> Decisions {
    let graph = &crew.graph.inner;
    let own = decide(crew, step, result).await;
    let mut rescued = Vec::new();
    let given = match (result, graph.fallback(step)) {
        (Err(_), Some(output)) => Some(output),
        (result, _) => result.as_ref().ok(),
    };
    if let Some(output) = given {
        let given = Ok(output.clone());
        let mut next = graph.rescues.get(&step);
        while let Some(step) = next {
            rescued.push(decide(crew, *step, &given).await);
            next = graph.rescues.get(step);
        }
    }
    Decisions {
        own,
        rescued,
        were_cut: false,
    }
}

/// Asks the conditions of the edges out of a step that has ended. Nothing is asked that can make no difference.
async fn decide(crew: &Crew, step: u32, result: &Result<Output, StepError>) -> Vec<Decision> {
    let graph = &crew.graph.inner;
    if !graph.decides[step as usize] {
        return Vec::new();
    }
    let Some(seen) = seen(crew, step, result) else {
        return Vec::new();
    };
    let edges = graph.outgoing.of(step);
    let mut decisions = Vec::with_capacity(edges.len());
    let mut is_taken = false;
    for number in edges {
        let edge = &graph.edges[*number as usize];
        let decision = ask(crew, edge, &seen).await;
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
fn seen(crew: &Crew, step: u32, result: &Result<Output, StepError>) -> Option<Seen> {
    let more = &crew.graph.inner.steps[step as usize].settings.more;
    let outcome = match (result, more.as_ref().map(|more| &more.on_error)) {
        (Ok(output), _) | (Err(_), Some(OnError::Fallback(output))) => Ok(output.clone()),
        (Err(error), Some(OnError::Continue)) => Err(Arc::new(error.clone())),
        _ => return None,
    };
    let state = crew.site.tree.shared.snapshot();
    Some(Seen { outcome, state })
}

async fn ask(crew: &Crew, edge: &Edge, seen: &Seen) -> Decision {
    let path = |step: u32| {
        let name = &crew.graph.inner.steps[step as usize].name;
        crew.site.prefix.path(name).to_string()
    };
    let asked = match edge.condition() {
        Condition::Always | Condition::Otherwise | Condition::OnFailure => return Decision::Live,
        Condition::When(condition) => catch_unwind(AssertUnwindSafe(|| condition(seen))),
        Condition::TryWhen(condition) => match catch_unwind(AssertUnwindSafe(|| condition(seen))) {
            Ok(Ok(is_live)) => Ok(is_live),
            Ok(Err(error)) => {
                return Decision::Broken(StepError::Undecided {
                    step: path(edge.to),
                    from: path(edge.from),
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
        Err(payload) => Decision::Broken(StepError::Condition {
            step: path(edge.to),
            from: path(edge.from),
            message: Panic::new(payload).message().to_owned(),
        }),
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
