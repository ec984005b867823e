use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};

use crate::TransportError;

/// What a transport adds to the head of a request.
#[derive(Default)]
pub(crate) struct Additions<'a> {
    pub(crate) accept_encoding: Option<&'static str>,
    /// The request goes to a proxy, which wants the whole URL, and perhaps credentials.
    pub(crate) forwarded: bool,
    pub(crate) proxy_credentials: Option<&'a HeaderValue>,
}

/// Writes the head of a request, after RFC 9112, sections 3 and 6.
///
/// What cannot be in a head, a line break in a value say, cannot be in a [`Request`] either. What is said of the body's
/// length is what there is, whatever the caller wrote. There is `room` for so many bytes after it.
pub(crate) fn write(
    request: &Request<Bytes>,
    additions: &Additions<'_>,
    room: usize,
) -> Result<Vec<u8>, TransportError> {
    let invalid = |reason: &str| TransportError::InvalidRequest {
        reason: reason.to_owned(),
    };
    let (method, url, headers) = (request.method(), request.uri(), request.headers());
    if *method == Method::CONNECT {
        return Err(invalid("CONNECT asks for a tunnel, which is no response"));
    }
    if headers.get_all(header::HOST).into_iter().count() > 1 {
        return Err(invalid("it has more than one host header"));
    }
    let authority = url
        .authority()
        .ok_or_else(|| invalid("its URL has no host"))?;
    let mut head = Vec::with_capacity(size_hint(url, headers) + room);
    let mut put = |parts: &[&[u8]]| parts.iter().for_each(|part| head.extend_from_slice(part));
    put(&[method.as_str().as_bytes(), b" "]);
    if additions.forwarded {
        put(&[b"http://", authority.as_str().as_bytes()]);
    }
    let target = url.path_and_query().map_or("/", |target| target.as_str());
    if !target.starts_with('/') && target != "*" {
        put(&[b"/"]);
    }
    put(&[target.as_bytes(), b" HTTP/1.1\r\n"]);
    if !headers.contains_key(header::HOST) {
        put(&[b"host: ", host(url, authority).as_bytes(), b"\r\n"]);
    }
    for (name, value) in headers {
        if !is_ours(name) {
            put(&[name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"]);
        }
    }
    let length = request.body().len();
    if length > 0 || matches!(*method, Method::POST | Method::PUT | Method::PATCH) {
        put(&[b"content-length: ", length.to_string().as_bytes(), b"\r\n"]);
    }
    if let Some(accepted) = additions.accept_encoding {
        put(&[b"accept-encoding: ", accepted.as_bytes(), b"\r\n"]);
    }
    if let Some(credentials) = additions.proxy_credentials {
        put(&[b"proxy-authorization: ", credentials.as_bytes(), b"\r\n"]);
    }
    put(&[b"\r\n"]);
    Ok(head)
}

/// The headers that say how long the body is, or whether it is wanted.
fn is_ours(name: &header::HeaderName) -> bool {
    [
        header::TRANSFER_ENCODING,
        header::CONTENT_LENGTH,
        header::EXPECT,
    ]
    .contains(name)
}

/// The host, with its port only where that is not the scheme's own.
pub(crate) fn host<'a>(url: &Uri, authority: &'a Authority) -> &'a str {
    let default = if url.scheme() == Some(&Scheme::HTTPS) {
        443
    } else {
        80
    };
    match authority.port_u16() {
        Some(port) if port != default => authority.as_str(),
        _ => authority.host(),
    }
}

/// Enough for one allocation, and little more.
fn size_hint(url: &Uri, headers: &HeaderMap) -> usize {
    let path = url
        .path_and_query()
        .map_or(1, |target| target.as_str().len());
    let host = url
        .authority()
        .map_or(0, |authority| authority.as_str().len());
    let headers = headers.iter();
    let headers: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    path + 2 * host + headers + 96
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(request: http::request::Builder, additions: &Additions<'_>) -> Result<String, String> {
        let request = request.body(Bytes::new()).unwrap();
        let head = write(&request, additions, 0).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(head).unwrap())
    }

    #[test]
    fn the_target_and_the_host_are_what_the_url_says() {
        for (url, expected) in [
            (
                "http://a.example",
                "GET / HTTP/1.1\r\nhost: a.example\r\n\r\n",
            ),
            (
                "http://a.example:80/x",
                "GET /x HTTP/1.1\r\nhost: a.example\r\n\r\n",
            ),
            (
                "https://a.example:443/?y",
                "GET /?y HTTP/1.1\r\nhost: a.example\r\n\r\n",
            ),
            (
                "http://a.example:443?z",
                "GET /?z HTTP/1.1\r\nhost: a.example:443\r\n\r\n",
            ),
            (
                "http://[::1]:8080/",
                "GET / HTTP/1.1\r\nhost: [::1]:8080\r\n\r\n",
            ),
        ] {
            let written = head(Request::get(url), &Additions::default());
            assert_eq!(written.as_deref(), Ok(expected), "{url}");
        }
    }

    #[test]
    fn what_the_transport_adds_stands_beside_what_the_caller_wrote() {
        let credentials = HeaderValue::from_static("Basic x");
        let additions = Additions {
            accept_encoding: Some("gzip"),
            forwarded: true,
            proxy_credentials: Some(&credentials),
        };
        let request = Request::post("http://a.example/x")
            .header("host", "b")
            .header("expect", "y");
        assert_eq!(
            head(request, &additions).as_deref(),
            Ok(
                "POST http://a.example/x HTTP/1.1\r\nhost: b\r\ncontent-length: 0\r\n\
                accept-encoding: gzip\r\nproxy-authorization: Basic x\r\n\r\n"
            )
        );
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let none = Additions::default();
        let two_hosts = Request::get("http://a/")
            .header("host", "a")
            .header("host", "b");
        assert!(head(two_hosts, &none).unwrap_err().contains("host"));
        let tunnel = Request::builder().method(Method::CONNECT).uri("http://a/");
        assert!(head(tunnel, &none).unwrap_err().contains("CONNECT"));
    }
}
