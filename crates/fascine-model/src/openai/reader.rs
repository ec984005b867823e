use std::borrow::Cow;

use fascine_message::{Part, Reasoning};
use serde_json::{Map, Value, json};

use super::answer::{Answer, Choice, Said};
use super::audio::Recording;
use super::calls::Calls;
use super::details;
use crate::wire::Rest;
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
    /// Fields at the top that are not known, as they came last.
    top: Vec<(String, Box<str>)>,
    /// Fields further down that are not known, put together.
    below: Map<String, Value>,
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
            top: Vec::new(),
            below: Map::new(),
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
        let choices = answer.choices.unwrap_or_default();
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
        let usage = answer.usage.and_then(|counts| counts.read());
        chunks.extend(usage.map(Chunk::Usage));
        self.keep(answer.rest);
    }

    /// The end of the answer: adds the pieces that have waited for it.
    pub(super) fn finish(&mut self, chunks: &mut Vec<Chunk>) {
        self.calls.finish(chunks);
        chunks.extend(self.recording.take().map(Chunk::Part));
        let mut extra = std::mem::take(&mut self.below);
        // No field for people to read: it is to go back with the message.
        if let Some(Value::Array(pieces)) = extra.remove(DETAILS) {
            chunks.push(Chunk::Part(Part::Other {
                provider: self.provider.to_string(),
                value: json!({ DETAILS: details::joined(pieces) }),
            }));
        }
        for (name, raw) in self.top.drain(..) {
            if let Ok(value) = serde_json::from_str(&raw) {
                extra.insert(name, value);
            }
        }
        if !extra.is_empty() {
            chunks.push(Chunk::Extra(extra));
        }
        let reason = self.finish_reason.take().unwrap_or(FinishReason::Stop);
        chunks.push(Chunk::Finish(match reason {
            FinishReason::Stop if !self.calls.is_empty() => FinishReason::ToolCalls,
            FinishReason::Stop if self.refused => FinishReason::Refusal,
            reason => reason,
        }));
    }

    fn read_choice(&mut self, choice: Choice<'_>, chunks: &mut Vec<Chunk>) {
        self.has_choice = true;
        if let Some(said) = choice.said {
            self.read_said(said, chunks);
        }
        if let Some(word) = choice.finish_reason.as_str() {
            self.finish_reason = Some(finish_reason(word));
        }
        merge_all(&mut self.below, &choice.rest);
    }

    fn read_said(&mut self, said: Said<'_>, chunks: &mut Vec<Chunk>) {
        if let Some(thought) = said.reasoning.into_string() {
            chunks.push(Chunk::Reasoning(Reasoning::new(thought)));
        }
        said.content.into_chunks(&self.provider, chunks);
        if let Some(refusal) = said.refusal.into_string() {
            self.refused = true;
            chunks.push(Chunk::Text(refusal));
        }
        for call in said.tool_calls.unwrap_or_default() {
            chunks.push(self.calls.read(call));
        }
        if let Some(function) = said.function_call {
            chunks.push(self.calls.read_function(*function));
        }
        if let Some(audio) = said.audio {
            chunks.extend(self.recording.read(*audio).map(Chunk::Text));
        }
        merge_all(&mut self.below, &said.rest);
    }

    /// Nearly always each event repeats what the one before had.
    fn keep(&mut self, rest: Rest<'_>) {
        for (name, value) in rest {
            let (name, raw) = (name.or_empty(), value.get());
            match self.top.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) if **known == *raw => {}
                Some((_, known)) if raw != "null" => *known = raw.into(),
                Some(_) => {}
                None => self.top.push((name.to_owned(), raw.into())),
            }
        }
    }
}

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

fn merge_all(into: &mut Map<String, Value>, rest: &Rest<'_>) {
    for (name, raw) in rest {
        if let Ok(value) = serde_json::from_str(raw.get()) {
            merge(into.entry(name.or_empty()).or_insert(Value::Null), value);
        }
    }
}

/// Lists grow, objects are put together, everything else is replaced.
fn merge(into: &mut Value, value: Value) {
    match (into, value) {
        (Value::Array(list), Value::Array(more)) => list.extend(more),
        (Value::Object(fields), Value::Object(more)) => {
            for (name, value) in more {
                merge(fields.entry(name).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (into, value) => *into = value,
    }
}
