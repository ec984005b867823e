use serde::{Deserialize, Serialize};

/// A model's wish to have a tool called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolCall {
    /// What the result refers to.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments, as the model wrote them: JSON, if the model got it right.
    pub arguments: String,
}

impl ToolCall {
    /// Makes a call of `name` with `arguments`, a JSON text.
    pub fn new(
        id: impl Into<String>,
        name: impl Into<String>,
        arguments: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            arguments: arguments.into(),
        }
    }
}

/// What came of a tool call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolResult {
    /// The id of the call.
    pub call_id: String,
    /// What the model gets to read.
    pub text: String,
    /// Whether the tool failed; `text` says how.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
}

impl ToolResult {
    /// Makes the result of the call `call_id`.
    pub fn new(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            call_id: call_id.into(),
            text: text.into(),
            is_error: false,
        }
    }

    /// Makes the result of a call that failed.
    pub fn error(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            is_error: true,
            ..Self::new(call_id, text)
        }
    }
}
