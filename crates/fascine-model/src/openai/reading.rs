use std::borrow::Cow;

use super::answer::Answer;
use super::reader::Reader;
use crate::wire::{self, stream_error};
use crate::{Accumulator, ModelFailure, Response};

/// Reads a whole answer: as a stream of one piece, so that both give the same.
pub(super) fn response(provider: Cow<'static, str>, body: &[u8]) -> Result<Response, ModelFailure> {
    let malformed = |reason: String| ModelFailure::malformed(reason, body);
    let text = std::str::from_utf8(body).map_err(|error| malformed(error.to_string()))?;
    let answer = parse(text)?;
    let mut reader = Reader::new(provider);
    let mut chunks = Vec::new();
    reader.read(answer, &mut chunks);
    if !reader.has_choice() {
        return Err(malformed("it has no choices".to_owned()));
    }
    reader.finish(&mut chunks);
    let mut answer = Accumulator::new();
    for chunk in &chunks {
        answer.push(chunk);
    }
    Ok(answer.into_response())
}

/// Reads a document or an event. An error in one is an error: the head said 200 before this was known.
pub(super) fn parse(text: &str) -> Result<Answer<'_>, ModelFailure> {
    let answer: Answer<'_> = wire::text_document(text)?;
    if answer.error.0.is_some() || answer.object.as_str() == Some("error") {
        return Err(stream_error(text, "an error in place of an answer").into());
    }
    Ok(answer)
}
