use std::borrow::Cow;

use super::document::Document;
use super::reader::Reader;
use crate::wire::{self, stream_error};
use crate::{Accumulator, Chunk, ModelFailure, Response};

/// Reads a whole answer.
pub(super) fn response(provider: Cow<'static, str>, body: &[u8]) -> Result<Response, ModelFailure> {
    let text = std::str::from_utf8(body)
        .map_err(|error| ModelFailure::malformed(error.to_string(), body))?;
    let mut chunks = Vec::new();
    document(&mut Reader::new(provider), text, &mut chunks)?;
    let mut answer = Accumulator::new();
    for chunk in &chunks {
        answer.push(chunk);
    }
    Ok(answer.into_response())
}

/// Reads a whole response.
pub(super) fn document(
    reader: &mut Reader,
    text: &str,
    chunks: &mut Vec<Chunk>,
) -> Result<(), ModelFailure> {
    let malformed = |reason: String| ModelFailure::malformed(reason, text.as_bytes());
    let document: Document<'_> = wire::text_document(text)?;
    if document.has_failed() {
        return Err(stream_error(text, "the response failed").into());
    }
    if document.output.0.is_none() {
        return Err(malformed("it has no output".to_owned()));
    }
    let ended = reader.end(document, chunks);
    ended.map_err(|error| malformed(error.to_string()))
}

impl Document<'_> {
    /// Whether there is an error in place of an answer: the head said 200 before this was known.
    pub(super) fn has_failed(&self) -> bool {
        self.error.0.is_some() || self.status.as_str() == Some("failed")
    }
}
