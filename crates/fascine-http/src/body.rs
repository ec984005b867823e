use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;

use crate::TransportError;

/// The body of a response, piece by piece.
///
/// Dropping it before its end abandons the rest.
pub struct Body {
    chunks: Chunks,
}

enum Chunks {
    /// All that there is, until it is taken.
    Whole(Bytes),
    Stream(Pin<Box<dyn Stream<Item = Result<Bytes, TransportError>> + Send>>),
}

impl Body {
    /// Wraps a stream of pieces.
    pub fn from_stream(
        chunks: impl Stream<Item = Result<Bytes, TransportError>> + Send + 'static,
    ) -> Self {
        Self {
            chunks: Chunks::Stream(Box::pin(chunks)),
        }
    }

    /// Waits for the next piece, which is never empty; `None` after the last.
    ///
    /// # Errors
    ///
    /// [`TransportError`] when the rest cannot be had; nothing comes after it.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: the piece stays in the body until the poll that returns it.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, TransportError> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx))
            .await
            .transpose()
    }

    /// Waits for the whole body, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`TransportError::TooLarge`] when it is longer, and as [`chunk`](Self::chunk).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the body.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, TransportError> {
        let Some(first) = self.chunk().await? else {
            return Ok(Bytes::new());
        };
        let check = |length: usize| match length <= limit {
            true => Ok(()),
            false => Err(TransportError::TooLarge {
                what: "body",
                limit,
            }),
        };
        check(first.len())?;
        // Most answers come in one piece.
        let Some(second) = self.chunk().await? else {
            return Ok(first);
        };
        let mut whole = BytesMut::from(first);
        let mut next = Some(second);
        while let Some(chunk) = next {
            check(whole.len().saturating_add(chunk.len()))?;
            whole.extend_from_slice(&chunk);
            next = self.chunk().await?;
        }
        Ok(whole.freeze())
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self {
            chunks: Chunks::Whole(bytes),
        }
    }
}

impl Stream for Body {
    type Item = Result<Bytes, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut self.chunks {
            Chunks::Whole(bytes) => {
                let whole = mem::take(bytes);
                Poll::Ready((!whole.is_empty()).then_some(Ok(whole)))
            }
            Chunks::Stream(chunks) => chunks.as_mut().poll_next(cx),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}
