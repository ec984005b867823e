use fascine::message::{Message, Part};
use fascine::model::{
    Anthropic, ApiErrorKind, Chunk, FinishReason, LimitedQuota, ModelFailure, Provider, Response,
};
use serde_json::{Value, json};

use super::fixtures::{check_cuts, check_splits, chunks, read_stream};

fn anthropic() -> Anthropic {
    Anthropic::new("https://api.anthropic.com", "m").unwrap()
}

/// A stream of these events, whose names a gateway has mangled.
fn stream(events: impl IntoIterator<Item = Value>) -> Vec<u8> {
    let events = events
        .into_iter()
        .map(|event| format!("event: data\ndata: {event}  \n\n"));
    events.collect::<String>().into_bytes()
}

fn started(index: u64, block: Value) -> Value {
    json!({ "type": "content_block_start", "index": index, "content_block": block })
}

fn delta(index: u64, delta: Value) -> Value {
    json!({ "type": "content_block_delta", "index": index, "delta": delta })
}

fn text(index: u64, text: &str) -> Value {
    delta(index, json!({ "type": "text_delta", "text": text }))
}

fn input(index: u64, json: &str) -> Value {
    delta(
        index,
        json!({ "type": "input_json_delta", "partial_json": json }),
    )
}

fn stopped(index: u64) -> Value {
    json!({ "type": "content_block_stop", "index": index })
}

fn tool(id: &str, name: &str) -> Value {
    json!({ "type": "tool_use", "id": id, "name": name, "input": {} })
}

fn ended(reason: &str) -> Value {
    json!({ "type": "message_delta", "delta": { "stop_reason": reason }, "usage": {} })
}

fn last() -> Value {
    json!({ "type": "message_stop" })
}

#[track_caller]
fn read(events: impl IntoIterator<Item = Value>) -> Response {
    read_stream(&anthropic(), [&stream(events)[..]]).unwrap()
}

/// The id, the name and the arguments of each call.
fn calls(response: &Response) -> Vec<(&str, &str, &str)> {
    let calls = response.message.tool_calls();
    calls
        .map(|call| (&call.id[..], &call.name[..], &call.arguments[..]))
        .collect()
}

#[test]
fn parallel_calls_whose_pieces_come_in_turns_are_told_apart() {
    let response = read([
        started(1, tool("a", "one")),
        started(2, tool("b", "two")),
        input(2, "{\"x\":"),
        input(1, "[1"),
        input(2, "2}"),
        input(1, "]"),
        stopped(2),
        stopped(1),
        ended("tool_use"),
        last(),
    ]);
    assert_eq!(
        calls(&response),
        [("a", "one", "[1]"), ("b", "two", "{\"x\":2}")]
    );
    assert_eq!(response.finish_reason, FinishReason::ToolCalls);
}

#[test]
fn a_call_without_arguments_has_an_empty_object_of_them() {
    let whole = json!({ "type": "tool_use", "id": "b", "name": "two", "input": { "x": 1 } });
    let response = read([
        started(0, tool("a", "one")),
        input(0, ""),
        stopped(0),
        // Some servers send a call whole.
        started(1, whole),
        stopped(1),
        // Others do not say that a block ends.
        started(2, tool("c", "three")),
        ended("tool_use"),
        last(),
    ]);
    assert_eq!(
        calls(&response),
        [
            ("a", "one", "{}"),
            ("b", "two", "{\"x\":1}"),
            ("c", "three", "{}")
        ]
    );
}

#[test]
fn a_call_that_was_cut_before_its_arguments_does_not_look_whole() {
    let response = read([started(0, tool("a", "one")), ended("max_tokens"), last()]);
    assert_eq!(calls(&response), [("a", "one", "")]);
    assert_eq!(response.finish_reason, FinishReason::Length);
}

#[test]
fn calls_without_a_reason_for_the_end_are_a_reason() {
    let response = read([started(0, tool("a", "one")), last()]);
    assert_eq!(response.finish_reason, FinishReason::ToolCalls);
    let whole = br#"{"content": [{"type": "tool_use", "id": "a", "name": "one"}]}"#;
    let whole = anthropic().response(whole).unwrap();
    assert_eq!(whole.finish_reason, FinishReason::ToolCalls);
    assert_eq!(whole.message, response.message);
}

#[test]
fn what_nobody_knows_yet_is_skipped() {
    let response = read([
        json!({ "type": "ping" }),
        json!({ "type": "future_event", "index": "seven", "delta": 5 }),
        json!({ "type": "content_block_delta", "index": 0, "delta": null }),
        json!({ "no": "type" }),
        started(0, json!({ "type": "text", "text": "" })),
        delta(
            0,
            json!({ "type": "future_delta", "text": { "of": "another kind" } }),
        ),
        text(0, "Hi"),
        stopped(9),
        ended("brand_new"),
        last(),
        text(0, "after the end"),
    ]);
    assert_eq!(response.message, Message::assistant("Hi"));
    assert_eq!(
        response.finish_reason,
        FinishReason::Other("brand_new".into())
    );
}

#[test]
fn a_mark_of_another_api_does_no_harm_and_ends_nothing() {
    let mut bytes = stream([text(0, "Hi"), ended("end_turn")]);
    bytes.extend_from_slice(b"data: [DONE]\n\n");
    let cut = read_stream(&anthropic(), [&bytes[..]]);
    assert!(matches!(cut, Err(ModelFailure::Truncated)));
    bytes.extend(stream([last()]));
    assert_eq!(
        read_stream(&anthropic(), [&bytes[..]]).unwrap().text(),
        "Hi"
    );
}

#[test]
fn pieces_that_belong_nowhere_are_no_answer() {
    let odd = delta(0, json!({ "type": "text_delta", "text": 5 }));
    let citation = delta(0, json!({ "type": "citations_delta", "citation": {} }));
    for event in [odd, input(3, "{}"), citation, json!([1])] {
        let bytes = stream([event, last()]);
        let failure = read_stream(&anthropic(), [&bytes[..]]);
        assert!(
            matches!(failure, Err(ModelFailure::Malformed { .. })),
            "{failure:?}"
        );
    }
}

#[test]
fn totals_replace_totals() {
    let start = json!({ "type": "message_start", "message": {
        "id": "m1", "model": "x", "usage": {
            "input_tokens": 10, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 3,
            "output_tokens": 1,
        },
    } });
    let later = |usage: Value| json!({ "type": "message_delta", "delta": {}, "usage": usage });
    let bytes = stream([
        start,
        later(json!({ "output_tokens": 7 })),
        later(json!({ "output_tokens": 9, "input_tokens": 12, "cache_read_input_tokens": null })),
        last(),
    ]);
    let chunks = chunks(&anthropic(), [&bytes[..]]).unwrap();
    let reports = chunks.iter().filter_map(|chunk| match chunk {
        Chunk::Usage(usage) => Some((usage.prompt_tokens, usage.completion_tokens)),
        _ => None,
    });
    assert_eq!(reports.collect::<Vec<_>>(), [(18, 1), (18, 7), (20, 9)]);
    let response = read_stream(&anthropic(), [&bytes[..]]).unwrap();
    let usage = response.usage;
    assert_eq!((usage.cached_tokens, usage.cache_write_tokens), (5, 3));
    assert_eq!((&response.id[..], &response.model[..]), ("m1", "x"));
}

#[test]
fn blocks_of_one_kind_stay_apart() {
    let thinking = || json!({ "type": "thinking", "thinking": "", "signature": "" });
    let seal = |index, seal: &str| {
        delta(
            index,
            json!({ "type": "signature_delta", "signature": seal }),
        )
    };
    let response = read([
        // Two thoughts of which nothing may be read but the seals.
        started(0, thinking()),
        seal(0, "s"),
        seal(0, "1"),
        stopped(0),
        started(1, thinking()),
        seal(1, "s2"),
        stopped(1),
        started(2, json!({ "type": "redacted_thinking", "data": "e" })),
        stopped(2),
        started(3, json!({ "type": "text", "text": "One" })),
        text(3, "."),
        stopped(3),
        started(4, json!({ "type": "text", "text": "" })),
        text(4, "Two."),
        stopped(4),
        ended("end_turn"),
        last(),
    ]);
    let whole = json!({ "content": [
        { "type": "thinking", "thinking": "", "signature": "s1" },
        { "type": "thinking", "thinking": "", "signature": "s2" },
        { "type": "redacted_thinking", "data": "e" },
        { "type": "text", "text": "One." },
        { "type": "text", "text": "Two." },
    ], "stop_reason": "end_turn" });
    let whole = anthropic().response(whole.to_string().as_bytes()).unwrap();
    assert_eq!(whole.message.content().len(), 5);
    assert_eq!(response, whole);
}

#[test]
fn a_stream_is_collected_to_what_a_whole_answer_is() {
    let search = json!({ "type": "server_tool_use", "id": "s", "name": "web_search", "input": {} });
    let found = json!({ "type": "web_search_tool_result", "tool_use_id": "s", "content": [] });
    let cite = json!({ "type": "citations_delta", "citation": { "url": "u" } });
    let called = json!({ "type": "code_execution_20250825", "tool_id": "s" });
    let call = json!({ "type": "tool_use", "id": "c", "name": "t", "input": {}, "caller": called });
    let streamed = read([
        json!({ "type": "message_start", "message": {
            "id": "m", "type": "message", "role": "assistant", "model": "x", "content": [],
            "stop_reason": null, "container": { "id": "k" }, "usage": { "input_tokens": 1 },
        } }),
        started(0, search),
        input(0, "{\"query\": "),
        input(0, "\"q\"}"),
        stopped(0),
        started(1, found.clone()),
        stopped(1),
        started(2, json!({ "type": "text", "text": "", "citations": [] })),
        delta(2, cite),
        text(2, "So."),
        stopped(2),
        started(3, call),
        input(3, "{\"a\": 1}"),
        stopped(3),
        json!({
            "type": "message_delta",
            "delta": { "stop_reason": "tool_use", "stop_sequence": null },
            "usage": { "output_tokens": 2, "server_tool_use": { "web_search_requests": 1 } },
        }),
        last(),
    ]);
    let whole = json!({
        "id": "m", "type": "message", "role": "assistant", "model": "x",
        "content": [
            {
                "type": "server_tool_use", "id": "s", "name": "web_search",
                "input": { "query": "q" },
            },
            found,
            { "type": "text", "text": "So.", "citations": [{ "url": "u" }] },
            { "type": "tool_use", "id": "c", "name": "t", "input": "INPUT", "caller": called },
        ],
        "stop_reason": "tool_use", "stop_sequence": null, "container": { "id": "k" },
        "usage": {
            "input_tokens": 1, "output_tokens": 2,
            "server_tool_use": { "web_search_requests": 1 },
        },
    });
    let whole = whole.to_string().replace("\"INPUT\"", "{\"a\": 1}");
    let whole = anthropic().response(whole.as_bytes()).unwrap();
    assert_eq!(streamed, whole);
    assert_eq!(whole.text(), "So.");
    assert_eq!(whole.extra["container"]["id"], "k");
    let own = whole.message.content().iter();
    assert_eq!(
        own.filter(|part| matches!(part, Part::Other { .. }))
            .count(),
        4
    );
}

#[test]
fn whoever_does_not_stream_answers_in_one_document() {
    let document = json!({ "id": "m", "model": "x", "content": [
        { "type": "thinking", "thinking": "Hm.", "signature": "s" },
        { "type": "text", "text": "One.", "citations": [{ "url": "u" }] },
        { "type": "text", "text": "Two." },
        { "type": "text", "text": "Three." },
        { "type": "tool_use", "id": "a", "name": "t", "input": {} },
        { "type": "tool_use", "id": "b", "name": "t", "input": {} },
    ], "stop_reason": "tool_use", "usage": { "output_tokens": 3 }, "container": { "id": "k" } });
    let bytes = document.to_string().into_bytes();
    let whole = anthropic().response(&bytes).unwrap();
    assert_eq!(read_stream(&anthropic(), [&bytes[..]]).unwrap(), whole);
    check_splits(&anthropic(), &bytes);
    check_cuts(&anthropic(), &bytes);
    let error = json!({ "type": "error", "error": { "type": "overloaded_error", "message": "" } });
    let failure = read_stream(&anthropic(), [error.to_string().as_bytes()]);
    assert!(matches!(failure, Err(ModelFailure::Api(_))), "{failure:?}");
}

#[test]
fn errors_in_the_middle_say_what_they_would_have_said_at_the_head() {
    for (word, kind, retryable) in [
        ("overloaded_error", ApiErrorKind::Overloaded, true),
        ("rate_limit_error", ApiErrorKind::RateLimited, true),
        ("api_error", ApiErrorKind::Server, true),
        ("invalid_request_error", ApiErrorKind::InvalidRequest, false),
    ] {
        let error = json!({
            "type": "error", "error": { "type": word, "message": "no" }, "request_id": "r1",
        });
        let in_stream = read_stream(&anthropic(), [&stream([text(0, "Hi"), error.clone()])[..]]);
        let in_place = anthropic().response(error.to_string().as_bytes());
        for failure in [in_stream, in_place] {
            match failure {
                Err(ModelFailure::Api(error)) => {
                    assert_eq!((error.kind, error.code.as_deref()), (kind, Some(word)));
                    assert_eq!(error.request_id.as_deref(), Some("r1"));
                    assert_eq!(error.is_retryable(), retryable, "{word}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn an_answer_of_nothing_is_an_answer() {
    let response = anthropic()
        .response(br#"{"content": [], "stop_reason": "stop_sequence", "stop_sequence": "END"}"#)
        .unwrap();
    assert!(response.message.content().is_empty());
    assert_eq!(response.finish_reason, FinishReason::Stop);
    assert_eq!(response.extra["stop_sequence"], "END");
    for (word, reason) in [
        ("model_context_window_exceeded", FinishReason::Length),
        ("refusal", FinishReason::Refusal),
        ("pause_turn", FinishReason::Other("pause_turn".into())),
    ] {
        let body = json!({ "content": [], "stop_reason": word }).to_string();
        let response = anthropic().response(body.as_bytes()).unwrap();
        assert_eq!(response.finish_reason, reason);
    }
}

#[test]
fn fields_that_have_become_something_else_fail_nothing() {
    let body = json!({
        "id": 7, "model": null, "usage": "later", "stop_reason": 3,
        "content": [{ "type": "text", "text": "Hi" }, { "type": "text", "text": [] }, 9],
    });
    let response = anthropic().response(body.to_string().as_bytes()).unwrap();
    assert_eq!(response.text(), "Hi");
    assert_eq!(response.message.content().len(), 3);
    assert_eq!(
        (response.id.as_str(), &response.extra["usage"]),
        ("7", &json!("later"))
    );
}

#[test]
fn what_is_no_answer_is_malformed() {
    for body in ["", "[]", "<html>", "{}", r#"{"content": "text"}"#] {
        let failure = anthropic().response(body.as_bytes());
        assert!(
            matches!(failure, Err(ModelFailure::Malformed { .. })),
            "{body}"
        );
    }
}

#[test]
fn the_heads_of_answers_say_what_is_left() {
    let head = http::Response::builder()
        .header("date", "Sun, 06 Nov 1994 08:49:37 GMT")
        .header("anthropic-ratelimit-requests-limit", "50")
        .header("anthropic-ratelimit-requests-remaining", "49")
        .header("anthropic-ratelimit-requests-reset", "1994-11-06T08:49:47Z");
    let limits = anthropic().limits(head.body(()).unwrap().headers());
    assert_eq!(limits.len(), 1);
    assert_eq!(limits[0].quota, LimitedQuota::Requests);
    assert_eq!((limits[0].limit, limits[0].remaining), (Some(50), Some(49)));
    assert_eq!(limits[0].reset, Some(std::time::Duration::from_secs(10)));
}
