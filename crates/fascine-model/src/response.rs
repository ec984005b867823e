use fascine_message::{Message, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a model answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Response {
    /// The answer.
    pub message: Message,
    /// Why it ends where it ends.
    pub finish_reason: FinishReason,
    /// What it cost; zero if the provider did not say.
    #[serde(default)]
    pub usage: Usage,
    /// The model that answered, as the provider calls it.
    #[serde(default)]
    pub model: String,
    /// The provider's name for the answer; empty if it has none.
    #[serde(default)]
    pub id: String,
    /// How many requests it took; none if it came from a cache, or was made for another caller who shares it.
    #[serde(default = "one")]
    pub attempts: u32,
    /// What else the provider said, in its own words, each field at the place where it stood: in objects of the names of
    /// the objects that it was in, and of the numbers in lists. So `extra["usage"]` has what else was counted, and
    /// `extra["content"]["0"]` what else there was to the first part of the answer.
    ///
    /// Fields of the document itself stand at the top, and so do those of the choice (or candidate) and of its message;
    /// where two have one name, the outer one does, and the other is in an object called `choice`, `candidate` or
    /// `message`. What the events of a stream had of their own is in `events`, by their type; the events of types that
    /// nobody knows are there in full. What has to go back with the message is in the message, as
    /// [`Part::Other`](fascine_message::Part::Other).
    ///
    /// A field that is null is not kept, and neither is what says that there is nothing.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl Response {
    /// Makes the answer of a first request, with nothing known but the message.
    #[must_use]
    pub fn new(message: Message) -> Self {
        Self {
            message,
            finish_reason: FinishReason::Stop,
            usage: Usage::default(),
            model: String::new(),
            id: String::new(),
            attempts: one(),
            extra: Map::new(),
        }
    }

    /// Whether it was not made for this call: it came from a cache, or another caller shares it. Then it cost nothing,
    /// and its usage is zero.
    #[must_use]
    pub fn is_reused(&self) -> bool {
        self.attempts == 0
    }

    /// The text of the answer.
    #[must_use]
    pub fn text(&self) -> String {
        self.message.text()
    }
}

const fn one() -> u32 {
    1
}

/// Why an answer ends where it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// A filter cut it.
    ContentFilter,
    /// It reached the allowed length.
    Length,
    /// Something this crate has no name for.
    Other(String),
    /// The model would not answer.
    Refusal,
    /// The model was done.
    Stop,
    /// The model waits for tools to be called.
    ToolCalls,
}

impl FinishReason {
    /// The word for it in logs, as OpenAI has it where it has one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::ContentFilter => "content_filter",
            Self::Length => "length",
            Self::Other(word) => word,
            Self::Refusal => "refusal",
            Self::Stop => "stop",
            Self::ToolCalls => "tool_calls",
        }
    }
}
