use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;

/// What a provider said instead of an answer.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiError {
    /// The HTTP status; of an error inside a stream, the one it would have had.
    pub status: u16,
    /// What it comes to.
    pub kind: ApiErrorKind,
    /// The provider's code for it, if any.
    pub code: Option<String>,
    /// The provider's words.
    pub message: String,
    /// The field of the request it is about, if the provider said so.
    pub param: Option<String>,
    /// The provider's name for the request, if any.
    pub request_id: Option<String>,
    /// How long the provider wants to be left alone, if it said.
    pub retry_after: Option<Duration>,
    /// Whether the provider says that the same request may succeed later, against what its status would mean.
    pub should_retry: Option<bool>,
    /// The headers of its response.
    pub headers: HeaderMap,
    /// Its body, or the event of the stream, as it came; cut at 256 KiB.
    pub body: Bytes,
}

/// What an error of a provider comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ApiErrorKind {
    /// The key is missing or wrong.
    Authentication,
    /// A filter would not let it through.
    ContentFilter,
    /// The conversation is longer than the model can read.
    ContextLength,
    /// The request is wrong in another way.
    InvalidRequest,
    /// There is no such model or address.
    NotFound,
    /// The provider has too much to do.
    Overloaded,
    /// The key may not do this.
    Permission,
    /// The money or the quota is used up: waiting does not help.
    QuotaExhausted,
    /// Too many requests or tokens in too short a time.
    RateLimited,
    /// Something broke at the provider.
    Server,
    /// The provider gave up waiting.
    Timeout,
    /// Something this crate has no name for.
    Unknown,
}

impl ApiErrorKind {
    /// What a status means when nothing else is known.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Authentication,
            402 => Self::QuotaExhausted,
            403 => Self::Permission,
            404 | 410 => Self::NotFound,
            408 | 504 => Self::Timeout,
            429 => Self::RateLimited,
            503 | 529 => Self::Overloaded,
            500..=599 => Self::Server,
            400..=499 => Self::InvalidRequest,
            _ => Self::Unknown,
        }
    }

    /// The word for it in metrics and spans.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::ContentFilter => "content_filter",
            Self::ContextLength => "context_length",
            Self::InvalidRequest => "invalid_request",
            Self::NotFound => "not_found",
            Self::Overloaded => "overloaded",
            Self::Permission => "permission",
            Self::QuotaExhausted => "quota_exhausted",
            Self::RateLimited => "rate_limited",
            Self::Server => "server",
            Self::Timeout => "timeout",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for ApiErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ApiError {
    /// Makes an error of which nothing is known but its status and words.
    pub fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            kind: ApiErrorKind::of_status(status),
            code: None,
            message: message.into(),
            param: None,
            request_id: None,
            retry_after: None,
            should_retry: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// Sets what it comes to.
    #[must_use]
    pub fn with_kind(mut self, kind: ApiErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets the provider's code.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Sets how long the provider wants to be left alone.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Whether the same request may succeed later: the provider's own word, if it gave one; else 408, 409, 429 and
    /// every 5xx, unless what it comes to says that waiting does not help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        if let Some(word) = self.should_retry {
            return word;
        }
        let hopeless = matches!(
            self.kind,
            ApiErrorKind::Authentication
                | ApiErrorKind::ContentFilter
                | ApiErrorKind::ContextLength
                | ApiErrorKind::NotFound
                | ApiErrorKind::Permission
                | ApiErrorKind::QuotaExhausted
        );
        // Some answer 500 to what is wrong with the request.
        let mistake = self.kind == ApiErrorKind::InvalidRequest && self.status >= 500;
        !hopeless && !mistake && matches!(self.status, 408 | 409 | 429 | 500..=599)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the provider answered {}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, " ({code})")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("status", &self.status)
            .field("kind", &self.kind)
            .field("code", &self.code)
            .field("message", &self.message)
            .field("request_id", &self.request_id)
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for ApiError {}
