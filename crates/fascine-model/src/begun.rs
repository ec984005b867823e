use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::{Chunk, ChunkStream, ModelError};

/// Waits until a stream has something to show, or has ended: until then another answer can take its place, and nobody
/// has read anything twice.
pub(crate) async fn begun(mut stream: ChunkStream) -> Result<ChunkStream, ModelError> {
    let attempts = stream.attempts();
    let mut first = VecDeque::new();
    let mut rest = None;
    while let Some(chunk) = stream.chunk().await? {
        let shows = shows_something(&chunk);
        first.push_back(chunk);
        if shows {
            rest = Some(stream);
            break;
        }
    }
    Ok(ChunkStream::new(Begun { first, rest }, attempts))
}

fn shows_something(chunk: &Chunk) -> bool {
    match chunk {
        Chunk::Extra(_) | Chunk::Start { .. } | Chunk::Usage(_) => false,
        Chunk::Finish(_) | Chunk::Part(_) | Chunk::ToolCall { .. } => true,
        Chunk::Reasoning(more) => *more != Default::default(),
        Chunk::Text(more) => !more.is_empty(),
    }
}

struct Begun {
    first: VecDeque<Chunk>,
    /// `None` after the end.
    rest: Option<ChunkStream>,
}

impl Stream for Begun {
    type Item = Result<Chunk, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match (self.first.pop_front(), &mut self.rest) {
            (Some(chunk), _) => Poll::Ready(Some(Ok(chunk))),
            (None, Some(rest)) => Pin::new(rest).poll_next(cx),
            (None, None) => Poll::Ready(None),
        }
    }
}
