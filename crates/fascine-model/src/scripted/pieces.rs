use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use fascine_message::Part;
use futures_core::Stream;

use crate::{Chunk, ChunkStream, ModelError, Response};

/// An answer as a stream: its text word by word, everything else part by part.
pub(crate) fn pieces(response: &Response) -> ChunkStream {
    stream_of(chunks_of(response), response.attempts)
}

/// These chunks as a stream that took so many requests.
pub(crate) fn stream_of(chunks: Vec<Chunk>, attempts: u32) -> ChunkStream {
    ChunkStream::new(Pieces(chunks.into()), attempts)
}

/// The chunks that an answer can be put together from again.
pub(crate) fn chunks_of(response: &Response) -> Vec<Chunk> {
    let (id, model) = (response.id.clone(), response.model.clone());
    let mut chunks = vec![Chunk::Start { id, model }];
    let mut after_text = false;
    for (index, part) in response.message.content().iter().enumerate() {
        match part {
            // Two texts in a row would come together as one.
            Part::Text { text } if !after_text && !text.is_empty() => {
                let words = text.split_inclusive(' ');
                chunks.extend(words.map(|word| Chunk::Text(word.to_owned())));
            }
            Part::ToolCall(call) => chunks.push(Chunk::ToolCall {
                index,
                id: Some(call.id.clone()),
                name: Some(call.name.clone()),
                arguments: call.arguments.clone(),
            }),
            part => chunks.push(Chunk::Part(part.clone())),
        }
        after_text = matches!(part, Part::Text { .. });
    }
    if !response.extra.is_empty() {
        chunks.push(Chunk::Extra(response.extra.clone()));
    }
    chunks.push(Chunk::Finish(response.finish_reason.clone()));
    chunks.push(Chunk::Usage(response.usage));
    chunks
}

struct Pieces(VecDeque<Chunk>);

impl Stream for Pieces {
    type Item = Result<Chunk, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use fascine_message::{Message, Reasoning, Role, ToolCall};

    use super::*;
    use crate::Accumulator;

    #[test]
    fn whatever_an_answer_is_made_of_comes_together_again() {
        let content = vec![
            Part::Reasoning(Reasoning::new("hm").with_signature("s")),
            Part::Reasoning(Reasoning::new("so")),
            Part::text("one two"),
            Part::text("three"),
            Part::text(""),
            Part::ToolCall(ToolCall::new("a", "f", "{}")),
            Part::ToolCall(ToolCall::new("b", "g", "{\"x\": 1}")),
            Part::text("four"),
        ];
        let mut response = Response::new(Message::new(Role::Assistant, content));
        response
            .extra
            .insert("tier".to_owned(), serde_json::json!(1));
        let mut answer = Accumulator::new();
        chunks_of(&response)
            .iter()
            .for_each(|chunk| answer.push(chunk));
        assert_eq!(answer.into_response(), response);
    }
}
