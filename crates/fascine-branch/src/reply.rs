use fascine_message::{Message, Usage};
use fascine_model::{FinishReason, Response};

use crate::TurnId;

/// What came of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// The turn.
    pub turn: TurnId,
    /// The answer, as it stands in the history.
    pub message: Message,
    /// Why it ends where it ends.
    pub finish_reason: FinishReason,
    /// What it cost.
    pub usage: Usage,
    /// How many requests it took.
    pub attempts: u32,
}

impl Reply {
    pub(crate) fn new(turn: TurnId, message: Message, response: Response) -> Self {
        let Response {
            finish_reason,
            usage,
            attempts,
            ..
        } = response;
        Self {
            turn,
            message,
            finish_reason,
            usage,
            attempts,
        }
    }

    /// The text of the answer.
    #[must_use]
    pub fn text(&self) -> String {
        self.message.text()
    }
}
