use serde_json::{Map, Value};

use crate::reply::Reply;

/// What the server needs to know of a chat request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ChatRequest {
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    /// The text of the last message by the user.
    pub(crate) asked: String,
    /// An estimate: four characters to a token.
    pub(crate) prompt_tokens: u64,
}

impl ChatRequest {
    /// Reads a request, or says what is wrong with it as OpenAI would.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Box<Reply>> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| invalid(format!("The body is not valid JSON: {error}."), None))?;
        let Value::Object(fields) = value else {
            return Err(invalid("The body is not a JSON object.", None));
        };
        let model = match fields.get("model") {
            Some(Value::String(model)) if !model.is_empty() => model.clone(),
            Some(_) => return Err(wrong("model", "a non-empty string")),
            None => return Err(missing("model")),
        };
        let stream = flag(&fields, "stream")?;
        let include_usage = match fields.get("stream_options") {
            Some(Value::Object(options)) => flag(options, "include_usage")?,
            Some(Value::Null) | None => false,
            Some(_) => return Err(wrong("stream_options", "an object")),
        };
        let messages = match fields.get("messages") {
            Some(Value::Array(messages)) if !messages.is_empty() => messages,
            Some(_) => return Err(wrong("messages", "a non-empty array")),
            None => return Err(missing("messages")),
        };
        let mut asked = String::new();
        let mut characters = 0;
        for (index, message) in messages.iter().enumerate() {
            let (role, text) = read_message(index, message)?;
            characters += text.chars().count() as u64;
            if role == "user" {
                asked = text;
            }
        }
        let prompt_tokens = characters.div_ceil(4).max(1);
        Ok(Self {
            model,
            stream,
            include_usage,
            asked,
            prompt_tokens,
        })
    }
}

fn read_message(index: usize, message: &Value) -> Result<(&str, String), Box<Reply>> {
    let field = |name: &str| format!("messages[{index}].{name}");
    let role = match message.get("role") {
        Some(Value::String(role)) => role.as_str(),
        Some(_) => return Err(wrong(&field("role"), "a string")),
        None => return Err(missing(&field("role"))),
    };
    if !ROLES.contains(&role) {
        return Err(wrong(
            &field("role"),
            &format!("one of {}", ROLES.join(", ")),
        ));
    }
    let text = match message.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| part.get("text")?.as_str())
            .collect(),
        Some(Value::Null) | None if role == "assistant" => String::new(),
        Some(Value::Null) | None => return Err(missing(&field("content"))),
        Some(_) => return Err(wrong(&field("content"), "a string or an array")),
    };
    Ok((role, text))
}

fn flag(fields: &Map<String, Value>, name: &str) -> Result<bool, Box<Reply>> {
    match fields.get(name) {
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(Value::Null) | None => Ok(false),
        Some(_) => Err(wrong(name, "a boolean")),
    }
}

fn missing(field: &str) -> Box<Reply> {
    invalid(
        format!("Missing required parameter: '{field}'."),
        Some(field),
    )
}

fn wrong(field: &str, expected: &str) -> Box<Reply> {
    invalid(
        format!("Invalid value for '{field}': expected {expected}."),
        Some(field),
    )
}

fn invalid(message: impl Into<String>, field: Option<&str>) -> Box<Reply> {
    Box::new(Reply::invalid(message, field))
}

const ROLES: [&str; 5] = ["assistant", "developer", "system", "tool", "user"];
