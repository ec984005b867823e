//! What the server says.

/// A plain answer.
pub(super) const ANSWER: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Hello there, how can I help you today?","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":9,"total_tokens":19}}"#;

/// How many pieces of text a streamed answer has.
pub(super) const PIECES: usize = 1000;

/// How many events the shorter stream has.
pub(super) const EVENTS: usize = 200;

/// A streamed answer of so many pieces of text, event by event.
pub(super) fn events(pieces: usize) -> Vec<String> {
    let piece = |n: usize| {
        let finish = if n + 1 == pieces { "\"stop\"" } else { "null" };
        format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"tok{n} \"}},\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let usage = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"gpt-4o\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":1000,\"total_tokens\":1010}}\n\n";
    let ends = [usage.to_owned(), "data: [DONE]\n\n".to_owned()];
    (0..pieces).map(piece).chain(ends).collect()
}
