use bytes::Bytes;
use http::HeaderMap;
use http::response::Parts;
use serde_json::Value;

use super::retry_after::retry_after;
use crate::{ApiError, ApiErrorKind};

/// Reads an error, whatever its body is: an object or a text under `error`, or its fields at the top.
pub(crate) fn api_error(head: &Parts, body: Bytes) -> ApiError {
    let document: Option<Value> = serde_json::from_slice(&body).ok();
    let status = head.status.as_u16();
    let reason = head.status.canonical_reason().unwrap_or("no message");
    let mut error = match &document {
        Some(document) => described(status, document, reason),
        None => ApiError::new(status, reason),
    };
    error.request_id = error.request_id.or_else(|| request_id(&head.headers));
    error.retry_after = retry_after(&head.headers);
    error.should_retry = match text(&head.headers, "x-should-retry") {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    };
    error.headers = head.headers.clone();
    error.body = body;
    error
}

/// Reads an error that came in the middle of a stream, after a head that said 200.
pub(crate) fn stream_error(data: &str, otherwise: &str) -> ApiError {
    let document: Value = serde_json::from_str(data).unwrap_or_default();
    let numeric = document.pointer("/error/code").and_then(Value::as_u64);
    let status = numeric.and_then(|code| u16::try_from(code).ok());
    let status = status.filter(|status| (400..600).contains(status));
    let mut error = described(status.unwrap_or(500), &document, otherwise);
    error.body = Bytes::copy_from_slice(data.as_bytes());
    error
}

fn described(status: u16, document: &Value, otherwise: &str) -> ApiError {
    let inner = document.pointer("/response/error");
    let inner = inner.or_else(|| document.get("error")).unwrap_or(document);
    let message = field(inner, "message")
        .or_else(|| inner.as_str().map(shortened))
        .or_else(|| field(document, "detail"))
        .unwrap_or_else(|| otherwise.to_owned());
    let mut error = ApiError::new(status, message);
    error.code = field(inner, "code")
        .or_else(|| field(inner, "type"))
        .or_else(|| field(document, "code"));
    error.param = field(inner, "param");
    error.request_id = field(document, "request_id");
    if let Some(kind) = error.code.as_deref().and_then(kind_of_code) {
        error.kind = kind;
    }
    error
}

/// Codes that say more than the status.
fn kind_of_code(code: &str) -> Option<ApiErrorKind> {
    Some(match code {
        "insufficient_quota" | "billing_error" | "enforced_spend_limit_reached" => {
            ApiErrorKind::QuotaExhausted
        }
        "context_length_exceeded" | "exceed_context_size_error" => ApiErrorKind::ContextLength,
        "content_filter" | "content_policy_violation" => ApiErrorKind::ContentFilter,
        "overloaded_error" => ApiErrorKind::Overloaded,
        "rate_limit_error" | "rate_limit_exceeded" => ApiErrorKind::RateLimited,
        _ => return None,
    })
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let names = ["x-request-id", "request-id", "mistral-correlation-id"];
    names
        .iter()
        .find_map(|name| text(headers, name))
        .map(str::to_owned)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn field(document: &Value, name: &str) -> Option<String> {
    match document.get(name)? {
        Value::String(text) => Some(shortened(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(1000).collect()
}
