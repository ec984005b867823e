//! Recorded answers of servers that speak the OpenAI APIs.

use fascine::model::{ModelFailure, OpenAi, Provider};
use serde_json::{Value, json};

use super::fixtures::{self, Fixture, seen};

fn openai() -> OpenAi {
    OpenAi::new("https://api.example.com/v1", "m").unwrap()
}

/// What the SDK read, as [`seen`] shows it.
fn expected(fixture: &Fixture) -> Value {
    let parsed = &fixture.parsed;
    let usage = |name: &str| parsed["usage"][name].as_u64().unwrap_or_default();
    json!({
        "text": parsed["text"].as_str().unwrap_or_default(),
        "reasoning": parsed["reasoning"].as_str().unwrap_or_default(),
        "tool_calls": parsed["tool_calls"],
        "finish_reason": parsed["finish_reason"],
        "prompt_tokens": usage("prompt_tokens"),
        "completion_tokens": usage("completion_tokens"),
    })
}

#[test]
fn recorded_chat_answers_are_read_as_the_sdk_reads_them() {
    let recorded = fixtures::all("openai_chat").into_iter();
    let recorded = recorded.chain([fixtures::one("openai_bad_tool_json.mock-ai-api")]);
    for fixture in recorded {
        let response = fixture.answer(&openai());
        let response = response.unwrap_or_else(|error| panic!("{}: {error}", fixture.name));
        assert_eq!(seen(&response), expected(&fixture), "{}", fixture.name);
    }
}

#[test]
fn recorded_errors_keep_what_the_server_said() {
    for fixture in fixtures::all("openai_err") {
        let error = openai().error(&fixture.head(), fixture.body.clone().into());
        assert_eq!(error.status, fixture.status, "{}", fixture.name);
        assert_eq!(error.body, fixture.body, "{}", fixture.name);
        let body: Value = serde_json::from_slice(&fixture.body).unwrap();
        assert_eq!(body["error"]["message"], error.message.as_str());
        let retryable = matches!(fixture.status, 429 | 500..);
        assert_eq!(error.is_retryable(), retryable, "{}", fixture.name);
    }
    let garbage = fixtures::one("openai_malformed_body.aimock");
    assert!(garbage.answer(&openai()).is_err());
}

#[test]
fn a_recorded_stream_that_was_dropped_is_no_answer() {
    let dropped = fixtures::one("openai_stream_dropped.aimock");
    assert!(dropped.request["stream"].as_bool().unwrap());
    assert!(matches!(
        dropped.answer(&openai()),
        Err(ModelFailure::Truncated)
    ));
}
