//! From OpenAI's messages.

use fascine_message::{Message, Part, Role, ToolCall};
use serde_json::{Map, Value};

use super::loss::{Converted, Losses, OnLoss};
use super::{Transcript, TranscriptError, pairing, parts};

impl Transcript {
    /// Reads the list of messages of OpenAI's Chat Completions API. A first message of the system is the system prompt.
    ///
    /// # Errors
    ///
    /// [`TranscriptError::Json`] when it is no list, [`TranscriptError::Invalid`] when a message is none, or half of a tool
    /// call is missing, and [`TranscriptError::Lossy`] when something would be lost that is not to be.
    pub fn from_openai(json: &str, on_loss: OnLoss) -> Result<Converted<Self>, TranscriptError> {
        let list: Vec<Value> =
            serde_json::from_str(json).map_err(|error| TranscriptError::Json {
                line: error.line(),
                column: error.column(),
                source: error.into(),
            })?;
        let mut losses = Losses::new(on_loss);
        let mut messages = Vec::with_capacity(list.len());
        for (index, value) in list.into_iter().enumerate() {
            messages.push(read(index, value, &mut losses)?);
        }
        pairing::check(&messages)?;
        Ok(losses.with(Self::with_leading_system(messages)))
    }

    /// Makes the first message the system prompt, if it is one and a text.
    pub(super) fn with_leading_system(mut messages: Vec<Message>) -> Self {
        let system = messages.first().and_then(|first| match first.content() {
            [Part::Text { text }] if first.role() == Role::System => Some(text.clone()),
            _ => None,
        });
        if system.is_some() {
            messages.remove(0);
        }
        Self { system, messages }
    }
}

fn read(index: usize, value: Value, losses: &mut Losses) -> Result<Message, TranscriptError> {
    let Value::Object(mut fields) = value else {
        return Err(TranscriptError::invalid(
            index,
            "role",
            "is missing: this is no object",
        ));
    };
    let role = role(index, fields.remove("role"))?;
    let content = fields.remove("content").unwrap_or(Value::Null);
    let content = match role {
        Role::Tool => {
            let call_id = match fields.remove("tool_call_id") {
                Some(Value::String(id)) => id,
                _ => {
                    let reason = "is missing, or no text";
                    return Err(TranscriptError::invalid(index, "tool_call_id", reason));
                }
            };
            vec![parts::result(index, call_id, content)?]
        }
        role => {
            let calls = match role {
                Role::Assistant => calls(index, fields.remove("tool_calls"), losses)?,
                _ => Vec::new(),
            };
            let may_be_missing = role == Role::Assistant;
            let mut content = parts::read(index, content, may_be_missing, losses)?;
            content.extend(calls.into_iter().map(Part::ToolCall));
            content
        }
    };
    parts::check_rest(index, "", &fields, losses)?;
    Ok(Message::new(role, content))
}

fn role(index: usize, role: Option<Value>) -> Result<Role, TranscriptError> {
    let invalid = |reason: String| Err(TranscriptError::invalid(index, "role", reason));
    match role.as_ref().map(|role| role.as_str()) {
        Some(Some("assistant")) => Ok(Role::Assistant),
        Some(Some("developer" | "system")) => Ok(Role::System),
        Some(Some("tool")) => Ok(Role::Tool),
        Some(Some("user")) => Ok(Role::User),
        Some(Some(other)) => invalid(format!("is {other:?}, which is nobody")),
        Some(None) => invalid("is no text".to_owned()),
        None => invalid("is missing".to_owned()),
    }
}

fn calls(
    index: usize,
    calls: Option<Value>,
    losses: &mut Losses,
) -> Result<Vec<ToolCall>, TranscriptError> {
    let calls = match calls {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(calls)) => calls,
        Some(_) => return Err(TranscriptError::invalid(index, "tool_calls", "is no list")),
    };
    let calls = calls.into_iter().enumerate();
    let calls = calls.map(|(position, call)| {
        let field = format!("tool_calls[{position}]");
        read_call(index, &field, call, losses)
    });
    calls.collect()
}

fn read_call(
    index: usize,
    field: &str,
    call: Value,
    losses: &mut Losses,
) -> Result<ToolCall, TranscriptError> {
    let invalid = |what: &str, reason: &str| {
        let field = format!("{field}{what}");
        TranscriptError::invalid(index, field, reason)
    };
    let Value::Object(mut call) = call else {
        return Err(invalid("", "is no object"));
    };
    match call.remove("type") {
        None => {}
        Some(kind) if kind == "function" => {}
        Some(_) => return Err(invalid(".type", "is not `function`")),
    }
    let Some(Value::Object(mut function)) = call.remove("function") else {
        return Err(invalid(".function", "is missing, or no object"));
    };
    let text = |fields: &mut Map<String, Value>, name: &str| match fields.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let missing = "is missing, or no text";
    let id = text(&mut call, "id").ok_or_else(|| invalid(".id", missing))?;
    let name = text(&mut function, "name");
    let name = name.ok_or_else(|| invalid(".function.name", missing))?;
    let arguments = text(&mut function, "arguments");
    let arguments = arguments.ok_or_else(|| invalid(".function.arguments", missing))?;
    parts::check_rest(index, &format!("{field}."), &call, losses)?;
    parts::check_rest(index, &format!("{field}.function."), &function, losses)?;
    Ok(ToolCall::new(id, name, arguments))
}
