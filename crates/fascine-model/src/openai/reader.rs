use std::borrow::Cow;

use fascine_message::{Part, Reasoning};
use serde_json::{Map, Value};

use super::answer::{Answer, Choice, Said};
use super::audio::Recording;
use super::calls::Calls;
use super::{content, details};
use crate::wire::{Raw, UnknownFields, owned};
use crate::{Chunk, FinishReason};

/// Turns what the server writes into pieces of an answer: one document, or one event after the other.
#[derive(Debug)]
pub(super) struct Reader {
    provider: Cow<'static, str>,
    started: bool,
    has_choice: bool,
    calls: Calls,
    recording: Recording,
    refused: bool,
    finish_reason: Option<FinishReason>,
    /// What the document is called.
    object: String,
    /// When the answer was begun.
    created: Option<Value>,
    unknown: UnknownFields,
}

impl Reader {
    /// Reads answers of the provider of this name.
    pub(super) fn new(provider: Cow<'static, str>) -> Self {
        Self {
            provider,
            started: false,
            has_choice: false,
            calls: Calls::default(),
            recording: Recording::default(),
            refused: false,
            finish_reason: None,
            object: String::new(),
            created: None,
            unknown: UnknownFields::default(),
        }
    }

    /// Whether anything of an answer has come.
    pub(super) fn has_choice(&self) -> bool {
        self.has_choice
    }

    /// Whether the reason for the end has come.
    pub(super) fn is_finished(&self) -> bool {
        self.finish_reason.is_some()
    }

    /// Takes what the server wrote.
    pub(super) fn read(&mut self, answer: Answer<'_>, chunks: &mut Vec<Chunk>) {
        let choices = answer.choices.into_items();
        let (id, model) = (answer.id.as_str(), answer.model.as_str());
        // Azure begins with an event that says neither.
        if !self.started && (id.or(model).is_some() || !choices.is_empty()) {
            self.started = true;
            self.calls.name_after(id.unwrap_or_default());
            chunks.push(Chunk::Start {
                id: id.unwrap_or_default().to_owned(),
                model: model.unwrap_or_default().to_owned(),
            });
        }
        // Only the first of several answers is followed.
        for choice in choices {
            if choice.index.or_zero() == 0 {
                self.read_choice(choice, chunks);
            }
        }
        if let Some(counts) = answer.usage {
            chunks.extend(counts.usage().map(Chunk::Usage));
            counts.keep_rest(&mut self.unknown);
        }
        self.name_document(answer.object.or_empty(), answer.created);
        self.unknown.of_document(answer.rest);
    }

    /// The end of the answer: adds the pieces that have waited for it.
    pub(super) fn finish(&mut self, chunks: &mut Vec<Chunk>) {
        self.calls.finish(chunks);
        chunks.extend(self.recording.take().map(Chunk::Part));
        chunks.extend(self.take_fields().map(Chunk::Part));
        chunks.extend(self.take_extra().map(Chunk::Extra));
        let reason = self.finish_reason.take().unwrap_or(FinishReason::Stop);
        chunks.push(Chunk::Finish(match reason {
            FinishReason::Stop if !self.calls.is_empty() => FinishReason::ToolCalls,
            FinishReason::Stop if self.refused => FinishReason::Refusal,
            reason => reason,
        }));
    }

    /// What the document says of itself, the first time.
    fn name_document(&mut self, object: &str, created: Raw<'_>) {
        if self.object.is_empty() {
            // The pieces are called so, and what they make is not.
            object
                .trim_end_matches(".chunk")
                .clone_into(&mut self.object);
        }
        if self.created.is_none() {
            self.created = created.0.map(owned);
        }
    }

    /// The fields that are to go back with the message: no field for people to read.
    fn take_fields(&mut self) -> Option<Part> {
        let mut fields = Map::new();
        if let Some(Value::Array(pieces)) = self.unknown.take(MESSAGE, DETAILS) {
            fields.insert(DETAILS.to_owned(), details::joined(pieces).into());
        }
        let calls = self.calls.take_fields();
        if !calls.is_empty() {
            fields.insert("tool_calls".to_owned(), calls.into());
        }
        let provider = self.provider.to_string();
        let value = fields.into();
        (value != Value::Object(Map::new())).then_some(Part::Other { provider, value })
    }

    fn take_extra(&mut self) -> Option<Map<String, Value>> {
        let mut extra = self.unknown.take_extra(&[CHOICE, MESSAGE]);
        let object = Some(std::mem::take(&mut self.object)).filter(|object| !object.is_empty());
        extra.extend(object.map(|object| ("object".to_owned(), object.into())));
        extra.extend(
            self.created
                .take()
                .map(|created| ("created".to_owned(), created)),
        );
        (!extra.is_empty()).then_some(extra)
    }

    fn read_choice(&mut self, choice: Choice<'_>, chunks: &mut Vec<Chunk>) {
        self.has_choice = true;
        if let Some(said) = choice.said {
            self.read_said(said, chunks);
        }
        if let Some(word) = choice.finish_reason.as_str() {
            self.finish_reason = Some(finish_reason(word));
        }
        self.unknown.of_piece(&[CHOICE], choice.rest);
    }

    fn read_said(&mut self, said: Said<'_>, chunks: &mut Vec<Chunk>) {
        // Some write both, with the same text.
        let thought = said.reasoning_content.into_string();
        if let Some(thought) = thought.or(said.reasoning.into_string()) {
            chunks.push(Chunk::Reasoning(Reasoning::new(thought)));
        }
        content::read(said.content, &self.provider, &mut self.unknown, chunks);
        if let Some(refusal) = said.refusal.into_string() {
            self.refused = true;
            chunks.push(Chunk::Text(refusal));
        }
        for call in said.tool_calls.into_items() {
            chunks.push(self.calls.read(call));
        }
        if let Some(function) = said.function_call {
            chunks.push(self.calls.read_function(*function));
        }
        if let Some(mut audio) = said.audio {
            let rest = std::mem::take(&mut audio.rest);
            self.unknown.of_piece(&["audio"], rest);
            chunks.extend(self.recording.read(*audio).map(Chunk::Text));
        }
        let role = said.role.into_string().filter(|role| role != "assistant");
        self.unknown.put(&[MESSAGE], "role", role);
        let mut rest = said.rest;
        // OpenAI says of each message that it has none.
        rest.retain(|(name, value)| name.or_empty() != "annotations" || !value.is("[]"));
        self.unknown.of_piece(&[MESSAGE], rest);
    }
}

/// Where the fields of the choice and of its message are kept.
const CHOICE: &str = "choice";
const MESSAGE: &str = "message";

/// Where OpenRouter has the seals of what was thought.
const DETAILS: &str = "reasoning_details";

/// The reasons of OpenAI, and what others call them.
fn finish_reason(word: &str) -> FinishReason {
    match word {
        "content_filter" => FinishReason::ContentFilter,
        "length" | "max_tokens" | "model_length" => FinishReason::Length,
        "eos" | "stop" | "stop_sequence" => FinishReason::Stop,
        "function_call" | "tool_calls" => FinishReason::ToolCalls,
        other => FinishReason::Other(other.to_owned()),
    }
}
