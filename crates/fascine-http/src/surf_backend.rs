use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_core::Stream;
use futures_io::AsyncRead;
use futures_lite::io::BufReader;
use http_client::http_types::{self, StatusCode};
use http_client::{HttpClient, Request, Response};

use crate::surf_carried::Carried;
use crate::{Body, Transport};

/// A [`Transport`] as the backend of surf: `surf::Client::with_http_client(SurfBackend::new(transport))`.
///
/// It works on every runtime, streams bodies as they are read, and has the transport's rules: time-outs, pool, TLS,
/// errors. An error of the transport is inside surf's: `error.downcast::<TransportError>()`; inside a body, it is
/// the source of the `io::Error`.
///
/// Headers of http-types are ASCII. A header of a response that is not is left out; it costs nobody the response.
///
/// # surf's own backends
///
/// Programs that cancel requests, by a time-out, a race or a hedge, should not use them. None is in the tree with this
/// feature. Measured with surf 2.3.2, against a server on the same machine:
///
/// - async-h1 (`h1-client`): after a request was cancelled, the next caller got *its* answer, in 30 of 30 runs. A body
///   shorter than its `content-length` passes for complete. `set_timeout` does not hold for bodies. Connections are kept by
///   address, so that the name in a certificate is not checked again for another host on it. Header values that are
///   not ASCII are a panic. Names are looked up on the executor's thread.
/// - curl (`curl-client`): a cancelled request goes on at the server, in 40 of 40 runs. Header values that are not
///   ASCII are a panic. `set_timeout` cuts healthy streams.
/// - hyper 0.13 (`hyper-client`): a panic on every runtime but async-std; advisories in hyper, h2 and tokio.
pub struct SurfBackend {
    transport: Arc<dyn Transport>,
}

impl SurfBackend {
    /// Puts `transport` behind surf.
    pub fn new(transport: impl Transport) -> Self {
        Self {
            transport: Arc::new(transport),
        }
    }

    async fn exchange(
        transport: Arc<dyn Transport>,
        mut request: Request,
    ) -> Result<Response, http_types::Error> {
        let body = Bytes::from(request.take_body().into_bytes().await?);
        let mut sent = http::Request::builder()
            .method(request.method().as_ref())
            .uri(request.url().as_str());
        for (name, values) in request.iter() {
            for value in values {
                sent = sent.header(name.as_str(), value.as_str());
            }
        }
        let unusable = |error: http::Error| http_types::Error::new(StatusCode::BadRequest, error);
        let mut sent = sent.body(body).map_err(unusable)?;
        Carried::restore(&request, &mut sent);
        let response = transport.send(sent).await;
        let failed = |error| http_types::Error::new(StatusCode::BadGateway, error);
        let (head, body) = response.map_err(failed)?.into_parts();
        let status = StatusCode::try_from(head.status.as_u16())?;
        let mut received = Response::new(status);
        for (name, value) in &head.headers {
            // http-types holds header values as text; what is not ASCII has no place there.
            if let Ok(value) = value.to_str() {
                received.append_header(name.as_str(), value);
            }
        }
        let length = head.headers.get(http::header::CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let reader = BufReader::new(BodyReader {
            body: SyncBody::new(body),
            piece: Bytes::new(),
        });
        received.set_body(http_types::Body::from_reader(reader, length));
        if let Some(kind) = head.headers.get(http::header::CONTENT_TYPE)
            && let Ok(kind) = kind.to_str()
        {
            // The body brought a type of its own along.
            received.insert_header("content-type", kind);
        }
        Ok(received)
    }
}

impl HttpClient for SurfBackend {
    fn send<'a, 'b>(
        &'a self,
        request: Request,
    ) -> Pin<Box<dyn Future<Output = Result<Response, http_types::Error>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(Self::exchange(Arc::clone(&self.transport), request))
    }
}

impl fmt::Debug for SurfBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SurfBackend")
            .field("transport", &self.transport)
            .finish()
    }
}

/// A body that can be shared, as http-types wants it. It never is: there is one owner.
struct SyncBody(async_lock::Mutex<Body>);

impl SyncBody {
    fn new(body: Body) -> Self {
        Self(async_lock::Mutex::new(body))
    }
}

struct BodyReader {
    body: SyncBody,
    piece: Bytes,
}

impl AsyncRead for BodyReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.piece.is_empty() {
            match ready!(Pin::new(this.body.0.get_mut()).poll_next(cx)) {
                Some(Ok(piece)) => this.piece = piece,
                Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
                None => return Poll::Ready(Ok(0)),
            }
        }
        let count = out.len().min(this.piece.len());
        this.piece.copy_to_slice(&mut out[..count]);
        Poll::Ready(Ok(count))
    }
}
