use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::step::Step;

/// A checked graph of steps. It does not change, is shared by its clones, and can be run any number of times at once.
#[derive(Clone)]
pub struct Graph {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) steps: Vec<Step>,
    pub(crate) edges: Vec<Edge>,
    /// The edges into each step.
    pub(crate) incoming: Vec<Vec<usize>>,
    /// The edges out of each step.
    pub(crate) outgoing: Vec<Vec<usize>>,
    /// The steps, each after all that it depends on.
    pub(crate) order: Vec<usize>,
    /// How many steps the longest chain that begins with each step has.
    pub(crate) remaining: Vec<usize>,
}

pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) condition: Option<Condition>,
}

pub(crate) type Condition = Arc<dyn Fn(&Value) -> bool + Send + Sync>;

impl Graph {
    /// How many steps there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.steps.len()
    }

    /// Returns whether there are no steps.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.steps.is_empty()
    }

    /// The names of the steps, in the order they were added.
    pub fn step_names(&self) -> impl Iterator<Item = &str> {
        self.inner.steps.iter().map(|step| &*step.name)
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Graph")
            .field("steps", &self.len())
            .field("edges", &self.inner.edges.len())
            .finish()
    }
}
