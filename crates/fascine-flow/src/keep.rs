use std::collections::HashSet;
use std::sync::Arc;

use crate::Graph;
use crate::path::Prefix;

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
    /// Whether the output of a step is kept when its last reader is done.
    pub(crate) fn keeps(&self, graph: &Graph, prefix: &Prefix, step: u32) -> bool {
        let is_leaf = || graph.inner.outgoing.count(step) == 0;
        match (self, prefix) {
            (Self::All, _) => true,
            (Self::Leaves, _) => is_leaf(),
            (Self::Only(names), Prefix::None) => {
                names.contains(&*graph.inner.steps[step as usize].name)
            }
            // The step that runs it gets to see the leaves.
            (Self::Only(_), _) => {
                is_leaf() || self.keeps_nested(&prefix.path(&graph.inner.steps[step as usize].name))
            }
        }
    }

    /// Whether the output of a step that another one runs is in the report of the whole run.
    pub(crate) fn keeps_nested(&self, path: &str) -> bool {
        match self {
            Self::All => true,
            Self::Leaves => false,
            Self::Only(names) => names.contains(path),
        }
    }
}
