use fascine_message::{Part, Reasoning, Usage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::FinishReason;

/// A piece of an answer that is still being made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Chunk {
    /// Fields of the provider's own, for [`Response::extra`](crate::Response::extra).
    Extra(Map<String, Value>),
    /// The answer is at its end; only [`Usage`](Self::Usage) and [`Extra`](Self::Extra) may follow.
    Finish(FinishReason),
    /// A part that came whole: a picture, or something that only this provider has.
    Part(Part),
    /// More of what the model thinks: more text, more of the signature, or all that was withheld.
    Reasoning(Reasoning),
    /// What is known of the answer at its beginning.
    Start {
        /// The provider's name for the answer.
        id: String,
        /// The model that answers.
        model: String,
    },
    /// More text.
    Text(String),
    /// More of a tool call. Pieces of several calls may come in turns.
    ToolCall {
        /// Which of several calls.
        index: usize,
        /// The id, with the first piece that has it.
        id: Option<String>,
        /// The tool, with the first piece that has it.
        name: Option<String>,
        /// More of the arguments.
        arguments: String,
    },
    /// What the answer cost up to here: a total, which replaces the one before.
    Usage(Usage),
}
