use std::num::NonZeroUsize;
use std::time::Duration;

use fascine_resilience::Retry;

use crate::step::Settings;

/// How a function is run for each of many items: how many are begun at once, and what holds for each.
///
/// The places of the run and its resources limit them in any case.
///
/// # Defaults
///
/// - all at once
/// - one try for each, without a time-out; priority 0, no resource
#[derive(Clone, Debug, Default)]
#[must_use = "it is a plan for others to use"]
pub struct Each {
    /// So many begin, and the next ones when all of them have ended.
    pub(crate) chunk: Option<NonZeroUsize>,
    pub(crate) settings: Settings,
}

impl Each {
    /// Begins all at once.
    pub fn concurrent() -> Self {
        Self::default()
    }

    /// Begins each when the one before it has ended.
    pub fn sequential() -> Self {
        Self::chunked(NonZeroUsize::MIN)
    }

    /// Begins so many at once, and the next ones when all of these have ended.
    pub fn chunked(size: NonZeroUsize) -> Self {
        Self {
            chunk: Some(size),
            ..Self::default()
        }
    }

    /// Tries each again when it fails: see [`StepBuilder::retry`](crate::StepBuilder::retry).
    pub fn with_retry(self, retry: Retry) -> Self {
        self.set(|settings| settings.more().retry = Some(retry))
    }

    /// Sets how long each try of each may take.
    pub fn with_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.more().timeout = Some(timeout))
    }

    /// Sets how long all tries of each may take together: see
    /// [`StepBuilder::total_timeout`](crate::StepBuilder::total_timeout).
    pub fn with_total_timeout(self, timeout: Duration) -> Self {
        self.set(|settings| settings.more().total_timeout = Some(timeout))
    }

    /// Sets how they compare with other steps: see [`StepBuilder::priority`](crate::StepBuilder::priority).
    pub fn with_priority(self, priority: i32) -> Self {
        self.set(|settings| settings.priority = priority)
    }

    /// Counts each against the limit of this resource of the graph, or of one around it.
    pub fn with_resource(self, name: impl Into<String>) -> Self {
        self.set(|settings| settings.more().resource = Some(name.into()))
    }

    /// Declares that each changes this key of the shared state: see [`StepBuilder::writes`](crate::StepBuilder::writes).
    /// Unless they run one after the other, the graph or one around it has to have a reducer.
    pub fn with_writes(self, key: impl Into<String>) -> Self {
        self.set(|settings| settings.more().writes.push(key.into()))
    }

    /// Declares that each may be called again when nobody knows what came of an earlier call: see
    /// [`StepBuilder::idempotent`](crate::StepBuilder::idempotent).
    pub fn idempotent(self) -> Self {
        self.set(|settings| settings.more().is_idempotent = true)
    }

    fn set(mut self, set: impl FnOnce(&mut Settings)) -> Self {
        set(&mut self.settings);
        self
    }
}
