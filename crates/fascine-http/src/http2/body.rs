use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use h2::Reason;
use http::{HeaderMap, Method, header};
use hyper::body::{Body, Incoming};

use crate::http2::connection::StreamLease;
use crate::http2::error;
use crate::stopwatch::PauseTimer;
use crate::{Phase, TransportError};

/// The body of a response on a shared connection. Dropped before its end, it resets the stream.
pub(crate) struct StreamBody {
    /// `None` after the end.
    open: Option<Open>,
    timer: PauseTimer,
}

struct Open {
    // Dropped first: the stream is given up before its place is given away.
    incoming: Incoming,
    _lease: StreamLease,
    received: u64,
    /// What the head promised.
    length: Option<u64>,
}

impl StreamBody {
    pub(crate) fn new(
        incoming: Incoming,
        lease: StreamLease,
        length: Option<u64>,
        timer: PauseTimer,
    ) -> Self {
        let open = Open {
            incoming,
            _lease: lease,
            received: 0,
            length,
        };
        Self {
            open: Some(open),
            timer,
        }
    }
}

impl Stream for StreamBody {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(open) = &mut this.open else {
            return Poll::Ready(None);
        };
        match open.poll_piece(cx) {
            Poll::Ready(Some(Ok(piece))) => {
                this.timer.reset();
                if open.incoming.is_end_stream() {
                    this.open = None;
                }
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(end) => {
                this.open = None;
                Poll::Ready(end)
            }
            Poll::Pending => match this.timer.poll(cx) {
                Poll::Ready(error) => {
                    this.open = None;
                    Poll::Ready(Some(Err(error)))
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }
}

impl Open {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, TransportError>>> {
        loop {
            let frame = match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => frame,
                Poll::Ready(Some(Err(error))) => {
                    let error = error::of(&error, Phase::Body, self.received);
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => return Poll::Ready(self.end().err().map(Err)),
                Poll::Pending => return Poll::Pending,
            };
            // Trailers say nothing that we know of.
            if let Ok(piece) = frame.into_data()
                && !piece.is_empty()
            {
                self.received += piece.len() as u64;
                return Poll::Ready(Some(Ok(piece)));
            }
        }
    }

    /// hyper takes a stream for complete that was reset with NO_ERROR, wherever that cuts it.
    fn end(&self) -> Result<(), TransportError> {
        if self.incoming.is_end_stream() || self.length == Some(self.received) {
            return Ok(());
        }
        Err(error::reset(Reason::NO_ERROR, Phase::Body))
    }
}

/// The length of a body as its head promises it.
pub(crate) fn promised_length(method: &Method, headers: &HeaderMap) -> Option<u64> {
    if *method == Method::HEAD {
        return None;
    }
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}
