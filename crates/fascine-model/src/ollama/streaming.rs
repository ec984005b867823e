use fascine_http::ndjson;

use super::answer::Answer;
use crate::wire::{Halves, is_whole};
use crate::{Chunk, ChunkDecoder, ModelFailure};

/// Reads an answer in pieces: lines, each a document like that of a whole answer, the last of which says `done`.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    lines: ndjson::Decoder,
    halves: Halves,
    answer: Answer,
}

impl ChunkDecoder for Decoder {
    fn push(&mut self, bytes: &[u8], chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure> {
        let fed = self.lines.push(bytes);
        while let Some(line) = self.lines.next_line() {
            if !self.answer.done {
                self.read(&line, chunks)?;
            }
        }
        fed.map_err(|error| ModelFailure::malformed(error.to_string(), bytes))
    }

    fn finish(&mut self, chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure> {
        match self.lines.finish() {
            Some(line) if !self.answer.done && is_whole(&line) => self.read(&line, chunks),
            // Nothing, or a line that was cut: the answer is whole if a line before has said so.
            _ => Ok(()),
        }
    }

    fn is_complete(&self) -> bool {
        self.answer.done
    }
}

impl Decoder {
    fn read(&mut self, line: &[u8], chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure> {
        match str::from_utf8(line) {
            Ok(json) => {
                let json = self.halves.join(json);
                self.answer.read(json.as_bytes(), chunks)
            }
            Err(_) => self.answer.read(line, chunks),
        }
    }
}
