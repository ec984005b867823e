use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::quota::Standing;

/// What a connection sends back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ReplyBody,
    /// Close the connection in the middle of the body.
    pub(crate) cut: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReplyBody {
    Whole(Vec<u8>),
    /// Server-sent events, each sent on its own.
    Events(Vec<String>),
}

impl Reply {
    pub(crate) fn new(status: StatusCode, content_type: &'static str, body: ReplyBody) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self {
            status,
            headers,
            body,
            cut: false,
        }
    }

    pub(crate) fn json(status: StatusCode, value: &Value) -> Self {
        Self::new(
            status,
            "application/json",
            ReplyBody::Whole(value.to_string().into_bytes()),
        )
    }

    /// An error in OpenAI's form.
    pub(crate) fn error(
        status: StatusCode,
        message: impl Into<String>,
        kind: &str,
        field: Option<&str>,
        code: Option<&str>,
    ) -> Self {
        let message = message.into();
        let error = json!({ "message": message, "type": kind, "param": field, "code": code });
        Self::json(status, &json!({ "error": error }))
    }

    pub(crate) fn invalid(message: impl Into<String>, field: Option<&str>) -> Self {
        Self::error(
            StatusCode::BAD_REQUEST,
            message,
            "invalid_request_error",
            field,
            None,
        )
    }

    pub(crate) fn refused(wait: Duration) -> Self {
        let mut reply = Self::error(
            StatusCode::TOO_MANY_REQUESTS,
            format!(
                "Rate limit reached. Please try again in {}ms.",
                wait.as_millis()
            ),
            "requests",
            None,
            Some("rate_limit_exceeded"),
        );
        // Rounded up: who comes back then must not be refused again.
        let millis = wait.as_nanos().div_ceil(1_000_000) as u64;
        reply.headers.insert(
            header::RETRY_AFTER,
            HeaderValue::from(millis.div_ceil(1000)),
        );
        reply.set("retry-after-ms", millis);
        reply
    }

    pub(crate) fn with_standing(mut self, standing: Standing) -> Self {
        self.set("x-ratelimit-limit-requests", standing.limit as u64);
        self.set("x-ratelimit-remaining-requests", standing.remaining as u64);
        self
    }

    fn set(&mut self, name: &'static str, value: u64) {
        self.headers
            .insert(HeaderName::from_static(name), HeaderValue::from(value));
    }
}
