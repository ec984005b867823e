use fascine_message::{Message, Part, Role};
use serde_json::{Map, Value, json};

use crate::{Delivery, ModelFailure, Request};

/// The body of a request.
pub(super) fn body(
    request: &Request,
    default_model: &str,
    delivery: Delivery,
) -> Result<Vec<u8>, ModelFailure> {
    let model = request.model.as_deref().unwrap_or(default_model);
    if model.is_empty() {
        return Err(ModelFailure::invalid("model", "is empty"));
    }
    if request.messages.is_empty() {
        return Err(ModelFailure::invalid("messages", "are empty"));
    }
    let mut messages = Vec::new();
    for message in &request.messages {
        write_message(message, &mut messages);
    }
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    body.insert("messages".into(), messages.into());
    if let Some(max) = request.max_tokens {
        body.insert("max_tokens".into(), max.into());
    }
    if let Some(temperature) = request.temperature {
        if !temperature.is_finite() {
            return Err(ModelFailure::invalid(
                "temperature",
                "is not a finite number",
            ));
        }
        body.insert("temperature".into(), temperature.into());
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                },
            })
        });
        body.insert("tools".into(), tools.collect());
    }
    if delivery == Delivery::Stream {
        body.insert("stream".into(), true.into());
        body.insert("stream_options".into(), json!({ "include_usage": true }));
    }
    Ok(Value::Object(body).to_string().into_bytes())
}

/// Tool results are messages of their own here, one each.
fn write_message(message: &Message, messages: &mut Vec<Value>) {
    let mut calls = Vec::new();
    let mut has_text = false;
    for part in message.content() {
        match part {
            Part::ToolCall(call) => calls.push(json!({
                "id": call.id,
                "type": "function",
                "function": { "name": call.name, "arguments": call.arguments },
            })),
            Part::ToolResult(result) => messages.push(json!({
                "role": Role::Tool.as_str(),
                "tool_call_id": result.call_id,
                "content": result.text,
            })),
            _ => has_text = true,
        }
    }
    if !calls.is_empty() {
        let text = if has_text {
            Value::String(message.text())
        } else {
            Value::Null
        };
        let role = message.role().as_str();
        messages.push(json!({ "role": role, "content": text, "tool_calls": calls }));
    } else if has_text || message.content().is_empty() {
        messages.push(json!({ "role": message.role().as_str(), "content": message.text() }));
    }
}
