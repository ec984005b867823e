use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_io::AsyncWrite;
use http::{Method, Request, Response, StatusCode, header};
use ureq_proto::parser::try_parse_response;

use crate::connection::Connection;
use crate::framing::{Framing, has_token, stays_open};
use crate::request_head::{self, Additions};
use crate::{Phase, TransportError};

/// A request as bytes, and how much of it the server has got.
pub(crate) struct Exchange {
    /// With the body, if that is small.
    head: Vec<u8>,
    /// Sent after the head.
    body: Bytes,
    method: Method,
    /// Whether the request says that it is the last one on its connection.
    last: bool,
    sent: usize,
    flushed: bool,
    /// Whether a byte of an answer has come, be it an interim one.
    answered: bool,
}

/// The head of a response, and what comes after it.
pub(crate) struct Received {
    pub(crate) head: Response<()>,
    pub(crate) framing: Framing,
    /// Whether both sides will be done with the connection when the body is over.
    pub(crate) keep: bool,
}

impl Exchange {
    pub(crate) fn new(
        request: Request<Bytes>,
        additions: &Additions<'_>,
    ) -> Result<Self, TransportError> {
        let is_small = request.body().len() <= SMALL;
        let room = if is_small { request.body().len() } else { 0 };
        let mut head = request_head::write(&request, additions, room)?;
        let method = request.method().clone();
        let last = has_token(request.headers(), header::CONNECTION, "close");
        let mut body = request.into_body();
        if is_small {
            head.extend_from_slice(&body);
            body = Bytes::new();
        }
        Ok(Self {
            head,
            method,
            last,
            body,
            sent: 0,
            flushed: false,
            answered: false,
        })
    }

    /// A CONNECT request to a proxy, whose head is written already.
    pub(crate) fn of_connect(head: Vec<u8>) -> Self {
        Self {
            head,
            body: Bytes::new(),
            method: Method::CONNECT,
            last: false,
            sent: 0,
            flushed: false,
            answered: false,
        }
    }

    /// Sends the request and reads the head of the response.
    ///
    /// Reads while it writes: a server may answer, and stop reading, before it has got the whole request.
    pub(crate) async fn run(
        &mut self,
        connection: &mut Connection,
    ) -> Result<Received, TransportError> {
        (self.sent, self.flushed, self.answered) = (0, false, false);
        let mut interim = 0;
        let (head, framing) = poll_fn(|cx| self.poll(cx, connection, &mut interim)).await?;
        let all_sent = self.sent == self.head.len() + self.body.len();
        let keep = all_sent && !self.last && stays_open(&head);
        Ok(Received {
            head,
            framing,
            keep,
        })
    }

    /// Whether the connection may have been closed before the server knew of the request.
    pub(crate) fn is_unanswered(&self) -> bool {
        !self.answered
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
        interim: &mut usize,
    ) -> Poll<Result<(Response<()>, Framing), TransportError>> {
        // A server that refuses a long request may answer first and reset the connection then.
        let broken = match self.poll_send(cx, connection) {
            Poll::Ready(Err(error)) => Some(error),
            Poll::Ready(Ok(())) | Poll::Pending => None,
        };
        loop {
            let count = match connection.poll_fill(cx) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(self.closed())),
                Poll::Ready(Ok(count)) => count,
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Poll::Ready(Err(self.closed()));
                }
                Poll::Ready(Err(source)) => {
                    let phase = Phase::Head;
                    return Poll::Ready(Err(TransportError::Io { phase, source }));
                }
                Poll::Pending => {
                    let Some(source) = broken else {
                        return Poll::Pending;
                    };
                    let phase = Phase::Head;
                    return Poll::Ready(Err(TransportError::Io { phase, source }));
                }
            };
            self.answered = true;
            // A head ends with a line: without a new one, a head that trickles in is not read over and over.
            let unused = connection.unused();
            if unused[unused.len() - count..].contains(&b'\n')
                && let Some(head) = read_head(connection, &self.method, interim)?
            {
                return Poll::Ready(Ok(head));
            }
            connection.check_head_size()?;
        }
    }

    fn closed(&self) -> TransportError {
        if self.answered {
            TransportError::ClosedInHead
        } else {
            TransportError::ClosedBeforeResponse
        }
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
    ) -> Poll<io::Result<()>> {
        if self.flushed {
            return Poll::Ready(Ok(()));
        }
        let mut socket = Pin::new(&mut connection.socket);
        while self.sent < self.head.len() + self.body.len() {
            let head = self.head.get(self.sent..).unwrap_or_default();
            let body = &self.body[self.sent.saturating_sub(self.head.len())..];
            let count = if head.is_empty() {
                ready!(socket.as_mut().poll_write(cx, body))?
            } else if body.is_empty() {
                ready!(socket.as_mut().poll_write(cx, head))?
            } else {
                // One segment for both, without putting them together first.
                let parts = [IoSlice::new(head), IoSlice::new(body)];
                ready!(socket.as_mut().poll_write_vectored(cx, &parts))?
            };
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += count;
        }
        ready!(socket.poll_flush(cx))?;
        self.flushed = true;
        Poll::Ready(Ok(()))
    }
}

/// Reads the head out of what has come, past the interim ones.
fn read_head(
    connection: &mut Connection,
    method: &Method,
    interim: &mut usize,
) -> Result<Option<(Response<()>, Framing)>, TransportError> {
    while let Some((used, head)) = parse_head(connection.unused())? {
        connection.consume(used);
        if !head.status().is_informational() || head.status() == StatusCode::SWITCHING_PROTOCOLS {
            let framing = Framing::of(&head, method)?;
            return Ok(Some((head, framing)));
        }
        *interim += 1;
        if *interim > MAX_INTERIM {
            let reason = format!("more than {MAX_INTERIM} interim responses");
            return Err(TransportError::MalformedResponse { reason });
        }
    }
    Ok(None)
}

fn parse_head(bytes: &[u8]) -> Result<Option<(usize, Response<()>)>, TransportError> {
    // It prepares the places of all headers that there may be; most heads have few.
    let parsed = match try_parse_response::<FEW_HEADERS>(bytes) {
        Err(ureq_proto::Error::HttpParseTooManyHeaders) => try_parse_response::<MAX_HEADERS>(bytes),
        parsed => parsed,
    };
    Ok(parsed?)
}

/// Enough for `100 Continue` and early hints, too few to keep somebody busy.
const MAX_INTERIM: usize = 32;
const FEW_HEADERS: usize = 32;
const MAX_HEADERS: usize = 128;
/// Up to here a body is sent with its head in one piece: to copy it costs less than to send two at once.
const SMALL: usize = 4 * 1024;
