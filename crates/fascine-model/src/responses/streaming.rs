use std::borrow::Cow;

use fascine_http::sse;
use serde_json::value::RawValue;

use super::document::Document;
use super::event::Event;
use super::progress::What;
use super::reader::Reader;
use super::reading;
use crate::wire::{Beginning, stream_error};
use crate::{Chunk, ChunkDecoder, ModelFailure};

/// Reads an answer in pieces: server-sent events that end with the whole response.
pub(super) struct Decoder {
    events: sse::Decoder,
    beginning: Beginning,
    reader: Reader,
    is_complete: bool,
}

impl Decoder {
    pub(super) fn new(provider: Cow<'static, str>) -> Self {
        Self {
            events: sse::Decoder::new(),
            beginning: Beginning::default(),
            reader: Reader::new(provider),
            is_complete: false,
        }
    }
}

impl ChunkDecoder for Decoder {
    fn push(&mut self, bytes: &[u8], chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure> {
        self.beginning.push(bytes);
        let pushed = self.events.push(bytes);
        // What came before an event that is too large is given out.
        while let Some(event) = self.events.next_event() {
            let data = event.data.trim();
            if !self.is_complete && !data.is_empty() && data != "[DONE]" {
                self.read(&event.event, data, chunks)?;
            }
        }
        pushed.map_err(|error| ModelFailure::malformed(error.to_string(), b""))
    }

    fn finish(&mut self, chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure> {
        if !self.is_complete
            && let Some(document) = self.beginning.document()
        {
            // Whoever does not stream answers in one document.
            reading::document(&mut self.reader, document, chunks)?;
            self.is_complete = true;
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.is_complete
    }
}

impl Decoder {
    /// The type in the data counts; servers in between change the names of events.
    fn read(
        &mut self,
        name: &str,
        data: &str,
        chunks: &mut Vec<Chunk>,
    ) -> Result<(), ModelFailure> {
        let malformed =
            |error: serde_json::Error| ModelFailure::malformed(error.to_string(), data.as_bytes());
        let event: Event<'_> = serde_json::from_str(data).map_err(malformed)?;
        let kind = event.kind.as_str().unwrap_or(name);
        let what =
            match kind {
                "response.output_text.delta" | "response.output_text.done" => What::Text,
                "response.refusal.delta" | "response.refusal.done" => What::Refusal,
                "response.function_call_arguments.delta"
                | "response.function_call_arguments.done" => What::Arguments,
                "response.reasoning_summary_text.delta"
                | "response.reasoning_summary_text.done" => What::Summary,
                "response.reasoning_text.delta" | "response.reasoning_text.done" => What::Thought,
                "error" | "response.error" | "response.failed" => {
                    return Err(stream_error(data, "the response failed").into());
                }
                _ => return self.read_whole(event, name, chunks).map_err(malformed),
            };
        self.reader.read_part(what, event, chunks);
        Ok(())
    }

    /// Reads the events that are no part of an item. Those of other types are skipped.
    fn read_whole(
        &mut self,
        event: Event<'_>,
        name: &str,
        chunks: &mut Vec<Chunk>,
    ) -> serde_json::Result<()> {
        match event.kind.as_str().unwrap_or(name) {
            "response.created" | "response.in_progress" | "response.queued" => {
                self.reader.start(&response(event.response)?, chunks);
            }
            "response.output_item.added" => {
                let item = event.item.map_or(Ok(Default::default()), |raw| {
                    serde_json::from_str(raw.get())
                });
                self.reader.begin_item(event.output_index.0, item?, chunks);
            }
            "response.output_item.done" => {
                if let Some(raw) = event.item {
                    self.reader.read_item(event.output_index.0, raw, chunks)?;
                }
            }
            "response.cancelled" | "response.completed" | "response.incomplete" => {
                self.reader.end(response(event.response)?, chunks)?;
                self.is_complete = true;
            }
            _ => {}
        }
        Ok(())
    }
}

fn response(raw: Option<&RawValue>) -> serde_json::Result<Document<'_>> {
    raw.map_or(Ok(Document::default()), |raw| {
        serde_json::from_str(raw.get())
    })
}
