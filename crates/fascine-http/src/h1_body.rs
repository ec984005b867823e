use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;

use crate::framing::Framing;
use crate::pool::Lease;
use crate::stopwatch::PauseTimer;
use crate::{Phase, TransportError};

/// The body of a response that is being read from its connection.
pub(crate) struct H1Body {
    state: State,
    timer: PauseTimer,
}

enum State {
    Open(Open),
    /// The body is over; what came after it is still to be reported.
    Excess(usize),
    Over,
}

struct Open {
    framing: Framing,
    lease: Lease,
    /// Whether the connection is of further use after this body.
    keep: bool,
    received: u64,
}

impl H1Body {
    pub(crate) fn new(framing: Framing, lease: Lease, keep: bool, timer: PauseTimer) -> Self {
        let open = Open {
            framing,
            lease,
            keep,
            received: 0,
        };
        let mut body = Self {
            state: State::Open(open),
            timer,
        };
        body.finish_if_over();
        body
    }

    /// Gives the connection back as soon as the last byte is here, not when somebody asks for the end.
    fn finish_if_over(&mut self) {
        if matches!(&self.state, State::Open(open) if open.framing.is_over())
            && let State::Open(open) = std::mem::replace(&mut self.state, State::Over)
        {
            match open.finish() {
                0 => {}
                excess => self.state = State::Excess(excess),
            }
        }
    }

    fn fail(&mut self, error: TransportError) -> Poll<Option<Result<Bytes, TransportError>>> {
        self.state = State::Over;
        Poll::Ready(Some(Err(error)))
    }
}

impl Stream for H1Body {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let open = match &mut this.state {
            State::Open(open) => open,
            State::Excess(excess) => {
                let excess = *excess;
                return this.fail(TransportError::ExcessBody { excess });
            }
            State::Over => return Poll::Ready(None),
        };
        match open.poll_piece(cx) {
            Poll::Ready(Ok(Some(piece))) => {
                this.timer.reset();
                this.finish_if_over();
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Ok(None)) => {
                this.finish_if_over();
                match &this.state {
                    // The end and what should not be there came at once.
                    State::Excess(excess) => {
                        let excess = *excess;
                        this.fail(TransportError::ExcessBody { excess })
                    }
                    State::Open(_) | State::Over => {
                        this.state = State::Over;
                        Poll::Ready(None)
                    }
                }
            }
            Poll::Ready(Err(error)) => this.fail(error),
            Poll::Pending => match this.timer.poll(cx) {
                Poll::Ready(error) => this.fail(error),
                Poll::Pending => Poll::Pending,
            },
        }
    }
}

impl Open {
    /// Waits for the next piece; `None` at the end.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, TransportError>> {
        loop {
            let connection = &mut self.lease.connection;
            if !connection.unused().is_empty()
                && let Some(piece) = self.framing.next(connection)?
            {
                self.received += piece.len() as u64;
                return Poll::Ready(Ok(Some(piece)));
            }
            if self.framing.is_over() {
                return Poll::Ready(Ok(None));
            }
            match self.lease.connection.poll_fill(cx) {
                Poll::Ready(Ok(0)) if matches!(self.framing, Framing::UntilClose) => {
                    return Poll::Ready(Ok(None));
                }
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(self.closed())),
                Poll::Ready(Ok(_)) => {}
                // How TLS says that the connection ended without a goodbye: anybody may have cut it.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Poll::Ready(Err(self.closed()));
                }
                Poll::Ready(Err(source)) => {
                    let phase = Phase::Body;
                    return Poll::Ready(Err(TransportError::Io { phase, source }));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn closed(&self) -> TransportError {
        TransportError::ClosedInBody {
            received: self.received,
        }
    }

    /// Keeps the connection if both sides are done with the exchange, and says how much came that nobody asked for.
    fn finish(self) -> usize {
        let unused = self.lease.connection.unused();
        // Some servers end a body with an empty line too many.
        let excess = match unused.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            true => 0,
            false => unused.len(),
        };
        if self.keep {
            self.lease.keep();
        }
        excess
    }
}
