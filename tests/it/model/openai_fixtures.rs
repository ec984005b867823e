//! Recorded answers of servers that speak the OpenAI APIs.

use fascine::message::{Message, Part, Role, ToolCall};
use fascine::model::{
    Delivery, EmbedRequest, ModelFailure, OpenAi, OutputFormat, Provider, Request, ToolChoice,
    ToolSpec,
};
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

/// The request that a fixture's body is.
fn request(fixture: &Fixture) -> Request {
    let body = &fixture.request;
    let messages = body["messages"].as_array().unwrap().iter().map(message);
    let mut request = Request::new(messages).with_model(body["model"].as_str().unwrap());
    request.temperature = body["temperature"].as_f64();
    for tool in body["tools"].as_array().into_iter().flatten() {
        let tool = &tool["function"];
        let text = |name: &str| tool[name].as_str().unwrap().to_owned();
        let spec = ToolSpec::new(
            text("name"),
            text("description"),
            tool["parameters"].clone(),
        );
        request = request.with_tool(spec);
    }
    if body["tool_choice"] == "auto" {
        request = request.with_tool_choice(ToolChoice::Auto);
    }
    let schema = &body["response_format"]["json_schema"];
    if let Some(name) = schema["name"].as_str() {
        request = request.with_output(OutputFormat::schema(name, schema["schema"].clone()));
    }
    request
}

fn message(message: &Value) -> Message {
    let text = message["content"].as_str().unwrap_or_default();
    match message["role"].as_str().unwrap() {
        "system" => Message::system(text),
        "user" => Message::user(text),
        "tool" => Message::tool(message["tool_call_id"].as_str().unwrap(), text),
        "assistant" => {
            let calls = message["tool_calls"].as_array().into_iter().flatten();
            let calls = calls.map(|call| {
                let text = |name: &str| call["function"][name].as_str().unwrap();
                let id = call["id"].as_str().unwrap();
                Part::ToolCall(ToolCall::new(id, text("name"), text("arguments")))
            });
            let text = Some(text).filter(|text| !text.is_empty()).map(Part::text);
            Message::new(Role::Assistant, text.into_iter().chain(calls).collect())
        }
        other => panic!("{other}"),
    }
}

#[test]
fn recorded_chat_requests_are_written_as_they_were() {
    for fixture in fixtures::all("openai_chat") {
        let delivery = match fixture.streamed {
            true => Delivery::Stream,
            false => Delivery::Whole,
        };
        let written = openai().request(&request(&fixture), delivery).unwrap();
        let mut body: Value = serde_json::from_slice(written.body()).unwrap();
        if fixture.request["stream_options"].is_null() {
            // Not everybody asks; we do.
            body.as_object_mut().unwrap().remove("stream_options");
        }
        assert_eq!(body, fixture.request, "{}", fixture.name);
        let again = openai().request(&request(&fixture), delivery).unwrap();
        assert_eq!(again.body(), written.body(), "the same bytes each time");
    }
}

#[test]
fn recorded_embeddings_are_read_in_order() {
    let fixture = fixtures::one("openai_embeddings.llmock");
    let embeddings = openai().embeddings(&fixture.body).unwrap();
    let (vectors, parsed) = (&embeddings.vectors, &fixture.parsed);
    assert_eq!(
        (json!(vectors.len()), json!(vectors[0].len())),
        (parsed["n"].clone(), parsed["dim"].clone())
    );
    for (read, expected) in vectors[0].iter().zip(parsed["first"].as_array().unwrap()) {
        assert!((f64::from(*read) - expected.as_f64().unwrap()).abs() < 1e-6);
    }
    let inputs = fixture.request["input"].as_array().unwrap();
    let request = EmbedRequest::new(inputs.iter().map(|input| input.as_str().unwrap()))
        .with_model(fixture.request["model"].as_str().unwrap())
        .with_dimensions(8);
    let written = openai().embed_request(&request).unwrap();
    assert_eq!(written.uri().path(), "/v1/embeddings");
    let body: Value = serde_json::from_slice(written.body()).unwrap();
    assert_eq!(body, fixture.request);
}
