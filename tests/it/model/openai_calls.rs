//! Tool calls in the answers of servers that speak OpenAI's Chat Completions API.

use fascine::message::Part;
use fascine::model::{FinishReason, Response};
use serde_json::json;

use super::openai_answers::{deltas, piece, read, whole};

fn calls(response: &Response) -> Vec<(&str, &str, &str)> {
    let calls = response
        .message
        .content()
        .iter()
        .filter_map(|part| match part {
            Part::ToolCall(call) => Some((&*call.id, &*call.name, &*call.arguments)),
            _ => None,
        });
    calls.collect()
}

#[test]
fn calls_that_come_in_turns_are_put_together() {
    let response = read(&deltas(
        &[
            piece(
                json!({ "index": 0, "id": "a", "type": "function", "function": { "name": "f", "arguments": "" } }),
            ),
            piece(
                json!({ "index": 1, "id": "b", "type": "function", "function": { "name": "g", "arguments": "{\"x\"" } }),
            ),
            piece(json!({ "index": 0, "function": { "arguments": "{\"y\":" } })),
            json!({ "tool_calls": [
                { "index": 1, "function": { "arguments": ":1}" } },
                { "index": 0, "function": { "arguments": "2}" } },
            ] }),
            json!({ "content": null, "tool_calls": null }),
        ],
        "tool_calls",
    ));
    assert_eq!(
        calls(&response),
        [("a", "f", "{\"y\":2}"), ("b", "g", "{\"x\":1}")]
    );
    assert_eq!(response.finish_reason, FinishReason::ToolCalls);
}

#[test]
fn calls_are_told_apart_however_servers_number_them() {
    let call =
        |id: &str, name: &str| json!({ "id": id, "function": { "name": name, "arguments": "{}" } });
    let numbered = |number: u64, id: &str, name: &str| {
        let mut call = call(id, name);
        call["index"] = json!(number);
        piece(call)
    };
    let both = [("a", "f", "{}"), ("b", "g", "{}")];
    // Whole calls without numbers, in one piece or in two.
    let one_piece = json!({ "tool_calls": [call("a", "f"), call("b", "g")] });
    assert_eq!(calls(&read(&deltas(&[one_piece], "tool_calls"))), both);
    let two_pieces = [piece(call("a", "f")), piece(call("b", "g"))];
    assert_eq!(calls(&read(&deltas(&two_pieces, "tool_calls"))), both);
    // All have the number 0.
    let zeros = [numbered(0, "a", "f"), numbered(0, "b", "g")];
    assert_eq!(calls(&read(&deltas(&zeros, "tool_calls"))), both);
    // Numbers that do not begin at 0, or are huge.
    let odd = [numbered(7, "a", "f"), numbered(u64::MAX, "b", "g")];
    assert_eq!(calls(&read(&deltas(&odd, "tool_calls"))), both);
    // Arguments before the id, without a number.
    let late = [
        piece(json!({ "function": { "name": "f", "arguments": "{\"x\":" } })),
        piece(json!({ "id": "a", "function": { "arguments": "1}" } })),
    ];
    assert_eq!(
        calls(&read(&deltas(&late, "tool_calls"))),
        [("a", "f", "{\"x\":1}")]
    );
    // Another id with each piece: the first counts.
    let restless = [
        piece(json!({ "index": 0, "id": "a", "function": { "name": "f", "arguments": "{" } })),
        piece(json!({ "index": 0, "id": "z", "function": { "arguments": "}" } })),
    ];
    assert_eq!(
        calls(&read(&deltas(&restless, "tool_calls"))),
        [("a", "f", "{}")]
    );
    // Arguments as JSON and not as its text.
    let object = piece(
        json!({ "index": 0, "id": "a", "function": { "name": "f", "arguments": { "x": 1 } } }),
    );
    assert_eq!(
        calls(&read(&deltas(&[object], "tool_calls"))),
        [("a", "f", "{\"x\":1}")]
    );
}

#[test]
fn calls_without_arguments_or_ids_can_still_be_answered() {
    let bare = json!({ "tool_calls": [
        { "index": 0, "function": { "name": "f", "arguments": "" } },
        { "index": 1, "id": "", "function": { "name": "g" } },
    ] });
    let response = read(&deltas(std::slice::from_ref(&bare), "stop"));
    assert_eq!(
        calls(&response),
        [("call_r1_0", "f", "{}"), ("call_r1_1", "g", "{}")]
    );
    assert_eq!(
        response.finish_reason,
        FinishReason::ToolCalls,
        "whatever the server calls it"
    );
    let document = json!({ "id": "r1", "choices": [{ "message": bare, "finish_reason": "stop" }] });
    assert_eq!(calls(&whole(&document)), calls(&response));
    let old = json!({ "choices": [{ "message": { "function_call": { "name": "f", "arguments": "{}" } } }] });
    assert_eq!(calls(&whole(&old)), [("call__0", "f", "{}")]);
}
