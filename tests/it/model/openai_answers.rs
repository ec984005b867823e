//! Answers of servers that speak OpenAI's Chat Completions API, whole and in pieces.

use fascine::message::{Media, MediaSource, Message, Part, Reasoning, Usage};
use fascine::model::{
    Chunk, Compatible, FinishReason, ModelFailure, OpenAi, Provider, Response, StreamEnd,
};
use serde_json::{Value, json};

use super::fixtures::{check_cuts, check_damage, check_splits, chunks, read_stream};

fn openai() -> OpenAi {
    OpenAi::new("https://api.example.com/v1", "m").unwrap()
}

pub(super) fn whole(document: &Value) -> Response {
    openai().response(document.to_string().as_bytes()).unwrap()
}

/// A stream of these events, and the line at its end.
fn stream(events: &[Value]) -> String {
    let events = events.iter().map(|event| format!("data: {event}\n\n"));
    events.chain(["data: [DONE]\n\n".to_owned()]).collect()
}

/// A stream of one answer, in these deltas.
pub(super) fn deltas(deltas: &[Value], reason: &str) -> String {
    let choice = |delta: &Value| json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": null }] });
    let mut events = vec![json!({ "id": "r1", "model": "m1", "choices": [] })];
    events.extend(deltas.iter().map(choice));
    events.push(json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] }));
    stream(&events)
}

pub(super) fn read(stream: &str) -> Response {
    check_splits(&openai(), stream.as_bytes());
    check_cuts(&openai(), stream.as_bytes());
    read_stream(&openai(), [stream.as_bytes()]).unwrap()
}

/// A piece of a tool call.
pub(super) fn piece(piece: Value) -> Value {
    json!({ "tool_calls": [piece] })
}

#[test]
fn usage_is_read_wherever_it_stands() {
    let counts = json!({
        "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15,
        "prompt_tokens_details": { "cached_tokens": 4, "audio_tokens": 0, "cache_write_tokens": 3 },
        "completion_tokens_details": { "reasoning_tokens": 2, "accepted_prediction_tokens": 0 },
    });
    let text = json!({ "index": 0, "delta": { "content": "x" } });
    let end = json!({ "index": 0, "delta": {}, "finish_reason": "stop" });
    let half = json!({ "prompt_tokens": 10, "completion_tokens": 1 });
    for events in [
        // Last, and alone.
        vec![
            json!({ "choices": [text], "usage": null }),
            json!({ "choices": [end] }),
            json!({ "choices": [], "usage": counts }),
        ],
        // With the end.
        vec![
            json!({ "choices": [text] }),
            json!({ "choices": [end], "usage": counts }),
        ],
        // With everything: a total.
        vec![
            json!({ "choices": [text], "usage": half }),
            json!({ "choices": [end], "usage": counts }),
        ],
        // Empty afterwards.
        vec![
            json!({ "choices": [text, end], "usage": counts }),
            json!({ "choices": [], "usage": {} }),
        ],
    ] {
        let usage = read(&stream(&events)).usage;
        assert_eq!(
            (usage.prompt_tokens, usage.completion_tokens),
            (10, 5),
            "{events:?}"
        );
        assert_eq!(usage.cached_tokens, 4);
        assert_eq!((usage.cache_write_tokens, usage.reasoning_tokens), (3, 2));
    }
    let answer = |usage: Value| {
        whole(&json!({ "choices": [{ "message": { "content": "x" } }], "usage": usage })).usage
    };
    assert_eq!(answer(json!({})), Usage::default());
    assert_eq!(
        answer(json!({ "prompt_tokens": 3, "completion_tokens": null })),
        Usage::new(3, 0)
    );
    let deepseek =
        answer(json!({ "prompt_tokens": 3, "completion_tokens": 1, "prompt_cache_hit_tokens": 2 }));
    assert_eq!(deepseek.cached_tokens, 2);
    // xAI does not count what was thought into what was answered.
    let xai = answer(
        json!({ "prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 9,
        "completion_tokens_details": { "reasoning_tokens": 5 } }),
    );
    assert_eq!((xai.completion_tokens, xai.reasoning_tokens), (6, 5));
}

#[test]
fn what_servers_do_to_streams_does_no_harm() {
    let stream = concat!(
        "\u{feff}: OPENROUTER PROCESSING\n\n",
        "data: {\"id\":\"\",\"model\":\"\",\"choices\":[],\"prompt_filter_results\":[{\"n\":1}]}\r\n\r\n",
        "event: keepalive\ndata:\n\n",
        "data: {\"id\":\"r1\",\"model\":\"m1\",\"service_tier\":\"novel\",\"obfuscation\":\"aZ\",\"choices\":[{\"index\":0,",
        "\"delta\":{\"role\":\"novel\",\"content\":\"\",\"novel\":{\"x\":[]}},\"finish_reason\":\"\",\"logprobs\":null}]}\n\n",
        "event: data\ndata: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"another answer\"}},",
        "{\"index\":0,\"delta\":{\"content\":\"Gr\u{fc}n\\n\\u00e9\"}}],\"service_tier\":\"novel\"}   \n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"!\"}}]}\r\rdata: {\"choices\":[{\"delta\":null,\"finish_reason\":\"brand_new\"}],\n",
        "data: \"usage\":{\"prompt_tokens\":1.0,\"completion_tokens\":\"2\"}}\n\n",
        "data: [DONE]\n\n: after\n\ndata: {\"choices\":[{\"delta\":{\"content\":\"too late\"}}]}\n\n",
    );
    let response = read(stream);
    assert_eq!(response.text(), "Gr\u{fc}n\n\u{e9}!");
    assert_eq!(
        response.finish_reason,
        FinishReason::Other("brand_new".into())
    );
    assert_eq!((&*response.id, &*response.model), ("r1", "m1"));
    assert_eq!(response.usage, Usage::new(1, 2));
    assert_eq!(response.extra["service_tier"], "novel");
    assert_eq!(response.extra["prompt_filter_results"], json!([{ "n": 1 }]));
    assert_eq!(response.extra["novel"], json!({ "x": [] }));
    assert!(!response.extra.contains_key("obfuscation"));
    check_damage(stream.as_bytes(), |bytes| check_cuts(&openai(), bytes));
}

#[test]
fn only_the_line_at_the_end_ends_a_stream() {
    let text = json!({ "choices": [{ "delta": { "content": "x" } }] });
    let end = json!({ "choices": [{ "delta": {}, "finish_reason": "stop" }] });
    let without_reason = read(&stream(std::slice::from_ref(&text)));
    assert_eq!(
        (without_reason.text().as_str(), without_reason.finish_reason),
        ("x", FinishReason::Stop)
    );
    let cut = stream(&[text, end]).replace("data: [DONE]\n\n", "");
    let broken = read_stream(&openai(), [cut.as_bytes()]);
    assert!(matches!(broken, Err(ModelFailure::Truncated)));
    let lenient = openai().with_stream_end(StreamEnd::FinishReason);
    assert_eq!(read_stream(&lenient, [cut.as_bytes()]).unwrap().text(), "x");
    check_splits(&lenient, cut.as_bytes());
    let perplexity = OpenAi::compatible(Compatible::Perplexity, "m").unwrap();
    assert!(read_stream(&perplexity, [cut.as_bytes()]).is_ok());
    let nothing = read_stream(&openai(), ["data: [DONE]\n\n".as_bytes()]);
    assert!(matches!(nothing, Err(ModelFailure::Malformed { .. })));
}

#[test]
fn the_end_is_the_last_piece_of_an_answer() {
    let twice = stream(&[
        json!({ "choices": [{ "delta": { "content": "a" }, "finish_reason": "stop" }] }),
        json!({ "choices": [{ "delta": { "content": "b" }, "finish_reason": "length" }], "usage": { "prompt_tokens": 1 } }),
    ]);
    let chunks = chunks(&openai(), [twice.as_bytes()]).unwrap();
    let ends = chunks
        .iter()
        .filter(|chunk| matches!(chunk, Chunk::Finish(_)));
    assert_eq!(ends.count(), 1);
    assert_eq!(chunks.last(), Some(&Chunk::Finish(FinishReason::Length)));
}

#[test]
fn errors_come_in_streams_and_in_answers_too() {
    let message = |body: &str| match openai().response(body.as_bytes()) {
        Err(ModelFailure::Api(error)) => {
            (error.status, error.message.clone(), error.is_retryable())
        }
        other => panic!("{other:?}"),
    };
    let streamed = |stream: &str| {
        check_splits(&openai(), stream.as_bytes());
        match read_stream(&openai(), [stream.as_bytes()]) {
            Err(ModelFailure::Api(error)) => {
                (error.status, error.message.clone(), error.is_retryable())
            }
            other => panic!("{other:?}"),
        }
    };
    let openrouter = r#"{"error":{"code":502,"message":"upstream"},"user_id":"u"}"#;
    let expected = (502, "upstream".to_owned(), true);
    assert_eq!(message(openrouter), expected);
    assert_eq!(streamed(&format!("data: {openrouter}\n\n")), expected);
    let with_choice = r#"{"id":"x","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}],"error":{"code":"server_error","message":"gone"}}"#;
    assert_eq!(
        streamed(&format!("data: {with_choice}\n\n")),
        (500, "gone".to_owned(), true)
    );
    let text = r#"{"code":"invalid-argument","error":"Model not found"}"#;
    assert_eq!(
        streamed(&format!("data: {text}\n\n")),
        (400, "Model not found".to_owned(), false)
    );
    let flat = r#"{"object":"error","message":"too long","type":"BadRequestError","code":400}"#;
    assert_eq!(
        streamed(&format!("data: {flat}\n\n")),
        (400, "too long".to_owned(), false)
    );
    let named =
        "event: error\ndata: {\"message\":\"slow down\",\"code\":\"rate_limit_exceeded\"}\n\n";
    assert_eq!(streamed(named), (429, "slow down".to_owned(), true));
    // An error in one document, where a stream was asked for.
    assert_eq!(streamed(openrouter), expected);
}

#[test]
fn an_answer_in_one_document_is_read_where_a_stream_was_asked_for() {
    let document = json!({ "id": "r1", "choices": [{ "message": { "content": "x" }, "finish_reason": "stop" }] });
    let text = format!("\n {document}\n");
    let response = read_stream(&openai(), [text.as_bytes()]).unwrap();
    assert_eq!(response, whole(&document));
    check_splits(&openai(), text.as_bytes());
    check_cuts(&openai(), text.trim_end().as_bytes());
}

#[test]
fn whole_and_in_pieces_an_answer_is_the_same() {
    let said = json!({ "role": "assistant", "content": "No.", "reasoning_content": "Hm.", "reasoning": "Hm.",
        "annotations": [{ "url": "u" }], "tool_calls": [{ "index": 0, "id": "a", "function": { "name": "f", "arguments": "{}" } }] });
    let usage = json!({ "prompt_tokens": 1, "completion_tokens": 2 });
    let common = json!({ "id": "r1", "model": "m1", "system_fingerprint": "fp", "created": 1, "usage": usage });
    let with = |choice: Value| {
        let mut document = common.clone();
        document["choices"] = json!([choice]);
        document
    };
    let document = with(
        json!({ "index": 0, "message": said, "finish_reason": "tool_calls", "logprobs": { "content": [1] } }),
    );
    let event = with(
        json!({ "index": 0, "delta": said, "finish_reason": "tool_calls", "logprobs": { "content": [1] } }),
    );
    let response = whole(&document);
    assert_eq!(read(&stream(&[event])), response);
    let parts = response.message.content();
    assert_eq!(parts[0], Part::Reasoning(Reasoning::new("Hm.")));
    assert_eq!((parts.len(), &parts[1]), (3, &Part::text("No.")));
    assert_eq!(response.extra["logprobs"], json!({ "content": [1] }));
    assert_eq!(response.extra["annotations"], json!([{ "url": "u" }]));
    assert_eq!(response.extra["system_fingerprint"], "fp");
}

#[test]
fn a_refusal_is_text_and_a_reason() {
    let document = json!({ "choices": [{ "message": { "content": null, "refusal": "I won't." }, "finish_reason": "stop" }] });
    let streamed = read(&deltas(
        &[json!({ "refusal": "I " }), json!({ "refusal": "won't." })],
        "stop",
    ));
    for response in [whole(&document), streamed] {
        assert_eq!(response.message, Message::assistant("I won't."));
        assert_eq!(response.finish_reason, FinishReason::Refusal);
    }
}

#[test]
fn an_answer_may_be_empty_but_must_be_there() {
    let empty = json!({ "choices": [{ "message": { "content": "" }, "finish_reason": "length" }] });
    let response = whole(&empty);
    assert_eq!(
        (response.message.content(), response.finish_reason),
        (&[][..], FinishReason::Length)
    );
    assert_eq!(
        read(&deltas(&[json!({})], "length")).finish_reason,
        FinishReason::Length
    );
    for (word, reason) in [
        ("model_length", FinishReason::Length),
        ("content_filter", FinishReason::ContentFilter),
        ("eos", FinishReason::Stop),
        ("function_call", FinishReason::ToolCalls),
    ] {
        assert_eq!(read(&deltas(&[], word)).finish_reason, reason);
    }
}

#[test]
fn mistrals_lists_of_parts_are_read() {
    let content = json!([
        { "type": "thinking", "thinking": [{ "type": "text", "text": "Hm." }] },
        { "type": "text", "text": "Yes" },
        { "type": "reference", "reference_ids": [1] },
    ]);
    let response = whole(&json!({ "choices": [{ "message": { "content": content } }] }));
    let parts = response.message.content();
    assert_eq!(
        parts[..2],
        [Part::Reasoning(Reasoning::new("Hm.")), Part::text("Yes")]
    );
    assert!(matches!(&parts[2], Part::Other { provider, .. } if provider == "openai"));
    assert_eq!(
        read(&deltas(&[json!({ "content": content })], "stop")).message,
        response.message
    );
}

#[test]
fn what_a_model_speaks_is_put_together_and_can_be_referred_to() {
    let audio = |audio: Value| json!({ "audio": audio });
    let response = read(&deltas(
        &[
            audio(json!({ "id": "audio_1", "transcript": "Hel" })),
            audio(json!({ "data": "YQ==", "transcript": "lo" })),
            audio(json!({ "data": "YmM=", "expires_at": 9 })),
        ],
        "stop",
    ));
    let parts = response.message.content();
    assert_eq!(parts[0], Part::text("Hello"));
    let Part::Audio(Media {
        source: MediaSource::Base64(data),
        name,
        ..
    }) = &parts[1]
    else {
        panic!("{parts:?}")
    };
    assert_eq!((data.as_str(), name.as_deref()), ("YWJj", Some("audio_1")));
    let request = fascine::model::Request::new([response.message]);
    let written = openai()
        .request(&request, fascine::model::Delivery::Whole)
        .unwrap();
    let body: Value = serde_json::from_slice(written.body()).unwrap();
    assert_eq!(body["messages"][0]["audio"], json!({ "id": "audio_1" }));
}

#[test]
fn embeddings_are_read_packed_or_not_and_put_in_order() {
    let packed = json!({ "data": [
        { "index": 1, "embedding": [0.5, -1.0] },
        { "index": 0, "embedding": "AACAPwAAAEA=" },
    ], "model": "e", "usage": { "prompt_tokens": 3, "total_tokens": 3 } });
    let embeddings = openai().embeddings(packed.to_string().as_bytes()).unwrap();
    assert_eq!(embeddings.vectors, [[1.0, 2.0], [0.5, -1.0]]);
    assert_eq!(
        (&*embeddings.model, embeddings.usage.prompt_tokens),
        ("e", 3)
    );
    for broken in [
        json!({}),
        json!({ "data": [{ "index": 1, "embedding": [] }] }),
        json!({ "data": [{ "index": 0, "embedding": [] }, { "index": 0, "embedding": [] }] }),
        json!({ "data": [{ "embedding": "AACAPwA=" }] }),
        json!({ "data": [{ "embedding": "?" }] }),
        json!({ "data": 3 }),
    ] {
        let read = openai().embeddings(broken.to_string().as_bytes());
        assert!(
            matches!(read, Err(ModelFailure::Malformed { .. })),
            "{broken}"
        );
    }
    let error = openai().embeddings(br#"{"error":{"message":"no","code":429}}"#);
    assert!(matches!(error, Err(ModelFailure::Api(error)) if error.status == 429));
}

#[test]
fn what_openrouter_has_sealed_goes_back_as_it_came() {
    let openrouter = OpenAi::compatible(Compatible::OpenRouter, "x/y").unwrap();
    let details = |details: Value| json!({ "reasoning_details": [details] });
    let stream = deltas(
        &[
            details(
                json!({ "type": "reasoning.text", "index": 0, "text": "H", "signature": null }),
            ),
            details(
                json!({ "type": "reasoning.text", "index": 0, "text": "m.", "signature": "s" }),
            ),
            details(json!({ "type": "reasoning.encrypted", "index": 1, "data": "d" })),
            piece(json!({ "index": 0, "id": "a", "function": { "name": "f", "arguments": "{}" } })),
        ],
        "tool_calls",
    );
    let answer = read_stream(&openrouter, [stream.as_bytes()]).unwrap();
    assert!(answer.extra.is_empty());
    let request = fascine::model::Request::new([answer.message]);
    let written = openrouter
        .request(&request, fascine::model::Delivery::Whole)
        .unwrap();
    let body: Value = serde_json::from_slice(written.body()).unwrap();
    let expected = json!([
        { "type": "reasoning.text", "index": 0, "text": "Hm.", "signature": "s" },
        { "type": "reasoning.encrypted", "index": 1, "data": "d" },
    ]);
    assert_eq!(body["messages"][0]["reasoning_details"], expected);
}
