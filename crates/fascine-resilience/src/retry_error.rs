use std::error::Error;
use std::fmt;
use std::time::Duration;

/// The last error of a call that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryError<E> {
    /// What the last call failed with.
    pub error: E,
    /// How many calls were made.
    pub attempts: u32,
    /// From the first call to the end of the last, waits included.
    pub elapsed: Duration,
    /// Why no further call was made.
    pub reason: GaveUp,
}

/// Why a call was not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GaveUp {
    /// All attempts were used.
    Attempts,
    /// The retry budget was used up.
    Budget,
    /// The wait for the next attempt would have ended after the ambient deadline.
    Deadline,
    /// The wait for the next attempt would have ended after the policy's own time.
    Elapsed,
    /// Another retry is around this one, which refuses to be the second.
    Nested,
    /// The other side asked for a longer wait than the policy allows.
    RetryAfterTooLong {
        /// How long it asked for.
        asked: Duration,
    },
    /// The error was not one to try again after.
    Stopped,
}

impl<E> fmt::Display for RetryError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.attempts == 1 { "" } else { "s" };
        write!(
            f,
            "gave up after {} attempt{plural}: {}",
            self.attempts, self.reason
        )
    }
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attempts => f.write_str("no attempts are left"),
            Self::Budget => f.write_str("the budget for retries is used up"),
            Self::Deadline => f.write_str("the next would begin after the deadline"),
            Self::Elapsed => f.write_str("the next would begin after the time for retries"),
            Self::Nested => f.write_str("another retry is around this one"),
            Self::RetryAfterTooLong { asked } => {
                write!(f, "the other side asked for a wait of {asked:?}")
            }
            Self::Stopped => f.write_str("another would fail too"),
        }
    }
}

impl<E: Error + 'static> Error for RetryError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
