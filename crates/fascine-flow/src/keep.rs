use std::collections::HashSet;
use std::sync::Arc;

use crate::Graph;

/// Which outputs a report has.
#[derive(Clone, Debug, Default)]
pub(crate) enum Keep {
    /// All.
    All,
    /// Those of the steps that no other step reads.
    #[default]
    Leaves,
    /// Those of these steps, and of no others.
    Only(Arc<HashSet<String>>),
}

impl Keep {
    /// Whether an output is kept when its last reader is done.
    pub(crate) fn keeps(&self, graph: &Graph, step: u32) -> bool {
        match self {
            Self::All => true,
            Self::Leaves => graph.inner.outgoing.count(step) == 0,
            Self::Only(names) => names.contains(&*graph.inner.steps[step as usize].name),
        }
    }
}
