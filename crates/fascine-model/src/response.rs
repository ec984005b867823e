use fascine_message::{Message, Usage};

/// What a model answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The answer.
    pub message: Message,
    /// Why it ends where it ends.
    pub finish_reason: FinishReason,
    /// What it cost; zero if the provider did not say.
    pub usage: Usage,
    /// The model that answered, as the provider calls it.
    pub model: String,
    /// The provider's name for the answer; empty if it has none.
    pub id: String,
    /// How many requests it took.
    pub attempts: u32,
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
            attempts: 1,
        }
    }
}

/// Why an answer ends where it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FinishReason {
    /// A filter cut it.
    ContentFilter,
    /// It reached the allowed length.
    Length,
    /// Something this crate has no name for.
    Other(String),
    /// The model was done.
    Stop,
    /// The model waits for tools to be called.
    ToolCalls,
}
