use std::time::Duration;

use fascine_http::TransportError;
use fascine_resilience::{BulkheadError, CircuitOpen, FallbackError, LimitError, Refusal, Verdict};

use crate::{ApiError, Interrupted, ModelError, RecordError};

/// What went wrong with one request to a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFailure {
    /// Several models were asked in turn, and none answered.
    #[error("no model of the chain answered")]
    AllFailed(#[source] Box<FallbackError<ModelError>>),
    /// The provider said no.
    #[error(transparent)]
    Api(Box<ApiError>),
    /// The service's circuit breaker is open: nothing was sent.
    #[error("the service's circuit breaker did not let it through")]
    CircuitOpen(#[source] CircuitOpen),
    /// The service is closed, or was closed meanwhile.
    #[error("the service is closed")]
    Closed,
    /// There was no room among the requests that are on their way.
    #[error("too many requests are on their way")]
    Concurrency(#[source] BulkheadError),
    /// The service has cost as much as it may, or would with this call.
    #[error(
        "the service has cost {spent}, {max} is what it may cost, and this call with those on their way may cost {reserved}"
    )]
    CostExceeded {
        /// What it has cost so far, in the currency of its prices.
        spent: f64,
        /// What the calls on their way may cost, and this one.
        reserved: f64,
        /// What it may cost.
        max: f64,
    },
    /// The answer broke off after some of it had been given out.
    #[error(transparent)]
    Interrupted(Box<Interrupted>),
    /// The request cannot be put to this provider.
    #[error("the request cannot be sent: {field} {reason}")]
    InvalidRequest {
        /// What part of the request.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The service's own limits gave it no place.
    #[error("the service's limits did not let it through")]
    Limited(#[source] LimitError),
    /// The provider answered, but not in its own format.
    #[error("the answer is not in the provider's format: {reason}; it begins with {excerpt:?}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
        /// The beginning of it.
        excerpt: String,
    },
    /// A scripted model has no answer left.
    #[error("the script has no answer for this")]
    OutOfScript,
    /// The call was shared, and what made it panicked in the task of another caller.
    #[error("the call panicked in another task that shared it")]
    Panicked,
    /// A recording has no answer, or cannot keep one.
    #[error("the recording failed")]
    Recording(#[source] RecordError),
    /// A hook would not have it sent.
    #[error("the call was refused before it was sent: {reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// There was no answer in time.
    #[error("there was no answer within {after:?}")]
    Timeout {
        /// The time that was allowed.
        after: Duration,
    },
    /// The answer is larger than what is kept of one.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// What is kept, in bytes.
        limit: usize,
    },
    /// There was no answer.
    #[error("the request failed on the way")]
    Transport(#[source] TransportError),
    /// The answer ended in good order before there was anything of it.
    #[error("the answer ended before it had begun")]
    Truncated,
    /// There is no model to ask.
    #[error("there is no model to ask")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl ModelFailure {
    /// Whether the same request may succeed later.
    ///
    /// So are 408, 409, 429, every 5xx, time-outs and failures on the way. A request to a model changes nothing on the
    /// other side, so it is repeated even if it may have been received.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::AllFailed(errors) => errors.iter().any(ModelError::is_retryable),
            Self::Api(error) => error.is_retryable(),
            Self::Interrupted(_) | Self::Panicked | Self::Timeout { .. } | Self::Truncated => true,
            Self::CircuitOpen(open) => open.reason != Refusal::Forced,
            Self::Closed
            | Self::Concurrency(_)
            | Self::CostExceeded { .. }
            | Self::InvalidRequest { .. }
            | Self::Limited(_)
            | Self::Malformed { .. }
            | Self::OutOfScript
            | Self::Recording(_)
            | Self::Refused { .. }
            | Self::TooLarge { .. }
            | Self::Unavailable(_) => false,
            Self::Transport(error) => error.is_retryable(),
        }
    }

    /// How long the provider wants to be left alone, if it said.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            // Whichever of them is there first.
            Self::AllFailed(errors) => errors.iter().filter_map(ModelError::retry_after).min(),
            Self::Limited(error) => error.retry_after(),
            Self::Api(error) => error.retry_after,
            Self::CircuitOpen(open) => open.retry_after,
            _ => None,
        }
    }

    /// What it means to the service's retry policy.
    ///
    /// What a policy of our own refused was no request: it takes nothing from the budget for retries.
    pub(crate) fn verdict(&self) -> Verdict {
        if let Self::CircuitOpen(open) = self {
            return open.verdict();
        }
        match (self.is_retryable(), self.retry_after()) {
            (false, _) => Verdict::Stop,
            (true, Some(wait)) => Verdict::RetryAfter(wait),
            (true, None) => Verdict::Retry,
        }
    }

    /// Whether it says that the provider is ill, which is what a circuit breaker counts.
    ///
    /// Ill is who does not answer, breaks off, answers in no format of its own, or says 408 or 5xx. Busy (429) is not
    /// ill, a wrong request is the caller's, and what was never sent says nothing.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Api(error) => matches!(error.status, 408 | 500..=599),
            Self::Interrupted(broken) => broken.cause.as_ref().is_none_or(Self::is_outage),
            Self::Malformed { .. } | Self::Timeout { .. } | Self::Truncated => true,
            Self::Transport(error) => !matches!(
                error,
                TransportError::InvalidRequest { .. }
                    | TransportError::InvalidUrl { .. }
                    | TransportError::TooLarge { .. }
            ),
            _ => false,
        }
    }

    /// The request has a field that cannot be sent.
    pub fn invalid(field: &'static str, reason: impl Into<String>) -> Self {
        Self::InvalidRequest {
            field,
            reason: reason.into(),
        }
    }

    /// The answer, of which `body` is the beginning, is not in the provider's format.
    pub fn malformed(reason: impl Into<String>, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&body[..body.len().min(4 * EXCERPT)]);
        Self::Malformed {
            reason: reason.into(),
            excerpt: text.chars().take(EXCERPT).collect(),
        }
    }
}

/// How many characters of an unreadable answer are shown.
const EXCERPT: usize = 120;

impl From<ApiError> for ModelFailure {
    fn from(error: ApiError) -> Self {
        Self::Api(Box::new(error))
    }
}

impl From<Interrupted> for ModelFailure {
    fn from(interrupted: Interrupted) -> Self {
        Self::Interrupted(Box::new(interrupted))
    }
}
