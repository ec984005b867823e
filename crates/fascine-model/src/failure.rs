use std::time::Duration;

use fascine_http::TransportError;
use fascine_resilience::{LimitError, Verdict};

/// What went wrong with one request to a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFailure {
    /// The answer broke off: the connection ended properly, but the answer did not.
    #[error("the answer broke off before its end")]
    Interrupted,
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
    /// The provider refused.
    #[error("the provider answered {status}: {message}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// The provider's code for it, if any.
        code: Option<String>,
        /// The provider's words.
        message: String,
        /// The provider's name for the request, if any.
        request_id: Option<String>,
        /// How long the provider wants to be left alone, if it said.
        retry_after: Option<Duration>,
    },
    /// There was no answer in time.
    #[error("there was no answer within {after:?}")]
    Timeout {
        /// The time that was allowed.
        after: Duration,
    },
    /// There was no answer.
    #[error("the request failed on the way")]
    Transport(#[source] TransportError),
}

impl ModelFailure {
    /// Whether the same request may succeed later.
    ///
    /// So are 408, 409, 429, every 5xx, time-outs and failures on the way. A request to a model changes nothing on the
    /// other side, so it is repeated even if it may have been received.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Interrupted | Self::Timeout { .. } => true,
            Self::InvalidRequest { .. }
            | Self::Limited(_)
            | Self::Malformed { .. }
            | Self::OutOfScript => false,
            Self::Status { status, .. } => matches!(status, 408 | 409 | 429 | 500..=599),
            Self::Transport(error) => error.is_retryable(),
        }
    }

    /// How long the provider wants to be left alone, if it said.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited(error) => error.retry_after(),
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        match (self.is_retryable(), self.retry_after()) {
            (false, _) => Verdict::Stop,
            (true, Some(wait)) => Verdict::RetryAfter(wait),
            (true, None) => Verdict::Retry,
        }
    }

    pub(crate) fn malformed(reason: impl Into<String>, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&body[..body.len().min(4 * EXCERPT)]);
        Self::Malformed {
            reason: reason.into(),
            excerpt: text.chars().take(EXCERPT).collect(),
        }
    }
}

/// How many characters of an unreadable answer are shown.
const EXCERPT: usize = 120;
