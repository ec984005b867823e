use std::sync::Arc;

use bytes::Bytes;
use fascine_http::{Body, Transport, TransportError};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use serde_json::Value;

use crate::mcp::{McpError, http_answer};

/// Puts messages into requests.
#[derive(Clone)]
pub(crate) struct Sender {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
}

/// What a server knows us by.
#[derive(Clone, Default)]
pub(crate) struct Session {
    pub(crate) id: Option<HeaderValue>,
    pub(crate) protocol: Option<HeaderValue>,
    /// How many there were before.
    pub(crate) number: u64,
    pub(crate) is_closed: bool,
}

impl Sender {
    pub(crate) fn request(
        &self,
        method: Method,
        session: &Session,
        body: String,
    ) -> Request<Bytes> {
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        if let Some(id) = &session.id {
            headers.insert(SESSION, id.clone());
        }
        if let Some(protocol) = &session.protocol {
            headers.insert(PROTOCOL, protocol.clone());
        }
        request
    }

    pub(crate) async fn post(
        &self,
        method: &str,
        session: &Session,
        message: &Value,
    ) -> Result<Response<Body>, McpError> {
        let mut request = self.request(Method::POST, session, message.to_string());
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let both = "application/json, text/event-stream";
        headers.insert(ACCEPT, HeaderValue::from_static(both));
        let sent = self.transport.send(request).await;
        sent.map_err(transport(method))
    }

    /// Sends what has no answer.
    pub(crate) async fn tell(
        &self,
        method: &str,
        session: &Session,
        message: &Value,
    ) -> Result<(), McpError> {
        let response = self.post(method, session, message).await?;
        let status = response.status();
        let body = response.into_body().collect(SMALL).await;
        match status.is_success() {
            true => Ok(()),
            false => Err(http_answer::refused(
                method,
                status,
                &body.unwrap_or_default(),
            )),
        }
    }

    /// Asks for the rest of a stream.
    pub(crate) async fn resume(
        &self,
        method: &str,
        session: &Session,
        last_id: &str,
    ) -> Result<Body, McpError> {
        let mut request = self.request(Method::GET, session, String::new());
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let last_id = HeaderValue::from_str(last_id);
        let last_id = last_id.map_err(|error| McpError::unreadable(method, error.to_string()))?;
        headers.insert("last-event-id", last_id);
        let response = self
            .transport
            .send(request)
            .await
            .map_err(transport(method))?;
        if !http_answer::is_stream(&response) {
            let reason = "its stream ended without an answer, and cannot be continued";
            return Err(McpError::unreadable(method, reason));
        }
        Ok(response.into_body())
    }
}

/// Says what could not be asked.
pub(crate) fn transport(method: &str) -> impl FnOnce(TransportError) -> McpError {
    let method = method.to_owned();
    move |source| McpError::Transport { method, source }
}

pub(crate) const SESSION: &str = "mcp-session-id";
const PROTOCOL: &str = "mcp-protocol-version";
/// How much of a body is read that says nothing, in bytes.
pub(crate) const SMALL: usize = 64 * 1024;
