use std::time::Duration;

use fascine_message::{Message, ToolCall, ToolResult};
use fascine_model::Chunk;

use crate::{Turn, TurnId};

/// Something that happened in a branch.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BranchEvent {
    /// A turn came to nothing, or was kept as a partial one.
    Aborted {
        /// The turn.
        turn: TurnId,
    },
    /// A piece of an answer arrived.
    Chunk {
        /// The turn.
        turn: TurnId,
        /// The piece.
        chunk: Chunk,
    },
    /// A turn entered the history.
    Committed {
        /// The turn, whole.
        turn: Turn,
    },
    /// The system prompt of a turn does without a context provider, or with what it said before.
    ContextSkipped {
        /// The turn, if it is for one.
        turn: Option<TurnId>,
        /// The name under which the provider is registered.
        provider: String,
        /// What went wrong, from the provider down to the cause.
        reason: String,
    },
    /// Whoever observes the branch panicked when it was told of an event; the others are told of both.
    ObserverPanicked {
        /// The turn of that event, if it belonged to one.
        turn: Option<TurnId>,
        /// The [id](crate::Observation::id) of the observation.
        observer: u64,
        /// The text it panicked with.
        message: String,
    },
    /// Turns left the history for the archive.
    Pruned {
        /// The turns, oldest first.
        turns: Vec<TurnId>,
    },
    /// The model was asked again because its answer did not fit.
    ReAsked {
        /// The turn.
        turn: TurnId,
        /// How many times it was asked before.
        attempt: u32,
        /// What did not fit, as the model gets to read it.
        reason: String,
    },
    /// An answer that was no JSON was made JSON without asking again.
    Repaired {
        /// The turn.
        turn: TurnId,
        /// What was mended.
        repairs: Vec<String>,
    },
    /// A summary took the place of turns, which are in the archive.
    Summarised {
        /// The summary. Its kind says of which turns.
        summary: Turn,
    },
    /// There is no summary of turns; they stay until they are pruned.
    SummaryFailed {
        /// The turns, oldest first.
        turns: Vec<TurnId>,
        /// Why.
        reason: String,
    },
    /// A tool is about to be called.
    ToolCalled {
        /// The turn.
        turn: TurnId,
        /// The call.
        call: ToolCall,
    },
    /// A tool has ended, or was not called after all.
    ToolEnded {
        /// The turn.
        turn: TurnId,
        /// The tool.
        tool: String,
        /// What the model gets to read.
        result: ToolResult,
        /// How long it took.
        elapsed: Duration,
    },
    /// A turn has begun.
    TurnStarted {
        /// The turn.
        turn: TurnId,
        /// What is said to the model.
        instruction: Message,
    },
}
