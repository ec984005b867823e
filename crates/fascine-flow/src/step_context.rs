use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::Serialize;
use serde_json::Value;

use crate::{Graph, Output, SharedState, Snapshot, StateError, StepError, StepId, StepOutput};

/// What a step gets: its name, and what came of the steps before it. A clone is the same context.
#[derive(Clone)]
pub struct StepContext(Arc<Inner>);

struct Inner {
    graph: Graph,
    shared: SharedState,
    step: u32,
    /// Along the live edges, by the number of the step they come from.
    inputs: Vec<(u32, Input)>,
    attempts: AtomicU32,
    /// Why the step fails without being run.
    broken: Option<StepError>,
}

/// What a live edge carries: an output, or the error of a step that was told to [continue](crate::OnError::Continue).
pub type Input = Result<Output, Arc<StepError>>;

impl StepContext {
    pub(crate) fn new(
        graph: Graph,
        shared: SharedState,
        step: u32,
        inputs: Vec<(u32, Input)>,
        broken: Option<StepError>,
    ) -> Self {
        Self(Arc::new(Inner {
            graph,
            shared,
            step,
            inputs,
            attempts: AtomicU32::new(0),
            broken,
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

    /// What the steps of the run share, at this moment.
    #[must_use]
    pub fn state(&self) -> Snapshot {
        self.0.shared.snapshot()
    }

    /// Changes a value that the steps of the run share, at once: a step that fails later does not take it back. Gives
    /// the snapshot with the new value.
    ///
    /// # Errors
    ///
    /// [`StateError`] if the step has not declared that it [writes](crate::StepBuilder::writes) the key, if the value
    /// cannot be JSON, or if the key's reducer refuses it.
    pub fn update(&self, key: &str, value: impl Serialize) -> Result<Snapshot, StateError> {
        let graph = &self.0.graph.inner;
        let more = &graph.steps[self.0.step as usize].settings.more;
        let mut written = more.iter().flat_map(|more| &more.writes);
        if !written.any(|written| written == key) {
            return Err(StateError::Undeclared {
                step: self.name().to_owned(),
                key: key.to_owned(),
            });
        }
        let value = serde_json::to_value(value).map_err(|source| StateError::Value {
            key: key.to_owned(),
            source,
        })?;
        let updated = self.0.shared.update(key, value, graph.reducers.get(key));
        updated.map_err(|source| StateError::Reducer {
            key: key.to_owned(),
            source,
        })
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

    pub(crate) fn broken(&self) -> Option<&StepError> {
        self.0.broken.as_ref()
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
