use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::{Graph, Output, StepError, StepId, StepOutput};

/// What a step gets: its name, and what came of the steps before it. A clone is the same context.
#[derive(Clone)]
pub struct StepContext(Arc<Inner>);

struct Inner {
    graph: Graph,
    step: u32,
    /// Along the live edges, by the number of the step they come from.
    inputs: Vec<(u32, Input)>,
    attempts: AtomicU32,
}

/// What a live edge carries: an output, or the error of a step that was told to [continue](crate::OnError::Continue).
pub type Input = Result<Output, Arc<StepError>>;

impl StepContext {
    pub(crate) fn new(graph: Graph, step: u32, inputs: Vec<(u32, Input)>) -> Self {
        Self(Arc::new(Inner {
            graph,
            step,
            inputs,
            attempts: AtomicU32::new(0),
        }))
    }

    /// The step's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name_of(self.0.step)
    }

    /// What that step gave, if an edge from it to this one is live.
    #[must_use]
    pub fn input<T: StepOutput>(&self, step: StepId<T>) -> Option<Arc<T>> {
        let inputs = &self.0.inputs;
        let place = inputs.binary_search_by_key(&step.number, |(from, _)| *from);
        inputs[place.ok()?].1.as_ref().ok()?.get()
    }

    /// What came of the step with that name, if an edge from it to this one is live.
    #[must_use]
    pub fn input_named(&self, name: &str) -> Option<&Input> {
        let mut inputs = self.inputs();
        inputs.find_map(|(from, input)| (from == name).then_some(input))
    }

    /// What the step with that name gave, as JSON, if an edge from it to this one is live and it gave something.
    #[must_use]
    pub fn input_json(&self, name: &str) -> Option<Value> {
        self.input_named(name)?.as_ref().ok()?.to_json().ok()
    }

    /// What came along all live edges, with the names of the steps it came from, in the order these were added.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, &Input)> {
        let inputs = self.0.inputs.iter();
        inputs.map(|(from, input)| (self.name_of(*from), input))
    }

    /// Which try of the step this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.0.attempts.load(Ordering::Relaxed)
    }

    /// Tells the report how many tries this step's work took, if it does its own retries.
    pub fn record_attempts(&self, attempts: u32) {
        self.0.attempts.store(attempts, Ordering::Relaxed);
    }

    pub(crate) fn begin_attempt(&self) {
        self.0.attempts.fetch_add(1, Ordering::Relaxed);
    }

    fn name_of(&self, step: u32) -> &str {
        &self.0.graph.inner.steps[step as usize].name
    }
}

impl fmt::Debug for StepContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs: Vec<_> = self.inputs().map(|(name, _)| name).collect();
        f.debug_struct("StepContext")
            .field("name", &self.name())
            .field("inputs", &inputs)
            .finish_non_exhaustive()
    }
}
