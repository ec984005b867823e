use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::parts::Parts;
use super::usage::Counts;
use crate::wire::{Fields, stream_error};
use crate::{Accumulator, ApiError, ApiErrorKind, Chunk, FinishReason, ModelFailure, Response};

/// Reads a whole answer.
pub(super) fn response(body: &[u8]) -> Result<Response, ModelFailure> {
    let (mut answer, mut chunks) = (Answer::default(), Vec::new());
    answer.read(body, &mut chunks)?;
    if !answer.has_candidate {
        return Err(ModelFailure::malformed("it has no candidates", body));
    }
    let calls = || answer.parts.has_calls().then_some(FinishReason::ToolCalls);
    chunks.extend(answer.finish_reason().or_else(calls).map(Chunk::Finish));
    let mut whole = Accumulator::new();
    for chunk in &chunks {
        whole.push(chunk);
    }
    Ok(whole.into_response())
}

/// An answer, whole or in the making: it comes in one document or in many of the same form.
#[derive(Debug, Default)]
pub(super) struct Answer {
    started: bool,
    has_candidate: bool,
    id: String,
    parts: Parts,
    counts: Counts,
    finish_reason: Option<String>,
}

impl Answer {
    /// Reads a document.
    pub(super) fn read(
        &mut self,
        json: &[u8],
        chunks: &mut Vec<Chunk>,
    ) -> Result<(), ModelFailure> {
        let mut document: Fields<'_> = serde_json::from_slice(json)
            .map_err(|error| ModelFailure::malformed(error.to_string(), json))?;
        if document.take::<&RawValue>("error").is_some() {
            let text = String::from_utf8_lossy(json);
            return Err(stream_error(&text, "an error in place of the answer").into());
        }
        self.start(&mut document, chunks);
        let candidates: Vec<Fields<'_>> = document.take("candidates").unwrap_or_default();
        if candidates.is_empty() {
            check_feedback(&mut document, &self.id, json)?;
        }
        if let Some(report) = document.take("usageMetadata") {
            self.counts.update(report);
            chunks.push(Chunk::Usage(self.counts.usage()));
        }
        let mut extra = document.rest();
        for mut candidate in candidates {
            // Only the first of several answers is followed.
            if candidate.take::<u64>("index").unwrap_or(0) == 0 {
                self.candidate(candidate, &mut extra, chunks);
            }
        }
        if !extra.is_empty() {
            chunks.push(Chunk::Extra(extra));
        }
        Ok(())
    }

    /// Why the answer ends; `None` if nothing has said that it does.
    pub(super) fn finish_reason(&self) -> Option<FinishReason> {
        let word = self.finish_reason.as_deref()?;
        Some(match word {
            "FUNCTION_CALL" | "STOP" if self.parts.has_calls() => FinishReason::ToolCalls,
            "STOP" => FinishReason::Stop,
            "MAX_TOKENS" => FinishReason::Length,
            "BLOCKLIST"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION"
            | "IMAGE_SAFETY"
            | "PROHIBITED_CONTENT"
            | "RECITATION"
            | "SAFETY"
            | "SPII" => FinishReason::ContentFilter,
            _ => FinishReason::Other(word.to_owned()),
        })
    }

    fn start(&mut self, document: &mut Fields<'_>, chunks: &mut Vec<Chunk>) {
        let (id, model) = (
            document.take_text("responseId"),
            document.take_text("modelVersion"),
        );
        if self.id.is_empty() {
            self.id.clone_from(&id);
        }
        if !std::mem::replace(&mut self.started, true) {
            chunks.push(Chunk::Start { id, model });
        }
    }

    fn candidate(
        &mut self,
        mut candidate: Fields<'_>,
        extra: &mut Map<String, Value>,
        chunks: &mut Vec<Chunk>,
    ) {
        self.has_candidate = true;
        let before = chunks.len();
        let mut content: Fields<'_> = candidate.take("content").unwrap_or_default();
        let parts: Vec<&RawValue> = content.take("parts").unwrap_or_default();
        for part in parts {
            self.parts.read(part, &self.id, chunks);
        }
        let reason = candidate.take("finishReason");
        // What comes after a reason for the end shows that it was none.
        if reason.is_some() || chunks.len() > before {
            self.finish_reason = reason;
        }
        extra.extend(candidate.rest());
    }
}

/// A prompt that was blocked has no answer, but a reason.
fn check_feedback(document: &mut Fields<'_>, id: &str, json: &[u8]) -> Result<(), ModelFailure> {
    let Some(mut feedback) = document.take::<Fields<'_>>("promptFeedback") else {
        return Ok(());
    };
    let Some(reason) = feedback.take::<String>("blockReason") else {
        return Ok(());
    };
    let message = feedback.take_text("blockReasonMessage");
    let message = match message.as_str() {
        "" => format!("the prompt was blocked: {reason}"),
        message => format!("the prompt was blocked: {message}"),
    };
    let mut error = ApiError::new(400, message)
        .with_kind(ApiErrorKind::ContentFilter)
        .with_code(reason);
    error.request_id = Some(id.to_owned()).filter(|id| !id.is_empty());
    error.body = json[..json.len().min(LONGEST_BODY)].to_vec().into();
    Err(error.into())
}

/// How much of a document is kept with an error, in bytes.
const LONGEST_BODY: usize = 256 * 1024;
