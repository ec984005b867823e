use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use futures_io::AsyncRead;

use crate::chunked::{Chunked, Decoded};
use crate::{BoxSocket, TransportError};

/// A socket and the bytes that were read from it and not used yet.
pub(crate) struct Connection {
    pub(crate) socket: BoxSocket,
    buffer: BytesMut,
    /// Whether the last read took all it had room for, so that more is likely to be there.
    plenty: bool,
}

impl Connection {
    pub(crate) fn new(socket: BoxSocket) -> Self {
        Self {
            socket,
            buffer: BytesMut::new(),
            plenty: false,
        }
    }

    /// What was read and not used.
    pub(crate) fn unused(&self) -> &[u8] {
        &self.buffer
    }

    pub(crate) fn consume(&mut self, count: usize) {
        self.buffer.advance(count);
    }

    /// Takes at most `count` bytes of what was read and not used, without copying them.
    pub(crate) fn take(&mut self, count: u64) -> Bytes {
        match usize::try_from(count) {
            Ok(count) if count < self.buffer.len() => self.buffer.split_to(count).freeze(),
            _ => self.buffer.split().freeze(),
        }
    }

    /// Takes what there is of a chunked body, without copying it elsewhere; empty if that is nothing yet.
    pub(crate) fn take_decoded(&mut self, chunked: &mut Chunked) -> Result<Bytes, TransportError> {
        let Decoded { length, used } = chunked.decode(&mut self.buffer)?;
        if length == 0 {
            self.buffer.advance(used);
            return Ok(Bytes::new());
        }
        let mut piece = self.buffer.split_to(used);
        piece.truncate(length);
        Ok(piece.freeze())
    }

    /// Reads some more; 0 at the end of the stream.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.plenty {
            return self.poll_fill_much(cx);
        }
        // Read through a buffer of the thread's: a connection that waits for an answer holds almost no memory.
        let mut piece = SCRATCH.take().unwrap_or_else(|| vec![0; PIECE].into());
        let read = Pin::new(&mut self.socket).poll_read(cx, &mut piece);
        match read {
            Poll::Ready(Ok(count)) => {
                self.plenty = count == PIECE;
                self.buffer.extend_from_slice(&piece[..count]);
            }
            Poll::Pending if self.buffer.is_empty() => self.buffer = BytesMut::new(),
            Poll::Ready(Err(_)) | Poll::Pending => {}
        }
        SCRATCH.set(Some(piece));
        read
    }

    /// Reads a long answer to where it stays.
    fn poll_fill_much(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let before = self.buffer.len();
        self.buffer.resize(before + MUCH, 0);
        let read = Pin::new(&mut self.socket).poll_read(cx, &mut self.buffer[before..]);
        let count = match read {
            Poll::Ready(Ok(count)) => count,
            Poll::Ready(Err(_)) | Poll::Pending => 0,
        };
        self.buffer.truncate(before + count);
        self.plenty = count >= PIECE;
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
        read
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
        let read = Pin::new(&mut self.socket).poll_read(cx, &mut [0]);
        self.buffer.is_empty() && read.is_pending()
    }

    /// Gives the memory of large answers back before the connection is kept.
    pub(crate) fn shrink(&mut self) {
        self.buffer = BytesMut::new();
        self.plenty = false;
    }
}

thread_local! {
    /// Taken out while it is used, so that a socket may have one of these connections inside.
    static SCRATCH: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

const PIECE: usize = 8 * 1024;
const MUCH: usize = 32 * 1024;
const MAX_HEAD: usize = 64 * 1024;
