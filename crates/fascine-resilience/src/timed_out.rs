use std::time::Duration;

/// A call, or one attempt of it, took longer than it may.
///
/// [`Timeout`](crate::Timeout) and [`attempt_within`](crate::attempt_within) say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the call took longer than {after:?}")]
pub struct TimedOut {
    after: Duration,
}

impl TimedOut {
    pub(crate) const fn new(after: Duration) -> Self {
        Self { after }
    }

    /// Returns how much time it had.
    #[must_use]
    pub fn after(&self) -> Duration {
        self.after
    }
}
