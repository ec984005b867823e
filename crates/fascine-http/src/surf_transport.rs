use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use fascine_rt::BoxFuture;
use futures_core::Stream;
use futures_io::AsyncRead;
use http::{HeaderName, HeaderValue, Request, Response, header};
use surf::http::{Method, Url};

use crate::surf_carried::Carried;
use crate::{Body, Transport, TransportError};

/// A [`surf::Client`] as a [`Transport`]: for programs that want its middleware under their model calls.
///
/// The client should have a [`SurfBackend`](crate::SurfBackend) behind it. What its own backends get wrong is listed
/// there; what can be seen from here is checked: a body that does not have the length its head promised is an error,
/// and so is a header value that is not valid. What cannot be seen is whose answer it is.
///
/// [`Timeouts`](crate::Timeouts), [`RetrySafe`](crate::RetrySafe) and the mark of sensitive headers reach a
/// [`SurfBackend`](crate::SurfBackend); other backends know nothing of them, nor of the rule that keys go over https alone.
#[derive(Clone)]
pub struct SurfTransport {
    client: surf::Client,
}

impl SurfTransport {
    /// Sends through `client`.
    #[must_use]
    pub fn new(client: surf::Client) -> Self {
        Self { client }
    }

    async fn exchange(
        client: surf::Client,
        request: Request<Bytes>,
    ) -> Result<Response<Body>, TransportError> {
        let invalid = |reason: String| TransportError::InvalidRequest { reason };
        let (head, body) = request.into_parts();
        let method: Method = head
            .method
            .as_str()
            .parse()
            .map_err(|_| invalid("unknown method".to_owned()))?;
        let url =
            Url::parse(&head.uri.to_string()).map_err(|error| TransportError::InvalidUrl {
                reason: error.to_string(),
            })?;
        let mut sent = surf::Request::new(method, url);
        for (name, value) in &head.headers {
            let value = value
                .to_str()
                .map_err(|_| invalid(format!("header `{name}` is not text")))?;
            sent.append_header(name.as_str(), value);
        }
        Carried::of(&head).put_into(sent.as_mut());
        let bodiless = head.method == http::Method::HEAD;
        let kind = head.headers.get(header::CONTENT_TYPE).cloned();
        sent.body_bytes(body);
        if let Some(kind) = kind.as_ref().and_then(|kind| kind.to_str().ok()) {
            // The body brought a type of its own along.
            sent.insert_header("content-type", kind);
        }
        let failed = |error: surf::Error| match error.downcast::<TransportError>() {
            Ok(ours) => ours,
            Err(other) => TransportError::Other {
                reason: other.to_string(),
            },
        };
        let mut answer = client.send(sent).await.map_err(failed)?;
        let malformed = |reason: &str| TransportError::MalformedResponse {
            reason: reason.into(),
        };
        let mut response = Response::builder().status(u16::from(answer.status()));
        let mut length = None;
        // What is said of a body that there is not, is said of that of another response.
        let bodiless = bodiless || matches!(u16::from(answer.status()), 204 | 304);
        for (name, values) in answer.iter() {
            let name = HeaderName::from_bytes(name.as_str().as_bytes())
                .map_err(|_| malformed("a header has no valid name"))?;
            for value in values {
                let value = HeaderValue::from_str(value.as_str())
                    .map_err(|_| malformed("a header has no valid value"))?;
                if name == header::CONTENT_LENGTH && !bodiless {
                    length = value.to_str().ok().and_then(|length| length.parse().ok());
                }
                response = response.header(name.clone(), value);
            }
        }
        let body = Reader {
            body: answer.take_body(),
            received: 0,
            length,
            over: false,
        };
        response
            .body(Body::from_stream(body))
            .map_err(|_| malformed("its head makes no response"))
    }
}

impl Transport for SurfTransport {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<Result<Response<Body>, TransportError>> {
        Box::pin(Self::exchange(self.client.clone(), request))
    }
}

impl fmt::Debug for SurfTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SurfTransport").finish_non_exhaustive()
    }
}

struct Reader {
    body: surf::Body,
    received: u64,
    length: Option<u64>,
    over: bool,
}

impl Stream for Reader {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        let mut piece = vec![0; 8 * 1024];
        let read = ready!(Pin::new(&mut this.body).poll_read(cx, &mut piece));
        let ended = match read {
            Ok(0) if this.length.is_none_or(|length| this.received >= length) => None,
            Ok(0) => Some(Err(TransportError::ClosedInBody {
                received: this.received,
            })),
            Ok(count) => {
                this.received += count as u64;
                piece.truncate(count);
                match this
                    .length
                    .map(|length| this.received.saturating_sub(length))
                {
                    Some(excess @ 1..) => Some(Err(TransportError::ExcessBody {
                        excess: usize::try_from(excess).unwrap_or(usize::MAX),
                    })),
                    _ => return Poll::Ready(Some(Ok(piece.into()))),
                }
            }
            Err(source) => Some(Err(match source.downcast::<TransportError>() {
                Ok(ours) => ours,
                Err(source) => TransportError::Io {
                    phase: crate::Phase::Body,
                    source,
                },
            })),
        };
        this.over = true;
        Poll::Ready(ended)
    }
}
