//! The head of a request as bytes, and the reader of its response.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};
use ureq_proto::client::state::{RecvResponse, SendRequest};
use ureq_proto::client::{Call, SendRequestResult};

use crate::TransportError;

/// Takes the body off a request, and sets the headers that say how long it is.
pub(crate) fn split(request: Request<Bytes>) -> (Request<()>, Bytes) {
    let (mut parts, body) = request.into_parts();
    // What is sent is what there is, whatever the caller wrote.
    parts.headers.remove(header::TRANSFER_ENCODING);
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::EXPECT);
    parts.version = http::Version::HTTP_11;
    let takes_body = matches!(parts.method, Method::POST | Method::PUT | Method::PATCH);
    if takes_body || !body.is_empty() {
        let length = HeaderValue::from(body.len());
        parts.headers.insert(header::CONTENT_LENGTH, length);
    }
    (Request::from_parts(parts, ()), body)
}

/// Writes the head; for a proxy, the target is the `absolute` URL.
pub(crate) fn write(request: Request<()>, absolute: bool) -> Result<Vec<u8>, TransportError> {
    if *request.method() == Method::CONNECT {
        let reason = "CONNECT asks for a tunnel, which is no response".to_owned();
        return Err(TransportError::InvalidRequest { reason });
    }
    let has_length = request.headers().contains_key(header::CONTENT_LENGTH);
    let (method, url) = (request.method().clone(), request.uri().clone());
    let mut call = Call::new(request).map_err(invalid)?;
    call.allow_non_standard_methods(true);
    if has_length {
        call.force_send_body();
    }
    let head = write_all(call.proceed())?;
    if absolute {
        return Ok(with_absolute_target(&head, &method, &url));
    }
    Ok(head)
}

fn write_all(mut call: Call<SendRequest>) -> Result<Vec<u8>, TransportError> {
    let mut head = Vec::new();
    let mut room = 512;
    while !call.can_proceed() {
        let written = head.len();
        head.resize(written + room, 0);
        match call.write(&mut head[written..]) {
            Ok(count) => head.truncate(written + count),
            Err(ureq_proto::Error::OutputOverflow) => {
                head.truncate(written);
                room *= 2;
            }
            Err(error) => return Err(invalid(error)),
        }
    }
    head.shrink_to_fit();
    Ok(head)
}

fn with_absolute_target(head: &[u8], method: &Method, url: &Uri) -> Vec<u8> {
    let line_end = head.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let slash = if path.starts_with('/') { "" } else { "/" };
    let line = format!("{method} http://{authority}{slash}{path} HTTP/1.1\r");
    [line.as_bytes(), &head[line_end..]].concat()
}

/// Makes what reads the response to a request with this method.
///
/// Of the request, only the method matters by now; the core would hold on to all of its headers.
pub(crate) fn reader(method: &Method) -> Result<Call<RecvResponse>, TransportError> {
    let mut request = Request::new(());
    match *method {
        Method::HEAD => *request.method_mut() = Method::HEAD,
        Method::CONNECT => {
            *request.method_mut() = Method::CONNECT;
            *request.uri_mut() = Uri::from_static("tunnel:0");
        }
        _ => {}
    }
    let mut call = Call::new(request).map_err(invalid)?.proceed();
    call.write(&mut [0; 64]).map_err(invalid)?;
    match call.proceed().map_err(invalid)? {
        Some(SendRequestResult::RecvResponse(call)) => Ok(call),
        _ => {
            let reason = "its head does not end".to_owned();
            Err(TransportError::InvalidRequest { reason })
        }
    }
}

fn invalid(error: ureq_proto::Error) -> TransportError {
    TransportError::InvalidRequest {
        reason: error.to_string(),
    }
}
