use fascine_message::{Content, Message, Part, Reasoning, Role, ToolCall};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::NAME;
use super::usage::{Counts, Report};
use crate::wire::{
    self, Fields, List, Text, UnknownFields, open_object, own_part, owned, owned_fields,
    stream_error,
};
use crate::{FinishReason, ModelFailure, Response};

open_object! {
    /// What the server writes; in a stream, without the content.
    Document<'a> {
        kind: Text<'a> = "type",
        role: Text<'a> = "role",
        id: Text<'a> = "id",
        model: Text<'a> = "model",
        content: List<&'a RawValue> = "content",
        stop_reason: Text<'a> = "stop_reason",
        usage: Option<Report<'a>> = "usage",
    }
}

impl Document<'_> {
    /// Keeps what is not known of it.
    pub(super) fn keep_rest(self, unknown: &mut UnknownFields) {
        let kind = self.kind.as_str().filter(|kind| *kind != "message");
        unknown.put(&["message"], "type", kind);
        let role = self.role.as_str().filter(|role| *role != "assistant");
        unknown.put(&["message"], "role", role);
        unknown.of_document(self.rest);
    }
}

/// Reads a whole answer. Unknown fields are no failure, and neither are blocks nobody has heard of.
pub(super) fn response(body: &[u8]) -> Result<Response, ModelFailure> {
    let mut document: Document<'_> = wire::document(body)?;
    if document.kind.as_str() == Some("error") {
        let text = String::from_utf8_lossy(body);
        return Err(stream_error(&text, "an error in place of an answer").into());
    }
    let Some(blocks) = document.content.0.take() else {
        return Err(ModelFailure::malformed("it has no content", body));
    };
    let mut unknown = UnknownFields::default();
    let mut content = Content::with_capacity(blocks.len());
    for (place, block) in blocks.into_iter().enumerate() {
        read_block(place, block, &mut content, &mut unknown);
    }
    let mut counts = Counts::default();
    if let Some(report) = document.usage.take() {
        counts.update(report, &mut unknown);
    }
    let mut response = Response::new(Message::new(Role::Assistant, content));
    response.id = document.id.or_empty().to_owned();
    response.model = document.model.or_empty().to_owned();
    response.usage = counts.usage();
    response.finish_reason = match document.stop_reason.as_str() {
        Some(reason) => finish_reason(reason),
        None if response.message.tool_calls().next().is_some() => FinishReason::ToolCalls,
        None => FinishReason::Stop,
    };
    document.keep_rest(&mut unknown);
    response.extra = unknown.take_extra(&["message"]);
    Ok(response)
}

/// Reads the block at a place of the answer.
fn read_block(place: usize, block: &RawValue, content: &mut Content, unknown: &mut UnknownFields) {
    let mut fields: Fields<'_> = serde_json::from_str(block.get()).unwrap_or_default();
    let part = match fields.take_text("type").as_str() {
        "redacted_thinking" => fields
            .take("data")
            .map(|data: String| thought(Reasoning::default().with_encrypted(data))),
        "text" => fields.take("text").map(|text| Part::Text { text }),
        "thinking" => read_thinking(&mut fields),
        "tool_use" => read_call(&mut fields).map(Part::ToolCall),
        _ => None,
    };
    let Some(part) = part else {
        content.push(own_part(NAME, owned(block)));
        return;
    };
    let more = more(owned_fields(fields.rest()));
    let is_empty = match &part {
        Part::Text { text } => text.is_empty(),
        Part::Reasoning(empty) => *empty == Reasoning::default().with_provider(NAME),
        _ => false,
    };
    if is_empty {
        // There is nothing that it could follow.
        unknown.of_piece_values(&["content", &place.to_string()], more);
        return;
    }
    content.push(part);
    if !more.is_empty() {
        content.push(own_part(NAME, more));
    }
}

fn read_thinking(fields: &mut Fields<'_>) -> Option<Part> {
    let mut reasoning = Reasoning::new(fields.take::<String>("thinking")?);
    let signature = fields.take_text("signature");
    reasoning.signature = Some(signature).filter(|signature| !signature.is_empty());
    Some(thought(reasoning))
}

fn read_call(fields: &mut Fields<'_>) -> Option<ToolCall> {
    let (id, name): (String, String) = (fields.take("id")?, fields.take("name")?);
    let input = fields.take::<&RawValue>("input").map(RawValue::get);
    Some(ToolCall::new(id, name, input.unwrap_or("{}")))
}

fn thought(reasoning: Reasoning) -> Part {
    Part::Reasoning(reasoning.with_provider(NAME))
}

/// What else there was to a block, for a part that follows it: it has no type of its own.
pub(super) fn more(mut fields: Map<String, Value>) -> Map<String, Value> {
    // Most calls say that they are ordinary ones, most texts that they cite nothing.
    fields.retain(|name, value| match (name.as_str(), value) {
        ("caller", Value::Object(caller)) => {
            caller.len() != 1 || caller.get("type") != Some(&"direct".into())
        }
        ("citations", Value::Array(citations)) => !citations.is_empty(),
        _ => true,
    });
    fields
}

pub(super) fn finish_reason(word: &str) -> FinishReason {
    match word {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "refusal" => FinishReason::Refusal,
        "tool_use" => FinishReason::ToolCalls,
        _ => FinishReason::Other(word.to_owned()),
    }
}
