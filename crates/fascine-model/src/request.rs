use fascine_message::Message;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{CacheUse, Effort, OutputFormat, ToolChoice, ToolSpec};

/// What a model is asked.
///
/// Whatever has no field of its own goes into [`extra`](Self::extra). A provider that has no place for a field that is
/// set refuses the request ([`InvalidRequest`](crate::ModelFailure::InvalidRequest)) instead of leaving it out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Request {
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// The model to ask, if not the service's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How long the answer may be, in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// How freely the model chooses; 0 is least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Chooses among the likeliest words that make up this share, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// What ends the answer when the model writes it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// Makes the model choose the same again, as far as the provider can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// How much the model thinks before it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<Effort>,
    /// What the answer has to look like.
    #[serde(skip_serializing_if = "OutputFormat::is_text")]
    pub output: OutputFormat,
    /// The tools it may ask to be called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolSpec>,
    /// Whether it may, or has to, ask for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may ask for several at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// More fields of the provider's own, put into the top level of its document; they win over ours.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
    /// What a cache on the way is to do. It is not sent.
    #[serde(skip)]
    pub cache: CacheUse,
}

impl Request {
    /// Asks with this conversation.
    pub fn new(messages: impl IntoIterator<Item = Message>) -> Self {
        Self {
            messages: messages.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Sets the model to ask.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Sets how long the answer may be, in tokens.
    #[must_use]
    pub fn with_max_tokens(mut self, max: u32) -> Self {
        self.max_tokens = Some(max);
        self
    }

    /// Sets how freely the model chooses; 0 is least.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = Some(temperature);
        self
    }

    /// Chooses among the likeliest words that make up this share, from 0 to 1.
    #[must_use]
    pub fn with_top_p(mut self, share: f64) -> Self {
        self.top_p = Some(share);
        self
    }

    /// Ends the answer when the model writes one of these.
    #[must_use]
    pub fn with_stop(mut self, words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.stop = words.into_iter().map(Into::into).collect();
        self
    }

    /// Makes the model choose the same again, as far as the provider can.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets how much the model thinks before it answers.
    #[must_use]
    pub fn with_effort(mut self, effort: Effort) -> Self {
        self.effort = Some(effort);
        self
    }

    /// Sets what the answer has to look like.
    #[must_use]
    pub fn with_output(mut self, output: OutputFormat) -> Self {
        self.output = output;
        self
    }

    /// Adds a tool that the model may ask to be called.
    #[must_use]
    pub fn with_tool(mut self, tool: ToolSpec) -> Self {
        self.tools.push(tool);
        self
    }

    /// Sets whether it may, or has to, ask for a tool.
    #[must_use]
    pub fn with_tool_choice(mut self, choice: ToolChoice) -> Self {
        self.tool_choice = Some(choice);
        self
    }

    /// Sets whether it may ask for several tools at once.
    #[must_use]
    pub fn with_parallel_tool_calls(mut self, allowed: bool) -> Self {
        self.parallel_tool_calls = Some(allowed);
        self
    }

    /// Sets what a cache on the way is to do.
    #[must_use]
    pub fn with_cache(mut self, cache: CacheUse) -> Self {
        self.cache = cache;
        self
    }

    /// Adds a field of the provider's own.
    #[must_use]
    pub fn with_extra(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.extra.insert(name.into(), value.into());
        self
    }
}
