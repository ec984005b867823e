use fascine_http::sse;
use fascine_message::Reasoning;
use serde::Deserialize;
use serde_json::Value;

use super::reading::{Counts, finish_reason};
use crate::wire::stream_error;
use crate::{Chunk, ChunkDecoder, ModelFailure};

/// Reads an answer in pieces: server-sent events that end with `[DONE]`.
#[derive(Default)]
pub(super) struct Decoder {
    events: sse::Decoder,
    started: bool,
    done: bool,
}

impl ChunkDecoder for Decoder {
    fn push(&mut self, bytes: &[u8], chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure> {
        self.events
            .push(bytes)
            .map_err(|error| ModelFailure::malformed(error.to_string(), bytes))?;
        while let Some(event) = self.events.next_event() {
            if event.data.trim() == "[DONE]" {
                self.done = true;
            } else if !self.done {
                self.read(&event.data, chunks)?;
            }
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        // The reason for the end is not it: the usage comes after.
        self.done
    }
}

impl Decoder {
    fn read(&mut self, data: &str, chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure> {
        let piece: Piece = serde_json::from_str(data)
            .map_err(|error| ModelFailure::malformed(error.to_string(), data.as_bytes()))?;
        if piece.error.is_some_and(|error| !error.is_null()) {
            // The head said 200 before this was known.
            return Err(stream_error(data, "an error in the stream").into());
        }
        if !std::mem::replace(&mut self.started, true) {
            let (id, model) = (
                piece.id.unwrap_or_default(),
                piece.model.unwrap_or_default(),
            );
            chunks.push(Chunk::Start { id, model });
        }
        // Only the first of several answers is followed, as in a whole one.
        for choice in piece.choices.into_iter().filter(|choice| choice.index == 0) {
            let delta = choice.delta.unwrap_or_default();
            let thought = delta.reasoning_content.filter(|text| !text.is_empty());
            chunks.extend(thought.map(|text| Chunk::Reasoning(Reasoning::new(text))));
            let text = delta.content.or(delta.refusal);
            chunks.extend(text.filter(|text| !text.is_empty()).map(Chunk::Text));
            for call in delta.tool_calls.unwrap_or_default() {
                let function = call.function.unwrap_or_default();
                chunks.push(Chunk::ToolCall {
                    index: call.index,
                    id: call.id,
                    name: function.name,
                    arguments: function.arguments.unwrap_or_default(),
                });
            }
            if let Some(reason) = choice.finish_reason {
                chunks.push(Chunk::Finish(finish_reason(&reason)));
            }
        }
        chunks.extend(piece.usage.map(|usage| Chunk::Usage(usage.read())));
        Ok(())
    }
}

#[derive(Deserialize)]
struct Piece {
    id: Option<String>,
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Counts>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: usize,
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
    #[serde(alias = "reasoning")]
    reasoning_content: Option<String>,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    index: usize,
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Default, Deserialize)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}
