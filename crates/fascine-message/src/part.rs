use serde::{Deserialize, Serialize};

use crate::{ToolCall, ToolResult};

/// The parts of a message, in order.
pub type Content = Vec<Part>;

/// One part of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Part {
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
