use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use fascine_rt::BoxFuture;
use futures_core::Stream;
use serde_json::Value;

use crate::recorded::book::Book;
use crate::recorded::entry::{Answer, Entry};
use crate::recorded::failed;
use crate::recorded::redaction::Redaction;
use crate::{Chunk, ChunkStream, ModelError, RecordError};

/// An answer that is to be written down.
#[derive(Clone)]
pub(crate) struct Recording {
    pub(crate) book: Arc<Book>,
    pub(crate) redaction: Redaction,
    /// The request, redacted.
    pub(crate) asked: Value,
}

impl Recording {
    pub(crate) async fn keep(self, answer: Answer) -> Result<(), RecordError> {
        let entry = Entry {
            request: self.asked,
            answer: self.redaction.redact(answer),
        };
        self.book.keep(entry).await
    }

    /// Writes a stream down when it has come to its end.
    pub(crate) fn around(self, chunks: ChunkStream) -> ChunkStream {
        let attempts = chunks.attempts();
        let listening = Listening {
            recording: self,
            attempts,
            heard: Vec::new(),
            state: State::Reading(chunks),
        };
        ChunkStream::new(listening, attempts)
    }
}

struct Listening {
    recording: Recording,
    attempts: u32,
    heard: Vec<Chunk>,
    state: State,
}

enum State {
    Reading(ChunkStream),
    Keeping(BoxFuture<Result<(), RecordError>>),
    Ended,
}

impl Stream for Listening {
    type Item = Result<Chunk, ModelError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Reading(chunks) => match ready!(Pin::new(chunks).poll_next(cx)) {
                    Some(Ok(chunk)) => {
                        this.heard.push(chunk.clone());
                        return Poll::Ready(Some(Ok(chunk)));
                    }
                    Some(Err(error)) => {
                        this.state = State::Ended;
                        return Poll::Ready(Some(Err(error)));
                    }
                    None => {
                        let answer = Answer::Stream {
                            attempts: this.attempts,
                            chunks: std::mem::take(&mut this.heard),
                        };
                        let kept = this.recording.clone().keep(answer);
                        this.state = State::Keeping(Box::pin(kept));
                    }
                },
                State::Keeping(kept) => {
                    let kept = ready!(kept.as_mut().poll(cx));
                    this.state = State::Ended;
                    if let Err(error) = kept {
                        return Poll::Ready(Some(Err(failed(error))));
                    }
                }
                State::Ended => return Poll::Ready(None),
            }
        }
    }
}
