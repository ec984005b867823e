use fascine_message::{Message, Part, Role, ToolCall, Usage};
use serde::Deserialize;
use serde_json::Value;

use crate::failure::ModelFailure;
use crate::retry_after::retry_after;
use crate::{FinishReason, Response};

/// Reads a whole answer. Unknown fields are no failure, and neither are values nobody has heard of.
pub(super) fn response(body: &[u8]) -> Result<Response, ModelFailure> {
    let document: Document = serde_json::from_slice(body)
        .map_err(|error| ModelFailure::malformed(error.to_string(), body))?;
    let Some(choice) = document.choices.into_iter().next() else {
        return Err(ModelFailure::malformed("it has no choices", body));
    };
    let text = choice.message.content.or(choice.message.refusal);
    let text = text.filter(|text| !text.is_empty()).map(Part::text);
    let calls = choice
        .message
        .tool_calls
        .unwrap_or_default()
        .into_iter()
        .map(|call| {
            let Function { name, arguments } = call.function;
            Part::ToolCall(ToolCall {
                id: call.id,
                name,
                arguments,
            })
        });
    let content = text.into_iter().chain(calls).collect();
    let mut response = Response::new(Message::new(Role::Assistant, content));
    response.finish_reason = finish_reason(choice.finish_reason.as_deref().unwrap_or("stop"));
    response.usage = document.usage.map(Counts::read).unwrap_or_default();
    response.model = document.model.unwrap_or_default();
    response.id = document.id.unwrap_or_default();
    Ok(response)
}

/// Reads a refusal, whatever its body is.
pub(super) fn refusal(head: &http::response::Parts, body: &[u8]) -> ModelFailure {
    let document: Option<Value> = serde_json::from_slice(body).ok();
    let error = document.as_ref().and_then(|document| document.get("error"));
    let (code, message) = error.map(describe).unwrap_or_default();
    let reason = head.status.canonical_reason().unwrap_or("no message");
    let header = |name| Some(head.headers.get(name)?.to_str().ok()?.to_owned());
    ModelFailure::Status {
        status: head.status.as_u16(),
        code,
        message: message.unwrap_or_else(|| reason.to_owned()),
        request_id: header("x-request-id"),
        retry_after: retry_after(&head.headers),
    }
}

/// The code and the message of an error object.
pub(super) fn describe(error: &Value) -> (Option<String>, Option<String>) {
    let field = |name: &str| match error.get(name)? {
        Value::String(text) => Some(text.chars().take(1000).collect()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let message = field("message").or_else(|| Some(error.as_str()?.chars().take(1000).collect()));
    (field("code").or_else(|| field("type")), message)
}

pub(super) fn finish_reason(word: &str) -> FinishReason {
    match word {
        "content_filter" => FinishReason::ContentFilter,
        "length" => FinishReason::Length,
        "stop" => FinishReason::Stop,
        "function_call" | "tool_calls" => FinishReason::ToolCalls,
        other => FinishReason::Other(other.to_owned()),
    }
}

#[derive(Deserialize)]
struct Document {
    id: Option<String>,
    model: Option<String>,
    choices: Vec<Choice>,
    usage: Option<Counts>,
}

#[derive(Deserialize)]
struct Choice {
    message: Answer,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    #[serde(default)]
    id: String,
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    arguments: String,
}

#[derive(Deserialize)]
pub(super) struct Counts {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

impl Counts {
    pub(super) fn read(self) -> Usage {
        let Self {
            prompt_tokens,
            completion_tokens,
        } = self;
        Usage {
            prompt_tokens,
            completion_tokens,
        }
    }
}
