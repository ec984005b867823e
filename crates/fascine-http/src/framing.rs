use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Response, StatusCode, Version, header};

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
    /// Reads it from the head of the answer to a request with this method, after RFC 9112, section 6.3.
    pub(crate) fn of(head: &Response<()>, method: &Method) -> Result<Self, TransportError> {
        let headers = head.headers();
        let chunked = is_chunked(headers)?;
        let length = content_length(headers)?;
        Ok(match length {
            _ if has_no_body(head.status(), method) => Self::Length(0),
            // An older server cannot mean it.
            _ if chunked && head.version() != Version::HTTP_10 => Self::Chunked(Chunked::default()),
            Some(length) => Self::Length(length),
            None => Self::UntilClose,
        })
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

/// Whatever its head says: that speaks of what another request would get.
fn has_no_body(status: StatusCode, method: &Method) -> bool {
    *method == Method::HEAD
        || (*method == Method::CONNECT && status.is_success())
        || status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

/// Refuses codings that nobody would undo: their bytes would pass for the body.
fn is_chunked(headers: &HeaderMap) -> Result<bool, TransportError> {
    let codings = tokens(headers, header::TRANSFER_ENCODING);
    let mut chunked = codings.map(|coding| coding.eq_ignore_ascii_case("chunked"));
    match (chunked.next(), chunked.next()) {
        (None, None) => Ok(false),
        (Some(true), None) => Ok(true),
        _ => Err(malformed("its transfer-encoding is not just `chunked`")),
    }
}

/// The one length that all of them say.
fn content_length(headers: &HeaderMap) -> Result<Option<u64>, TransportError> {
    let mut length = None;
    for value in headers.get_all(header::CONTENT_LENGTH) {
        for item in value.as_bytes().split(|byte| *byte == b',') {
            let item = number(item.trim_ascii());
            let item = item.ok_or_else(|| malformed("its content-length is no number"))?;
            if length.is_some_and(|length| length != item) {
                return Err(malformed("it has two lengths"));
            }
            length = Some(item);
        }
    }
    Ok(length)
}

/// Digits alone: no sign.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
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
