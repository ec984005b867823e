use bytes::Bytes;
use http::{HeaderMap, HeaderName, Response, StatusCode, Version, header};
use ureq_proto::BodyMode;
use ureq_proto::client::state::RecvResponse;
use ureq_proto::client::{Call, RecvResponseResult};

use crate::TransportError;
use crate::chunked::Chunked;
use crate::connection::Connection;

/// Where the body of a response ends.
pub(crate) enum Framing {
    Chunked(Chunked),
    /// So many bytes are still to come.
    Length(u64),
    UntilClose,
}

impl Framing {
    /// Reads it from the head.
    pub(crate) fn of(
        head: &Response<()>,
        call: Call<RecvResponse>,
    ) -> Result<Self, TransportError> {
        check_transfer_encoding(head.headers())?;
        match call.proceed() {
            Some(RecvResponseResult::RecvBody(call)) => Ok(match call.body_mode() {
                BodyMode::NoBody => Self::Length(0),
                BodyMode::LengthDelimited(length) => Self::Length(length),
                BodyMode::Chunked => Self::Chunked(Chunked::default()),
                BodyMode::CloseDelimited => Self::UntilClose,
            }),
            Some(RecvResponseResult::Redirect(_) | RecvResponseResult::Cleanup(_)) => {
                Ok(Self::Length(0))
            }
            None => Err(malformed("its head does not end")),
        }
    }

    /// Whether the body is over.
    pub(crate) fn is_over(&self) -> bool {
        match self {
            Self::Chunked(chunked) => chunked.is_over(),
            Self::Length(left) => *left == 0,
            Self::UntilClose => false,
        }
    }

    /// Takes the next piece out of what the connection has read; `None` if there is too little.
    pub(crate) fn next(
        &mut self,
        connection: &mut Connection,
    ) -> Result<Option<Bytes>, TransportError> {
        let piece = match self {
            Self::Chunked(chunked) => connection.take_decoded(chunked)?,
            Self::Length(left) => {
                let piece = connection.take(*left);
                *left -= piece.len() as u64;
                piece
            }
            Self::UntilClose => connection.take(u64::MAX),
        };
        Ok((!piece.is_empty()).then_some(piece))
    }
}

/// Refuses codings that nobody would undo: their bytes would pass for the body.
fn check_transfer_encoding(headers: &HeaderMap) -> Result<(), TransportError> {
    let codings = tokens(headers, header::TRANSFER_ENCODING);
    let mut chunked = codings.map(|coding| coding.eq_ignore_ascii_case("chunked"));
    match (chunked.next(), chunked.next()) {
        (None | Some(true), None) => Ok(()),
        _ => Err(malformed("its transfer-encoding is not just `chunked`")),
    }
}

/// Whether the server takes another request on the connection once it has sent this response.
pub(crate) fn stays_open(head: &Response<()>) -> bool {
    let headers = head.headers();
    let persistent = match head.version() {
        Version::HTTP_10 => has_token(headers, header::CONNECTION, "keep-alive"),
        _ => true,
    };
    // With both headers, somebody on the way may have seen another end of the body than we do (RFC 9112, 6.1).
    let ambiguous = headers.contains_key(header::CONTENT_LENGTH)
        && headers.contains_key(header::TRANSFER_ENCODING);
    persistent
        && !ambiguous
        && head.status() != StatusCode::SWITCHING_PROTOCOLS
        && !has_token(headers, header::CONNECTION, "close")
}

/// Whether a header that is a list has this item.
pub(crate) fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|item| item.eq_ignore_ascii_case(token))
}

fn tokens(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter();
    // A value that is not text is one item, and none that anybody looks for.
    let items = values.flat_map(|value| value.to_str().unwrap_or("\u{FFFD}").split(','));
    items.map(str::trim).filter(|item| !item.is_empty())
}

fn malformed(reason: &str) -> TransportError {
    TransportError::MalformedResponse {
        reason: reason.to_owned(),
    }
}
