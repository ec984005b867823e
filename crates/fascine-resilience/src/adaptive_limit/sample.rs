use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// Decides from what calls took how many may run at a time.
///
/// Arithmetic alone: it is called under a lock, so it must neither block nor wait.
pub trait LimitAlgorithm: Send {
    /// Returns how many calls may run at a time.
    fn limit(&self) -> NonZeroUsize;

    /// Learns from a call that ended.
    fn sample(&mut self, sample: &Sample);
}

/// A call that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// When it was made.
    pub started: Instant,
    /// When it ended.
    pub ended: Instant,
    /// How many calls were running when it ended, itself among them.
    pub running: usize,
    /// What it says about the other side.
    pub outcome: SampleOutcome,
}

/// What a call says about how busy the other side is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SampleOutcome {
    /// Nothing: it failed for another reason, or was served from elsewhere.
    Ignored,
    /// It was too busy: it refused, or did not answer in time.
    Overloaded,
    /// It answered, and the latency is its own.
    Succeeded,
}

impl Sample {
    /// Returns how long the call took; zero if the clock went back.
    #[must_use]
    pub fn latency(&self) -> Duration {
        self.ended.saturating_duration_since(self.started)
    }
}

/// Tells one congestion from the next: calls that were made before the last reaction are part of what it reacted to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Congestion {
    reacted: Option<Instant>,
}

impl Congestion {
    /// Whether to react to this overloaded call; if so, those that are running now will not count again.
    pub(super) fn is_new(&mut self, sample: &Sample) -> bool {
        if self.reacted.is_some_and(|reacted| sample.started < reacted) {
            return false;
        }
        self.reacted = Some(self.reacted.map_or(sample.ended, |at| at.max(sample.ended)));
        true
    }
}
