use std::time::Duration;

use crate::clock::millis_rounded_up;
use crate::quota::Refusal;

/// Why a request is not answered, before it has the form of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) kind: ProblemKind,
    pub(crate) message: String,
    /// The part of the request that is wrong, as `messages[0].role`.
    pub(crate) field: Option<String>,
    /// When to come back.
    pub(crate) retry_after: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    Authentication,
    Invalid,
    Method,
    NoModel,
    Overloaded,
    RateRequests,
    RateTokens,
    Server,
    TooLarge,
    UnknownUrl,
}

impl Problem {
    pub(crate) fn new(status: u16, kind: ProblemKind, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
            field: None,
            retry_after: None,
        }
    }

    pub(crate) fn invalid(field: impl Into<Option<String>>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            ..Self::new(400, ProblemKind::Invalid, message)
        }
    }

    pub(crate) fn missing(field: impl Into<String>) -> Self {
        let field = field.into();
        let message = format!("Missing required parameter: '{field}'.");
        Self::invalid(field, message)
    }

    pub(crate) fn wrong(field: impl Into<String>, expected: &str) -> Self {
        let field = field.into();
        let message = format!("Invalid value for '{field}': expected {expected}.");
        Self::invalid(field, message)
    }

    pub(crate) fn unknown_url(path: &str) -> Self {
        let message = format!("Unknown request URL: {path}.");
        Self::new(404, ProblemKind::UnknownUrl, message)
    }

    pub(crate) fn no_model(model: &str) -> Self {
        let message = format!("The model '{model}' does not exist.");
        Self {
            field: Some("model".to_owned()),
            ..Self::new(404, ProblemKind::NoModel, message)
        }
    }

    pub(crate) fn above_quota(refusal: Refusal, hides_quota: bool) -> Self {
        let kind = match refusal.of_tokens {
            true => ProblemKind::RateTokens,
            false => ProblemKind::RateRequests,
        };
        let hint = refusal.wait.filter(|_| !hides_quota);
        let message = match (refusal.wait, hint) {
            (None, _) => "The request is larger than the whole quota.".to_owned(),
            (_, Some(wait)) => {
                let millis = millis_rounded_up(wait);
                format!("Rate limit reached. Please try again in {millis}ms.")
            }
            (_, None) => "Rate limit reached.".to_owned(),
        };
        Self {
            retry_after: hint,
            ..Self::new(429, kind, message)
        }
    }

    /// What a server says with this status, whatever the request.
    pub(crate) fn of_status(status: u16) -> Self {
        let (kind, message) = match status {
            401 | 403 => (ProblemKind::Authentication, "The key is not valid."),
            404 => (ProblemKind::NoModel, "There is no such model."),
            413 => (ProblemKind::TooLarge, "The request is too large."),
            429 => (ProblemKind::RateRequests, "Too many requests."),
            529 => (ProblemKind::Overloaded, "The server is overloaded."),
            400..500 => (ProblemKind::Invalid, "The request is not valid."),
            _ => (ProblemKind::Server, "The server had an error."),
        };
        Self::new(status, kind, message)
    }
}
