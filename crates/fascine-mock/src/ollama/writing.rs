use serde_json::{Value, json};

use crate::ask::Ask;
use crate::said::Said;

/// The whole answer in one document.
pub(crate) fn whole(ask: &Ask, said: &Said) -> Value {
    let mut message = json!({ "role": "assistant", "content": said.text });
    if !said.reasoning.is_empty() {
        message["thinking"] = said.reasoning.clone().into();
    }
    if !said.tool_calls.is_empty() {
        message["tool_calls"] = calls(said);
    }
    last(ask, said, message)
}

/// The answer in lines. Calls come whole, before the last line.
pub(crate) fn lines(ask: &Ask, said: &Said) -> Vec<String> {
    let line = |message: Value| {
        let line = json!({
            "model": ask.model,
            "created_at": CREATED_AT,
            "message": message,
            "done": false,
        });
        format!("{line}\n")
    };
    let thought = |word| json!({ "role": "assistant", "content": "", "thinking": word });
    let mut lines: Vec<String> = said.thoughts().map(|word| line(thought(word))).collect();
    let words = said.words();
    lines.extend(words.map(|word| line(json!({ "role": "assistant", "content": word }))));
    if !said.tool_calls.is_empty() {
        let calls = calls(said);
        lines.push(line(
            json!({ "role": "assistant", "content": "", "tool_calls": calls }),
        ));
    }
    let end = last(ask, said, json!({ "role": "assistant", "content": "" }));
    lines.push(format!("{end}\n"));
    lines
}

fn last(ask: &Ask, said: &Said, message: Value) -> Value {
    json!({
        "model": ask.model,
        "created_at": CREATED_AT,
        "message": message,
        "done": true,
        "done_reason": if said.is_cut { "length" } else { "stop" },
        "total_duration": 1_000_000,
        "load_duration": 1000,
        "prompt_eval_count": said.prompt_tokens,
        "prompt_eval_duration": 1000,
        "eval_count": said.completion_tokens,
        "eval_duration": 1000,
    })
}

fn calls(said: &Said) -> Value {
    let calls = said.tool_calls.iter().enumerate();
    calls
        .map(|(index, call)| {
            json!({
                "id": said.call_id(index),
                "function": { "index": index, "name": call.name, "arguments": call.arguments },
            })
        })
        .collect()
}

const CREATED_AT: &str = "2023-11-14T22:13:20Z";
