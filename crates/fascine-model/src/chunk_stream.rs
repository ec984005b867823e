use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::{Accumulator, Chunk, ModelError, Response};

/// An answer in pieces. A failure is its last item; an answer that breaks off is never taken for a whole one.
///
/// Dropping it aborts the answer.
pub struct ChunkStream {
    chunks: Pin<Box<dyn Stream<Item = Result<Chunk, ModelError>> + Send>>,
    attempts: u32,
}

impl ChunkStream {
    /// Wraps the pieces of an answer that took so many requests.
    pub fn new(
        chunks: impl Stream<Item = Result<Chunk, ModelError>> + Send + 'static,
        attempts: u32,
    ) -> Self {
        Self {
            chunks: Box::pin(chunks),
            attempts,
        }
    }

    /// Sets how many requests it took.
    #[must_use]
    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// How many requests it took to get the answer started; none if it was not made for this call.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Waits for the next piece; `None` after the last.
    ///
    /// # Errors
    ///
    /// [`ModelError`] when the answer breaks off.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: a piece stays in the stream until the poll that returns it.
    pub async fn chunk(&mut self) -> Result<Option<Chunk>, ModelError> {
        poll_fn(|cx| self.chunks.as_mut().poll_next(cx))
            .await
            .transpose()
    }

    /// Waits for the end and gives the same response as [`Model::invoke`](crate::Model::invoke).
    ///
    /// # Errors
    ///
    /// [`ModelError`] when the answer breaks off.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the answer.
    pub async fn collect(mut self) -> Result<Response, ModelError> {
        let mut answer = Accumulator::new();
        while let Some(chunk) = self.chunk().await? {
            answer.push(&chunk);
        }
        let mut response = answer.into_response();
        response.attempts = self.attempts;
        Ok(response)
    }
}

impl Stream for ChunkStream {
    type Item = Result<Chunk, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.chunks.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for ChunkStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkStream")
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
