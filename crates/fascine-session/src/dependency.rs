use std::fmt;
use std::sync::Arc;

use fascine_flow::{GraphBuilder, Seen};

/// What an operation waits for, and when it is to run because of it.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    pub(crate) on: String,
    pub(crate) condition: Condition,
}

#[derive(Clone)]
pub(crate) enum Condition {
    Always,
    Otherwise,
    When(Arc<dyn Fn(&Seen) -> bool + Send + Sync>),
}

impl Dependency {
    pub(crate) fn always(on: String) -> Self {
        Self {
            on,
            condition: Condition::Always,
        }
    }

    /// Makes the edge that it is.
    pub(crate) fn add_to(&self, graph: &mut GraphBuilder, operation: &str) {
        let edge = graph.edge(&self.on, operation);
        match self.condition.clone() {
            Condition::Always => {}
            Condition::Otherwise => {
                edge.otherwise();
            }
            Condition::When(condition) => {
                edge.when(move |seen| condition(seen));
            }
        }
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Always => "Always",
            Self::Otherwise => "Otherwise",
            Self::When(_) => "When",
        })
    }
}
