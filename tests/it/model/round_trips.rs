//! What a model has answered goes back to it with the next request: every seal in its place.

use fascine::message::{Message, Part};
use fascine::model::{
    Anthropic, Delivery, Gemini, Ollama, OpenAi, Provider, Request, Response, Responses,
};
use serde_json::{Value, json};

use super::fixtures;

fn anthropic() -> Anthropic {
    Anthropic::new("https://api.example.com", "m").unwrap()
}

fn gemini() -> Gemini {
    Gemini::new("https://api.example.com", "m").unwrap()
}

/// The next request, with results for all calls, after a trip through storage.
fn next(provider: &dyn Provider, response: &Response) -> Value {
    let calls = response.message.tool_calls();
    let results = calls
        .map(|call| Message::tool(&call.id, "done"))
        .collect::<Vec<_>>();
    let stored = serde_json::to_string(&response.message).unwrap();
    let answer: Message = serde_json::from_str(&stored).unwrap();
    let messages = [Message::user("go"), answer].into_iter().chain(results);
    let written = provider
        .request(&Request::new(messages), Delivery::Whole)
        .unwrap();
    serde_json::from_slice(written.body()).unwrap()
}

#[test]
fn anthropic_gets_back_what_it_sent() {
    let content = json!([
        { "type": "thinking", "thinking": "Hm.", "signature": "s1" },
        { "type": "redacted_thinking", "data": "e1" },
        { "type": "server_tool_use", "id": "s", "name": "web_search", "input": { "query": "q" } },
        { "type": "web_search_tool_result", "tool_use_id": "s", "content": [{ "url": "u" }] },
        { "type": "text", "text": "As ", "citations": [{ "type": "x", "url": "u" }] },
        { "type": "text", "text": "said." },
        { "type": "thinking", "thinking": "", "signature": "s2" },
        { "type": "tool_use", "id": "a", "name": "t", "input": { "x": 1.50 } },
        { "type": "tool_use", "id": "b", "name": "t", "input": {},
            "caller": { "type": "code_execution_20250825", "tool_id": "s" } },
        { "type": "hologram", "data": [null, 1] },
    ]);
    let document = json!({ "content": content, "stop_reason": "tool_use" });
    let response = anthropic()
        .response(document.to_string().as_bytes())
        .unwrap();
    assert_eq!(response.text(), "As said.");
    let request = next(&anthropic(), &response);
    assert_eq!(request["messages"][1]["content"], content);
    let results = request["messages"][2]["content"].as_array().unwrap();
    let ids: Vec<_> = results
        .iter()
        .map(|result| &result["tool_use_id"])
        .collect();
    assert_eq!(ids, ["a", "b"]);
}

#[test]
fn anthropic_gets_back_what_it_streamed() {
    let fixture = fixtures::one("anthropic_server_tool_use_response.sdkfixture");
    let response = fixtures::read_stream(&anthropic(), [&fixture.body[..]]).unwrap();
    let request = next(&anthropic(), &response);
    let content = request["messages"][1]["content"].as_array().unwrap();
    let kinds: Vec<_> = content.iter().map(|block| &block["type"]).collect();
    assert_eq!(kinds, ["server_tool_use", "web_search_tool_result", "text"]);
    assert_eq!(
        content[0]["input"]["query"],
        "anthropic claude release notes"
    );
    assert_eq!(
        content[1]["content"][1]["encrypted_content"],
        "Eq8C_opaque_encrypted_content_1"
    );
    assert_eq!(
        content[2]["citations"],
        fixture.parsed["content"][2]["citations"]
    );
}

#[test]
fn gemini_gets_back_what_it_sent() {
    let parts = json!([
        { "thought": true, "text": "Hm." },
        { "functionCall": { "id": "a", "name": "one", "args": { "x": 1.50 } },
            "thoughtSignature": "s1" },
        { "functionCall": { "id": "b", "name": "two", "args": {} } },
        { "codeExecutionResult": { "outcome": "OUTCOME_OK" } },
        { "text": "So.", "thoughtSignature": "s2" },
    ]);
    let document = json!({ "candidates": [{ "content": { "parts": parts } }] });
    let response = gemini().response(document.to_string().as_bytes()).unwrap();
    let request = next(&gemini(), &response);
    assert_eq!(
        request["contents"][1],
        json!({ "role": "model", "parts": parts })
    );
    let results = request["contents"][2]["parts"].as_array().unwrap();
    let names: Vec<_> = results
        .iter()
        .map(|part| &part["functionResponse"]["name"])
        .collect();
    assert_eq!(names, ["one", "two"]);
}

#[test]
fn what_is_new_in_a_part_goes_back_with_it() {
    let url = "https://api.example.com";
    let parts = json!([
        { "text": "So.", "partMetadata": { "k": 1 } },
        { "functionCall": { "name": "one", "args": {}, "willContinue": true }, "new": [2] },
        { "inlineData": { "mimeType": "image/png", "data": "eA==", "displayName": "x" } },
        { "text": "", "new": 3 },
    ]);
    let document = json!({ "candidates": [{ "content": { "parts": parts } }] });
    let response = gemini().response(document.to_string().as_bytes()).unwrap();
    assert_eq!(response.text(), "So.");
    assert_eq!(next(&gemini(), &response)["contents"][1]["parts"], parts);

    let openai = OpenAi::new(url, "m").unwrap();
    let seal = json!({ "google": { "thought_signature": "s" } });
    let calls = json!([
        { "id": "a", "type": "function", "function": { "name": "one", "arguments": "{}", "new": 1 } },
        { "id": "b", "type": "function", "function": { "name": "two", "arguments": "{}" }, "extra_content": seal },
        { "id": "c", "type": "custom", "custom": { "name": "three", "input": "x" } },
    ]);
    let document = json!({ "choices": [{ "message": { "content": null, "tool_calls": calls } }] });
    let response = openai.response(document.to_string().as_bytes()).unwrap();
    let request = next(&openai, &response);
    assert_eq!(request["messages"][1]["tool_calls"], calls);
    assert_eq!(request["messages"][2]["tool_call_id"], "a");

    let ollama = Ollama::new(url, "m").unwrap();
    let calls = json!([
        { "id": "a", "function": { "index": 0, "name": "one", "arguments": {}, "new": 1 } },
        { "id": "b", "function": { "index": 1, "name": "two", "arguments": {} }, "new": { "x": 2 } },
    ]);
    let document = json!({ "message": { "tool_calls": calls }, "done": true });
    let response = ollama.response(document.to_string().as_bytes()).unwrap();
    let request = next(&ollama, &response);
    assert_eq!(request["messages"][1]["tool_calls"], calls);

    let responses = Responses::new(url, "m").unwrap();
    let output = json!([
        { "type": "reasoning", "id": "r", "summary": [], "encrypted_content": "e", "new": 1 },
        { "type": "message", "role": "assistant", "content": [{ "type": "output_text", "text": "So." }], "new": 2 },
        { "type": "function_call", "call_id": "a", "name": "one", "arguments": "{}", "new": { "x": 3 } },
        { "type": "function_call", "call_id": "b", "name": "two", "arguments": "{}" },
    ]);
    let document = json!({ "output": output });
    let response = responses.response(document.to_string().as_bytes()).unwrap();
    let request = next(&responses, &response);
    let input = request["input"].as_array().unwrap();
    assert_eq!(input[1..5], output.as_array().unwrap()[..]);
}

#[test]
fn a_conversation_can_go_on_with_another_provider() {
    let document = json!({ "content": [
        { "type": "thinking", "thinking": "Hm.", "signature": "s" },
        { "type": "text", "text": "Let me see.", "citations": [{ "url": "u" }] },
        { "type": "tool_use", "id": "a", "name": "t", "input": {} },
    ] });
    let answer = anthropic()
        .response(document.to_string().as_bytes())
        .unwrap();
    let request = next(&gemini(), &answer);
    let call = json!({ "id": "a", "name": "t", "args": {} });
    assert_eq!(
        request["contents"][1]["parts"],
        json!([{ "text": "Let me see." }, { "functionCall": call }])
    );
    let ollama = Ollama::new("http://localhost", "m").unwrap();
    let request = next(&ollama, &answer);
    assert_eq!(request["messages"][1]["thinking"], Value::Null);
    assert_eq!(request["messages"][2]["tool_name"], "t");

    let document = json!({ "candidates": [{ "content": { "parts": [
        { "thought": true, "text": "Hm." },
        { "functionCall": { "name": "t", "args": {} }, "thoughtSignature": "s" },
    ] } }] });
    let answer = gemini().response(document.to_string().as_bytes()).unwrap();
    let sealed = |part: &&Part| matches!(part, Part::Reasoning(_));
    assert_eq!(answer.message.content().iter().filter(sealed).count(), 2);
    let request = next(&anthropic(), &answer);
    let content = request["messages"][1]["content"].as_array().unwrap();
    assert_eq!(
        (content.len(), &content[0]["type"]),
        (1, &json!("tool_use"))
    );
    assert_eq!(
        content[0]["id"],
        request["messages"][2]["content"][0]["tool_use_id"]
    );
}
