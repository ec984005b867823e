use std::time::Duration;

/// What a provider said of one of its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitHint {
    /// What is limited.
    pub quota: LimitedQuota,
    /// How much is allowed in each stretch of time.
    pub limit: Option<u64>,
    /// How much of it is left.
    pub remaining: Option<u64>,
    /// How long until all of it is there again.
    pub reset: Option<Duration>,
}

/// What a provider limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LimitedQuota {
    /// The tokens it is sent.
    InputTokens,
    /// The tokens it answers with.
    OutputTokens,
    /// Requests.
    Requests,
    /// Tokens of both kinds.
    Tokens,
}

impl LimitHint {
    /// Makes a hint that says nothing yet.
    #[must_use]
    pub const fn new(quota: LimitedQuota) -> Self {
        Self {
            quota,
            limit: None,
            remaining: None,
            reset: None,
        }
    }
}
