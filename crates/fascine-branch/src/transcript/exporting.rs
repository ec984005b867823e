//! To OpenAI's messages.

use fascine_message::{Message, Part, Role, ToolCall, ToolResult};
use serde::Serialize;
use serde_json::{Value, json};

use super::loss::{Converted, Losses, OnLoss};
use super::{Transcript, TranscriptError, media};

impl Transcript {
    /// Writes the list of messages of OpenAI's Chat Completions API, as JSON in one line. Tool results are messages of
    /// their own.
    ///
    /// # Errors
    ///
    /// [`TranscriptError::Lossy`] when something would be lost that is not to be; [`TranscriptError::Invalid`] when a
    /// message is none of that API, such as a tool call that is not the model's.
    pub fn to_openai(&self, on_loss: OnLoss) -> Result<Converted<String>, TranscriptError> {
        let mut losses = Losses::new(on_loss);
        let mut messages = Vec::with_capacity(self.messages.len() + 1);
        if let Some(system) = &self.system {
            messages.push(Wire::new(Role::System, Value::from(system.as_str())));
        }
        for (index, message) in self.messages.iter().enumerate() {
            write(index, message, &mut messages, &mut losses)?;
        }
        let json = serde_json::to_string(&messages).map_err(|error| TranscriptError::Json {
            line: error.line(),
            column: error.column(),
            source: error.into(),
        })?;
        Ok(losses.with(json))
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    content: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Value>,
}

impl<'a> Wire<'a> {
    fn new(role: Role, content: Value) -> Self {
        Self {
            role,
            tool_call_id: None,
            content,
            tool_calls: Vec::new(),
        }
    }

    fn result(result: &'a ToolResult) -> Self {
        Self {
            tool_call_id: Some(&result.call_id),
            ..Self::new(Role::Tool, Value::from(result.text.as_str()))
        }
    }
}

fn write<'a>(
    index: usize,
    message: &'a Message,
    messages: &mut Vec<Wire<'a>>,
    losses: &mut Losses,
) -> Result<(), TranscriptError> {
    let role = message.role();
    let mut parts = Vec::new();
    let mut results = Vec::new();
    let mut calls = Vec::new();
    for (position, part) in message.content().iter().enumerate() {
        let field = || format!("content[{position}]");
        match part {
            Part::Text { text } => parts.push(json!({"type": "text", "text": text})),
            Part::ToolCall(call) if role == Role::Assistant => calls.push(wire_call(call)),
            Part::ToolCall(_) => {
                let reason = "is a tool call that is not the model's";
                return Err(TranscriptError::invalid(index, field(), reason));
            }
            Part::ToolResult(result) => {
                if result.is_error {
                    losses.add(index, field(), "that the tool failed")?;
                }
                results.push(Wire::result(result));
            }
            part => match media::write(part, role) {
                Ok(written) => {
                    if let Some(what) = written.lost {
                        losses.add(index, field(), what)?;
                    }
                    parts.push(written.value);
                }
                Err(what) => losses.add(index, field(), what)?,
            },
        }
    }
    if role == Role::Tool && !parts.is_empty() {
        let reason = "has more than results, and a tool says nothing else";
        return Err(TranscriptError::invalid(index, "content", reason));
    }
    let is_results_alone = parts.is_empty() && calls.is_empty() && !results.is_empty();
    let own = (!is_results_alone && role != Role::Tool).then(|| Wire {
        content: content(parts, calls.is_empty()),
        tool_calls: calls,
        ..Wire::new(role, Value::Null)
    });
    // A model calls before it is answered; whoever answers does so before anything else is said.
    let (before, after) = match role {
        Role::Assistant => (own, None),
        _ => (None, own),
    };
    messages.extend(before);
    messages.extend(results);
    messages.extend(after);
    Ok(())
}

fn content(mut parts: Vec<Value>, has_to_be: bool) -> Value {
    match (parts.len(), has_to_be) {
        (0, true) => Value::from(""),
        (0, false) => Value::Null,
        (1, _) if parts[0]["type"] == "text" => parts[0]["text"].take(),
        _ => Value::Array(parts),
    }
}

fn wire_call(call: &ToolCall) -> Value {
    let function = json!({"name": call.name, "arguments": call.arguments});
    json!({"id": call.id, "type": "function", "function": function})
}
