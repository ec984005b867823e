use std::time::Duration;

use fascine_http::TransportError;
use fascine_resilience::{LimitError, Verdict};

use crate::{ApiError, Interrupted};

/// What went wrong with one request to a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFailure {
    /// The provider said no.
    #[error(transparent)]
    Api(Box<ApiError>),
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
    /// There was no answer.
    #[error("the request failed on the way")]
    Transport(#[source] TransportError),
    /// The answer ended in good order before there was anything of it.
    #[error("the answer ended before it had begun")]
    Truncated,
}

impl ModelFailure {
    /// Whether the same request may succeed later.
    ///
    /// So are 408, 409, 429, every 5xx, time-outs and failures on the way. A request to a model changes nothing on the
    /// other side, so it is repeated even if it may have been received.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Api(error) => error.is_retryable(),
            Self::Interrupted(_) | Self::Timeout { .. } | Self::Truncated => true,
            Self::InvalidRequest { .. }
            | Self::Limited(_)
            | Self::Malformed { .. }
            | Self::OutOfScript
            | Self::Refused { .. } => false,
            Self::Transport(error) => error.is_retryable(),
        }
    }

    /// How long the provider wants to be left alone, if it said.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Limited(error) => error.retry_after(),
            Self::Api(error) => error.retry_after,
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
