use std::fmt;

use serde::{Deserialize, Serialize};

/// How far a step has come.
///
/// `Pending` becomes `Processing`, `Skipped` or `Aborted`; `Processing` becomes `Completed`, `Failed` or `Cancelled`;
/// nothing comes after those. Only a step that waits for an answer becomes `Pending` again, when the run is suspended. In a
/// run that is [taken up](crate::Flow::resume), a step that had ended goes from `Pending` to what it was. Complete by
/// definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The run was cancelled before the step began.
    Aborted,
    /// The run was cancelled while the step was running.
    Cancelled,
    /// It gave its output.
    Completed,
    /// It gave an error, or panicked.
    Failed,
    /// It waits for its inputs or for a place; or it waited for them when the run was suspended.
    Pending,
    /// It is running.
    Processing,
    /// It was not to run: a condition said so, or a step before it did not complete.
    Skipped,
}

impl Status {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aborted => "aborted",
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Skipped => "skipped",
        }
    }

    /// Returns whether a step that is this far can be that far next.
    #[must_use]
    pub const fn can_become(self, next: Self) -> bool {
        match self {
            Self::Pending => !matches!(next, Self::Pending | Self::Cancelled),
            Self::Processing => !matches!(next, Self::Processing | Self::Skipped | Self::Aborted),
            _ => false,
        }
    }

    /// Returns whether nothing comes after it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Processing)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Status::*;

    #[test]
    fn nothing_comes_after_an_end_and_every_end_has_a_way_to_it() {
        let all = [
            Aborted, Cancelled, Completed, Failed, Pending, Processing, Skipped,
        ];
        for (from, to) in all.iter().flat_map(|from| all.map(|to| (*from, to))) {
            let allowed = match from {
                Pending => [Processing, Skipped, Aborted, Completed, Failed].contains(&to),
                Processing => [Completed, Failed, Cancelled, Pending].contains(&to),
                _ => false,
            };
            assert_eq!(from.can_become(to), allowed, "{from} to {to}");
        }
    }
}
