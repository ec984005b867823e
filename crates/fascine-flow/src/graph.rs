use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::Fingerprint;
use crate::adjacency::Adjacency;
use crate::ask::Asks;
use crate::blocks::Blocks;
use crate::checkpoint::Prints;
use crate::edge::Edge;
use crate::names::{Index, Names};
use crate::path::Prefix;
use crate::shared_state::Reducer;
use crate::step::Step;
use crate::step_id::StepKey;
use crate::{OnError, Output};

/// A checked graph of steps. It does not change, is shared by its clones, and can be run any number of times at once.
#[derive(Clone)]
pub struct Graph {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) steps: Blocks<Step>,
    pub(crate) index: Index,
    pub(crate) edges: Vec<Edge>,
    /// The edges into each step, in the order they were added.
    pub(crate) incoming: Adjacency,
    /// The edges out of each step, in the order they were added.
    pub(crate) outgoing: Adjacency,
    /// The steps, each after all that it depends on.
    pub(crate) order: Vec<u32>,
    /// What the costliest chain that begins with each step costs.
    pub(crate) remaining: Vec<u64>,
    /// The names of the resources.
    pub(crate) resources: Vec<String>,
    /// How many places they have.
    pub(crate) limits: Vec<usize>,
    /// Which of the steps have an edge out of them with a condition.
    pub(crate) decides: Vec<bool>,
    /// What makes one value of several, for keys of the shared state.
    pub(crate) reducers: HashMap<String, Reducer>,
    /// The keys of the shared state that steps change.
    pub(crate) written: HashSet<String>,
    /// The fallback steps, and which step each is there for.
    pub(crate) rescues: HashMap<u32, u32>,
    pub(crate) version: Option<String>,
    /// Made when it is asked for.
    pub(crate) prints: OnceLock<Prints>,
}

impl Inner {
    /// The number of a step.
    pub(crate) fn find(&self, key: &StepKey) -> Option<u32> {
        self.names().find(key)
    }

    pub(crate) fn names(&self) -> Names<'_> {
        Names::new(&self.steps, &self.index)
    }

    /// The number of the step with that path in a run of this graph that is in no other.
    pub(crate) fn find_path(&self, path: &str) -> Option<u32> {
        let mut steps = (0..).zip(&self.steps);
        steps.find_map(|(number, step)| (*Prefix::None.path(&step.name) == *path).then_some(number))
    }

    pub(crate) fn name(&self, step: u32) -> String {
        self.steps[step as usize].name.to_string()
    }

    /// The path of the step that is there to ask and has that path, or else that name, and what it asks.
    pub(crate) fn find_asking(&self, step: &str) -> Option<(Arc<str>, Asks)> {
        let asking = self.steps.iter().filter_map(|step| {
            let asks = step.settings.more.as_ref()?.asks?;
            Some((step, Prefix::None.path(&step.name), asks))
        });
        let by_path = asking.clone().find(|(_, path, _)| **path == *step);
        let by_name = || asking.clone().find(|(other, ..)| *other.name == *step);
        let found = by_path.or_else(by_name);
        found.map(|(_, path, asks)| (path, asks))
    }

    /// What the step asks, if it is there to ask.
    pub(crate) fn asks(&self, step: u32) -> Option<Asks> {
        self.steps[step as usize].settings.more.as_ref()?.asks
    }

    /// What the steps behind get if this one fails.
    pub(crate) fn fallback(&self, step: u32) -> Option<&Output> {
        match &self.steps[step as usize].settings.more.as_ref()?.on_error {
            OnError::Fallback(output) => Some(output),
            _ => None,
        }
    }

    /// The step that runs if this one fails.
    pub(crate) fn rescuer(&self, step: u32) -> Option<u32> {
        self.steps[step as usize].settings.more.as_ref()?.rescuer
    }
}

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

    /// What tells it from other graphs, to runs that are taken up again.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.prints().whole
    }

    pub(crate) fn prints(&self) -> &Prints {
        let prints = &self.inner.prints;
        prints.get_or_init(|| Prints::of(&self.inner))
    }

    /// The names of the steps, in the order they were added.
    pub fn step_names(&self) -> impl Iterator<Item = &str> {
        self.inner.steps.iter().map(|step| &*step.name)
    }

    /// The edges, in the order they were added: the names of the steps they join, and their labels.
    pub fn edges(&self) -> impl Iterator<Item = (&str, &str, Option<&str>)> {
        let name = |step: u32| &*self.inner.steps[step as usize].name;
        self.inner
            .edges
            .iter()
            .map(move |edge| (name(edge.from), name(edge.to), edge.label()))
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
