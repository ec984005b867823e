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
    /// What it does.
    pub work: WorkSpec,
    /// What the operation gets, or the flow as its parameters: any JSON, whose texts are templates.
    pub with: Option<Value>,
    /// A list, or a template of one: it is done for each item, side by side, and gives a list of what came of them.
    /// `with` may speak of the `item` and its `index`; retries, time-outs and resources are those of each item.
    pub for_each: Option<Value>,
    /// How often it is done. `with` may speak of what the `last` time gave, which is `null` at first, and of the
    /// `index`; retries, time-outs and resources are those of each time.
    pub repeat: Option<RepeatSpec>,
    /// What it waits for.
    pub after: Vec<EdgeSpec>,
    /// What it wants of the edges into it.
    pub join: Join,
    /// How it is tried again.
    pub retry: Option<RetrySpec>,
    /// How long each try may take.
    pub timeout: Option<Duration>,
    /// How long all of it may take: all tries, all items, all repetitions, and the waits between them.
    pub total_timeout: Option<Duration>,
    /// What follows when it fails.
    pub on_error: OnErrorSpec,
    /// Which of several steps that can start goes first.
    pub priority: i32,
    /// How long it takes, compared to other steps.
    pub cost: Option<u32>,
    /// The resource that it uses.
    pub resource: Option<String>,
    /// Whether it may be done again if nobody knows how it ended: see
    /// [`StepBuilder::idempotent`](crate::StepBuilder::idempotent).
    pub idempotent: bool,
    /// The keys of the shared state that its operation changes.
    pub writes: Vec<String>,
    /// What it puts into the shared state once it has completed: by keys, templates that may speak of its `output`.
    pub update: BTreeMap<String, Value>,
}

impl StepSpec {
    /// A step that does this operation.
    #[must_use]
    pub fn new(name: impl Into<String>, operation: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            work: WorkSpec::Operation(operation.into()),
            ..Self::default()
        }
    }
}

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WorkSpec {
    /// It runs the [flow](crate::FlowSpec::flows) of this name within the run, and gives a table of what its last steps
    /// gave, by their names.
    Flow(String),
    /// It calls the function of this [name](crate::Operations::with).
    Operation(String),
}

impl Default for WorkSpec {
    fn default() -> Self {
        Self::Operation(String::new())
    }
}

/// How often a step is done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepeatSpec {
    /// How often at most.
    pub at_most: NonZeroU32,
    /// When it is done: an expression that may speak of its `output` and of the `index`.
    pub until: String,
    /// Whether what the last time gave counts if it is not done then; otherwise it fails.
    pub or_last: bool,
}

impl RepeatSpec {
    /// Until this is true, so many times at most.
    #[must_use]
    pub fn new(at_most: NonZeroU32, until: impl Into<String>) -> Self {
        Self {
            at_most,
            until: until.into(),
            or_last: false,
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
