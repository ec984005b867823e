use bytes::Bytes;
use http::HeaderMap;
use http::response::Parts;
use serde_json::Value;

use super::error_kind::{Evidence, kind, likely_status};
use super::retry_hint::retry_hint;
use crate::ApiError;

/// Reads an error, whatever its body is: an object or a text under `error`, its fields at the top, or no JSON at all.
pub(crate) fn api_error(head: &Parts, body: Bytes) -> ApiError {
    let status = head.status.as_u16();
    let reason = head.status.canonical_reason().unwrap_or("no message");
    let document = document(&body).unwrap_or_default();
    let otherwise = plain_text(&body).unwrap_or_else(|| reason.to_owned());
    let mut error = described(Some(status), &document, otherwise);
    error.request_id = error.request_id.or_else(|| request_id(&head.headers));
    error.retry_after = retry_hint(&error, &head.headers, &document);
    error.should_retry = match text(&head.headers, "x-should-retry") {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    };
    error.headers = head.headers.clone();
    error.body = cut(body);
    error
}

/// Reads an error that came in the middle of a stream, or as the whole answer, after a head that said 200.
pub(crate) fn stream_error(data: &str, otherwise: &str) -> ApiError {
    let document = serde_json::from_str(data).unwrap_or_default();
    let mut error = described(None, &document, otherwise.to_owned());
    error.retry_after = retry_hint(&error, &HeaderMap::new(), &document);
    error.body = Bytes::copy_from_slice(&data.as_bytes()[..data.len().min(LONGEST_BODY)]);
    error
}

fn described(status: Option<u16>, document: &Value, otherwise: String) -> ApiError {
    let inner = inner(document);
    let message = message(inner).or_else(|| message(document));
    let message = message.unwrap_or(otherwise);
    // A word says more than a number. At the top, `type` may be the mark of an error and no code.
    let type_word = word(inner, "type").filter(|word| word != "error");
    let numeric = inner.get("code").and_then(number);
    let words = [
        word(inner, "code"),
        word(inner, "status"),
        type_word,
        word(document, "code"),
    ];
    let evidence = Evidence {
        status: status.or_else(|| numeric.and_then(|code| u16::try_from(code).ok())),
        words: words.iter().flatten().map(String::as_str).collect(),
        message: &message,
        details: inner.get("details"),
    };
    let kind = kind(&evidence);
    let status = status.unwrap_or_else(|| likely_status(evidence.status, kind));
    let mut error = ApiError::new(status, message).with_kind(kind);
    error.code = words.into_iter().flatten().next();
    error.code = error.code.or_else(|| field(inner, "code"));
    error.code = error.code.or_else(|| field(document, "code"));
    error.param = field(inner, "param").or_else(|| location(document));
    error.request_id = field(document, "request_id").or_else(|| field(inner, "request_id"));
    error
}

/// Where the fields of the error are.
fn inner(document: &Value) -> &Value {
    let places = [document.pointer("/response/error"), document.get("error")];
    let place = places.into_iter().flatten().find(|place| !place.is_null());
    place.unwrap_or(document)
}

fn message(document: &Value) -> Option<String> {
    if let Some(text) = document.as_str() {
        return Some(shortened(text));
    }
    let first = document.pointer("/detail/0/msg");
    let candidates = [document.get("message"), first, document.get("detail")];
    let found = candidates
        .into_iter()
        .flatten()
        .find(|found| !found.is_null());
    found.map(|found| match found {
        Value::String(text) => shortened(text),
        other => shortened(&other.to_string()),
    })
}

/// Some say which field is wrong as a path: `{"detail": [{"loc": ["body", "messages"], ..}]}`.
fn location(document: &Value) -> Option<String> {
    let path = document.pointer("/detail/0/loc")?.as_array()?;
    let path: Vec<_> = path.iter().filter_map(Value::as_str).collect();
    (!path.is_empty()).then(|| path.join("."))
}

/// The document of the body; of an event, if it is a stream of one; the first, if it is a list of one.
fn document(body: &[u8]) -> Option<Value> {
    let document = serde_json::from_slice(body).ok().or_else(|| {
        let lines = body.split(|byte| matches!(byte, b'\n' | b'\r'));
        let mut data = lines.filter_map(|line| line.strip_prefix(b"data:"));
        serde_json::from_slice(data.next()?).ok()
    });
    match document? {
        Value::Array(list) => list.into_iter().next(),
        document => Some(document),
    }
}

/// What a proxy says, unless it is a page.
fn plain_text(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(&body[..body.len().min(LONGEST_BODY)])
        .ok()?
        .trim();
    let readable = !text.is_empty() && !text.starts_with(['<', '{', '[']);
    readable.then(|| text.chars().take(200).collect())
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    let names = [
        "x-request-id",
        "request-id",
        "mistral-correlation-id",
        "apim-request-id",
    ];
    let id = names.iter().find_map(|name| text(headers, name));
    id.map(str::to_owned)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn field(document: &Value, name: &str) -> Option<String> {
    match document.get(name)? {
        Value::String(text) if !text.is_empty() => Some(shortened(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn word(document: &Value, name: &str) -> Option<String> {
    document.get(name)?.as_str()?;
    field(document, name)
}

fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn shortened(text: &str) -> String {
    text.chars().take(1000).collect()
}

/// What is kept is a copy, so that the rest is freed.
fn cut(body: Bytes) -> Bytes {
    match body.get(..LONGEST_BODY) {
        Some(beginning) => Bytes::copy_from_slice(beginning),
        None => body,
    }
}

/// How much of the body of an error is kept, in bytes.
const LONGEST_BODY: usize = 256 * 1024;
