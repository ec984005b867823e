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
    /// How long such a stretch of time is, where that is known: a limit of another stretch than a limiter's says
    /// nothing about that.
    pub period: Option<Duration>,
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
            period: None,
        }
    }

    /// Sets how long the stretch of time is.
    #[must_use]
    pub const fn with_period(mut self, period: Duration) -> Self {
        self.period = Some(period);
        self
    }
}
