use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fascine_rt::BoxFuture;
use serde_json::Value;

/// What a step gets: its name, and the outputs of the steps before it.
#[derive(Clone, Debug)]
pub struct StepContext {
    name: Arc<str>,
    inputs: HashMap<Arc<str>, Arc<Value>>,
    attempts: Arc<AtomicU32>,
}

impl StepContext {
    pub(crate) fn new(
        name: Arc<str>,
        inputs: HashMap<Arc<str>, Arc<Value>>,
        attempts: Arc<AtomicU32>,
    ) -> Self {
        Self {
            name,
            inputs,
            attempts,
        }
    }

    /// The step's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The output of the step with that name, if an edge from it to this one is live.
    #[must_use]
    pub fn input(&self, step: &str) -> Option<&Value> {
        self.inputs.get(step).map(|value| &**value)
    }

    /// The outputs along all live edges, by the names of the steps they came from.
    pub fn inputs(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.inputs.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Tells the report how many tries this step's work took, if it was not one.
    pub fn record_attempts(&self, attempts: u32) {
        self.attempts.store(attempts, Ordering::Relaxed);
    }
}

/// What a step gives.
pub(crate) type StepResult = Result<Value, Box<dyn Error + Send + Sync>>;

/// One step of a graph.
pub(crate) struct Step {
    pub(crate) name: Arc<str>,
    pub(crate) run: Arc<dyn Fn(StepContext) -> BoxFuture<StepResult> + Send + Sync>,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
