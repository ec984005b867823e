use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fascine_resilience::Retry;
use fascine_rt::BoxFuture;

use crate::ask::Asks;
use crate::output::OutputType;
use crate::{Join, OnError, Output, StepContext};

/// What the function of a step gives. An error of any type is a failure of the step; so is a panic.
pub type StepResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What a step does.
pub(crate) type Work = Box<dyn Fn(StepContext) -> BoxFuture<StepResult<Output>> + Send + Sync>;

/// One step of a graph.
pub(crate) struct Step {
    pub(crate) name: Arc<str>,
    pub(crate) output: fn() -> OutputType,
    pub(crate) work: Work,
    pub(crate) settings: Settings,
}

/// How a step is run. Most steps have the default: it is shared.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) join: Join,
    pub(crate) priority: i32,
    /// What else is seldom set.
    pub(crate) more: Option<Box<More>>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct More {
    pub(crate) retry: Option<Retry>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) total_timeout: Option<Duration>,
    pub(crate) on_error: OnError,
    /// Found when the graph is built, as the step that is named in `on_error`.
    pub(crate) rescuer: Option<u32>,
    pub(crate) resource: Option<String>,
    /// Found when the graph is built.
    pub(crate) resource_number: Option<usize>,
    pub(crate) cost: Option<u32>,
    /// It does nothing but run others within the run: what these have done need not be done again.
    pub(crate) is_structural: bool,
    /// The keys of the shared state that it may change.
    pub(crate) writes: Vec<String>,
    /// Its function makes a question, and the answer is what it gives.
    pub(crate) asks: Option<Asks>,
    pub(crate) is_idempotent: bool,
    pub(crate) idempotency_key: Option<KeyOf>,
}

/// Makes the idempotency key of a step.
#[derive(Clone)]
pub(crate) struct KeyOf(pub(crate) Arc<dyn Fn(&StepContext) -> String + Send + Sync>);

impl fmt::Debug for KeyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyOf")
    }
}

impl More {
    /// Whether its function may be called again when nobody knows what came of an earlier call. If all it does is to run
    /// other steps, these are known one by one; and a question can be asked again.
    pub(crate) fn may_rerun(&self) -> bool {
        self.is_idempotent || self.is_structural || self.asks.is_some()
    }

    /// Whether the run goes on with something in its place when it fails.
    pub(crate) fn handles_failure(&self) -> bool {
        !matches!(self.on_error, OnError::FailFast | OnError::SkipDependents)
    }
}

impl Settings {
    pub(crate) fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// How long it takes, to the planner: in any unit, 1 unless it was set.
    pub(crate) fn cost(&self) -> u64 {
        let cost = self.more.as_ref().and_then(|more| more.cost);
        u64::from(cost.unwrap_or(1))
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step")
            .field("name", &self.name)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
