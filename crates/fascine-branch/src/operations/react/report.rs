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

/// What the model found in one round, and whether it needs another one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "What you found in this round, and whether you need another one.")]
#[non_exhaustive]
pub struct Analysis {
    /// What it found.
    #[schemars(description = "What you found, and how it bears on the task.")]
    pub analysis: String,
    /// Whether it needs another round before it can answer.
    #[schemars(description = "Whether you need another round before you can answer.")]
    pub extension_needed: bool,
}

/// Whether the model thinks that its answer does what was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "Whether your answer does what the task asks for.")]
#[non_exhaustive]
pub struct Completion {
    /// Whether nothing is missing.
    #[schemars(description = "Whether nothing is missing.")]
    pub is_complete: bool,
    /// Why it thinks so.
    #[schemars(description = "Why you think so.")]
    pub reasoning: String,
    /// What is missing.
    #[serde(default)]
    #[schemars(description = "What is missing.")]
    pub missing_steps: Vec<String>,
    /// What to do next, if something is missing.
    #[serde(default)]
    #[schemars(description = "What to do next, if something is missing.")]
    pub next_action: Option<String>,
}
