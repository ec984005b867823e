use fascine::message::{Message, Part};
use fascine::model::{
    Accumulator, ApiErrorKind, Chunk, Delivery, FinishReason, Gemini, ModelFailure, Provider,
    Request, Response,
};
use serde_json::{Value, json};

use super::fixtures::{check_cuts, check_damage, check_splits, chunks, read_stream};

fn gemini() -> Gemini {
    Gemini::new("https://generativelanguage.googleapis.com", "m").unwrap()
}

/// A stream of these documents, with the ends of lines that Google has.
fn stream(documents: impl IntoIterator<Item = Value>) -> Vec<u8> {
    let documents = documents
        .into_iter()
        .map(|document| format!("data: {document}\r\n\r\n"));
    documents.collect::<String>().into_bytes()
}

fn parts(parts: Value) -> Value {
    json!({ "candidates": [{ "content": { "role": "model", "parts": parts }, "index": 0 }] })
}

fn last(parts: Value, reason: &str) -> Value {
    json!({ "candidates": [{ "content": { "parts": parts }, "finishReason": reason }] })
}

fn failed(documents: impl IntoIterator<Item = Value>) -> ModelFailure {
    read_stream(&gemini(), [&stream(documents)[..]]).unwrap_err()
}

#[track_caller]
fn read(documents: impl IntoIterator<Item = Value>) -> Response {
    read_stream(&gemini(), [&stream(documents)[..]]).unwrap()
}

fn whole(document: &Value) -> Result<Response, ModelFailure> {
    gemini().response(document.to_string().as_bytes())
}

/// The parts of an answer, as they go back with the next request.
fn sent_back(response: &Response) -> Value {
    let request = Request::new([Message::user("x"), response.message.clone()]);
    let written = gemini().request(&request, Delivery::Whole).unwrap();
    let body: Value = serde_json::from_slice(written.body()).unwrap();
    body["contents"][1]["parts"].clone()
}

#[test]
fn calls_come_whole_and_are_the_reason_for_the_end() {
    let call =
        |name: &str, args: Value| json!([{ "functionCall": { "name": name, "args": args } }]);
    let response = read([
        json!({ "responseId": "r-1", "modelVersion": "gemini-x", "candidates": [] }),
        parts(call("one", json!({ "x": [1.5] }))),
        last(
            json!([
                { "functionCall": { "name": "two", "id": "own" } },
                { "functionCall": { "name": "two", "args": null } },
            ]),
            "STOP",
        ),
    ]);
    let calls: Vec<_> = response.message.tool_calls().collect();
    let names: Vec<_> = calls
        .iter()
        .map(|call| (&call.name[..], &call.arguments[..]))
        .collect();
    assert_eq!(
        names,
        [("one", "{\"x\":[1.5]}"), ("two", "{}"), ("two", "{}")]
    );
    let ids: Vec<_> = calls.iter().map(|call| &call.id[..]).collect();
    assert_eq!(ids, ["made_up_r-1_0", "own", "made_up_r-1_2"]);
    assert_eq!(response.finish_reason, FinishReason::ToolCalls);
    assert_eq!((&response.id[..], &response.model[..]), ("r-1", "gemini-x"));
    // An id that nobody there has given is not sent there.
    let back = sent_back(&response);
    assert_eq!(
        back[0]["functionCall"],
        json!({ "name": "one", "args": { "x": [1.5] } })
    );
    assert_eq!(back[1]["functionCall"]["id"], "own");
}

#[test]
fn seals_go_back_on_the_part_they_came_on_however_the_answer_came() {
    let sent = json!([
        { "text": "Let me ", "thought": true },
        { "text": "see.", "thought": true },
        { "text": "It " },
        { "text": "is", "thoughtSignature": "s1" },
        { "text": " so" },
        { "text": " far." },
        { "functionCall": { "name": "a", "args": {}, "id": "1" }, "thoughtSignature": "s2" },
        { "functionCall": { "name": "b", "args": {}, "id": "2" } },
        { "inlineData": { "mimeType": "image/png", "data": "cG5n" }, "thoughtSignature": "s3" },
        { "executableCode": { "code": "1" }, "thoughtSignature": "s4" },
        { "text": "", "thoughtSignature": "s5" },
        { "text": "More." },
        { "thoughtSignature": "s6" },
    ]);
    let in_one = read([last(sent.clone(), "STOP")]);
    let one_by_one = sent.as_array().unwrap().iter();
    let one_by_one = one_by_one.map(|part| parts(json!([part])));
    let streamed = read(one_by_one.chain([last(json!([]), "STOP")]));
    assert_eq!(streamed, in_one);
    assert_eq!(whole(&last(sent, "STOP")).unwrap(), in_one);
    assert_eq!(in_one.text(), "It is so far.More.");
    let expected = json!([
        { "text": "Let me see.", "thought": true },
        { "text": "It " },
        { "text": "is", "thoughtSignature": "s1" },
        { "text": " so far." },
        { "functionCall": { "name": "a", "args": {}, "id": "1" }, "thoughtSignature": "s2" },
        { "functionCall": { "name": "b", "args": {}, "id": "2" } },
        { "inlineData": { "mimeType": "image/png", "data": "cG5n" }, "thoughtSignature": "s3" },
        { "executableCode": { "code": "1" }, "thoughtSignature": "s4" },
        { "text": "", "thoughtSignature": "s5" },
        { "text": "More." },
        { "text": "", "thoughtSignature": "s6" },
    ]);
    assert_eq!(sent_back(&in_one), expected);
}

#[test]
fn a_seal_on_a_call_is_not_taken_for_that_of_the_thought_before_it() {
    let response = read([last(
        json!([
            { "text": "Hm.", "thought": true },
            { "functionCall": { "name": "a", "id": "1" }, "thoughtSignature": "s" },
        ]),
        "STOP",
    )]);
    let back = sent_back(&response);
    assert_eq!(back[0], json!({ "text": "Hm.", "thought": true }));
    assert_eq!(back[1]["thoughtSignature"], "s");
}

#[test]
fn a_reason_for_the_end_in_the_middle_ends_nothing() {
    let response = read([
        last(json!([{ "executableCode": { "code": "1" } }]), "STOP"),
        parts(json!([{ "text": "So " }])),
        last(json!([{ "text": "it is." }]), "MAX_TOKENS"),
        json!({ "usageMetadata": { "promptTokenCount": 4 } }),
    ]);
    assert_eq!(response.text(), "So it is.");
    assert_eq!(response.finish_reason, FinishReason::Length);
    assert_eq!(response.usage.prompt_tokens, 4);
    let cut = failed([
        last(json!([{ "executableCode": {} }]), "STOP"),
        parts(json!([{ "text": "So " }])),
    ]);
    assert!(matches!(cut, ModelFailure::Truncated), "{cut:?}");
}

#[test]
fn the_end_of_the_stream_is_the_end_of_the_answer_only_with_a_reason() {
    let cut = [
        vec![],
        vec![parts(json!([{ "text": "Hi" }]))],
        vec![json!({ "usageMetadata": { "promptTokenCount": 1 } })],
    ];
    for documents in cut {
        assert!(matches!(failed(documents), ModelFailure::Truncated));
    }
    let bytes = stream([last(json!([{ "text": "Hi" }]), "STOP")]);
    let mut decoder = gemini().decoder();
    let mut chunks = Vec::new();
    decoder.push(&bytes, &mut chunks).unwrap();
    assert!(!decoder.is_complete());
    decoder.finish(&mut chunks).unwrap();
    assert!(decoder.is_complete());
    assert_eq!(chunks.last(), Some(&Chunk::Finish(FinishReason::Stop)));
}

#[test]
fn totals_replace_totals_and_thoughts_are_output() {
    let usage = |usage: Value| json!({ "usageMetadata": usage });
    let bytes = stream([
        usage(json!({ "promptTokenCount": 10, "totalTokenCount": 10 })),
        usage(json!({ "promptTokenCount": 10, "thoughtsTokenCount": 5 })),
        usage(json!({
            "promptTokenCount": 10, "candidatesTokenCount": 3, "thoughtsTokenCount": 6,
            "cachedContentTokenCount": 4, "toolUsePromptTokenCount": 2, "totalTokenCount": 21,
            "promptTokensDetails": [{ "modality": "TEXT", "tokenCount": 10 }],
        })),
        last(json!([]), "STOP"),
    ]);
    let usage = read_stream(&gemini(), [&bytes[..]]).unwrap().usage;
    assert_eq!((usage.prompt_tokens, usage.completion_tokens), (12, 9));
    assert_eq!((usage.cached_tokens, usage.reasoning_tokens), (4, 6));
    assert_eq!(usage.total(), 21);
    let mut answer = Accumulator::new();
    let mut so_far = Vec::new();
    for chunk in chunks(&gemini(), [&bytes[..]]).unwrap() {
        answer.push(&chunk);
        if matches!(chunk, Chunk::Usage(_)) {
            so_far.push(answer.usage().total());
        }
    }
    assert_eq!(so_far, [10, 15, 21]);
}

#[test]
fn a_blocked_prompt_is_an_error_with_a_reason() {
    let document = json!({
        "promptFeedback": { "blockReason": "SAFETY", "safetyRatings": [] }, "responseId": "r",
    });
    for failure in [whole(&document).unwrap_err(), failed([document])] {
        match failure {
            ModelFailure::Api(error) => {
                assert_eq!(error.kind, ApiErrorKind::ContentFilter);
                assert_eq!(error.code.as_deref(), Some("SAFETY"));
                assert_eq!(error.request_id.as_deref(), Some("r"));
                assert!(!error.is_retryable());
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_answer_may_have_nothing_in_it_but_a_reason() {
    for (word, reason) in [
        ("MAX_TOKENS", FinishReason::Length),
        ("SAFETY", FinishReason::ContentFilter),
        ("RECITATION", FinishReason::ContentFilter),
        ("PROHIBITED_CONTENT", FinishReason::ContentFilter),
        (
            "MALFORMED_FUNCTION_CALL",
            FinishReason::Other("MALFORMED_FUNCTION_CALL".into()),
        ),
        ("BRAND_NEW", FinishReason::Other("BRAND_NEW".into())),
    ] {
        let document = json!({ "candidates": [{ "finishReason": word, "finishMessage": "m" }] });
        let response = whole(&document).unwrap();
        assert!(response.message.content().is_empty());
        assert_eq!(response.finish_reason, reason);
        assert_eq!(response.extra["finishMessage"], "m");
        assert_eq!(read([document]), response);
    }
}

#[test]
fn what_nobody_knows_yet_survives() {
    let part = json!({ "hologram": { "data": "x" } });
    let document = json!({
        "candidates": [
            {
                "content": { "parts": [part, 7, { "text": 5 }, { "text": "Hi" }] },
                "finishReason": "STOP", "groundingMetadata": { "queries": ["q"] }, "index": 0,
            },
            { "content": { "parts": [{ "text": "another" }] }, "index": 1 },
        ],
        "modelStatus": { "stage": "STABLE" }, "modelVersion": 3,
    });
    let response = whole(&document).unwrap();
    assert_eq!(response.text(), "Hi");
    let own = Part::Other {
        provider: "gemini".into(),
        value: part.clone(),
    };
    assert_eq!(response.message.content()[0], own);
    assert_eq!(response.message.content().len(), 4);
    assert_eq!(response.extra["groundingMetadata"]["queries"][0], "q");
    assert_eq!(response.extra["modelStatus"]["stage"], "STABLE");
    assert_eq!(sent_back(&response)[0], part);
    assert_eq!(read([document]), response);
}

#[test]
fn whoever_does_not_stream_answers_in_one_document() {
    let document = last(json!([{ "text": "Hi", "thoughtSignature": "s" }]), "STOP");
    let bytes = document.to_string().into_bytes();
    let response = read_stream(&gemini(), [&bytes[..]]).unwrap();
    assert_eq!(response, whole(&document).unwrap());
    check_splits(&gemini(), &bytes);
    check_cuts(&gemini(), &bytes);
}

#[test]
fn media_are_told_apart_by_their_type() {
    let data = |kind: &str| json!({ "inlineData": { "mimeType": kind, "data": "AA==" } });
    let file = json!({ "fileData": { "fileUri": "https://example.com/1" } });
    let response = read([last(
        json!([
            data("image/png"),
            data("audio/L16;rate=24000"),
            data("video/mp4"),
            file
        ]),
        "STOP",
    )]);
    assert!(matches!(
        response.message.content(),
        [
            Part::Image(_),
            Part::Audio(_),
            Part::Document(_),
            Part::Document(_)
        ]
    ));
}

#[test]
fn errors_in_the_middle_say_how_long_to_wait() {
    let error = json!({ "error": {
        "code": 429, "message": "Slow down", "status": "RESOURCE_EXHAUSTED",
        "details": [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "22s" }],
    } });
    let first = parts(json!([{ "text": "Hi" }]));
    for failure in [failed([first, error.clone()]), whole(&error).unwrap_err()] {
        assert!(failure.is_retryable());
        assert_eq!(
            failure.retry_after(),
            Some(std::time::Duration::from_secs(22))
        );
        match failure {
            ModelFailure::Api(error) => {
                assert_eq!((error.status, error.kind), (429, ApiErrorKind::RateLimited));
                assert_eq!(error.code.as_deref(), Some("RESOURCE_EXHAUSTED"));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn what_is_no_answer_is_malformed() {
    for body in [
        "",
        "[]",
        "<html>",
        "{}",
        r#"{"candidates": []}"#,
        r#"{"candidates": 3}"#,
    ] {
        let failure = gemini().response(body.as_bytes());
        assert!(
            matches!(failure, Err(ModelFailure::Malformed { .. })),
            "{body}"
        );
    }
}

#[test]
fn a_stream_with_everything_in_it_keeps_the_laws_of_streams() {
    let bytes = stream([
        parts(json!([{ "text": "Hm, ä", "thought": true }])),
        parts(json!([{ "text": "It is", "thoughtSignature": "s1" }, { "text": " so." }])),
        parts(json!([{ "functionCall": { "name": "a", "args": { "x": "é" } } }])),
        parts(json!([{ "hologram": 1 }, { "thoughtSignature": "s2" }])),
        json!({
            "candidates": [{ "finishReason": "STOP", "avgLogprobs": -0.5 }],
            "usageMetadata": { "promptTokenCount": 4, "thoughtsTokenCount": 2 },
        }),
    ]);
    check_splits(&gemini(), &bytes);
    check_cuts(&gemini(), &bytes);
    check_damage(&bytes, |bytes| drop(read_stream(&gemini(), [bytes])));
}
