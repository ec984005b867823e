use fascine_message::{Content, Message, Part, Reasoning, Role, ToolCall};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::NAME;
use super::usage::Counts;
use crate::wire::{Fields, owned, stream_error};
use crate::{FinishReason, ModelFailure, Response};

/// Reads a whole answer. Unknown fields are no failure, and neither are blocks nobody has heard of.
pub(super) fn response(body: &[u8]) -> Result<Response, ModelFailure> {
    let mut document: Fields<'_> = serde_json::from_slice(body)
        .map_err(|error| ModelFailure::malformed(error.to_string(), body))?;
    if document.take_text("type") == "error" {
        let text = String::from_utf8_lossy(body);
        return Err(stream_error(&text, "an error in place of the answer").into());
    }
    let Some(blocks) = document.take::<Vec<&RawValue>>("content") else {
        return Err(ModelFailure::malformed("it has no content", body));
    };
    let mut content = Content::with_capacity(blocks.len());
    for block in blocks {
        read_block(block, &mut content);
    }
    let mut counts = Counts::default();
    if let Some(usage) = document.take("usage") {
        counts.update(usage);
    }
    let reason: Option<String> = document.take("stop_reason");
    let mut response = Response::new(Message::new(Role::Assistant, content));
    response.id = document.take_text("id");
    response.model = document.take_text("model");
    response.usage = counts.usage();
    response.finish_reason = match reason {
        Some(reason) => finish_reason(reason),
        None if response.message.tool_calls().next().is_some() => FinishReason::ToolCalls,
        None => FinishReason::Stop,
    };
    document.skip("role");
    response.extra = document.rest();
    counts.add_more(&mut response.extra);
    Ok(response)
}

fn read_block(block: &RawValue, content: &mut Content) {
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
    match part {
        Some(Part::Text { text }) if text.is_empty() => {}
        Some(Part::Reasoning(empty)) if empty == Reasoning::default().with_provider(NAME) => {}
        Some(part) => {
            content.push(part);
            content.extend(more(fields.rest()));
        }
        None => content.push(other(owned(block))),
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

/// Something that only this provider has.
pub(super) fn other(value: Value) -> Part {
    Part::Other {
        provider: NAME.to_owned(),
        value,
    }
}

/// What else there was to a block, as a part that follows it: it has no type of its own.
pub(super) fn more(mut fields: Map<String, Value>) -> Option<Part> {
    // Most calls say that they are ordinary ones, most texts that they cite nothing.
    let says_nothing = |name: &str, value: &Value| match name {
        "caller" => value["type"] == "direct",
        _ => value.as_array().is_some_and(Vec::is_empty),
    };
    fields.retain(|name, value| !says_nothing(name, value));
    (!fields.is_empty()).then(|| other(fields.into()))
}

pub(super) fn finish_reason(word: String) -> FinishReason {
    match word.as_str() {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "refusal" => FinishReason::Refusal,
        "tool_use" => FinishReason::ToolCalls,
        _ => FinishReason::Other(word),
    }
}
