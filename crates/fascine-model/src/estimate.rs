use fascine_message::Part;

use crate::Request;

/// How many tokens a request may cost: four characters to a token, a few for each message, and the longest answer.
///
/// It is what is reserved before anybody knows; the provider's count replaces it.
pub(crate) fn estimate(request: &Request) -> u64 {
    let characters = |part: &Part| match part {
        Part::Text { text } => text.chars().count(),
        Part::ToolCall(call) => call.name.chars().count() + call.arguments.chars().count(),
        Part::ToolResult(result) => result.text.chars().count(),
        _ => 0,
    };
    let prompt: usize = request
        .messages
        .iter()
        .map(|message| {
            message
                .content()
                .iter()
                .map(characters)
                .sum::<usize>()
                .div_ceil(4)
                + 4
        })
        .sum();
    let tools: usize = request
        .tools
        .iter()
        .map(|tool| (tool.description.len() + tool.parameters.to_string().len()).div_ceil(4))
        .sum();
    (prompt + tools) as u64 + u64::from(request.max_tokens.unwrap_or(ANSWER))
}

/// What an answer without a limit is taken to be.
const ANSWER: u32 = 256;
