use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fascine_rt::{Rt, Sleep};
use futures_core::Stream;
use ureq_proto::BodyMode;
use ureq_proto::client::state::RecvBody;
use ureq_proto::client::{Call, RecvBodyResult};

use crate::pool::Lease;
use crate::{Phase, TransportError};

/// The body of a response that is being read from its connection.
pub(crate) struct H1Body {
    /// `None` after the end.
    open: Option<Open>,
    rt: Rt,
    idle_timeout: Duration,
    timer: Option<Sleep>,
}

struct Open {
    call: Call<RecvBody>,
    lease: Lease,
    /// Whether the server has got the whole request: if not, the connection is of no further use.
    all_sent: bool,
    received: u64,
}

impl H1Body {
    pub(crate) fn new(
        call: Call<RecvBody>,
        lease: Lease,
        all_sent: bool,
        rt: Rt,
        idle_timeout: Duration,
    ) -> Self {
        let open = Open {
            call,
            lease,
            all_sent,
            received: 0,
        };
        Self {
            open: Some(open),
            rt,
            idle_timeout,
            timer: None,
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<TransportError> {
        if self.idle_timeout == Duration::MAX {
            return Poll::Pending;
        }
        let timer = self
            .timer
            .get_or_insert_with(|| self.rt.sleep(self.idle_timeout));
        Pin::new(timer).poll(cx).map(|()| TransportError::Timeout {
            phase: Phase::Body,
            after: self.idle_timeout,
        })
    }
}

impl Stream for H1Body {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(open) = &mut this.open else {
            return Poll::Ready(None);
        };
        match open.poll_chunk(cx) {
            Poll::Ready(Ok(chunk)) => {
                this.timer = None;
                if open.is_over() {
                    this.open.take().into_iter().for_each(Open::finish);
                }
                Poll::Ready(chunk.map(Ok))
            }
            Poll::Ready(Err(error)) => {
                this.open = None;
                Poll::Ready(Some(Err(error)))
            }
            Poll::Pending => match this.poll_timer(cx) {
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
    /// Waits for the next piece; `None` at the end.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, TransportError>> {
        loop {
            let connection = &mut self.lease.connection;
            let unused = connection.unused().len();
            // The decoded piece is never longer than what it is decoded from.
            let mut piece = vec![0; unused];
            let (used, written) = self.call.read(connection.unused(), &mut piece)?;
            connection.consume(used);
            if written > 0 {
                piece.truncate(written);
                self.received += written as u64;
                return Poll::Ready(Ok(Some(piece.into())));
            }
            if self.is_over() {
                return Poll::Ready(Ok(None));
            }
            if used > 0 {
                continue;
            }
            let connection = &mut self.lease.connection;
            connection.check_head_size()?;
            match connection.poll_fill(cx) {
                Poll::Ready(Ok(0)) if self.call.body_mode() == BodyMode::CloseDelimited => {
                    self.all_sent = false;
                    return Poll::Ready(Ok(None));
                }
                Poll::Ready(Ok(0)) => {
                    let received = self.received;
                    return Poll::Ready(Err(TransportError::ClosedInBody { received }));
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(source)) => {
                    return Poll::Ready(Err(TransportError::Io {
                        phase: Phase::Body,
                        source,
                    }));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn is_over(&self) -> bool {
        self.call.body_mode() != BodyMode::CloseDelimited && self.call.can_proceed()
    }

    /// Keeps the connection if both sides are done with the exchange.
    fn finish(self) {
        let Self {
            call,
            lease,
            all_sent,
            ..
        } = self;
        if let Some(RecvBodyResult::Cleanup(call)) = call.proceed()
            && all_sent
            && !call.must_close_connection()
        {
            lease.keep();
        }
    }
}
