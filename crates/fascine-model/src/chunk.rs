use fascine_message::Usage;

use crate::FinishReason;

/// A piece of an answer that is still being made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Chunk {
    /// The answer is at its end; only [`Usage`](Self::Usage) may follow.
    Finish(FinishReason),
    /// What is known of the answer at its beginning.
    Start {
        /// The provider's name for the answer.
        id: String,
        /// The model that answers.
        model: String,
    },
    /// More text.
    Text(String),
    /// More of a tool call.
    ToolCall {
        /// Which of several calls.
        index: usize,
        /// The id, with the first piece.
        id: Option<String>,
        /// The tool, with the first piece.
        name: Option<String>,
        /// More of the arguments.
        arguments: String,
    },
    /// What the answer cost.
    Usage(Usage),
}
