use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use fascine_resilience::Retry;

use crate::step::Settings;
use crate::{GraphBuilder, Join, OnError, StepId};

/// Sets how a step that was just added is run. Nothing has to be set.
///
/// # Defaults
///
/// - a join of [`NoneFailed`](Join::NoneFailed)
/// - one try, without a time-out
/// - a failure skips the steps behind it
/// - priority 0, cost 1, no resource
pub struct StepBuilder<'a, T> {
    graph: &'a mut GraphBuilder,
    number: u32,
    output: PhantomData<fn() -> T>,
}

impl<'a, T> StepBuilder<'a, T> {
    pub(crate) fn new(graph: &'a mut GraphBuilder, number: u32) -> Self {
        Self {
            graph,
            number,
            output: PhantomData,
        }
    }

    /// The step, to be named in edges.
    #[must_use]
    pub fn id(self) -> StepId<T> {
        StepId::new(self.number)
    }

    /// Sets what it wants of the edges into it.
    pub fn join(self, join: Join) -> Self {
        self.set(|settings| settings.join = join)
    }

    /// Sets which of several steps that can start goes first: the highest, then the one with the costliest chain behind
    /// it, then the one that was added first.
    pub fn priority(self, priority: i32) -> Self {
        self.set(|settings| settings.priority = priority)
    }

    /// Calls its function again when it fails, as the policy says; every error counts as one that may pass.
    pub fn retry(self, retry: Retry) -> Self {
        self.set(|settings| settings.more().retry = Some(retry))
    }

    /// Sets how long each try may take.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.more().timeout = Some(timeout))
    }

    /// Sets what follows when it fails.
    pub fn on_error(self, on_error: OnError) -> Self {
        self.set(|settings| settings.more().on_error = on_error)
    }

    /// Counts it against the limit of this [resource](GraphBuilder::resource).
    pub fn resource(self, name: impl Into<String>) -> Self {
        self.set(|settings| settings.more().resource = Some(name.into()))
    }

    /// Sets how long it takes, compared to other steps: of steps that can start, the one that begins the costliest
    /// chain goes first.
    pub fn cost(self, cost: u32) -> Self {
        self.set(|settings| settings.more().cost = Some(cost))
    }

    /// Declares that it [changes](crate::StepContext::update) this key of the shared state. A key that several steps
    /// change needs a [reducer](GraphBuilder::reducer).
    pub fn writes(self, key: impl Into<String>) -> Self {
        self.set(|settings| settings.more().writes.push(key.into()))
    }

    /// Sets everything at once.
    pub(crate) fn settings(self, settings: Settings) -> Self {
        self.set(|own| *own = settings)
    }

    /// Says that the step does nothing but run others within the run.
    pub(crate) fn structural(self) -> Self {
        self.set(|settings| settings.more().is_structural = true)
    }

    fn set(self, set: impl FnOnce(&mut Settings)) -> Self {
        if let Some(step) = self.graph.steps.get_mut(self.number as usize) {
            set(&mut step.settings);
        }
        self
    }
}

impl<T> fmt::Debug for StepBuilder<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = self.graph.steps.get(self.number as usize);
        f.debug_tuple("StepBuilder").field(&step).finish()
    }
}
