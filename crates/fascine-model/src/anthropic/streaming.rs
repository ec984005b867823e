use fascine_http::sse;
use serde_json::value::RawValue;

use super::blocks::Blocks;
use super::document;
use super::reading::{Document, finish_reason};
use super::usage::{Counts, Report};
use crate::wire::{
    self, Beginning, Count, Fields, Halves, Raw, Rest, Text, TextOrValue, is_whole, open_object,
    owned, stream_error,
};
use crate::{Chunk, ChunkDecoder, FinishReason, ModelFailure};

/// Reads an answer in pieces: server-sent events that end with `message_stop`.
///
/// What an event is, is said in its data; gateways mangle its name. Events of unknown types are skipped, as the API's
/// versioning demands.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    events: sse::Decoder,
    beginning: Beginning,
    halves: Halves,
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
                let data = self.halves.join(&event.data);
                self.read(&data, chunks)?;
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
                let data = self.halves.join(&last.data);
                self.read(&data, chunks)
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
        // Nearly all events are this one.
        let event: DeltaEvent<'_> = match wire::text_document(data) {
            Ok(event) => event,
            // Gateways add it.
            Err(_) if data.trim() == "[DONE]" => return Ok(()),
            Err(failure) => return Err(failure),
        };
        let (kind, index) = (event.kind.or_empty(), event.index.or_zero());
        if kind == "content_block_delta" && KNOWN_DELTAS.contains(&event.delta.kind.or_empty()) {
            self.keep_rest(kind, event.rest);
            let read = self.blocks.delta(index, event.delta, chunks);
            return read.map_err(|reason| malformed(&reason));
        }
        let mut event: Fields<'_> = wire::text_document(data)?;
        if kind == "error" || kind.is_empty() && event.take::<&RawValue>("error").is_some() {
            return Err(stream_error(data, "an error in the stream").into());
        }
        for known in ["type", "index"] {
            event.skip(known);
        }
        match kind {
            "content_block_delta" => {
                let delta = event.take("delta").map(owned).unwrap_or_default();
                if !delta.is_null() {
                    let kind = delta["type"].as_str().unwrap_or_default().to_owned();
                    self.blocks.keep_delta(index, &kind, delta);
                }
            }
            "content_block_start" => {
                if let Some(block) = event.take::<&RawValue>("content_block") {
                    self.blocks.start(index, block, chunks);
                }
            }
            "content_block_stop" => self.blocks.stop(index, chunks),
            "message_delta" => {
                self.message_delta(event, chunks);
                return Ok(());
            }
            "message_start" => {
                let message = event.take("message").unwrap_or_default();
                self.message_start(message, chunks);
            }
            "message_stop" => {
                self.keep_rest(kind, event.rest());
                self.message_stop(chunks);
                return Ok(());
            }
            "ping" => {}
            kind => {
                let event = serde_json::from_str(data).map_err(|error| malformed(&error))?;
                self.blocks.unknown.one_more(&["events"], kind, event);
                return Ok(());
            }
        }
        self.keep_rest(kind, event.rest());
        Ok(())
    }

    fn message_start(&mut self, mut message: Document<'_>, chunks: &mut Vec<Chunk>) {
        if !std::mem::replace(&mut self.started, true) {
            chunks.push(Chunk::Start {
                id: message.id.or_empty().to_owned(),
                model: message.model.or_empty().to_owned(),
            });
        }
        self.count(message.usage.take(), chunks);
        message.keep_rest(&mut self.blocks.unknown);
    }

    fn message_delta(&mut self, mut event: Fields<'_>, chunks: &mut Vec<Chunk>) {
        let mut delta: Fields<'_> = event.take("delta").unwrap_or_default();
        let reason = delta.take::<Text<'_>>("stop_reason");
        if let Some(reason) = reason.as_ref().and_then(Text::as_str) {
            let reason = finish_reason(reason);
            self.finished = true;
            self.blocks.stop_all(Some(&reason), chunks);
            chunks.push(Chunk::Finish(reason));
        }
        self.count(event.take("usage"), chunks);
        let event = event.rest();
        let is_taken = |name: &str| event.iter().any(|(taken, _)| taken.or_empty() == name);
        let (beside, free) = delta
            .rest()
            .into_iter()
            .partition(|(name, _)| is_taken(name.or_empty()));
        self.blocks.unknown.of_whole(&["delta"], beside);
        self.blocks.unknown.of_document(free);
        self.blocks.unknown.of_document(event);
    }

    fn message_stop(&mut self, chunks: &mut Vec<Chunk>) {
        self.blocks.stop_all(None, chunks);
        let extra = self.blocks.unknown.take_extra(&["message"]);
        if !extra.is_empty() {
            chunks.push(Chunk::Extra(extra));
        }
        if !self.finished && self.blocks.has_calls() {
            chunks.push(Chunk::Finish(FinishReason::ToolCalls));
        }
        self.done = true;
    }

    fn count(&mut self, report: Option<Report<'_>>, chunks: &mut Vec<Chunk>) {
        if let Some(report) = report {
            self.counts.update(report, &mut self.blocks.unknown);
            chunks.push(Chunk::Usage(self.counts.usage()));
        }
    }

    /// Keeps what is not known of an event of this type.
    fn keep_rest(&mut self, kind: &str, rest: Rest<'_>) {
        self.blocks.unknown.of_whole(&["events", kind], rest);
    }
}

const KNOWN_DELTAS: [&str; 6] = [
    "citations_delta",
    "compaction_delta",
    "input_json_delta",
    "signature_delta",
    "text_delta",
    "thinking_delta",
];

open_object! {
    /// The event that nearly all are.
    DeltaEvent<'a> {
        kind: Text<'a> = "type",
        index: Count = "index",
        delta: Delta<'a> = "delta",
    }
}

open_object! {
    /// More of a block. Its type says which of the fields it is.
    Delta<'a> {
        kind: Text<'a> = "type",
        text: TextOrValue<'a> = "text",
        thinking: TextOrValue<'a> = "thinking",
        signature: TextOrValue<'a> = "signature",
        partial_json: TextOrValue<'a> = "partial_json",
        citation: Raw<'a> = "citation",
        content: Raw<'a> = "content",
        encrypted_content: Raw<'a> = "encrypted_content",
    }
}
