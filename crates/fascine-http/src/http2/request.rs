use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Method, Request, Uri, header};
use hyper::body::{Body, Frame, SizeHint};

use crate::{TransportError, request_head};

/// Makes of a request what HTTP/2 sends, after RFC 9113, section 8.3.
///
/// As with HTTP/1.1, the host is what the caller's `host` header says, if there is one, and the length of the body is
/// what there is, whatever the caller wrote.
pub(crate) fn prepare(
    request: Request<Bytes>,
    accept_encoding: Option<&'static str>,
) -> Result<Request<RequestBody>, TransportError> {
    let invalid = |reason: &str| TransportError::InvalidRequest {
        reason: reason.to_owned(),
    };
    let (mut head, body) = request.into_parts();
    if head.method == Method::CONNECT {
        return Err(invalid("CONNECT asks for a tunnel, which is no response"));
    }
    let mut hosts = head.headers.get_all(header::HOST).into_iter();
    let host = hosts.next().cloned();
    if hosts.next().is_some() {
        return Err(invalid("it has more than one host header"));
    }
    let authority = head
        .uri
        .authority()
        .ok_or_else(|| invalid("its URL has no host"))?;
    let authority = match &host {
        Some(host) => Authority::try_from(host.as_bytes()),
        None => request_head::host(&head.uri, authority).parse(),
    };
    let authority = authority.map_err(|_| invalid("its host header is not a host"))?;
    let mut url = mem::take(&mut head.uri).into_parts();
    url.authority = Some(authority);
    url.path_and_query
        .get_or_insert(PathAndQuery::from_static("/"));
    head.uri = Uri::from_parts(url).map_err(|error| TransportError::InvalidRequest {
        reason: error.to_string(),
    })?;
    // What else speaks of the connection, hyper leaves out.
    for ours in [
        header::HOST,
        header::CONTENT_LENGTH,
        header::EXPECT,
        header::TRANSFER_ENCODING,
    ] {
        head.headers.remove(ours);
    }
    if let Some(accepted) = accept_encoding {
        let accepted = HeaderValue::from_static(accepted);
        head.headers.insert(header::ACCEPT_ENCODING, accepted);
    }
    head.version = http::Version::HTTP_2;
    Ok(Request::from_parts(head, RequestBody(body)))
}

/// A body that is there as a whole.
#[derive(Clone, Debug)]
pub(crate) struct RequestBody(Bytes);

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let whole = mem::take(&mut self.0);
        Poll::Ready((!whole.is_empty()).then(|| Ok(Frame::data(whole))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_is_the_host_that_http_1_1_would_send() {
        for (url, host, expected) in [
            ("https://a.example", None, "https://a.example/"),
            ("https://a.example:443/x?y", None, "https://a.example/x?y"),
            ("http://a.example:443?z", None, "http://a.example:443/?z"),
            ("https://a.example/", Some("b"), "https://b/"),
        ] {
            let mut request = Request::get(url).body(Bytes::new()).unwrap();
            if let Some(host) = host {
                let headers = request.headers_mut();
                headers.insert("host", HeaderValue::from_static(host));
            }
            let prepared = prepare(request, None).unwrap();
            assert_eq!(prepared.uri(), expected, "{url}");
            assert!(prepared.headers().is_empty());
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let two_hosts = Request::get("http://a/")
            .header("host", "a")
            .header("host", "b");
        let no_host = Request::get("http://a/").header("host", "a b");
        let tunnel = Request::builder().method(Method::CONNECT).uri("http://a/");
        for (request, reason) in [
            (two_hosts, "more than one"),
            (no_host, "not a host"),
            (tunnel, "CONNECT"),
        ] {
            let error = prepare(request.body(Bytes::new()).unwrap(), None).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
