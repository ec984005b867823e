use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri, header};

/// A request that carries a JSON document and wants an answer of this type.
pub(crate) fn post(uri: Uri, body: Vec<u8>, accept: &'static str) -> Request<Bytes> {
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
    request
}

pub(crate) const JSON: &str = "application/json";
pub(crate) const EVENT_STREAM: &str = "text/event-stream";
pub(crate) const NDJSON: &str = "application/x-ndjson";
