use http::StatusCode;
use serde_json::{Value, json};

use crate::chat_request::ChatRequest;
use crate::reply::{Reply, ReplyBody};

/// The answer to a request, as text.
pub(crate) fn answer(rules: &[(String, String)], seed: u64, request: &ChatRequest) -> String {
    if let Some((_, answer)) = rules.iter().find(|(when, _)| request.asked.contains(when)) {
        return answer.clone();
    }
    let words = request.asked.split_whitespace().count();
    let opening = OPENINGS[(hash(seed, &request.asked) % OPENINGS.len() as u64) as usize];
    let first: Vec<&str> = request.asked.split_whitespace().take(8).collect();
    format!(
        "{opening} {words} words that begin with \"{}\".",
        first.join(" ")
    )
}

/// The whole answer in one document.
pub(crate) fn whole(seed: u64, request: &ChatRequest, text: &str) -> Reply {
    let document = json!({
        "id": id(seed, request),
        "object": "chat.completion",
        "created": CREATED,
        "model": request.model,
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": text, "refusal": null },
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": usage(request, text),
    });
    Reply::json(StatusCode::OK, &document)
}

/// The answer as a stream of events.
pub(crate) fn stream(seed: u64, request: &ChatRequest, text: &str) -> Reply {
    let id = id(seed, request);
    let chunk = |choices: Value, usage: Value| {
        let mut chunk = json!({
            "id": id,
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": request.model,
            "choices": choices,
        });
        if request.include_usage {
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
    events.extend(
        text.split_inclusive(' ')
            .map(|word| delta(json!({ "content": word }), None)),
    );
    events.push(delta(json!({}), Some("stop")));
    if request.include_usage {
        events.push(chunk(json!([]), usage(request, text)));
    }
    events.push("data: [DONE]\n\n".to_owned());
    Reply::new(
        StatusCode::OK,
        "text/event-stream; charset=utf-8",
        ReplyBody::Events(events),
    )
}

pub(crate) fn completion_tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4).max(1)
}

/// FNV-1a, which is short and the same everywhere; the end is stirred so that neighbours differ in every bit.
pub(crate) fn hash(seed: u64, text: &str) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let hash = text.bytes().fold(start, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ (hash >> 33)
}

fn usage(request: &ChatRequest, text: &str) -> Value {
    let (prompt, completion) = (request.prompt_tokens, completion_tokens(text));
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    })
}

fn id(seed: u64, request: &ChatRequest) -> String {
    format!("chatcmpl-{:016x}", hash(seed, &request.asked))
}

const OPENINGS: [&str; 4] = [
    "This is about",
    "I was asked",
    "The question has",
    "Here are",
];
/// Answers do not depend on the time of day.
const CREATED: u64 = 1_700_000_000;
