use std::fmt;
use std::time::Instant;

/// Why a call waits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waiting {
    /// A request failed for a passing reason, and the next begins then.
    Backoff {
        /// When.
        until: Instant,
    },
    /// The circuit breaker lets nothing through.
    BreakerOpen {
        /// When it tries again.
        until: Instant,
    },
    /// As many requests are on their way as may be.
    Concurrency {
        /// How many.
        in_flight: usize,
    },
    /// It is the next, and a quota does not allow it yet.
    Limited {
        /// The quota's name.
        quota: &'static str,
        /// When it does, if nobody gives anything back.
        until: Instant,
    },
    /// It is the next, and the provider has asked to be left alone.
    Paused {
        /// How long.
        until: Instant,
    },
    /// Others are before it.
    Queue {
        /// Its place, where 0 is the next.
        position: usize,
    },
}

/// A call that waits; from [`ModelService::waiting_calls`](crate::ModelService::waiting_calls).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WaitingCall {
    /// The number of the call, from 1, in the order in which the calls of the service began.
    pub id: u64,
    /// Since when it waits for this.
    pub since: Instant,
    /// What for.
    pub why: Waiting,
}

impl Waiting {
    /// The word for it in logs and metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Backoff { .. } => "backoff",
            Self::BreakerOpen { .. } => "breaker_open",
            Self::Concurrency { .. } => "concurrency",
            Self::Limited { .. } => "limited",
            Self::Paused { .. } => "paused",
            Self::Queue { .. } => "queue",
        }
    }

    /// When the wait ends, as far as that is known.
    #[must_use]
    pub const fn until(&self) -> Option<Instant> {
        match self {
            Self::Backoff { until }
            | Self::BreakerOpen { until }
            | Self::Limited { until, .. }
            | Self::Paused { until } => Some(*until),
            Self::Concurrency { .. } | Self::Queue { .. } => None,
        }
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backoff { .. } => f.write_str("a failed request is made again later"),
            Self::BreakerOpen { .. } => f.write_str("the circuit breaker is open"),
            Self::Concurrency { in_flight } => write!(f, "{in_flight} requests are on their way"),
            Self::Limited { quota, .. } => write!(f, "the quota of {quota} is used up"),
            Self::Paused { .. } => f.write_str("the provider asked to be left alone"),
            Self::Queue { position } => write!(f, "{position} calls are before it"),
        }
    }
}
