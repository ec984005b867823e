use std::borrow::Cow;

use fascine_http::sse;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::blocks::Blocks;
use super::document;
use super::reading::finish_reason;
use super::usage::Counts;
use crate::wire::{Beginning, Fields, is_whole, stream_error};
use crate::{Chunk, ChunkDecoder, FinishReason, ModelFailure};

/// Reads an answer in pieces: server-sent events that end with `message_stop`.
///
/// What an event is, is said in its data; gateways mangle its name. Events of unknown types are skipped, as the API's
/// versioning demands.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    events: sse::Decoder,
    beginning: Beginning,
    blocks: Blocks,
    counts: Counts,
    started: bool,
    finished: bool,
    done: bool,
}

impl ChunkDecoder for Decoder {
    fn push(&mut self, bytes: &[u8], chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure> {
        self.beginning.push(bytes);
        let fed = self.events.push(bytes);
        while let Some(event) = self.events.next_event() {
            if !self.done {
                self.read(&event.data, chunks)?;
            }
        }
        fed.map_err(|error| ModelFailure::malformed(error.to_string(), bytes))
    }

    fn finish(&mut self, chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure> {
        if let Some(document) = self.beginning.document() {
            document::chunks(document, chunks)?;
            self.done = true;
            return Ok(());
        }
        // The line that ends the last event may be missing, but then nothing else may.
        let _ = self.events.push(b"\n\n");
        match self.events.next_event() {
            Some(last) if !self.done && is_whole(last.data.as_bytes()) => {
                self.read(&last.data, chunks)
            }
            _ => Ok(()),
        }
    }

    fn is_complete(&self) -> bool {
        self.done
    }
}

impl Decoder {
    fn read(&mut self, data: &str, chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure> {
        let malformed = |reason: &dyn std::fmt::Display| {
            ModelFailure::malformed(reason.to_string(), data.as_bytes())
        };
        // Nearly all events are this one; what has another shape is looked at more closely.
        if let Ok(event) = serde_json::from_str::<DeltaEvent<'_>>(data)
            && event.kind == "content_block_delta"
        {
            let read = self.blocks.delta(event.index, event.delta, chunks);
            return read.map_err(|reason| malformed(&reason));
        }
        if data.trim() == "[DONE]" {
            // Gateways add it.
            return Ok(());
        }
        let mut event: Fields<'_> =
            serde_json::from_str(data).map_err(|error| malformed(&error))?;
        let index = event.take("index").unwrap_or_default();
        match event.take_text("type").as_str() {
            "content_block_delta" => {
                let mut delta: Fields<'_> = event.take("delta").unwrap_or_default();
                if KNOWN_DELTAS.contains(&delta.take_text("type").as_str()) {
                    return Err(malformed(&"a piece of a block is not as it should be"));
                }
            }
            "content_block_start" => {
                if let Some(block) = event.take::<&RawValue>("content_block") {
                    self.blocks.start(index, block, chunks);
                }
            }
            "content_block_stop" => self.blocks.stop(index, chunks),
            "message_delta" => self.message_delta(event, chunks),
            "message_start" => {
                let message = event.take("message").unwrap_or_default();
                self.message_start(message, chunks);
            }
            "message_stop" => {
                self.blocks.stop_all(None, chunks);
                if !self.finished && self.blocks.has_calls() {
                    chunks.push(Chunk::Finish(FinishReason::ToolCalls));
                }
                self.done = true;
            }
            "error" => return Err(stream_error(data, "an error in the stream").into()),
            "" if event.take::<&RawValue>("error").is_some() => {
                return Err(stream_error(data, "an error in the stream").into());
            }
            _ => {}
        }
        Ok(())
    }

    fn message_start(&mut self, mut message: Fields<'_>, chunks: &mut Vec<Chunk>) {
        if !std::mem::replace(&mut self.started, true) {
            let (id, model) = (message.take_text("id"), message.take_text("model"));
            chunks.push(Chunk::Start { id, model });
        }
        self.count(&mut message, chunks);
        for known in ["type", "role", "content", "id", "model", "stop_reason"] {
            message.skip(known);
        }
        self.extra(message, chunks);
    }

    fn message_delta(&mut self, mut event: Fields<'_>, chunks: &mut Vec<Chunk>) {
        let mut delta: Fields<'_> = event.take("delta").unwrap_or_default();
        let reason = delta.take("stop_reason").map(finish_reason);
        if let Some(reason) = reason {
            self.finished = true;
            self.blocks.stop_all(Some(&reason), chunks);
            chunks.push(Chunk::Finish(reason));
        }
        self.count(&mut event, chunks);
        self.extra(delta, chunks);
        self.extra(event, chunks);
    }

    fn count(&mut self, fields: &mut Fields<'_>, chunks: &mut Vec<Chunk>) {
        if let Some(report) = fields.take("usage") {
            self.counts.update(report);
            chunks.push(Chunk::Usage(self.counts.usage()));
        }
    }

    fn extra(&mut self, fields: Fields<'_>, chunks: &mut Vec<Chunk>) {
        let mut extra = fields.rest();
        self.counts.add_more(&mut extra);
        if !extra.is_empty() {
            chunks.push(Chunk::Extra(extra));
        }
    }
}

const KNOWN_DELTAS: [&str; 4] = [
    "input_json_delta",
    "signature_delta",
    "text_delta",
    "thinking_delta",
];

/// The event that nearly all are.
#[derive(Deserialize)]
struct DeltaEvent<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    index: u64,
    #[serde(borrow, default)]
    delta: Delta<'a>,
}

/// More of a block. Its type says which of the fields it is.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Delta<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Cow<'a, str>,
    pub(super) text: Option<String>,
    pub(super) thinking: Option<String>,
    pub(super) signature: Option<String>,
    #[serde(borrow)]
    pub(super) partial_json: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) citation: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) encrypted_content: Option<&'a RawValue>,
}
