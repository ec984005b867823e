use fascine_message::{Message, Usage};
use fascine_model::FinishReason;

use crate::request_usage::{attempts_of, usage_of};
use crate::{Branch, RequestUsage, TurnId};

/// What came of a turn.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply {
    /// The turn.
    pub turn: TurnId,
    /// The branch that holds the turn, if it is not the one that was asked: see [`WhenBusy`](crate::WhenBusy).
    pub fork: Option<Branch>,
    /// The answer, as it stands in the history. It may be empty: then the model had nothing to say.
    pub message: Message,
    /// Why it ends where it ends: at its end, at the length that was allowed, by a filter, by a refusal.
    pub finish_reason: FinishReason,
    /// What the whole turn cost.
    pub usage: Usage,
    /// How many requests the whole turn took.
    pub attempts: u32,
    /// Each call of the model in the turn, in order, those that failed or did not fit included.
    pub requests: Vec<RequestUsage>,
}

impl Reply {
    pub(crate) fn new(
        turn: TurnId,
        message: Message,
        finish_reason: FinishReason,
        requests: Vec<RequestUsage>,
    ) -> Self {
        Self {
            turn,
            fork: None,
            message,
            finish_reason,
            usage: usage_of(&requests),
            attempts: attempts_of(&requests),
            requests,
        }
    }

    /// The text of the answer.
    #[must_use]
    pub fn text(&self) -> String {
        self.message.text()
    }
}
