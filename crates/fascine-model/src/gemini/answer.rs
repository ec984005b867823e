use fascine_message::{Media, MediaSource, Part, Reasoning};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::NAME;
use super::usage::Counts;
use crate::wire::{Fields, made_up, owned, stream_error};
use crate::{Accumulator, ApiError, ApiErrorKind, Chunk, FinishReason, ModelFailure, Response};

/// Reads a whole answer.
pub(super) fn response(body: &[u8]) -> Result<Response, ModelFailure> {
    let (mut answer, mut chunks) = (Answer::default(), Vec::new());
    answer.read(body, &mut chunks)?;
    if !answer.has_candidate {
        return Err(ModelFailure::malformed("it has no candidates", body));
    }
    let calls = || (answer.calls > 0).then_some(FinishReason::ToolCalls);
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
    calls: usize,
    /// Whether the last part is a text with a seal on it, which does not hold for what follows.
    sealed: bool,
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
            "FUNCTION_CALL" | "STOP" if self.calls > 0 => FinishReason::ToolCalls,
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
        if !std::mem::replace(&mut self.started, true) {
            self.id.clone_from(&id);
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
            self.part(part, chunks);
        }
        let reason = candidate.take("finishReason");
        // What comes after a reason for the end shows that it was none.
        if reason.is_some() || chunks.len() > before {
            self.finish_reason = reason;
        }
        extra.extend(candidate.rest());
    }

    fn part(&mut self, part: &RawValue, chunks: &mut Vec<Chunk>) {
        let mut fields: Fields<'_> = serde_json::from_str(part.get()).unwrap_or_default();
        let thought = fields.take("thought").unwrap_or(false);
        let seal: Option<String> = fields.take("thoughtSignature");
        if let Some(text) = fields.take("text") {
            match thought {
                true => self.thought(text, seal, chunks),
                false => self.text(text, seal, chunks),
            }
        } else if let Some(call) = fields.take("functionCall").and_then(Call::read) {
            self.seal(seal, chunks);
            chunks.push(Chunk::ToolCall {
                index: self.calls,
                id: Some(call.id.unwrap_or_else(|| made_up(&self.id, self.calls))),
                name: Some(call.name),
                arguments: call.arguments,
            });
            self.calls += 1;
        } else if let Some(medium) = medium(&mut fields) {
            self.seal(seal, chunks);
            chunks.push(Chunk::Part(medium));
        } else if seal.is_some() && fields.is_empty() {
            self.text(String::new(), seal, chunks);
        } else {
            self.sealed = false;
            chunks.push(Chunk::Part(Part::Other {
                provider: NAME.to_owned(),
                value: owned(part),
            }));
        }
    }

    fn thought(&mut self, text: String, seal: Option<String>, chunks: &mut Vec<Chunk>) {
        self.sealed = false;
        if !text.is_empty() || seal.is_some() {
            let mut reasoning = Reasoning::new(text).with_provider(NAME);
            reasoning.signature = seal;
            chunks.push(Chunk::Reasoning(reasoning));
        }
    }

    fn text(&mut self, text: String, seal: Option<String>, chunks: &mut Vec<Chunk>) {
        let has_seal = seal.is_some();
        if text.is_empty() && !has_seal {
            return;
        }
        // An empty part keeps two texts apart that would become one.
        let empty = || Chunk::Part(Part::text(""));
        if self.sealed && !has_seal {
            chunks.push(empty());
        }
        self.seal(seal, chunks);
        self.sealed = has_seal;
        chunks.push(match text.is_empty() {
            true => empty(),
            false => Chunk::Text(text),
        });
    }

    /// Puts a seal before the part it is on.
    fn seal(&mut self, seal: Option<String>, chunks: &mut Vec<Chunk>) {
        self.sealed = false;
        let seal = seal.map(|seal| {
            let reasoning = Reasoning::default().with_signature(seal);
            Chunk::Part(Part::Reasoning(reasoning.with_provider(NAME)))
        });
        chunks.extend(seal);
    }
}

struct Call {
    id: Option<String>,
    name: String,
    arguments: String,
}

impl Call {
    fn read(mut fields: Fields<'_>) -> Option<Self> {
        let arguments = fields.take::<&RawValue>("args").map(RawValue::get);
        Some(Self {
            id: fields.take("id").filter(|id: &String| !id.is_empty()),
            name: fields.take("name")?,
            arguments: arguments.unwrap_or("{}").to_owned(),
        })
    }
}

/// A picture, a recording or a document.
fn medium(fields: &mut Fields<'_>) -> Option<Part> {
    let (mut data, key) = match fields.take::<Fields<'_>>("inlineData") {
        Some(data) => (data, "data"),
        None => (fields.take::<Fields<'_>>("fileData")?, "fileUri"),
    };
    let content: String = data.take(key)?;
    let mut media = Media::from_url(data.take_text("mimeType"), "");
    media.source = match key {
        "data" => MediaSource::Base64(content),
        _ => MediaSource::Url(content),
    };
    Some(match media.media_type.split('/').next() {
        Some("audio") => Part::Audio(media),
        Some("image") => Part::Image(media),
        _ => Part::Document(media),
    })
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
    error.body = json.to_vec().into();
    Err(error.into())
}
