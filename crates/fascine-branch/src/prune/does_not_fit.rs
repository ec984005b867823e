use std::fmt;

/// A turn is over a bound even when everything has gone that can go.
///
/// Pinned turns, the system prompt and the descriptions of tools count, since they stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bound on {bound}{}", Answer(*.answer, .bound))]
#[non_exhaustive]
pub struct DoesNotFit {
    /// The bound, and what would be needed.
    pub bound: Bound,
    /// How many of the tokens are the room that is kept for the answer.
    pub answer: u64,
}

impl DoesNotFit {
    pub(super) fn new(bound: Bound, answer: u64) -> Self {
        Self { bound, answer }
    }
}

/// A bound of [`Prune`](crate::Prune) that cannot be held.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Of messages.
    Messages {
        /// How many there would be.
        needed: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Of tokens.
    Tokens {
        /// How many there would be, with those for the answer.
        needed: u64,
        /// How many there may be.
        limit: u64,
    },
    /// Of turns.
    Turns {
        /// How many there would be.
        needed: usize,
        /// How many there may be.
        limit: usize,
    },
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Messages { needed, limit } => {
                write!(f, "messages is {limit}, and {needed} cannot be left out")
            }
            Self::Tokens { needed, limit } => {
                write!(f, "tokens is {limit}, and {needed} cannot be left out")
            }
            Self::Turns { needed, limit } => {
                write!(f, "turns is {limit}, and {needed} cannot be left out")
            }
        }
    }
}

/// Says what the answer takes, where that matters.
struct Answer<'a>(u64, &'a Bound);

impl fmt::Display for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Bound::Tokens { .. } => write!(f, ", {} for the answer among them", self.0),
            _ => Ok(()),
        }
    }
}
