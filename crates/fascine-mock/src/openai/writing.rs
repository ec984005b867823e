use serde_json::{Value, json};

use super::CREATED;
use crate::ask::Ask;
use crate::said::{Said, fragments};

/// The whole answer in one document.
pub(crate) fn whole(ask: &Ask, said: &Said) -> Value {
    let calls: Vec<Value> = said
        .tool_calls
        .iter()
        .enumerate()
        .map(|(index, call)| {
            json!({
                "id": said.call_id(index),
                "type": "function",
                "function": { "name": call.name, "arguments": call.arguments.to_string() },
            })
        })
        .collect();
    let mut message = json!({ "role": "assistant", "content": said.text, "refusal": null });
    if !calls.is_empty() {
        if said.text.is_empty() {
            message["content"] = Value::Null;
        }
        message["tool_calls"] = Value::Array(calls);
    }
    if !said.reasoning.is_empty() {
        message["reasoning_content"] = said.reasoning.clone().into();
    }
    json!({
        "id": id(said),
        "object": "chat.completion",
        "created": CREATED,
        "model": ask.model,
        "choices": [{
            "index": 0,
            "message": message,
            "logprobs": null,
            "finish_reason": finish_reason(said),
        }],
        "usage": usage(said),
    })
}

/// The answer as events. Calls that are made in parallel come in turns, a fragment of each.
pub(crate) fn events(ask: &Ask, said: &Said) -> Vec<String> {
    let chunk = |choices: Value, usage: Value| {
        let mut chunk = json!({
            "id": id(said),
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": ask.model,
            "choices": choices,
        });
        if ask.include_usage {
            chunk["usage"] = usage;
        }
        format!("data: {chunk}\n\n")
    };
    let delta = |delta: Value, finish: Option<&str>| {
        let choice =
            json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish });
        chunk(json!([choice]), Value::Null)
    };
    let mut events = vec![delta(json!({ "role": "assistant", "content": "" }), None)];
    let thoughts = said.thoughts();
    events.extend(thoughts.map(|word| delta(json!({ "reasoning_content": word }), None)));
    let words = said.words();
    events.extend(words.map(|word| delta(json!({ "content": word }), None)));
    for (index, call) in said.tool_calls.iter().enumerate() {
        let function = json!({ "name": call.name, "arguments": "" });
        let call = json!({
            "index": index,
            "id": said.call_id(index),
            "type": "function",
            "function": function,
        });
        events.push(delta(json!({ "tool_calls": [call] }), None));
    }
    for (index, piece) in interleaved(said) {
        let call = json!({ "index": index, "function": { "arguments": piece } });
        events.push(delta(json!({ "tool_calls": [call] }), None));
    }
    events.push(delta(json!({}), Some(finish_reason(said))));
    if ask.include_usage {
        events.push(chunk(json!([]), usage(said)));
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn usage(said: &Said) -> Value {
    json!({
        "prompt_tokens": said.prompt_tokens,
        "completion_tokens": said.completion_tokens,
        "total_tokens": said.total_tokens(),
        "prompt_tokens_details": { "cached_tokens": 0, "audio_tokens": 0 },
        "completion_tokens_details": { "reasoning_tokens": said.reasoning_tokens, "audio_tokens": 0 },
    })
}

/// The fragments of all calls in turns, with the index of their call.
fn interleaved(said: &Said) -> Vec<(usize, String)> {
    let calls = said.tool_calls.iter().enumerate();
    let mut pieces: Vec<(usize, usize, String)> = calls
        .flat_map(|(index, call)| {
            let arguments = call.arguments.to_string();
            let pieces: Vec<String> = fragments(&arguments).map(str::to_owned).collect();
            let numbered = pieces.into_iter().enumerate();
            numbered.map(move |(turn, piece)| (turn, index, piece))
        })
        .collect();
    pieces.sort_by_key(|(turn, index, _)| (*turn, *index));
    let pieces = pieces.into_iter();
    pieces.map(|(_, index, piece)| (index, piece)).collect()
}

fn finish_reason(said: &Said) -> &'static str {
    match (said.tool_calls.is_empty(), said.is_cut) {
        (false, _) => "tool_calls",
        (true, true) => "length",
        (true, false) => "stop",
    }
}

fn id(said: &Said) -> String {
    format!("chatcmpl-{}", said.id)
}
