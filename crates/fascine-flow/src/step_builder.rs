use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use fascine_resilience::Retry;

use crate::step::{KeyOf, Settings};
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

    /// Calls its function again when it fails, as the policy says; every error counts as one that may pass. After a panic it
    /// is not called again.
    pub fn retry(self, retry: Retry) -> Self {
        self.set(|settings| settings.more().retry = Some(retry))
    }

    /// Sets how long each try may take.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.more().timeout = Some(timeout))
    }

    /// Sets how long all its tries may take together, with the waits between them. A try that could begin only
    /// afterwards is not waited for: the step fails at once, with the error of the last one.
    pub fn total_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.more().total_timeout = Some(timeout))
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

    /// Declares that its function may be called again when nobody knows what came of an earlier call: it was called, and
    /// the process was gone before it ended. A run that is [resumed](crate::Flow::resume) runs such a step again; any
    /// other one is [not started twice](crate::ResumeError::Undecided) unseen.
    pub fn idempotent(self) -> Self {
        self.set(|settings| settings.more().is_idempotent = true)
    }

    /// Sets the [key](crate::StepContext::idempotency_key) by which others tell that they did already what it asks them
    /// for. That makes it [idempotent](Self::idempotent).
    pub fn idempotency_key(
        self,
        key: impl Fn(&crate::StepContext) -> String + Send + Sync + 'static,
    ) -> Self {
        let key = KeyOf(Arc::new(key));
        let this = self.idempotent();
        this.set(|settings| settings.more().idempotency_key = Some(key))
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
