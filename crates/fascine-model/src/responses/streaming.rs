use std::borrow::Cow;

use fascine_http::sse;

use super::document::Document;
use super::event::Event;
use super::progress::What;
use super::reader::Reader;
use super::reading;
use crate::wire::{self, Beginning, Halves, Raw, stream_error};
use crate::{Chunk, ChunkDecoder, ModelFailure};

/// Reads an answer in pieces: server-sent events that end with the whole response.
pub(super) struct Decoder {
    events: sse::Decoder,
    beginning: Beginning,
    halves: Halves,
    reader: Reader,
    is_complete: bool,
}

impl Decoder {
    pub(super) fn new(provider: Cow<'static, str>) -> Self {
        Self {
            events: sse::Decoder::new(),
            beginning: Beginning::default(),
            halves: Halves::default(),
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
                let data = self.halves.join(data);
                self.read(&event.event, &data, chunks)?;
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
        let mut event: Event<'_> = wire::text_document(data)?;
        let kind = std::mem::take(&mut event.kind);
        let kind = kind.as_str().unwrap_or(name);
        let Some(about) = About::of(kind) else {
            let event = serde_json::from_str(data).map_err(malformed)?;
            self.reader.keep_event(kind, event);
            return Ok(());
        };
        self.reader
            .keep_rest(&["events", kind], std::mem::take(&mut event.rest));
        let place = event.output_index.0;
        match about {
            About::Failure => return Err(stream_error(data, "the response failed").into()),
            About::Nothing => {}
            About::Part(list) => self.reader.keep_part(list, event),
            About::Piece(what) => self.reader.read_part(what, event, chunks),
            About::ItemBegin => {
                let item = event.item.0.map_or(Ok(Default::default()), |raw| {
                    serde_json::from_str(raw.get())
                });
                let item = item.map_err(malformed)?;
                self.reader.begin_item(place, item, chunks);
            }
            About::ItemEnd => {
                let item = event
                    .item
                    .0
                    .map(|raw| self.reader.read_item(place, raw, chunks));
                item.transpose().map_err(malformed)?;
            }
            About::Begin => self
                .reader
                .start(response(event.response).map_err(malformed)?, chunks),
            About::End => {
                let ended = response(event.response).and_then(|end| self.reader.end(end, chunks));
                ended.map_err(malformed)?;
                self.is_complete = true;
            }
        }
        Ok(())
    }
}

/// What an event is about.
enum About {
    Begin,
    End,
    Failure,
    ItemBegin,
    ItemEnd,
    /// Nothing that does not come again with the whole of an item.
    Nothing,
    /// A part of an item, in the list of this name.
    Part(&'static str),
    /// More of a part.
    Piece(What),
}

impl About {
    /// What events of this type are about, if it is known.
    fn of(kind: &str) -> Option<Self> {
        Some(match kind.strip_prefix("response.").unwrap_or(kind) {
            "output_text.delta" | "output_text.done" => Self::Piece(What::Text),
            "refusal.delta" | "refusal.done" => Self::Piece(What::Refusal),
            "function_call_arguments.delta" | "function_call_arguments.done" => {
                Self::Piece(What::Arguments)
            }
            "reasoning_summary_text.delta" | "reasoning_summary_text.done" => {
                Self::Piece(What::Summary)
            }
            "reasoning_text.delta" | "reasoning_text.done" => Self::Piece(What::Thought),
            "content_part.added" | "content_part.done" => Self::Part("content"),
            "reasoning_summary_part.added" | "reasoning_summary_part.done" => Self::Part("summary"),
            "output_text.annotation.added" | "keepalive" => Self::Nothing,
            "output_item.added" => Self::ItemBegin,
            "output_item.done" => Self::ItemEnd,
            "created" | "in_progress" | "queued" => Self::Begin,
            "cancelled" | "completed" | "incomplete" => Self::End,
            "error" | "failed" => Self::Failure,
            // How calls of the provider's own tools come on.
            kind => {
                let tool = kind.split('.').next().unwrap_or_default();
                let is_progress = tool.contains("_call") || tool.starts_with("mcp_");
                return is_progress.then_some(Self::Nothing);
            }
        })
    }
}

fn response(raw: Raw<'_>) -> serde_json::Result<Document<'_>> {
    raw.0.map_or(Ok(Document::default()), |raw| {
        serde_json::from_str(raw.get())
    })
}
