use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::{Chunk, ChunkStream, ModelError};

/// A stream that holds something until it has ended.
pub(crate) struct Holding<H> {
    stream: ChunkStream,
    held: Option<H>,
}

impl<H: Send + Unpin + 'static> Holding<H> {
    pub(crate) fn around(stream: ChunkStream, held: H) -> ChunkStream {
        let attempts = stream.attempts();
        let held = Some(held);
        ChunkStream::new(Self { stream, held }, attempts)
    }
}

impl<H: Unpin> Stream for Holding<H> {
    type Item = Result<Chunk, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.stream).poll_next(cx);
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.held = None;
        }
        polled
    }
}
