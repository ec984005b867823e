use serde_json::{Value, json};

use crate::ask::Ask;
use crate::said::Said;

/// The whole answer in one document.
pub(crate) fn whole(ask: &Ask, said: &Said) -> Value {
    let mut parts = Vec::new();
    if !said.reasoning.is_empty() {
        parts.push(json!({ "text": said.reasoning, "thought": true }));
    }
    if !said.text.is_empty() || said.tool_calls.is_empty() {
        parts.push(json!({ "text": said.text }));
    }
    parts.extend(calls(said));
    response(
        ask,
        said,
        parts,
        Some(finish_reason(said)),
        said.completion_tokens,
    )
}

/// The answer in the documents that a stream sends; each is whole. Calls are not cut into fragments.
pub(crate) fn chunks(ask: &Ask, said: &Said) -> Vec<Value> {
    let thoughts = said.thoughts();
    let mut parts: Vec<Value> = thoughts
        .map(|word| json!({ "text": word, "thought": true }))
        .collect();
    parts.extend(said.words().map(|word| json!({ "text": word })));
    parts.extend(calls(said));
    if parts.is_empty() {
        parts.push(json!({ "text": "" }));
    }
    let last = parts.len() - 1;
    let parts = parts.into_iter().enumerate();
    parts
        .map(|(index, part)| {
            // The counts are of all that was said so far.
            let (finish, output) = match index == last {
                true => (Some(finish_reason(said)), said.completion_tokens),
                false => (None, (index as u64 + 1).min(said.completion_tokens)),
            };
            response(ask, said, vec![part], finish, output)
        })
        .collect()
}

/// As server-sent events, which end without a mark.
pub(crate) fn events(chunks: &[Value]) -> Vec<String> {
    chunks
        .iter()
        .map(|chunk| format!("data: {chunk}\r\n\r\n"))
        .collect()
}

/// As one JSON array that comes piece by piece.
pub(crate) fn array(chunks: &[Value]) -> Vec<String> {
    let last = chunks.len().saturating_sub(1);
    let chunks = chunks.iter().enumerate();
    chunks
        .map(|(index, chunk)| {
            let open = if index == 0 { "[" } else { "," };
            let close = if index == last { "]\n" } else { "\n" };
            format!("{open}{chunk}{close}")
        })
        .collect()
}

fn calls(said: &Said) -> impl Iterator<Item = Value> {
    let calls = said.tool_calls.iter().enumerate();
    calls.map(|(index, call)| {
        let id = said.call_id(index);
        let mut part =
            json!({ "functionCall": { "name": call.name, "args": call.arguments, "id": id } });
        if index == 0 {
            part["thoughtSignature"] = format!("c2lnbmF0dXJl{}", said.id).into();
        }
        part
    })
}

fn response(ask: &Ask, said: &Said, parts: Vec<Value>, finish: Option<&str>, output: u64) -> Value {
    let thoughts = said.reasoning_tokens.min(output);
    let mut candidate = json!({ "content": { "role": "model", "parts": parts }, "index": 0 });
    if let Some(finish) = finish {
        candidate["finishReason"] = finish.into();
    }
    let mut usage = json!({
        "promptTokenCount": said.prompt_tokens,
        "candidatesTokenCount": output - thoughts,
        "totalTokenCount": said.prompt_tokens + output,
    });
    if thoughts > 0 {
        usage["thoughtsTokenCount"] = thoughts.into();
    }
    json!({
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": ask.model,
        "responseId": said.id,
    })
}

/// Calls end with `STOP` too.
fn finish_reason(said: &Said) -> &'static str {
    if said.is_cut { "MAX_TOKENS" } else { "STOP" }
}
