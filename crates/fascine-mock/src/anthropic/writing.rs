use serde_json::{Value, json};

use crate::ask::Ask;
use crate::said::{Said, fragments};

/// The whole answer in one document.
pub(crate) fn whole(ask: &Ask, said: &Said) -> Value {
    let mut content = Vec::new();
    if !said.reasoning.is_empty() {
        let signature = signature(said);
        let thinking = &said.reasoning;
        content.push(json!({ "type": "thinking", "thinking": thinking, "signature": signature }));
    }
    if !said.text.is_empty() {
        content.push(json!({ "type": "text", "text": said.text }));
    }
    for (index, call) in said.tool_calls.iter().enumerate() {
        content.push(json!({
            "type": "tool_use",
            "id": call_id(said, index),
            "name": call.name,
            "input": call.arguments,
        }));
    }
    let stop = Some(stop_reason(said));
    message(ask, said, &content, stop, said.completion_tokens)
}

/// The answer as events, with a ping as Anthropic sends it.
pub(crate) fn events(ask: &Ask, said: &Said) -> Vec<String> {
    let begun = message(ask, said, &[], None, 1);
    let mut events = vec![
        event(json!({ "type": "message_start", "message": begun })),
        event(json!({ "type": "ping" })),
    ];
    let mut index = 0;
    let mut block = |start: Value, deltas: Vec<Value>| {
        let start =
            json!({ "type": "content_block_start", "index": index, "content_block": start });
        events.push(event(start));
        for delta in deltas {
            let delta = json!({ "type": "content_block_delta", "index": index, "delta": delta });
            events.push(event(delta));
        }
        events.push(event(
            json!({ "type": "content_block_stop", "index": index }),
        ));
        index += 1;
    };
    if !said.reasoning.is_empty() {
        let mut deltas: Vec<Value> = said
            .thoughts()
            .map(|word| json!({ "type": "thinking_delta", "thinking": word }))
            .collect();
        deltas.push(json!({ "type": "signature_delta", "signature": signature(said) }));
        block(
            json!({ "type": "thinking", "thinking": "", "signature": "" }),
            deltas,
        );
    }
    if !said.text.is_empty() {
        let words = said.words();
        let deltas = words.map(|word| json!({ "type": "text_delta", "text": word }));
        block(json!({ "type": "text", "text": "" }), deltas.collect());
    }
    for (number, call) in said.tool_calls.iter().enumerate() {
        let arguments = call.arguments.to_string();
        let pieces = std::iter::once("").chain(fragments(&arguments));
        let deltas =
            pieces.map(|piece| json!({ "type": "input_json_delta", "partial_json": piece }));
        let id = call_id(said, number);
        let start = json!({ "type": "tool_use", "id": id, "name": call.name, "input": {} });
        block(start, deltas.collect());
    }
    events.push(event(json!({
        "type": "message_delta",
        "delta": { "stop_reason": stop_reason(said), "stop_sequence": null },
        // A count of the whole, not of what was added.
        "usage": { "output_tokens": said.completion_tokens },
    })));
    events.push(event(json!({ "type": "message_stop" })));
    events
}

fn event(data: Value) -> String {
    let kind = data["type"].as_str().unwrap_or_default();
    format!("event: {kind}\ndata: {data}\n\n")
}

fn message(ask: &Ask, said: &Said, content: &[Value], stop: Option<&str>, output: u64) -> Value {
    json!({
        "id": format!("msg_{}", said.id),
        "type": "message",
        "role": "assistant",
        "model": ask.model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": null,
        "usage": {
            "input_tokens": said.prompt_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": output,
        },
    })
}

fn stop_reason(said: &Said) -> &'static str {
    match (said.tool_calls.is_empty(), said.is_cut) {
        (false, _) => "tool_use",
        (true, true) => "max_tokens",
        (true, false) => "end_turn",
    }
}

fn call_id(said: &Said, index: usize) -> String {
    format!("toolu_{}_{index}", said.id)
}

fn signature(said: &Said) -> String {
    format!("signature-{}", said.id)
}
