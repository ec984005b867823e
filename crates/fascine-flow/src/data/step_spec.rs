use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::Value;

use crate::Join;

/// A step of a [`FlowSpec`](crate::FlowSpec).
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct StepSpec {
    /// Its name. Templates can speak of it only if it is an identifier.
    pub name: String,
    /// The [name](crate::Operations::with) of what it does.
    pub operation: String,
    /// What the operation gets: any JSON, whose texts are templates.
    pub with: Option<Value>,
    /// What it waits for.
    pub after: Vec<EdgeSpec>,
    /// What it wants of the edges into it.
    pub join: Join,
    /// How it is tried again.
    pub retry: Option<RetrySpec>,
    /// How long each try may take.
    pub timeout: Option<Duration>,
    /// What follows when it fails.
    pub on_error: OnErrorSpec,
    /// Which of several steps that can start goes first.
    pub priority: i32,
    /// How long it takes, compared to other steps.
    pub cost: Option<u32>,
    /// The resource that it uses.
    pub resource: Option<String>,
    /// The keys of the shared state that its operation changes.
    pub writes: Vec<String>,
    /// What it puts into the shared state once it has completed: by keys, templates that may speak of its `output`.
    pub update: BTreeMap<String, Value>,
}

impl StepSpec {
    /// A step that does this.
    #[must_use]
    pub fn new(name: impl Into<String>, operation: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            operation: operation.into(),
            ..Self::default()
        }
    }
}

/// An edge into a step.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct EdgeSpec {
    /// Where it begins.
    pub step: String,
    /// When it is live.
    pub when: WhenSpec,
    /// What is written on it.
    pub label: Option<String>,
}

impl EdgeSpec {
    /// An edge from this step.
    #[must_use]
    pub fn new(step: impl Into<String>) -> Self {
        Self {
            step: step.into(),
            ..Self::default()
        }
    }
}

/// When an edge is live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenSpec {
    /// Whenever its source has completed.
    #[default]
    Always,
    /// When this expression is true; it may speak of the `output` of the source.
    Expression(String),
    /// When no other edge with a condition is, of those that leave the same step.
    Otherwise,
}

/// How a step is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetrySpec {
    /// How many tries there are, the first among them.
    pub attempts: NonZeroU32,
    /// How long to wait before the first retry; the others take twice as long each, less jitter.
    pub backoff: Option<Duration>,
    /// What no wait exceeds.
    pub max_backoff: Option<Duration>,
    /// How long it may go on, all tries and waits together.
    pub max_elapsed: Option<Duration>,
}

impl RetrySpec {
    /// So many tries, the first among them.
    #[must_use]
    pub fn new(attempts: NonZeroU32) -> Self {
        Self {
            attempts,
            backoff: None,
            max_backoff: None,
            max_elapsed: None,
        }
    }
}

/// What follows when a step has failed for good.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum OnErrorSpec {
    /// The steps behind it run; their templates may speak of its error, as `errors.NAME`.
    Continue,
    /// The run is cancelled.
    FailFast,
    /// The steps behind it get this instead.
    Fallback(Value),
    /// The step of this name runs in its place.
    FallbackStep(String),
    /// The steps behind it that want no failures are skipped.
    #[default]
    SkipDependents,
}
