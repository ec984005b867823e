use fascine_message::{Message, Part, Role, ToolCall, Usage};
use serde::Deserialize;

use crate::failure::ModelFailure;
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
            Part::ToolCall(ToolCall::new(call.id, name, arguments))
        });
    let content = text.into_iter().chain(calls).collect();
    let mut response = Response::new(Message::new(Role::Assistant, content));
    response.finish_reason = finish_reason(choice.finish_reason.as_deref().unwrap_or("stop"));
    response.usage = document.usage.map(Counts::read).unwrap_or_default();
    response.model = document.model.unwrap_or_default();
    response.id = document.id.unwrap_or_default();
    Ok(response)
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
        Usage::new(self.prompt_tokens, self.completion_tokens)
    }
}
