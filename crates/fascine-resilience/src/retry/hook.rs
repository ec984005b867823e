use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What is about to happen when a call failed and is going to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BeforeRetry {
    /// How many calls were made so far.
    pub attempts: u32,
    /// How long the wait is going to be.
    pub delay: Duration,
    /// From the first call until now, waits included.
    pub elapsed: Duration,
}

/// A function that every user of a policy calls.
#[derive(Clone)]
pub(super) struct Hook(pub(super) Arc<dyn Fn(&BeforeRetry) + Send + Sync>);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}
