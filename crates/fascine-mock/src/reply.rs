use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

/// What a connection sends back, before a fault befalls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ReplyBody,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReplyBody {
    Whole(Vec<u8>),
    /// The events of a stream, or its lines: each is sent on its own.
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
        }
    }

    pub(crate) fn json(status: StatusCode, value: &Value) -> Self {
        let body = ReplyBody::Whole(value.to_string().into_bytes());
        Self::new(status, "application/json", body)
    }

    pub(crate) fn events(content_type: &'static str, events: Vec<String>) -> Self {
        Self::new(StatusCode::OK, content_type, ReplyBody::Events(events))
    }

    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<HeaderValue>) {
        self.headers
            .insert(HeaderName::from_static(name), value.into());
    }

    /// Sets a header to a text that is known to be fit for one.
    pub(crate) fn set_text(&mut self, name: &'static str, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.set(name, value);
        }
    }
}

pub(crate) const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";
