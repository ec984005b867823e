use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use fascine_concurrency::join_all;
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
    pub(crate) progress: Progress,
}

/// How far the conditions of a step were asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All have answered.
    #[default]
    Answered,
    /// The step was dropped meanwhile: nothing is known.
    Cut,
    /// Some take their time: what does not depend on them is known.
    Open,
}

impl Decisions {
    /// Those that nobody has made.
    pub(crate) fn missing(progress: Progress) -> Self {
        Self {
            progress,
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
        progress: Progress::Answered,
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
    let edges = edges.iter().map(|number| &graph.edges[*number as usize]);
    // None waits for the answer of another.
    let mut decisions = join_all(edges.clone().map(|edge| ask(crew, edge, &seen))).await;
    let mut both = edges.clone().zip(&decisions);
    let is_taken = both.any(|(edge, said)| matches!(said, Decision::Live) && edge.is_asked());
    for (edge, decision) in edges.zip(&mut decisions) {
        if matches!(edge.condition(), Condition::Otherwise) && is_taken {
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
    /// Whether what comes of it depends on a condition, its own or another's.
    pub(crate) fn is_decided(&self) -> bool {
        self.is_asked() || matches!(self.condition(), Condition::Otherwise)
    }

    fn is_asked(&self) -> bool {
        matches!(
            self.condition(),
            Condition::TryWhen(_) | Condition::When(_) | Condition::WhenAsync(_)
        )
    }
}
