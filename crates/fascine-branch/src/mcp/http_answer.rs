//! What a server answers over HTTP: a message, or a stream of them.

use bytes::Bytes;
use fascine_http::{Body, sse};
use http::{Response, StatusCode, header};
use serde_json::Value;

use crate::mcp::McpError;
use crate::mcp::rpc::{self, Incoming};

/// What a piece of a response brought.
pub(crate) enum Found {
    /// What was asked for.
    Answer(Value),
    /// Questions of the server's, answered.
    Replies(Vec<Value>),
}

/// Looks for the answer to question `id` among messages.
pub(crate) fn find(id: u64, method: &str, text: &[u8]) -> Result<Found, McpError> {
    let mut replies = Vec::new();
    for message in rpc::read(text) {
        match message {
            Incoming::Answer { id: of, answer } if of == id => {
                let answer = answer.map_err(|refusal| refusal.of(method))?;
                return Ok(Found::Answer(answer));
            }
            Incoming::Answer { .. } => {}
            Incoming::Question { reply } => replies.push(reply),
        }
    }
    Ok(Found::Replies(replies))
}

pub(crate) fn is_stream(response: &Response<Body>) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    response.status().is_success() && kind.trim_start().starts_with("text/event-stream")
}

/// Reads the answer from a whole body.
pub(crate) fn whole(
    id: u64,
    method: &str,
    status: StatusCode,
    body: &Bytes,
) -> Result<Value, McpError> {
    match find(id, method, body)? {
        Found::Answer(answer) => Ok(answer),
        Found::Replies(_) if status.is_success() => {
            Err(McpError::unreadable(method, "there is no answer in it"))
        }
        Found::Replies(_) => Err(refused(method, status, body)),
    }
}

pub(crate) fn refused(method: &str, status: StatusCode, body: &[u8]) -> McpError {
    let body: String = String::from_utf8_lossy(body)
        .trim()
        .chars()
        .take(EXCERPT)
        .collect();
    McpError::Status {
        method: method.to_owned(),
        status: status.as_u16(),
        body,
    }
}

/// A stream of messages, and how far it was read.
pub(crate) struct Messages {
    body: Body,
    decoder: sse::Decoder,
    /// Where to go on in another stream; empty if the server cannot.
    pub(crate) last_id: String,
}

impl Messages {
    pub(crate) fn new(body: Body, limit: usize, last_id: String) -> Self {
        Self {
            body,
            decoder: sse::Decoder::with_limit(limit),
            last_id,
        }
    }

    /// Waits for the next message; none when the stream has ended, or broken.
    pub(crate) async fn next(&mut self, method: &str) -> Result<Option<String>, McpError> {
        loop {
            if let Some(event) = self.decoder.next_event() {
                if !event.id.is_empty() {
                    self.last_id = event.id;
                }
                return Ok(Some(event.data));
            }
            let chunk = match self.body.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return Ok(None),
                Err(_) if !self.last_id.is_empty() => return Ok(None),
                Err(source) => {
                    let method = method.to_owned();
                    return Err(McpError::Transport { method, source });
                }
            };
            let pushed = self.decoder.push(&chunk);
            pushed.map_err(|error| McpError::unreadable(method, error.to_string()))?;
        }
    }
}

/// How much of a body an error shows, in characters.
const EXCERPT: usize = 512;
