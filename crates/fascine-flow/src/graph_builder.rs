use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use serde_json::Value;

use crate::graph::{Condition, Edge, Graph, Inner};
use crate::step::Step;
use crate::{GraphError, StepContext};

/// Puts a [`Graph`] together. Names are checked when it is built, so the order of calls does not matter.
#[derive(Default)]
#[must_use = "a graph does not exist until it is built"]
pub struct GraphBuilder {
    steps: Vec<Step>,
    edges: Vec<(String, String, Option<Condition>)>,
}

impl GraphBuilder {
    /// Begins with nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a step. Its function is called once for each run, when all its inputs are there.
    ///
    /// An error of any type is a failure of the step; so is a panic.
    pub fn step<F, T>(mut self, name: impl Into<String>, run: F) -> Self
    where
        F: Fn(StepContext) -> T + Send + Sync + 'static,
        T: Future<Output = Result<Value, Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let name: Arc<str> = name.into().into();
        self.steps.push(Step {
            name,
            run: Arc::new(move |context| Box::pin(run(context))),
        });
        self
    }

    /// Lets `to` wait for `from` and get its output.
    pub fn edge(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.edges.push((from.into(), to.into(), None));
        self
    }

    /// Lets `to` wait for `from`, and counts as live if `condition` says so of its output.
    ///
    /// A step runs if one of the edges into it is live. If all of them are dead it is skipped, which is no failure.
    pub fn edge_when(
        mut self,
        from: impl Into<String>,
        to: impl Into<String>,
        condition: impl Fn(&Value) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.edges
            .push((from.into(), to.into(), Some(Arc::new(condition))));
        self
    }

    /// Checks everything and makes the graph. Linear in the number of steps and edges, whatever the shape.
    ///
    /// # Errors
    ///
    /// [`GraphError`] names the steps that are wrong.
    pub fn build(self) -> Result<Graph, GraphError> {
        let mut index: HashMap<Arc<str>, usize> = HashMap::with_capacity(self.steps.len());
        for (number, step) in self.steps.iter().enumerate() {
            if step.name.is_empty() {
                return Err(GraphError::EmptyName);
            }
            if index.insert(Arc::clone(&step.name), number).is_some() {
                return Err(GraphError::DuplicateStep {
                    name: step.name.to_string(),
                });
            }
        }
        let mut edges = Vec::with_capacity(self.edges.len());
        let mut known = HashSet::with_capacity(self.edges.len());
        let mut incoming = vec![Vec::new(); self.steps.len()];
        let mut outgoing = vec![Vec::new(); self.steps.len()];
        for (from, to, condition) in self.edges {
            let find = |name: &String| {
                index
                    .get(name.as_str())
                    .copied()
                    .ok_or_else(|| GraphError::UnknownStep {
                        from: from.clone(),
                        to: to.clone(),
                        name: name.clone(),
                    })
            };
            let ends = (find(&from)?, find(&to)?);
            if !known.insert(ends) {
                return Err(GraphError::DuplicateEdge { from, to });
            }
            outgoing[ends.0].push(edges.len());
            incoming[ends.1].push(edges.len());
            edges.push(Edge {
                from: ends.0,
                to: ends.1,
                condition,
            });
        }
        let mut inner = Inner {
            steps: self.steps,
            edges,
            incoming,
            outgoing,
            order: Vec::new(),
            remaining: Vec::new(),
        };
        inner.order = order(&inner)?;
        inner.remaining = remaining(&inner);
        Ok(Graph {
            inner: Arc::new(inner),
        })
    }
}

impl fmt::Debug for GraphBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphBuilder")
            .field("steps", &self.steps)
            .field("edges", &self.edges.len())
            .finish()
    }
}

/// Puts every step after those it depends on. After A. B. Kahn, "Topological sorting of large networks", 1962.
fn order(graph: &Inner) -> Result<Vec<usize>, GraphError> {
    let mut waiting: Vec<usize> = graph.incoming.iter().map(Vec::len).collect();
    let mut order: Vec<usize> = (0..graph.steps.len())
        .filter(|step| waiting[*step] == 0)
        .collect();
    let mut next = 0;
    while next < order.len() {
        for edge in &graph.outgoing[order[next]] {
            let to = graph.edges[*edge].to;
            waiting[to] -= 1;
            if waiting[to] == 0 {
                order.push(to);
            }
        }
        next += 1;
    }
    match waiting.iter().position(|waiting| *waiting > 0) {
        Some(stuck) => Err(cycle(graph, &waiting, stuck)),
        None => Ok(order),
    }
}

/// Walks back from a stuck step until a step comes again: it waits for a stuck one, and that one for another.
fn cycle(graph: &Inner, waiting: &[usize], stuck: usize) -> GraphError {
    let mut seen = HashMap::new();
    let mut walk = vec![stuck];
    let mut step = stuck;
    let begin = loop {
        if let Some(begin) = seen.insert(step, walk.len() - 1) {
            break begin;
        }
        let before = graph.incoming[step]
            .iter()
            .map(|edge| graph.edges[*edge].from);
        step = before
            .into_iter()
            .find(|from| waiting[*from] > 0)
            .unwrap_or(stuck);
        walk.push(step);
    };
    let path = walk[begin..].iter().rev();
    GraphError::Cycle {
        path: path
            .map(|step| graph.steps[*step].name.to_string())
            .collect(),
    }
}

fn remaining(graph: &Inner) -> Vec<usize> {
    let mut remaining = vec![1; graph.steps.len()];
    for step in graph.order.iter().rev() {
        let after = graph.outgoing[*step]
            .iter()
            .map(|edge| remaining[graph.edges[*edge].to]);
        remaining[*step] = 1 + after.max().unwrap_or(0);
    }
    remaining
}
