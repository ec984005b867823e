use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use super::limit_headers::exhausted_until;
use super::retry_after::retry_after;
use super::span_text::{leading, span};
use crate::{ApiError, ApiErrorKind};

/// How long the provider wants to be left alone: what it says in headers, in the document, in words, and last what the
/// reset of what is used up comes to.
pub(super) fn retry_hint(
    error: &ApiError,
    headers: &HeaderMap,
    document: &Value,
) -> Option<Duration> {
    if let Some(wait) = retry_after(headers) {
        return Some(wait);
    }
    if error.kind == ApiErrorKind::QuotaExhausted
        || (400..=499).contains(&error.status) && error.status != 429
    {
        // Waiting does not help, whatever the words are.
        return None;
    }
    let limited = error.status == 429;
    let reset = || limited.then(|| exhausted_until(headers)).flatten();
    let said = retry_info(document).or_else(|| in_words(&error.message));
    said.or_else(reset)
}

/// `google.rpc.RetryInfo` among the details.
fn retry_info(document: &Value) -> Option<Duration> {
    let details = document.pointer("/error/details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay"));
    span(delay?.as_str()?)
}

/// "Please try again in 1.5s."
fn in_words(message: &str) -> Option<Duration> {
    let message = message.to_ascii_lowercase();
    let waits = PHRASES.iter().filter_map(|phrase| {
        let after = message.find(phrase)? + phrase.len();
        Some(leading(&message[after..])?.0)
    });
    waits.max()
}

const PHRASES: [&str; 4] = ["try again in", "retry in", "retry after", "try again after"];
