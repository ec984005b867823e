use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::{
    BulkheadError, CircuitOpen, FallbackError, LimitError, Overloaded, RetryError, TimedOut,
};

/// Why a [`Pipeline`](crate::Pipeline) gave no value.
///
/// It says which of its policies ended the call, or that the call itself failed. What a retry or a fallback gave up on
/// is inside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PipelineError<E> {
    /// The call failed, and so did what was tried instead: all of it is inside, and the source is the call's own error.
    AllFailed(Box<FallbackError<PipelineError<E>>>),
    /// There was no room for it: it was not made.
    Bulkhead(BulkheadError),
    /// The call itself failed.
    Call(E),
    /// The circuit is open: it was not made.
    CircuitOpen(CircuitOpen),
    /// The time for everything together ran out.
    Deadline(TimedOut),
    /// It was tried for as long as that made sense.
    GaveUp(Box<RetryError<PipelineError<E>>>),
    /// The rate limits did not allow it: it was not made.
    Limited(LimitError),
    /// Too much was going on: it was not made.
    Overloaded(Overloaded),
    /// A policy of somebody else's refused it: it was not made.
    Refused {
        /// Which one.
        policy: &'static str,
        /// When it may let a call through again.
        retry_after: Option<Duration>,
    },
    /// An attempt took too long.
    TimedOut(TimedOut),
}

impl<E> PipelineError<E> {
    /// Returns whether one of our own policies kept the last attempt from being made: the other side did not fail.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self.root(),
            Self::Bulkhead(_)
                | Self::CircuitOpen(_)
                | Self::Limited(_)
                | Self::Overloaded(_)
                | Self::Refused { .. }
        )
    }

    /// Returns what the call itself failed with, if that is what ended it: the last attempt's error if there were
    /// several, the call's own if there was a fallback.
    #[must_use]
    pub fn call_error(&self) -> Option<&E> {
        match self.root() {
            Self::Call(error) => Some(error),
            _ => None,
        }
    }

    /// Returns what the call itself failed with, if that is what ended it; otherwise the error unchanged.
    ///
    /// # Errors
    ///
    /// The error itself, if it was not the call that failed.
    pub fn into_call_error(self) -> Result<E, Self> {
        match self {
            Self::Call(error) => Ok(error),
            Self::GaveUp(gave_up) if gave_up.error.call_error().is_some() => {
                gave_up.error.into_call_error()
            }
            Self::AllFailed(all) if all.first.call_error().is_some() => all.first.into_call_error(),
            other => Err(other),
        }
    }

    /// Returns in how long a call may succeed, if a policy knows.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self.root() {
            Self::CircuitOpen(open) => open.retry_after,
            Self::Limited(error) => error.retry_after(),
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What ended it, below retries and fallbacks.
    fn root(&self) -> &Self {
        match self {
            Self::AllFailed(all) => all.first.root(),
            Self::GaveUp(gave_up) => gave_up.error.root(),
            other => other,
        }
    }
}

impl<E> fmt::Display for PipelineError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllFailed(error) => error.fmt(f),
            Self::Bulkhead(error) => error.fmt(f),
            Self::Call(_) => f.write_str("the call failed"),
            Self::CircuitOpen(error) => error.fmt(f),
            Self::Deadline(error) => write!(f, "all attempts together: {error}"),
            Self::GaveUp(error) => error.fmt(f),
            Self::Limited(error) => error.fmt(f),
            Self::Overloaded(error) => error.fmt(f),
            Self::Refused { policy, .. } => write!(f, "{policy} refused the call"),
            Self::TimedOut(error) => error.fmt(f),
        }
    }
}

impl<E: Error + 'static> Error for PipelineError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // These show themselves; what is below them comes next.
            Self::AllFailed(error) => error.source(),
            Self::Call(error) => Some(error),
            Self::GaveUp(error) => error.source(),
            _ => None,
        }
    }
}
