use fascine_http::sse;

use super::answer::Answer;
use crate::wire::{Beginning, Halves, is_whole};
use crate::{Chunk, ChunkDecoder, ModelFailure};

/// Reads an answer in pieces: server-sent events, each a document like that of a whole answer.
///
/// Nothing says that an event is the last: a reason for the end may come in the middle, when code is executed. So the
/// end of the stream is the end of the answer, if what came last had a reason to be.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    events: sse::Decoder,
    beginning: Beginning,
    halves: Halves,
    answer: Answer,
    complete: bool,
}

impl ChunkDecoder for Decoder {
    fn push(&mut self, bytes: &[u8], chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure> {
        self.beginning.push(bytes);
        let fed = self.events.push(bytes);
        while let Some(event) = self.events.next_event() {
            // Gateways add the mark of another API.
            if event.data.trim() != "[DONE]" {
                let data = self.halves.join(&event.data);
                self.answer.read(data.as_bytes(), chunks)?;
            }
        }
        fed.map_err(|error| ModelFailure::malformed(error.to_string(), bytes))
    }

    fn finish(&mut self, chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure> {
        // The line that ends the last event may be missing, but then nothing else may.
        let _ = self.events.push(b"\n\n");
        if let Some(document) = self.beginning.document() {
            // Whoever does not stream answers in one document.
            self.answer.read(document.as_bytes(), chunks)?;
        } else if let Some(last) = self.events.next_event()
            && is_whole(last.data.as_bytes())
        {
            let data = self.halves.join(&last.data);
            self.answer.read(data.as_bytes(), chunks)?;
        }
        let reason = self.answer.finish_reason();
        self.complete = reason.is_some();
        self.answer.finish(reason, chunks);
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.complete
    }
}
