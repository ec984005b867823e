use std::borrow::Cow;

use fascine_http::sse;

use super::reader::Reader;
use super::reading::parse;
use crate::wire::{Beginning, Halves, stream_error};
use crate::{Chunk, ChunkDecoder, ModelFailure};

/// What says that an answer in pieces is whole.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StreamEnd {
    /// The line `data: [DONE]`, as OpenAI has it.
    #[default]
    Done,
    /// A reason for the end; for servers that leave the line out. A stream that is cut between the reason and the usage
    /// is taken for whole.
    FinishReason,
}

/// Reads an answer in pieces: server-sent events.
pub(super) struct Decoder {
    events: sse::Decoder,
    beginning: Beginning,
    halves: Halves,
    reader: Reader,
    end: StreamEnd,
    is_complete: bool,
}

impl Decoder {
    pub(super) fn new(provider: Cow<'static, str>, end: StreamEnd) -> Self {
        Self {
            events: sse::Decoder::new(),
            beginning: Beginning::default(),
            halves: Halves::default(),
            reader: Reader::new(provider),
            end,
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
            if self.is_complete {
                continue;
            }
            match event.data.trim() {
                "" => {}
                "[DONE]" => self.complete(chunks)?,
                data if event.event == "error" => {
                    return Err(stream_error(data, "an error in the stream").into());
                }
                data => self.reader.read(parse(&self.halves.join(data))?, chunks),
            }
        }
        pushed.map_err(|error| ModelFailure::malformed(error.to_string(), b""))
    }

    fn finish(&mut self, chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure> {
        if self.is_complete {
            return Ok(());
        }
        if let Some(document) = self.beginning.document() {
            // Whoever does not stream answers in one document.
            self.reader.read(parse(document)?, chunks);
            return self.complete(chunks);
        }
        if self.end == StreamEnd::FinishReason && self.reader.is_finished() {
            return self.complete(chunks);
        }
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.is_complete
    }
}

impl Decoder {
    fn complete(&mut self, chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure> {
        if !self.reader.has_choice() {
            return Err(ModelFailure::malformed("the stream has no choices", b""));
        }
        self.reader.finish(chunks);
        self.is_complete = true;
        Ok(())
    }
}
