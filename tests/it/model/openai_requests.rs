//! Requests, as OpenAI's Chat Completions API and its dialects want them.

use fascine::message::{Media, Message, Part, Reasoning, Role, ToolCall, ToolResult};
use fascine::model::{
    ApiKey, Compatible, Delivery, Effort, EmbedRequest, MaxTokensField, ModelFailure, OpenAi,
    OutputFormat, Provider, ProviderError, ReasoningField, Request, ToolChoice, ToolSpec,
};
use serde_json::{Value, json};

fn openai() -> OpenAi {
    OpenAi::new("https://api.example.com/v1", "gpt-4o").unwrap()
}

fn body(provider: &OpenAi, request: &Request) -> Value {
    let written = provider.request(request, Delivery::Whole).unwrap();
    serde_json::from_slice(written.body()).unwrap()
}

fn question() -> Request {
    Request::new([Message::user("q")])
}

fn user(part: Part) -> Request {
    Request::new([Message::new(Role::User, vec![Part::text("see"), part])])
}

/// The field that a request is refused for.
fn refused(provider: &OpenAi, request: &Request) -> &'static str {
    match provider.request(request, Delivery::Whole) {
        Err(ModelFailure::InvalidRequest { field, reason }) => {
            assert!(!reason.is_empty());
            field
        }
        other => panic!("{other:?}"),
    }
}

fn tool(name: &str) -> ToolSpec {
    ToolSpec::new(name, "does it", json!({ "type": "object" }))
}

#[test]
fn every_field_of_a_request_has_its_place() {
    let request = question()
        .with_max_tokens(9)
        .with_temperature(0.5)
        .with_top_p(1.0)
        .with_stop(["END"])
        .with_seed(7)
        .with_effort(Effort::Low)
        .with_output(OutputFormat::Json)
        .with_tool(tool("f").with_strict(true))
        .with_tool_choice(ToolChoice::Tool("f".into()))
        .with_parallel_tool_calls(false)
        .with_extra("user", "u1");
    let expected = json!({
        "model": "gpt-4o",
        "messages": [{ "role": "user", "content": "q" }],
        "max_tokens": 9,
        "temperature": 0.5,
        "top_p": 1,
        "stop": ["END"],
        "seed": 7,
        "reasoning_effort": "low",
        "response_format": { "type": "json_object" },
        "tools": [{ "type": "function", "function": {
            "name": "f", "description": "does it", "parameters": { "type": "object" }, "strict": true,
        } }],
        "tool_choice": { "type": "function", "function": { "name": "f" } },
        "parallel_tool_calls": false,
        "user": "u1",
    });
    assert_eq!(body(&openai(), &request), expected);
}

#[test]
fn the_users_own_fields_win_and_stand_once() {
    let request = question()
        .with_temperature(0.5)
        .with_extra("temperature", 2)
        .with_extra("top_k", 5);
    let written = openai().request(&request, Delivery::Whole).unwrap();
    let text = std::str::from_utf8(written.body()).unwrap();
    assert_eq!(text.matches("temperature").count(), 1);
    let body = body(&openai(), &request);
    assert_eq!(
        (&body["temperature"], &body["top_k"]),
        (&json!(2), &json!(5))
    );
    assert_eq!(
        refused(&openai(), &question().with_extra("stream", true)),
        "extra"
    );
}

#[test]
fn choices_of_tools_are_written_as_words_or_names() {
    let with = |choice| question().with_tool(tool("f")).with_tool_choice(choice);
    for (choice, word) in [
        (ToolChoice::Auto, "auto"),
        (ToolChoice::None, "none"),
        (ToolChoice::Required, "required"),
    ] {
        assert_eq!(body(&openai(), &with(choice))["tool_choice"], word);
    }
    for choice in [ToolChoice::Required, ToolChoice::Tool("f".into())] {
        assert_eq!(
            refused(&openai(), &question().with_tool_choice(choice)),
            "tool_choice"
        );
    }
    assert_eq!(
        refused(&openai(), &with(ToolChoice::Tool("g".into()))),
        "tool_choice"
    );
    let llama = OpenAi::compatible(Compatible::LlamaCpp, "m").unwrap();
    let one_of_two = question().with_tool(tool("f")).with_tool(tool("g"));
    let body = body(
        &llama,
        &one_of_two.with_tool_choice(ToolChoice::Tool("g".into())),
    );
    assert_eq!(body["tool_choice"], "required");
    assert_eq!(body["tools"].as_array().unwrap().len(), 1);
    assert_eq!(body["tools"][0]["function"]["name"], "g");
}

#[test]
fn pictures_documents_and_recordings_are_parts() {
    for (part, expected) in [
        (
            Part::Image(Media::from_bytes("image/png", b"abc")),
            json!({ "type": "image_url", "image_url": { "url": "data:image/png;base64,YWJj" } }),
        ),
        (
            Part::Image(Media::from_url("image/png", "https://x.example/a.png")),
            json!({ "type": "image_url", "image_url": { "url": "https://x.example/a.png" } }),
        ),
        (
            Part::Document(Media::from_bytes("application/pdf", b"abc").with_name("a.pdf")),
            json!({ "type": "file", "file": {
                "filename": "a.pdf", "file_data": "data:application/pdf;base64,YWJj",
            } }),
        ),
        (
            Part::Document(Media::from_file_id("application/pdf", "file-1")),
            json!({ "type": "file", "file": { "file_id": "file-1" } }),
        ),
        (
            Part::Audio(Media::from_bytes("audio/wav", b"abc")),
            json!({ "type": "input_audio", "input_audio": { "data": "YWJj", "format": "wav" } }),
        ),
        (
            Part::Audio(Media::from_bytes("audio/mpeg", b"abc")),
            json!({ "type": "input_audio", "input_audio": { "data": "YWJj", "format": "mp3" } }),
        ),
        (
            Part::Other {
                provider: "openai".into(),
                value: json!({ "type": "novel" }),
            },
            json!({ "type": "novel" }),
        ),
    ] {
        let content = json!([{ "type": "text", "text": "see" }, expected]);
        assert_eq!(
            body(&openai(), &user(part))["messages"][0]["content"],
            content
        );
    }
    for part in [
        Part::Image(Media::from_file_id("image/png", "file-1")),
        Part::Image(Media::from_bytes("", b"abc")),
        Part::Document(Media::from_url(
            "application/pdf",
            "https://x.example/a.pdf",
        )),
        Part::Audio(Media::from_bytes("audio/flac", b"abc")),
        Part::Audio(Media::from_url("audio/wav", "https://x.example/a.wav")),
        Part::ToolCall(ToolCall::new("c", "f", "{}")),
    ] {
        assert_eq!(
            refused(&openai(), &user(part.clone())),
            "messages",
            "{part:?}"
        );
    }
    let picture = Part::Image(Media::from_bytes("image/png", b"abc"));
    let said = Message::new(Role::Assistant, vec![picture]);
    assert_eq!(refused(&openai(), &Request::new([said])), "messages");
    for content in [vec![Part::text("21 C")], vec![]] {
        let stray = Message::new(Role::Tool, content);
        assert_eq!(refused(&openai(), &Request::new([stray])), "messages");
    }
}

#[test]
fn what_means_nothing_here_is_left_out() {
    let content = vec![
        Part::text("a"),
        Part::CacheMark { ttl: None },
        Part::Other {
            provider: "somebody".into(),
            value: json!(1),
        },
        Part::text("b"),
    ];
    let request = Request::new([Message::new(Role::User, content)]);
    let expected = json!([{ "role": "user", "content": "ab" }]);
    assert_eq!(body(&openai(), &request)["messages"], expected);
}

#[test]
fn tool_results_stand_between_the_calls_and_what_is_said_next() {
    let call = |id: &str| Part::ToolCall(ToolCall::new(id, "f", ""));
    let result = |id: &str| Part::ToolResult(ToolResult::new(id, "ok"));
    let request = Request::new([
        Message::new(
            Role::Assistant,
            vec![Part::text("Let me see."), call("a"), call("b")],
        ),
        Message::new(
            Role::User,
            vec![Part::text("And?"), result("a"), result("b")],
        ),
        Message::new(Role::Assistant, vec![call("c"), result("c")]),
    ]);
    let call = |id: &str| json!({ "id": id, "type": "function", "function": { "name": "f", "arguments": "{}" } });
    let result = |id: &str| json!({ "role": "tool", "tool_call_id": id, "content": "ok" });
    let expected = json!([
        { "role": "assistant", "content": "Let me see.", "tool_calls": [call("a"), call("b")] },
        result("a"),
        result("b"),
        { "role": "user", "content": "And?" },
        { "role": "assistant", "content": null, "tool_calls": [call("c")] },
        result("c"),
    ]);
    assert_eq!(body(&openai(), &request)["messages"], expected);
}

#[test]
fn what_a_model_thought_goes_back_with_its_calls() {
    let thought = || Part::Reasoning(Reasoning::new("Hm."));
    let call = Part::ToolCall(ToolCall::new("c", "f", "{}"));
    let request = Request::new([
        Message::new(Role::Assistant, vec![thought(), call]),
        Message::tool("c", "ok"),
        Message::new(Role::Assistant, vec![thought(), Part::text("Done.")]),
    ]);
    let sent = |provider: &OpenAi| body(provider, &request)["messages"].clone();
    let messages = sent(&openai());
    assert_eq!(messages[0]["reasoning_content"], "Hm.");
    assert_eq!(
        messages[2],
        json!({ "role": "assistant", "content": "Done." })
    );
    let foreign = Reasoning::new("Hm.").with_provider("somebody");
    let call = Part::ToolCall(ToolCall::new("c", "f", "{}"));
    let said = Message::new(Role::Assistant, vec![Part::Reasoning(foreign), call]);
    let written = body(&openai(), &Request::new([said]));
    assert!(written["messages"][0].get("reasoning_content").is_none());
    let by_name = openai().with_reasoning_field(ReasoningField::Reasoning);
    assert_eq!(sent(&by_name)[0]["reasoning"], "Hm.");
    let official = OpenAi::compatible(Compatible::OpenAi, "m").unwrap();
    assert_eq!(sent(&official)[0].as_object().unwrap().len(), 3);
}

#[test]
fn the_length_of_an_answer_is_limited_by_the_name_the_model_wants() {
    let request = question().with_max_tokens(5);
    for (model, field) in [
        ("gpt-4o", "max_tokens"),
        ("o3-mini", "max_completion_tokens"),
        ("gpt-5", "max_completion_tokens"),
    ] {
        assert_eq!(
            body(&openai(), &request.clone().with_model(model))[field],
            5
        );
    }
    let forced = openai().with_max_tokens_field(MaxTokensField::MaxCompletionTokens);
    assert_eq!(body(&forced, &request)["max_completion_tokens"], 5);
    let developer = openai().with_developer_role();
    let system = Request::new([Message::system("s"), Message::user("q")]);
    assert_eq!(
        body(&developer, &system)["messages"][0]["role"],
        "developer"
    );
}

#[test]
fn every_server_is_spoken_to_in_its_dialect() {
    let mistral = OpenAi::compatible(Compatible::Mistral, "m").unwrap();
    let request = question()
        .with_seed(1)
        .with_tool(tool("f"))
        .with_tool_choice(ToolChoice::Required);
    let written = mistral.request(&request, Delivery::Stream).unwrap();
    let body_of: Value = serde_json::from_slice(written.body()).unwrap();
    assert_eq!(
        (&body_of["random_seed"], &body_of["tool_choice"]),
        (&json!(1), &json!("any"))
    );
    assert_eq!(body_of["stream_options"], Value::Null);

    let openrouter = OpenAi::compatible(Compatible::OpenRouter, "x/y").unwrap();
    let budget = question().with_effort(Effort::Budget(100));
    assert_eq!(
        body(&openrouter, &budget)["reasoning"],
        json!({ "max_tokens": 100 })
    );
    let high = question().with_effort(Effort::High);
    assert_eq!(
        body(&openrouter, &high)["reasoning"],
        json!({ "effort": "high" })
    );
    assert_eq!(refused(&openai(), &budget), "effort");

    let schema = question().with_output(OutputFormat::schema("s", json!({})));
    let json = question().with_output(OutputFormat::Json);
    let deepseek = OpenAi::compatible(Compatible::DeepSeek, "m").unwrap();
    assert_eq!(refused(&deepseek, &schema), "output");
    assert_eq!(
        body(&deepseek, &json)["response_format"]["type"],
        "json_object"
    );
    let perplexity = OpenAi::compatible(Compatible::Perplexity, "m").unwrap();
    assert_eq!(refused(&perplexity, &json), "output");
    assert_eq!(
        body(&perplexity, &schema)["response_format"]["type"],
        "json_schema"
    );
}

#[test]
fn every_known_server_has_a_name_a_place_and_a_key() {
    for server in Compatible::ALL {
        let provider = OpenAi::compatible(server, "m").unwrap();
        assert_eq!(provider.name(), server.name());
        assert_eq!(server.name().parse(), Ok(server));
        let provider = provider.with_api_key(&ApiKey::new("k")).unwrap();
        let written = provider.request(&question(), Delivery::Whole).unwrap();
        assert_eq!(written.headers()["authorization"], "Bearer k");
        let uri = written.uri().to_string();
        assert_eq!(uri, format!("{}/chat/completions", server.base_url()));
        assert!(server.key_variable().ends_with("_API_KEY"));
        let local = uri.starts_with("http://localhost");
        assert_eq!(server.needs_key(), !local, "{server:?}");
    }
    let unknown = "nobody".parse::<Compatible>().unwrap_err();
    assert!(unknown.to_string().contains("groq"));
}

#[test]
fn azure_has_deployments_versions_and_a_header_for_the_key() {
    let azure = OpenAi::azure("https://me.openai.azure.com/", "gpt 4/o", "2024-10-21").unwrap();
    let azure = azure.with_api_key(&ApiKey::new("k")).unwrap();
    let written = azure.request(&question(), Delivery::Whole).unwrap();
    let place = "https://me.openai.azure.com/openai/deployments/";
    let uri = format!("{place}gpt%204%2Fo/chat/completions?api-version=2024-10-21");
    assert_eq!(written.uri().to_string(), uri);
    assert_eq!(written.headers()["api-key"], "k");
    assert!(!written.headers().contains_key("authorization"));
    assert!(!format!("{azure:?} {written:?}").contains("\"k\""));
    let other = azure
        .request(&question().with_model("mini"), Delivery::Whole)
        .unwrap();
    assert!(other.uri().path().contains("/deployments/mini/"));
    let embedding = azure
        .embed_request(&EmbedRequest::new(["x"]).with_model("e"))
        .unwrap();
    let uri = format!("{place}e/embeddings?api-version=2024-10-21");
    assert_eq!(embedding.uri().to_string(), uri);
    let plain = OpenAi::azure("http://me.example", "d", "v").unwrap();
    let plain = plain.with_api_key(&ApiKey::new("k"));
    assert!(matches!(plain, Err(ProviderError::PlainTextKey { .. })));
}

#[test]
fn headers_of_the_users_own_go_along() {
    let provider = openai().with_header("OpenAI-Organization", "org").unwrap();
    let written = provider.request(&question(), Delivery::Whole).unwrap();
    assert_eq!(written.headers()["openai-organization"], "org");
    assert_eq!(written.headers()["content-type"], "application/json");
    for (name, value) in [("a b", "v"), ("a", "v\n")] {
        let error = openai().with_header(name, value).unwrap_err();
        assert!(matches!(error, ProviderError::InvalidHeader { name: of } if of == name));
    }
}

#[test]
fn embeddings_that_cannot_be_asked_for_name_the_field() {
    for (request, wrong) in [
        (EmbedRequest::new([""; 0]), "inputs"),
        (EmbedRequest::new(["x"]).with_model(""), "model"),
        (EmbedRequest::new(["x"]).with_dimensions(0), "dimensions"),
    ] {
        match openai().embed_request(&request) {
            Err(ModelFailure::InvalidRequest { field, .. }) => assert_eq!(field, wrong),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_key_comes_from_the_environment_or_is_missed_by_name() {
    for server in Compatible::ALL {
        let variable = server.key_variable();
        let is_set = ApiKey::from_env(variable).is_ok();
        match OpenAi::from_env(server, "m") {
            Ok(provider) => {
                assert!(is_set || !server.needs_key(), "{server:?}");
                let written = provider.request(&question(), Delivery::Whole).unwrap();
                assert_eq!(written.headers().contains_key("authorization"), is_set);
            }
            Err(ProviderError::Key(error)) => {
                assert!(!is_set && server.needs_key(), "{server:?}");
                assert!(error.to_string().contains(variable), "{error}");
            }
            Err(error) => panic!("{server:?}: {error}"),
        }
    }
}
