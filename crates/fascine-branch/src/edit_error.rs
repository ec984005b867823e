use std::error::Error;

use crate::TurnId;

/// Why a history was not changed. It is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// Two turns have one id and say different things: the branches were made with the same seed.
    #[error("branch `{branch}` has a turn {turn} that says something else")]
    Conflict {
        /// The branch.
        branch: String,
        /// The turn.
        turn: TurnId,
    },
    /// The turn is there already.
    #[error("branch `{branch}` has turn {turn} already")]
    DuplicateTurn {
        /// The branch.
        branch: String,
        /// The turn.
        turn: TurnId,
    },
    /// Turns cannot be ordered by time: one of them has none.
    #[error("turn {turn} of branch `{branch}` has no time to be ordered by")]
    NoTimestamp {
        /// The branch.
        branch: String,
        /// The turn.
        turn: TurnId,
    },
    /// There is no summary.
    #[error("branch `{branch}` got no summary of what it was to merge")]
    Summary {
        /// The branch.
        branch: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// There is no such turn.
    #[error("branch `{branch}` has no turn {turn}")]
    UnknownTurn {
        /// The branch.
        branch: String,
        /// The turn.
        turn: TurnId,
    },
    /// A turn has a tool call without its result, or a result without its call.
    #[error("turn {turn} for branch `{branch}` does not pair tool call `{call}` with a result")]
    Unpaired {
        /// The branch.
        branch: String,
        /// The turn.
        turn: TurnId,
        /// The id of the call.
        call: String,
    },
}
