use fascine_message::{Reasoning, Usage};
use serde_json::value::RawValue;

use super::NAME;
use crate::wire::{
    self, Count, Flag, List, Raw, Text, UnknownFields, made_up, more_of_part, open_object,
    owned_fields, stream_error,
};
use crate::{Accumulator, Chunk, FinishReason, ModelFailure, Response};

/// Reads a whole answer.
pub(super) fn response(body: &[u8]) -> Result<Response, ModelFailure> {
    let (mut answer, mut chunks) = (Answer::default(), Vec::new());
    answer.read(body, &mut chunks)?;
    if !answer.has_message {
        return Err(ModelFailure::malformed("it has no message", body));
    }
    answer.extra(&mut chunks);
    let mut whole = Accumulator::new();
    for chunk in &chunks {
        whole.push(chunk);
    }
    Ok(whole.into_response())
}

open_object! {
    /// What the server writes.
    Document<'a> {
        model: Text<'a> = "model",
        created_at: Text<'a> = "created_at",
        message: Option<Said<'a>> = "message",
        done: Flag = "done",
        done_reason: Text<'a> = "done_reason",
        prompt: Count = "prompt_eval_count",
        answer: Count = "eval_count",
        error: Raw<'a> = "error",
    }
}

open_object! {
    /// A message, or more of one.
    Said<'a> {
        role: Text<'a> = "role",
        thinking: Text<'a> = "thinking",
        content: Text<'a> = "content",
        calls: List<Call<'a>> = "tool_calls",
    }
}

open_object! {
    Call<'a> {
        id: Text<'a> = "id",
        kind: Text<'a> = "type",
        function: Function<'a> = "function",
    }
}

open_object! {
    Function<'a> {
        index: Count = "index",
        name: Text<'a> = "name",
        arguments: Raw<'a> = "arguments",
    }
}

/// An answer, whole or in the making: it comes in one document or in many of the same form.
#[derive(Debug, Default)]
pub(super) struct Answer {
    started: bool,
    has_message: bool,
    calls: usize,
    unknown: UnknownFields,
    pub(super) done: bool,
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
        if !std::mem::replace(&mut self.started, true) {
            chunks.push(Chunk::Start {
                id: String::new(),
                model: document.model.into_string().unwrap_or_default(),
            });
        }
        if let Some(message) = document.message {
            self.message(message, document.created_at.or_empty(), chunks);
        }
        self.unknown.of_document(document.rest);
        if document.done.0 {
            self.done = true;
            let reason = document.done_reason.as_str();
            chunks.push(Chunk::Finish(self.finish_reason(reason)));
            // A prompt that the server had in its cache is not counted.
            if document.prompt.0.or(document.answer.0).is_some() {
                let usage = Usage::new(document.prompt.or_zero(), document.answer.or_zero());
                chunks.push(Chunk::Usage(usage));
            }
            let created_at = document.created_at.into_string();
            self.unknown.put(&[MESSAGE], "created_at", created_at);
            self.extra(chunks);
        }
        Ok(())
    }

    /// Adds what is not known of it, at the end.
    fn extra(&mut self, chunks: &mut Vec<Chunk>) {
        let extra = self.unknown.take_extra(&[MESSAGE]);
        if !extra.is_empty() {
            chunks.push(Chunk::Extra(extra));
        }
    }

    fn message(&mut self, message: Said<'_>, created_at: &str, chunks: &mut Vec<Chunk>) {
        self.has_message = true;
        if let Some(thinking) = message.thinking.into_string() {
            let reasoning = Reasoning::new(thinking).with_provider(NAME);
            chunks.push(Chunk::Reasoning(reasoning));
        }
        chunks.extend(message.content.into_string().map(Chunk::Text));
        for call in message.calls.into_items() {
            self.call(call, created_at, chunks);
        }
        let role = message.role.as_str().filter(|role| *role != "assistant");
        self.unknown.put(&[MESSAGE], "role", role);
        self.unknown.of_piece(&[MESSAGE], message.rest);
    }

    fn call(&mut self, call: Call<'_>, created_at: &str, chunks: &mut Vec<Chunk>) {
        let id = call.id.into_string();
        chunks.push(Chunk::ToolCall {
            index: self.calls,
            id: Some(id.unwrap_or_else(|| made_up(created_at, self.calls))),
            name: call.function.name.into_string(),
            arguments: arguments(call.function.arguments),
        });
        self.calls += 1;
        let mut more = owned_fields(call.rest);
        let kind = call.kind.into_string().filter(|kind| kind != "function");
        more.extend(kind.map(|kind| ("type".to_owned(), kind.into())));
        if !call.function.rest.is_empty() {
            let function = owned_fields(call.function.rest);
            more.insert("function".to_owned(), function.into());
        }
        if !more.is_empty() {
            chunks.push(Chunk::Part(more_of_part(NAME, more)));
        }
    }

    fn finish_reason(&self, reason: Option<&str>) -> FinishReason {
        match reason {
            None | Some("stop") if self.calls > 0 => FinishReason::ToolCalls,
            None | Some("stop") => FinishReason::Stop,
            Some("length") => FinishReason::Length,
            Some(other) => FinishReason::Other(other.to_owned()),
        }
    }
}

/// Where the fields of the message are kept.
const MESSAGE: &str = "message";

/// They are an object; servers that are only like Ollama send them as a text.
fn arguments(arguments: Raw<'_>) -> String {
    let raw = arguments.0.map_or("", RawValue::get);
    let text = serde_json::from_str::<String>(raw).unwrap_or_else(|_| raw.to_owned());
    match text.as_str() {
        "" => "{}".to_owned(),
        _ => text,
    }
}
