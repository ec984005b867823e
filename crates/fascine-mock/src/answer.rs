use serde_json::Value;

/// What the server says to a prompt.
///
/// # Defaults
///
/// - no reasoning, no tool calls
///
/// # Examples
///
/// ```
/// use fascine_mock::{Answer, MockServer};
/// use serde_json::json;
///
/// let server = MockServer::builder()
///     .with_answer("sky", "Blue.")
///     .with_answer("weather", Answer::new("").with_tool_call("weather", json!({ "city": "Oslo" })));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub(crate) text: String,
    pub(crate) reasoning: String,
    pub(crate) tool_calls: Vec<ToolCall>,
}

/// A tool that the model wants called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolCall {
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

impl Answer {
    /// Makes an answer of this text; it may be empty.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }

    /// Says what the model thought before it answered.
    #[must_use]
    pub fn with_reasoning(mut self, reasoning: impl Into<String>) -> Self {
        self.reasoning = reasoning.into();
        self
    }

    /// Adds a call of a tool; several are called in parallel. The arguments are an object.
    #[must_use]
    pub fn with_tool_call(mut self, name: impl Into<String>, arguments: Value) -> Self {
        self.tool_calls.push(ToolCall {
            name: name.into(),
            arguments,
        });
        self
    }
}

impl From<&str> for Answer {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Answer {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}
