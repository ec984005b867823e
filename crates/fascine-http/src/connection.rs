use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_io::AsyncRead;

use crate::{BoxSocket, TransportError};

/// A socket and the bytes that were read from it and not used yet.
pub(crate) struct Connection {
    pub(crate) socket: BoxSocket,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn new(socket: BoxSocket) -> Self {
        Self {
            socket,
            buffer: Vec::new(),
        }
    }

    /// What was read and not used.
    pub(crate) fn unused(&self) -> &[u8] {
        &self.buffer
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.buffer.drain(..count);
    }

    /// Reads some more; 0 at the end of the stream.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // Read through a buffer on the stack: a connection that waits for an answer holds almost no memory.
        let mut piece = [0; PIECE];
        let count = ready!(Pin::new(&mut self.socket).poll_read(cx, &mut piece))?;
        self.buffer.extend_from_slice(&piece[..count]);
        Poll::Ready(Ok(count))
    }

    /// Checks that what waits in the buffer has not grown past what a sound server sends.
    pub(crate) fn check_head_size(&self) -> Result<(), TransportError> {
        if self.buffer.len() > MAX_HEAD {
            return Err(TransportError::TooLarge {
                what: "head",
                limit: MAX_HEAD,
            });
        }
        Ok(())
    }

    /// Whether an idle connection can carry another request: nothing may have come in, not even its end.
    pub(crate) fn is_quiet(&mut self, cx: &mut Context<'_>) -> bool {
        self.buffer.is_empty() && self.poll_fill(cx).is_pending()
    }

    /// Gives the memory of large answers back before the connection is kept.
    pub(crate) fn shrink(&mut self) {
        self.buffer = Vec::new();
    }
}

const PIECE: usize = 8 * 1024;
const MAX_HEAD: usize = 64 * 1024;
