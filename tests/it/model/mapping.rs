use bytes::Bytes;
use fascine::http::{H1Transport, MemoryNet, Transport, TransportError};
use fascine::message::{Message, Part, Role, ToolCall};
use fascine::model::{
    Anthropic, ApiErrorKind, ApiKey, Delivery, FinishReason, Gemini, ModelFailure, Ollama, OpenAi,
    Provider, ProviderError, Request, Responses, ToolSpec,
};
use fascine_testing::TestRuntime;
use serde_json::{Value, json};

fn openai() -> OpenAi {
    OpenAi::new("https://api.example.com/v1/", "small").unwrap()
}

fn written(request: &Request, delivery: Delivery) -> Value {
    let written = openai().request(request, delivery).unwrap();
    assert_eq!(written.uri(), "https://api.example.com/v1/chat/completions");
    serde_json::from_slice(written.body()).unwrap()
}

#[test]
fn a_request_is_written_as_the_api_wants_it() {
    let call = ToolCall::new("c1", "weather", "{}");
    let request = Request::new([
        Message::system("Be brief."),
        Message::user("Weather?"),
        Message::new(Role::Assistant, vec![Part::ToolCall(call)]),
        Message::tool("c1", "21 C"),
    ])
    .with_max_tokens(9)
    .with_temperature(0.5)
    .with_tool(ToolSpec::new(
        "weather",
        "Tells it",
        json!({ "type": "object" }),
    ));
    let expected = json!({
        "model": "small",
        "messages": [
            { "role": "system", "content": "Be brief." },
            { "role": "user", "content": "Weather?" },
            { "role": "assistant", "content": null, "tool_calls": [
                { "id": "c1", "type": "function", "function": { "name": "weather", "arguments": "{}" } },
            ] },
            { "role": "tool", "tool_call_id": "c1", "content": "21 C" },
        ],
        "max_tokens": 9,
        "temperature": 0.5,
        "tools": [{ "type": "function", "function": {
            "name": "weather", "description": "Tells it", "parameters": { "type": "object" },
        } }],
    });
    assert_eq!(written(&request, Delivery::Whole), expected);
    let streamed = written(&request.with_model("large"), Delivery::Stream);
    assert_eq!(
        (&streamed["model"], &streamed["stream"]),
        (&json!("large"), &json!(true))
    );
    assert_eq!(streamed["stream_options"], json!({ "include_usage": true }));
}

#[test]
fn requests_that_cannot_be_sent_name_the_field() {
    let one = [Message::user("x")];
    for (request, wrong) in [
        (Request::new([]), "messages"),
        (Request::new(one.clone()).with_model(""), "model"),
        (Request::new(one).with_temperature(f64::NAN), "temperature"),
    ] {
        match openai().request(&request, Delivery::Whole) {
            Err(ModelFailure::InvalidRequest { field, .. }) => assert_eq!(field, wrong),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_answer_is_read_whatever_else_is_in_it() {
    let response = openai()
        .response(
            br#"{"id": "x1", "object": "chat.completion", "model": "small-2", "service_tier": {"new": 1},
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi", "refusal": null,
            "annotations": []}, "logprobs": null, "finish_reason": "brand_new"}],
            "usage": {"prompt_tokens": 4, "completion_tokens": 12, "total_tokens": 16, "details": {}}}"#,
        )
        .unwrap();
    assert_eq!(response.message, Message::assistant("Hi"));
    assert_eq!(
        response.finish_reason,
        FinishReason::Other("brand_new".into())
    );
    assert_eq!(
        (response.usage.prompt_tokens, response.usage.total()),
        (4, 16)
    );
    assert_eq!(
        (response.id.as_str(), response.model.as_str()),
        ("x1", "small-2")
    );
}

#[test]
fn tool_calls_are_read_as_the_model_wrote_them() {
    let response = openai()
        .response(
            br#"{"choices": [{"message": {"content": null, "tool_calls": [{"id": "c1", "type": "function",
            "function": {"name": "weather", "arguments": "{\"city\": "}}]}, "finish_reason": "tool_calls"}]}"#,
        )
        .unwrap();
    let calls: Vec<_> = response.message.tool_calls().collect();
    assert_eq!(
        (calls.len(), calls[0].arguments.as_str()),
        (1, "{\"city\": ")
    );
    assert_eq!(response.finish_reason, FinishReason::ToolCalls);
    assert_eq!(response.usage.total(), 0);
}

#[test]
fn what_is_no_answer_is_malformed_with_its_beginning() {
    let long = format!("<html>{}", "é".repeat(1000));
    for body in [
        "<html>Welcome</html>",
        "",
        "{\"choices\": []}",
        "{\"choices\": 3}",
        &long,
    ] {
        match openai().response(body.as_bytes()) {
            Err(ModelFailure::Malformed { excerpt, .. }) => {
                assert!(
                    body.starts_with(&excerpt) && excerpt.chars().count() <= 120,
                    "{excerpt}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_refusal_keeps_what_the_provider_said() {
    let head = |status: u16| {
        let head = http::Response::builder().status(status);
        let head = head.header("x-request-id", "r7").header("retry-after", "3");
        head.body(()).unwrap().into_parts().0
    };
    let body = br#"{"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}"#;
    let error = openai().error(&head(429), Bytes::from_static(body));
    assert_eq!(error.kind, ApiErrorKind::RateLimited);
    assert_eq!(error.code.as_deref(), Some("rate_limit_exceeded"));
    assert_eq!(error.request_id.as_deref(), Some("r7"));
    assert_eq!(error.headers["retry-after"], "3");
    assert_eq!(error.body, body.as_slice());
    let failure = ModelFailure::from(error);
    assert!(failure.is_retryable());
    assert_eq!(
        failure.retry_after(),
        Some(std::time::Duration::from_secs(3))
    );
    assert_eq!(
        failure.to_string(),
        "the provider answered 429 (rate_limit_exceeded): Rate limit reached"
    );
    for (status, retryable) in [
        (400, false),
        (401, false),
        (404, false),
        (408, true),
        (409, true),
        (500, true),
        (529, true),
    ] {
        let error = openai().error(&head(status), Bytes::from_static(b"<html>oops</html>"));
        assert_eq!(error.is_retryable(), retryable, "{status}");
    }
}

#[test]
fn urls_and_keys_that_would_do_harm_are_refused() {
    for (url, reason) in [
        ("api.example.com/v1", "absolute"),
        ("ftp://example.com", "scheme"),
        ("https://user:hunter2@example.com", "user name"),
        ("https://example.com/?key=1", "query"),
        ("", "absolute"),
    ] {
        let error = OpenAi::new(url, "m").unwrap_err().to_string();
        assert!(
            error.contains(reason) && !error.contains("hunter2"),
            "{error}"
        );
    }
    let key = ApiKey::new("sk-very-secret");
    let plain = OpenAi::new("http://example.com/v1", "m")
        .unwrap()
        .with_api_key(&key);
    assert_eq!(
        plain.unwrap_err(),
        ProviderError::PlainTextKey {
            host: "example.com".into()
        }
    );
    for loopback in [
        "http://127.0.0.1:9/v1",
        "http://localhost/v1",
        "http://[::1]/v1",
    ] {
        let model = OpenAi::new(loopback, "m")
            .unwrap()
            .with_api_key(&key)
            .unwrap();
        let request = model
            .request(&Request::new([Message::user("x")]), Delivery::Whole)
            .unwrap();
        assert_eq!(request.headers()["authorization"], "Bearer sk-very-secret");
        let shown = format!("{key:?} {model:?} {request:?}");
        assert!(!shown.contains("secret"), "{shown}");
    }
    let odd = OpenAi::new("https://example.com", "m")
        .unwrap()
        .with_api_key(&ApiKey::new("a\nb"));
    assert_eq!(odd.unwrap_err(), ProviderError::InvalidKey);
}

#[test]
fn a_key_travels_in_plain_text_to_another_machine_only_if_both_ends_are_asked() {
    let url = "http://model.internal:8000";
    let key = ApiKey::new("k");
    let asked = Request::new([Message::user("x")]);
    let providers: [(&str, Box<dyn Provider>); 5] = [
        ("authorization", {
            let provider = OpenAi::new(url, "m").unwrap();
            Box::new(
                provider
                    .with_plaintext_credentials()
                    .with_api_key(&key)
                    .unwrap(),
            )
        }),
        ("authorization", {
            let provider = Responses::new(url, "m").unwrap();
            Box::new(
                provider
                    .with_plaintext_credentials()
                    .with_api_key(&key)
                    .unwrap(),
            )
        }),
        ("x-api-key", {
            let provider = Anthropic::new(url, "m").unwrap();
            Box::new(
                provider
                    .with_plaintext_credentials()
                    .with_api_key(&key)
                    .unwrap(),
            )
        }),
        ("x-goog-api-key", {
            let provider = Gemini::new(url, "m").unwrap();
            Box::new(
                provider
                    .with_plaintext_credentials()
                    .with_api_key(&key)
                    .unwrap(),
            )
        }),
        ("authorization", {
            let provider = Ollama::new(url, "m").unwrap();
            Box::new(
                provider
                    .with_plaintext_credentials()
                    .with_api_key(&key)
                    .unwrap(),
            )
        }),
    ];
    TestRuntime::run(|rt| async move {
        for (header, provider) in providers {
            let name = provider.name().to_owned();
            let written = provider.request(&asked, Delivery::Whole).unwrap();
            assert!(written.headers()[header].is_sensitive(), "{name}");
            let transport = H1Transport::new(&rt, MemoryNet::new());
            let refused = transport.send(written).await.unwrap_err();
            assert!(
                matches!(refused, TransportError::PlaintextCredentials { .. }),
                "{name}: {refused:?}"
            );
            let written = provider.request(&asked, Delivery::Whole).unwrap();
            let sent = transport.with_plaintext_credentials().send(written).await;
            assert!(
                !matches!(sent, Err(TransportError::PlaintextCredentials { .. })),
                "{name}: {sent:?}"
            );
        }
    });
}
