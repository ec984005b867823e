use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Media, Reasoning, ToolCall, ToolResult};

/// The parts of a message, in order.
pub type Content = Vec<Part>;

/// One part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
    /// A recording.
    Audio(Media),
    /// Everything up to here will come again: a provider that can be told to keep it is told.
    CacheMark {
        /// How long to keep it, in the provider's words, such as `1h`; its default if none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ttl: Option<String>,
    },
    /// A document.
    Document(Media),
    /// A picture.
    Image(Media),
    /// Something that only one provider has: kept as it came, sent back to that provider as it is.
    Other {
        /// Whose it is, by [`Provider::name`](https://docs.rs/fascine-model).
        provider: String,
        /// What it is.
        value: Value,
    },
    /// What the model thought.
    Reasoning(Reasoning),
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// The model wants a tool called.
    ToolCall(ToolCall),
    /// A tool was called.
    ToolResult(ToolResult),
}

impl Part {
    /// Makes a part of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }
}
