use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_io::AsyncWrite;
use http::{HeaderValue, Method, Request, Response, header};
use ureq_proto::client::state::{RecvBody, RecvResponse};
use ureq_proto::client::{Call, RecvResponseResult, SendRequestResult};

use crate::connection::Connection;
use crate::{Phase, TransportError};

/// A request as bytes, and the state machine that reads its response.
pub(crate) struct Exchange {
    call: Call<RecvResponse>,
    head: Vec<u8>,
    body: Bytes,
}

/// The head of a response, and what comes after it.
pub(crate) struct Received {
    pub(crate) head: Response<()>,
    /// Whether the server has got the whole request.
    pub(crate) all_sent: bool,
    pub(crate) rest: Rest,
}

#[expect(
    clippy::large_enum_variant,
    reason = "it lives for one move; a box would cost more"
)]
pub(crate) enum Rest {
    /// A body has to be read.
    Body(Call<RecvBody>),
    /// There is no body. The connection may be kept or not.
    Nothing { keep: bool },
}

impl Exchange {
    pub(crate) fn new(request: &Request<Bytes>) -> Result<Self, TransportError> {
        let invalid = |error: ureq_proto::Error| TransportError::InvalidRequest {
            reason: error.to_string(),
        };
        let body = request.body().clone();
        let mut head = Request::new(());
        *head.method_mut() = request.method().clone();
        *head.uri_mut() = request.uri().clone();
        *head.headers_mut() = request.headers().clone();
        // What is sent is what there is, whatever the caller wrote.
        head.headers_mut().remove(header::TRANSFER_ENCODING);
        head.headers_mut().remove(header::CONTENT_LENGTH);
        head.headers_mut().remove(header::EXPECT);
        let takes_body = matches!(
            *request.method(),
            Method::POST | Method::PUT | Method::PATCH
        );
        if takes_body || !body.is_empty() {
            head.headers_mut()
                .insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        let mut call = Call::new(head).map_err(invalid)?;
        if !takes_body && !body.is_empty() {
            call.force_send_body();
        }
        let mut call = call.proceed();
        let mut head = Vec::new();
        let mut room = 1024;
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
        let call = match call.proceed().map_err(invalid)? {
            Some(SendRequestResult::RecvResponse(call)) => Some(call),
            Some(SendRequestResult::SendBody(mut call)) => {
                // The bytes go to the socket from where they are.
                call.consume_direct_write(body.len()).map_err(invalid)?;
                if body.is_empty() {
                    call.write(&[], &mut []).map_err(invalid)?;
                }
                call.proceed()
            }
            Some(SendRequestResult::Await100(_)) | None => None,
        };
        let reason = || "its head does not end".to_owned();
        let call = call.ok_or_else(|| TransportError::InvalidRequest { reason: reason() })?;
        Ok(Self { call, head, body })
    }

    /// Sends the request and reads the head of the response.
    ///
    /// Reads while it writes: a server may answer, and stop reading, before it has got the whole request.
    pub(crate) async fn run(
        mut self,
        connection: &mut Connection,
    ) -> Result<Received, TransportError> {
        let mut sent = 0;
        let head = poll_fn(|cx| self.poll(cx, connection, &mut sent)).await?;
        let all_sent = sent == self.head.len() + self.body.len();
        let rest = match self.call.proceed() {
            Some(RecvResponseResult::RecvBody(call)) => Rest::Body(call),
            Some(RecvResponseResult::Redirect(call)) => Rest::Nothing {
                keep: !call.must_close_connection(),
            },
            Some(RecvResponseResult::Cleanup(call)) => Rest::Nothing {
                keep: !call.must_close_connection(),
            },
            None => {
                let reason = "its head does not end".to_owned();
                return Err(TransportError::MalformedResponse { reason });
            }
        };
        Ok(Received {
            head,
            all_sent,
            rest,
        })
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
        sent: &mut usize,
    ) -> Poll<Result<Response<()>, TransportError>> {
        // A server that refuses a long request may answer first and reset the connection then.
        let broken = match self.poll_send(cx, connection, sent) {
            Poll::Ready(Err(error)) => Some(error),
            Poll::Ready(Ok(())) | Poll::Pending => None,
        };
        loop {
            while !connection.unused().is_empty() {
                let (used, head) = self.call.try_response(connection.unused(), false)?;
                connection.consume(used);
                if let Some(head) = head {
                    return Poll::Ready(Ok(head));
                }
                if used == 0 {
                    break;
                }
            }
            connection.check_head_size()?;
            match connection.poll_fill(cx) {
                Poll::Ready(Ok(0)) if connection.unused().is_empty() => {
                    return Poll::Ready(Err(TransportError::ClosedBeforeResponse));
                }
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(TransportError::ClosedInHead)),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(source)) => {
                    return Poll::Ready(Err(TransportError::Io {
                        phase: Phase::Head,
                        source,
                    }));
                }
                Poll::Pending => {
                    return match broken {
                        Some(source) => Poll::Ready(Err(TransportError::Io {
                            phase: Phase::Head,
                            source,
                        })),
                        None => Poll::Pending,
                    };
                }
            }
        }
    }

    fn poll_send(
        &self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
        sent: &mut usize,
    ) -> Poll<io::Result<()>> {
        let total = self.head.len() + self.body.len();
        while *sent < total {
            let left = match self.head.get(*sent..) {
                Some(left) if !left.is_empty() => left,
                _ => &self.body[*sent - self.head.len()..],
            };
            match Pin::new(&mut connection.socket).poll_write(cx, left) {
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                Poll::Ready(Ok(count)) => *sent += count,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Pin::new(&mut connection.socket).poll_flush(cx)
    }
}
