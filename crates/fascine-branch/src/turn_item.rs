use std::time::Duration;

use fascine_message::{ToolCall, ToolResult};
use fascine_model::Chunk;

use crate::BranchEvent;

/// Something that happens in a turn before its end.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum TurnItem {
    /// A piece of an answer arrived.
    Chunk(Chunk),
    /// The model is asked again, because its answer did not fit.
    ReAsked {
        /// What did not fit.
        reason: String,
    },
    /// A tool is about to be called.
    ToolCalled(ToolCall),
    /// A tool has ended, or was not called after all.
    ToolEnded {
        /// The tool.
        tool: String,
        /// What the model gets to read.
        result: ToolResult,
        /// How long it took.
        elapsed: Duration,
    },
}

impl TurnItem {
    /// What an event is to who follows one turn.
    pub(crate) fn of(event: &BranchEvent) -> Option<Self> {
        match event {
            BranchEvent::ToolCalled { call, .. } => Some(Self::ToolCalled(call.clone())),
            BranchEvent::ToolEnded {
                tool,
                result,
                elapsed,
                ..
            } => Some(Self::ToolEnded {
                tool: tool.clone(),
                result: result.clone(),
                elapsed: *elapsed,
            }),
            _ => None,
        }
    }
}
