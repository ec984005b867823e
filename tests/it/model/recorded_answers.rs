//! Recorded answers of servers that speak the APIs of Anthropic, Gemini and Ollama.

use fascine::message::Part;
use fascine::model::{Anthropic, ApiErrorKind, Gemini, ModelFailure, Ollama, Provider, Response};
use serde_json::{Value, json};

use super::fixtures::{self, Fixture};

fn anthropic() -> Anthropic {
    Anthropic::new("https://api.example.com", "m").unwrap()
}

fn gemini() -> Gemini {
    Gemini::new("https://api.example.com", "m").unwrap()
}

fn ollama() -> Ollama {
    Ollama::new("https://api.example.com", "m").unwrap()
}

fn answered(fixture: &Fixture, provider: &dyn Provider) -> Response {
    let response = fixture.answer(provider);
    response.unwrap_or_else(|error| panic!("{}: {error}", fixture.name))
}

/// The blocks of an answer, as Anthropic writes them.
fn blocks(response: &Response) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    for part in response.message.content() {
        let block = match part {
            Part::Text { text } => json!({ "type": "text", "text": text }),
            Part::Reasoning(thought) => json!({
                "type": "thinking", "thinking": thought.text, "signature": thought.signature,
            }),
            Part::ToolCall(call) => {
                let input: Result<Value, _> = serde_json::from_str(&call.arguments);
                json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input.ok() })
            }
            Part::Other { value, .. } if value["type"].is_null() => {
                let last = blocks.last_mut().unwrap().as_object_mut().unwrap();
                last.extend(value.as_object().unwrap().clone());
                continue;
            }
            Part::Other { value, .. } => value.clone(),
            other => panic!("{other:?}"),
        };
        blocks.push(without_nulls(block));
    }
    blocks
}

fn without_nulls(mut value: Value) -> Value {
    match &mut value {
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| *item = without_nulls(item.take())),
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields
                .values_mut()
                .for_each(|field| *field = without_nulls(field.take()));
        }
        _ => {}
    }
    value
}

/// Holds the answers whose names are wanted to what Anthropic's own SDK has read; gives how many there were.
fn check_anthropic(wanted: impl Fn(&str) -> bool) -> usize {
    let fixtures = fixtures::all("anthropic_").into_iter();
    // The others are errors, and a count.
    let answers = fixtures.filter(|fixture| fixture.parsed["content"].is_array());
    let wanted = answers.filter(|fixture| wanted(&fixture.name));
    wanted
        .map(|fixture| check_anthropic_answer(&fixture))
        .count()
}

fn check_anthropic_answer(fixture: &Fixture) {
    let response = answered(fixture, &anthropic());
    let name = &fixture.name;
    // The SDK drops what it does not show: empty texts stay away here, ordinary callers too, and what is compacted
    // is kept with its content.
    let mut expected: Vec<_> = fixture.parsed["content"].as_array().unwrap().to_vec();
    expected.retain(|block| block["text"] != "");
    let mut found = blocks(&response);
    assert_eq!(found.len(), expected.len(), "{name}");
    for (found, expected) in found.iter_mut().zip(&mut expected) {
        let caller = expected["caller"]["type"] == "direct";
        if caller && expected["type"] == "tool_use" {
            expected.as_object_mut().unwrap().remove("caller");
        }
        if found["type"] == "compaction" {
            assert_eq!(found["content"], "Earlier conversation summarized.");
            assert!(found["encrypted_content"].is_string());
        } else if found["type"] == "tool_use" && found.get("input").is_none() {
            // The SDK reads what there is of a call that was cut.
            assert_eq!(fixture.parsed["stop_reason"], "max_tokens", "{name}");
            assert_eq!(found["id"], expected["id"], "{name}");
        } else {
            assert_eq!(*found, without_nulls(expected.take()), "{name}");
        }
    }
    let usage = &fixture.parsed["usage"];
    let count = |field: &str| usage[field].as_u64().unwrap_or_default();
    let cached = count("cache_read_input_tokens");
    let written = count("cache_creation_input_tokens");
    let ours = response.usage;
    assert_eq!(
        ours.prompt_tokens,
        count("input_tokens") + cached + written,
        "{name}"
    );
    assert_eq!(ours.completion_tokens, count("output_tokens"), "{name}");
    assert_eq!(
        (ours.cached_tokens, ours.cache_write_tokens),
        (cached, written),
        "{name}"
    );
    let thought = usage["output_tokens_details"]["thinking_tokens"].as_u64();
    assert_eq!(ours.reasoning_tokens, thought.unwrap_or_default(), "{name}");
    let reason = match fixture.parsed["stop_reason"].as_str().unwrap() {
        "end_turn" => "stop",
        "max_tokens" => "length",
        "tool_use" => "tool_calls",
        other => other,
    };
    assert_eq!(response.finish_reason.as_str(), reason, "{name}");
    assert!(
        !response.id.is_empty() && !response.model.is_empty(),
        "{name}"
    );
}

#[test]
fn answers_of_all_kinds_are_read_as_anthropics_own_sdk_reads_them() {
    let known = ["anthropic_messages", "anthropic_s"];
    let other = |name: &str| !known.iter().any(|known| name.starts_with(known));
    assert_eq!(check_anthropic(other), 14);
}

#[test]
fn refusals_are_read_as_anthropics_own_sdk_reads_them() {
    let refused = |name: &str| name.starts_with("anthropic_stream-a");
    assert_eq!(check_anthropic(refused), 2);
}

#[test]
fn long_answers_are_read_as_anthropics_own_sdk_reads_them() {
    let long = ["anthropic_server_tool_use", "anthropic_stream-b"];
    let long = |name: &str| long.iter().any(|long| name.starts_with(long));
    assert_eq!(check_anthropic(long), 2);
}

#[test]
fn answers_of_mock_servers_are_read_as_anthropics_own_sdk_reads_them() {
    assert_eq!(
        check_anthropic(|name| name.starts_with("anthropic_messages")),
        9
    );
}

#[test]
fn arguments_that_are_no_json_are_kept_as_the_model_wrote_them() {
    let fixture = fixtures::one("anthropic_tool_use_invalid_json_response.sdkfixture");
    let response = answered(&fixture, &anthropic());
    let call = response.message.tool_calls().next().unwrap();
    assert_eq!(call.arguments, r#"{"location": "Paris", "unit": celsius}"#);
}

#[test]
fn what_stands_beside_the_answer_survives() {
    let extra = |name: &str| {
        let body = fixtures::one(name).body;
        fixtures::read_stream(&anthropic(), [&body[..]])
            .unwrap()
            .extra
    };
    let managed = extra("anthropic_context_management_response.sdkfixture");
    assert_eq!(
        managed["context_management"]["applied_edits"][0]["cleared_tool_uses"],
        2
    );
    let fields = extra("anthropic_message_delta_fields_response.sdkfixture");
    assert_eq!(fields["container"]["id"], "container_01AbCdEfGh");
    assert_eq!(fields["usage"]["server_tool_use"]["web_search_requests"], 1);
    assert_eq!(fields["usage"]["service_tier"], "standard");
    let refused = extra("anthropic_refusal_response.sdkfixture");
    assert_eq!(refused["stop_details"]["category"], "cyber");
    let transformed = extra("anthropic_input_transformations_delta_response.sdkfixture");
    assert_eq!(
        transformed["input_transformations"][0]["path"],
        "messages.0.content.0"
    );
}

#[test]
fn an_error_in_the_middle_of_a_stream_is_the_providers_error() {
    let fixture = fixtures::one("anthropic_stream_error_event.mock-ai-api");
    match fixture.answer(&anthropic()) {
        Err(ModelFailure::Api(error)) => {
            assert_eq!(error.message, "Mock streaming failure");
            assert_eq!(error.code.as_deref(), Some("api_error"));
            assert!(error.is_retryable());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn recorded_errors_of_anthropic_say_what_to_do() {
    for (name, kind) in [
        ("anthropic_err429.aimock", ApiErrorKind::RateLimited),
        ("anthropic_err500.aimock", ApiErrorKind::Server),
        ("anthropic_err503.aimock", ApiErrorKind::Overloaded),
    ] {
        let fixture = fixtures::one(name);
        let error = anthropic().error(&fixture.head(), fixture.body.clone().into());
        assert_eq!((error.status, error.kind), (fixture.status, kind), "{name}");
        assert!(error.is_retryable(), "{name}");
        let body: Value = serde_json::from_slice(&fixture.body).unwrap();
        assert_eq!(body["error"]["message"], error.message.as_str());
        assert_eq!(error.retry_after.is_some(), fixture.status == 429, "{name}");
    }
}

/// What both SDKs show of an answer.
fn check(fixture: &Fixture, response: &Response, calls: &str) {
    let name = &fixture.name;
    assert_eq!(fixture.parsed["text"], response.message.text(), "{name}");
    let found: Vec<_> = response.message.tool_calls().collect();
    let expected = fixture.parsed[calls].as_array().unwrap();
    assert_eq!(found.len(), expected.len(), "{name}");
    for (found, expected) in found.iter().zip(expected) {
        let arguments: Value = serde_json::from_str(&found.arguments).unwrap();
        assert_eq!(json!([found.name, arguments]), *expected, "{name}");
        assert!(!found.id.is_empty(), "{name}");
    }
    let reason = if found.is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    assert_eq!(response.finish_reason.as_str(), reason, "{name}");
}

#[test]
fn what_gemini_answers_is_read_as_its_own_sdk_reads_it() {
    let fixtures = fixtures::all("gemini_");
    assert_eq!(fixtures.len(), 4);
    for fixture in fixtures {
        let response = answered(&fixture, &gemini());
        check(&fixture, &response, "function_calls");
        if let Some(call) = response.message.tool_calls().next() {
            assert_eq!(call.id, "call_w1");
        }
    }
}

#[test]
fn what_ollama_answers_is_read_as_its_own_sdk_reads_it() {
    let fixtures = fixtures::all("ollama_chat");
    assert_eq!(fixtures.len(), 3);
    for fixture in fixtures {
        let response = answered(&fixture, &ollama());
        check(&fixture, &response, "tool_calls");
        assert_eq!(response.model, "llama3", "{}", fixture.name);
        assert_eq!(response.extra["total_duration"], 0, "{}", fixture.name);
    }
}
