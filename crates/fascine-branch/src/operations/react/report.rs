use fascine_message::{ToolCall, ToolResult};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ReactMetrics, Reply, RequestUsage};

/// What a run of [`Branch::react`](crate::Branch::react) came to. Nothing in it is shared with another run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReactReport<T> {
    /// The answer.
    pub value: T,
    /// The turn.
    pub reply: Reply,
    /// Each round, in order.
    pub steps: Vec<ReactStep>,
    /// What the last check of the answer said; none if it was not checked.
    pub completion: Option<Completion>,
    /// How much it took.
    pub metrics: ReactMetrics,
}

/// One round of reasoning and acting.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReactStep {
    /// What the model found.
    pub analysis: Analysis,
    /// The tools that it had called, and what came of them.
    pub actions: Vec<(ToolCall, ToolResult)>,
    /// The calls of the model.
    pub requests: Vec<RequestUsage>,
}

/// What you found in this round, and whether you need another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Analysis {
    /// What you found, and how it bears on the task.
    pub analysis: String,
    /// Whether you need another round before you can answer.
    pub extension_needed: bool,
}

/// Whether the answer does what the task asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Completion {
    /// Whether nothing is missing.
    pub is_complete: bool,
    /// Why you think so.
    pub reasoning: String,
    /// What is missing.
    #[serde(default)]
    pub missing_steps: Vec<String>,
    /// What to do next, if something is missing.
    #[serde(default)]
    pub next_action: Option<String>,
}
