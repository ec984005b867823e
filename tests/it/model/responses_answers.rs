//! Answers of OpenAI's Responses API, whole and in pieces.

use fascine::message::{Message, Part, Reasoning, Role, ToolCall};
use fascine::model::{
    Chunk, Delivery, FinishReason, ModelFailure, Provider, Request, Response, Responses,
};
use serde_json::{Value, json};

use super::fixtures::{self, check_cuts, check_damage, check_splits, chunks, read_stream, seen};

fn responses() -> Responses {
    Responses::new("https://api.example.com/v1", "gpt-4o").unwrap()
}

fn body(request: &Request) -> Value {
    let written = responses().request(request, Delivery::Whole).unwrap();
    assert_eq!(written.uri(), "https://api.example.com/v1/responses");
    serde_json::from_slice(written.body()).unwrap()
}

fn whole(document: &Value) -> Response {
    responses()
        .response(document.to_string().as_bytes())
        .unwrap()
}

fn stream(events: &[Value]) -> String {
    let event = |event: &Value| {
        format!(
            "event: {}\ndata: {event}\n\n",
            event["type"].as_str().unwrap()
        )
    };
    events.iter().map(event).collect()
}

fn read(events: &[Value]) -> Response {
    let stream = stream(events);
    check_splits(&responses(), stream.as_bytes());
    check_cuts(&responses(), stream.as_bytes());
    read_stream(&responses(), [stream.as_bytes()]).unwrap()
}

/// As [`read`], for what differs little from what the laws have been held to.
fn read_once(events: &[Value]) -> Response {
    let mut response = read_stream(&responses(), [stream(events).as_bytes()]).unwrap();
    // Only a stream has it.
    response.extra.remove("events");
    response
}

#[test]
fn recorded_responses_are_read_as_the_sdk_reads_them() {
    for fixture in fixtures::all("openai_responses") {
        let response = fixture.answer(&responses());
        let response = response.unwrap_or_else(|error| panic!("{}: {error}", fixture.name));
        let parsed = &fixture.parsed;
        let calls = parsed["tool_calls"].as_array().unwrap();
        let seen = seen(&response);
        assert_eq!(seen["text"], parsed["text"], "{}", fixture.name);
        let read = seen["tool_calls"].as_array().unwrap().iter();
        let read: Vec<_> = read
            .map(|call| json!([call["name"], call["arguments"]]))
            .collect();
        assert_eq!(&read, calls);
        assert_eq!(seen["prompt_tokens"], parsed["usage"]["input_tokens"]);
        assert_eq!(seen["completion_tokens"], parsed["usage"]["output_tokens"]);
        let reason = if calls.is_empty() {
            "stop"
        } else {
            "tool_calls"
        };
        assert_eq!(seen["finish_reason"], reason);
    }
}

/// An answer with everything in it.
fn output() -> Vec<Value> {
    vec![
        json!({ "type": "reasoning", "id": "rs_1", "summary": [
            { "type": "summary_text", "text": "First." }, { "type": "summary_text", "text": "Then." },
        ], "encrypted_content": "sealed" }),
        json!({ "type": "web_search_call", "id": "ws_1", "status": "completed", "action": { "query": "x" } }),
        json!({ "type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": "commentary", "content": [
            { "type": "output_text", "text": "Looking.", "annotations": [{ "url": "u" }] },
        ] }),
        json!({ "type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{\"x\":1}" }),
        json!({ "type": "function_call", "id": "fc_2", "call_id": "call_2", "name": "g", "arguments": "" }),
    ]
}

fn response(output: Option<Vec<Value>>) -> Value {
    let mut response = json!({
        "id": "resp_1", "object": "response", "model": "m1", "status": "completed", "service_tier": "novel",
        "tools": [{}], "error": null, "incomplete_details": null,
        "usage": { "input_tokens": 9, "input_tokens_details": { "cached_tokens": 4 }, "output_tokens": 5,
            "output_tokens_details": { "reasoning_tokens": 3 }, "total_tokens": 14 },
    });
    if let Some(output) = output {
        response["output"] = output.into();
    }
    response
}

/// The stream of it, in pieces.
fn events(last: Value) -> Vec<Value> {
    let output = output();
    let delta = |kind: &str, place: u64, id: &str, index: &str, delta: &str| {
        json!({
            "type": format!("response.{kind}.delta"), "output_index": place, "item_id": id, index: 0, "delta": delta,
            "sequence_number": 1, "obfuscation": "zzz",
        })
    };
    let done = |place: u64| json!({ "type": "response.output_item.done", "output_index": place, "item": output[usize::try_from(place).unwrap()] });
    let added = |place: u64, mut item: Value| {
        for field in ["content", "summary", "encrypted_content"] {
            item.as_object_mut().unwrap().remove(field);
        }
        if item["type"] == "function_call" {
            item["arguments"] = json!("");
        }
        json!({ "type": "response.output_item.added", "output_index": place, "item": item })
    };
    let part = |kind: &str, index: u64, text: &str| {
        json!({ "type": format!("response.reasoning_summary_text.{kind}"),
        "output_index": 0, "item_id": "rs_1", "summary_index": index, "delta": text })
    };
    let text_done = |kind: &str, index: u64, field: &str, text: &str| {
        json!({ "type": format!("response.{kind}.done"),
        "output_index": index, "summary_index": 0, "content_index": 0, field: text })
    };
    vec![
        json!({ "type": "response.created", "response": { "id": "resp_1", "model": "m1", "status": "in_progress", "output": [] } }),
        json!({ "type": "response.in_progress", "response": { "id": "resp_1", "model": "m1" } }),
        added(0, output[0].clone()),
        json!({ "type": "response.reasoning_summary_part.added", "output_index": 0, "summary_index": 0, "part": {} }),
        part("delta", 0, "Fir"),
        part("delta", 0, "st."),
        text_done("reasoning_summary_text", 0, "text", "First."),
        part("delta", 1, "Then."),
        done(0),
        added(1, output[1].clone()),
        json!({ "type": "response.web_search_call.searching", "output_index": 1, "item_id": "ws_1" }),
        done(1),
        added(2, output[2].clone()),
        json!({ "type": "response.content_part.added", "output_index": 2, "content_index": 0, "part": { "type": "output_text", "text": "" } }),
        delta("output_text", 2, "msg_1", "content_index", "Look"),
        delta("output_text", 2, "msg_1", "content_index", "ing."),
        text_done("output_text", 2, "text", "Looking."),
        json!({ "type": "response.content_part.done", "output_index": 2, "content_index": 0, "part": { "type": "output_text", "text": "Looking." } }),
        done(2),
        added(3, output[3].clone()),
        added(4, output[4].clone()),
        delta("function_call_arguments", 3, "fc_1", "x", "{\"x\""),
        delta("function_call_arguments", 3, "fc_1", "x", ":1}"),
        text_done("function_call_arguments", 3, "arguments", "{\"x\":1}"),
        done(3),
        text_done("function_call_arguments", 4, "arguments", ""),
        done(4),
        json!({ "type": "response.novel", "delta": { "x": 1 } }),
        json!({ "type": "response.completed", "response": last }),
    ]
}

#[test]
fn whole_and_in_pieces_an_answer_is_the_same() {
    let document = response(Some(output()));
    let expected = whole(&document);
    let parts = expected.message.content();
    let sealed = Reasoning::new("First.\n\nThen.")
        .with_id("rs_1")
        .with_encrypted("sealed")
        .with_provider("openai-responses");
    assert_eq!(parts[0], Part::Reasoning(sealed));
    assert_eq!(
        parts[4..],
        [
            Part::ToolCall(ToolCall::new("call_1", "f", "{\"x\":1}")),
            Part::ToolCall(ToolCall::new("call_2", "g", "{}")),
        ]
    );
    assert_eq!(expected.text(), "Looking.");
    assert_eq!(expected.finish_reason, FinishReason::ToolCalls);
    let usage = expected.usage;
    assert_eq!((usage.cached_tokens, usage.reasoning_tokens), (4, 3));
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (9, 5));
    assert_eq!(expected.extra["service_tier"], "novel");
    assert_eq!(expected.extra["annotations"], json!([{ "url": "u" }]));

    let mut streamed = read(&events(document.clone()));
    let beside = json!({
        "response.function_call_arguments.delta": { "x": 0 },
        "response.novel": [{ "type": "response.novel", "delta": { "x": 1 } }],
    });
    assert_eq!(streamed.extra.remove("events"), Some(beside));
    assert_eq!(streamed, expected);
    // The last event may lack what had come before.
    assert_eq!(read_once(&events(response(None))), expected);
    // Or be the only one.
    assert_eq!(
        read_once(&[json!({ "type": "response.completed", "response": document })]),
        expected
    );
    // Ids may change on the way, and the place may be missing.
    let mut restless = events(document.clone());
    let mut nowhere = restless.clone();
    restless[14]["item_id"] = json!("msg_9");
    assert_eq!(read_once(&restless), expected);
    for event in &mut nowhere {
        if event["item_id"].is_string() {
            event.as_object_mut().unwrap().remove("output_index");
        }
    }
    assert_eq!(read_once(&nowhere), expected);
    // Only wholes.
    let mut wholes = events(document);
    wholes.retain(|event| !event["type"].as_str().unwrap().ends_with(".delta"));
    let response = read_once(&wholes);
    assert_eq!(response.text(), expected.text());
    assert_eq!(response.message.tool_calls().count(), 2);
}

#[test]
fn an_answer_goes_back_as_it_came() {
    let answer = whole(&response(Some(output()))).message;
    let input = body(&Request::new([
        Message::user("q"),
        answer,
        Message::tool("call_1", "ok"),
    ]))["input"]
        .clone();
    let expected = json!([
        { "type": "reasoning", "id": "rs_1", "summary": [{ "type": "summary_text", "text": "First.\n\nThen." }], "encrypted_content": "sealed" },
        { "type": "web_search_call", "id": "ws_1", "status": "completed", "action": { "query": "x" } },
        { "type": "message", "role": "assistant", "phase": "commentary", "content": [{ "type": "output_text", "text": "Looking." }] },
        { "type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{\"x\":1}" },
        { "type": "function_call", "call_id": "call_2", "name": "g", "arguments": "{}" },
        { "type": "function_call_output", "call_id": "call_1", "output": "ok" },
    ]);
    assert_eq!(
        input.as_array().unwrap()[1..],
        expected.as_array().unwrap()[..]
    );
    // What others thought is not for this API.
    let foreign = vec![
        Part::Reasoning(Reasoning::new("Hm.").with_signature("s")),
        Part::Reasoning(Reasoning::default().with_encrypted("redacted")),
        Part::Reasoning(
            Reasoning::default()
                .with_id("t")
                .with_encrypted("redacted")
                .with_provider("somebody"),
        ),
        Part::Other {
            provider: "somebody".into(),
            value: json!({ "type": "x" }),
        },
        Part::text("Yes."),
    ];
    let input = body(&Request::new([Message::new(Role::Assistant, foreign)]))["input"].clone();
    assert_eq!(input.as_array().unwrap().len(), 1);
}

#[test]
fn nothing_is_given_out_twice() {
    let stream = stream(&events(response(Some(output()))));
    let chunks = chunks(&responses(), [stream.as_bytes()]).unwrap();
    let texts = chunks.iter().filter_map(|chunk| match chunk {
        Chunk::Text(text) => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(texts.collect::<String>(), "Looking.");
    assert_eq!(chunks.last(), Some(&Chunk::Finish(FinishReason::ToolCalls)));
    check_damage(stream.as_bytes(), |bytes| {
        let _ = fixtures::chunks(&responses(), bytes.chunks(7));
    });
}

#[test]
fn answers_end_for_many_reasons() {
    let ended = |status: &str, reason: Value| {
        let document = json!({ "status": status, "output": [], "incomplete_details": reason });
        let event = json!({ "type": format!("response.{status}"), "response": document });
        let streamed = read(&[event]);
        assert_eq!(streamed, whole(&document));
        streamed.finish_reason
    };
    assert_eq!(ended("completed", Value::Null), FinishReason::Stop);
    assert_eq!(
        ended("incomplete", json!({ "reason": "max_output_tokens" })),
        FinishReason::Length
    );
    assert_eq!(
        ended("incomplete", json!({ "reason": "content_filter" })),
        FinishReason::ContentFilter
    );
    assert_eq!(
        ended("incomplete", json!({ "reason": "novel" })),
        FinishReason::Other("novel".into())
    );
    let refusal =
        json!({ "type": "message", "content": [{ "type": "refusal", "refusal": "No." }] });
    let response = whole(&json!({ "status": "completed", "output": [refusal] }));
    assert_eq!(
        (response.text().as_str(), response.finish_reason),
        ("No.", FinishReason::Refusal)
    );
    let refused = read(&[
        json!({ "type": "response.refusal.delta", "output_index": 0, "content_index": 0, "delta": "No." }),
        json!({ "type": "response.refusal.done", "output_index": 0, "content_index": 0, "refusal": "No." }),
        json!({ "type": "response.completed", "response": { "status": "completed" } }),
    ]);
    assert_eq!(
        (refused.text().as_str(), refused.finish_reason),
        ("No.", FinishReason::Refusal)
    );
}

#[test]
fn failures_in_a_stream_are_errors() {
    for (event, status, message) in [
        (
            json!({ "type": "response.failed", "response": { "status": "failed", "error": { "code": "server_error", "message": "oops" } } }),
            500,
            "oops",
        ),
        (
            json!({ "type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": null, "sequence_number": 3 }),
            429,
            "slow down",
        ),
        (
            json!({ "type": "error", "error": { "type": "invalid_request_error", "message": "bad" } }),
            400,
            "bad",
        ),
        (
            json!({ "type": "response.failed", "response": { "error": null } }),
            500,
            "the response failed",
        ),
    ] {
        let stream = stream(std::slice::from_ref(&event));
        match read_stream(&responses(), [stream.as_bytes()]) {
            Err(ModelFailure::Api(error)) => {
                assert_eq!(
                    (error.status, error.message.as_str()),
                    (status, message),
                    "{event}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
    let failed =
        br#"{"status":"failed","error":{"code":"server_error","message":"oops"},"output":[]}"#;
    assert!(
        matches!(responses().response(failed), Err(ModelFailure::Api(error)) if error.is_retryable())
    );
    for nothing in [
        "",
        "{}",
        "[]",
        "<html>",
        "{\"choices\":[]}",
        "{\"output\":3}",
    ] {
        let read = responses().response(nothing.as_bytes());
        assert!(
            matches!(read, Err(ModelFailure::Malformed { .. })),
            "{nothing}"
        );
    }
}

#[test]
fn servers_that_do_not_stream_are_understood() {
    let document = response(Some(output())).to_string();
    let read = read_stream(&responses(), document.as_bytes().chunks(11)).unwrap();
    assert_eq!(read, whole(&response(Some(output()))));
}
