use std::num::NonZeroU32;

/// What a step wants of the edges into it before it runs.
///
/// An edge is *live* once its source has completed and its condition, if it has one, says yes. It is *dead* if the
/// condition says no, or if the source was not taken itself. It has *failed* if the source failed, was cancelled, or was
/// skipped because of a failure before it. A step without edges runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Join {
    /// All are live.
    All,
    /// All are live, and their sources gave outputs: an error that was [carried on](crate::OnError::Continue) is none.
    AllSucceeded,
    /// None waits any more: it runs, whatever came of them.
    Always,
    /// At least one is live, whatever came of the others: lionagi's rule.
    Any,
    /// So many are live: it runs at once, without waiting for the others. It is skipped once all are settled and too few
    /// are live.
    AtLeast(NonZeroU32),
    /// At least one is live, and none has failed: branches that were not taken do no harm, and no input is silently
    /// missing.
    #[default]
    NoneFailed,
}
