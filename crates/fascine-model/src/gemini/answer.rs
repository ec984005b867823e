use super::parts::{Part, Parts};
use super::usage::{Counts, Report};
use crate::wire::{self, Count, Fit, List, Raw, Text, UnknownFields, open_object, stream_error};
use crate::{Accumulator, ApiError, ApiErrorKind, Chunk, FinishReason, ModelFailure, Response};

/// Reads a whole answer.
pub(super) fn response(body: &[u8]) -> Result<Response, ModelFailure> {
    let (mut answer, mut chunks) = (Answer::default(), Vec::new());
    answer.read(body, &mut chunks)?;
    if !answer.has_candidate {
        return Err(ModelFailure::malformed("it has no candidates", body));
    }
    let calls = || answer.parts.has_calls().then_some(FinishReason::ToolCalls);
    let reason = answer.finish_reason().or_else(calls);
    answer.finish(reason, &mut chunks);
    let mut whole = Accumulator::new();
    for chunk in &chunks {
        whole.push(chunk);
    }
    Ok(whole.into_response())
}

open_object! {
    /// What the server writes.
    Document<'a> {
        id: Text<'a> = "responseId",
        model: Text<'a> = "modelVersion",
        candidates: List<Candidate<'a>> = "candidates",
        feedback: Feedback<'a> = "promptFeedback",
        usage: Option<Report<'a>> = "usageMetadata",
        error: Raw<'a> = "error",
    }
}

open_object! {
    Candidate<'a> {
        index: Count = "index",
        content: Content<'a> = "content",
        finish_reason: Text<'a> = "finishReason",
    }
}

open_object! {
    Content<'a> {
        role: Text<'a> = "role",
        parts: List<Fit<Part<'a>>> = "parts",
    }
}

open_object! {
    /// What became of a prompt.
    Feedback<'a> {
        reason: Text<'a> = "blockReason",
        message: Text<'a> = "blockReasonMessage",
    }
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
    unknown: UnknownFields,
}

impl Answer {
    /// Reads a document.
    pub(super) fn read(
        &mut self,
        json: &[u8],
        chunks: &mut Vec<Chunk>,
    ) -> Result<(), ModelFailure> {
        let document: Document<'_> = wire::document(json)?;
        if document.error.0.is_some() {
            let text = String::from_utf8_lossy(json);
            return Err(stream_error(&text, "an error in place of the answer").into());
        }
        self.start(document.id, document.model, chunks);
        let candidates = document.candidates.into_items();
        match document.feedback.reason.as_str() {
            Some(reason) if candidates.is_empty() => {
                return Err(blocked(reason, &document.feedback.message, &self.id, json).into());
            }
            reason => self.unknown.put(&["promptFeedback"], "blockReason", reason),
        }
        let message = document.feedback.message.as_str();
        self.unknown
            .put(&["promptFeedback"], "blockReasonMessage", message);
        self.unknown
            .of_whole(&["promptFeedback"], document.feedback.rest);
        if let Some(report) = document.usage {
            self.unknown
                .of_whole(&["usageMetadata"], self.counts.update(report));
            chunks.push(Chunk::Usage(self.counts.usage()));
        }
        self.unknown.of_document(document.rest);
        for candidate in candidates {
            // Only the first of several answers is followed.
            if candidate.index.or_zero() == 0 {
                self.candidate(candidate, chunks);
            }
        }
        Ok(())
    }

    /// The end of the answer: adds what has waited for it.
    pub(super) fn finish(&mut self, reason: Option<FinishReason>, chunks: &mut Vec<Chunk>) {
        let extra = self.unknown.take_extra(&["candidate"]);
        if !extra.is_empty() {
            chunks.push(Chunk::Extra(extra));
        }
        chunks.extend(reason.map(Chunk::Finish));
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

    fn start(&mut self, id: Text<'_>, model: Text<'_>, chunks: &mut Vec<Chunk>) {
        if self.id.is_empty() {
            id.or_empty().clone_into(&mut self.id);
        }
        if !std::mem::replace(&mut self.started, true) {
            chunks.push(Chunk::Start {
                id: id.into_string().unwrap_or_default(),
                model: model.into_string().unwrap_or_default(),
            });
        }
    }

    fn candidate(&mut self, candidate: Candidate<'_>, chunks: &mut Vec<Chunk>) {
        self.has_candidate = true;
        let before = chunks.len();
        let content = candidate.content;
        for part in content.parts.into_items() {
            self.parts.read(part.0, &self.id, chunks);
        }
        let reason = candidate.finish_reason.into_string();
        // What comes after a reason for the end shows that it was none.
        if reason.is_some() || chunks.len() > before {
            self.finish_reason = reason;
        }
        self.unknown.of_whole(&["candidate"], candidate.rest);
        let role = content.role.as_str().filter(|role| *role != "model");
        self.unknown.put(&["content"], "role", role);
        self.unknown.of_whole(&["content"], content.rest);
    }
}

/// A prompt that was blocked has no answer, but a reason.
fn blocked(reason: &str, message: &Text<'_>, id: &str, json: &[u8]) -> ApiError {
    let message = message.as_str().unwrap_or(reason);
    let mut error = ApiError::new(400, format!("the prompt was blocked: {message}"))
        .with_kind(ApiErrorKind::ContentFilter)
        .with_code(reason);
    error.request_id = Some(id.to_owned()).filter(|id| !id.is_empty());
    error.body = json[..json.len().min(LONGEST_BODY)].to_vec().into();
    error
}

/// How much of a document is kept with an error, in bytes.
const LONGEST_BODY: usize = 256 * 1024;
