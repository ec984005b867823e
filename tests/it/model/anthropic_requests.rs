use fascine::message::{Media, Message, Part, Role, ToolCall, ToolResult};
use fascine::model::{
    Anthropic, ApiKey, Delivery, Effort, ModelFailure, OutputFormat, Provider, ProviderError,
    Request, ToolChoice, ToolSpec,
};
use serde_json::{Value, json};

use super::fixtures;

pub(super) fn anthropic() -> Anthropic {
    Anthropic::new("https://api.anthropic.com", "claude-sonnet-4-5").unwrap()
}

pub(super) fn written(request: &Request) -> Value {
    let written = anthropic().request(request, Delivery::Whole).unwrap();
    serde_json::from_slice(written.body()).unwrap()
}

pub(super) fn messages(messages: impl IntoIterator<Item = Message>) -> Value {
    written(&Request::new(messages))["messages"].clone()
}

pub(super) fn hello() -> Request {
    Request::new([Message::user("hello")])
}

pub(super) fn cache_mark() -> Part {
    Part::CacheMark { ttl: None }
}

pub(super) fn weather() -> ToolSpec {
    let schema = json!({
        "type": "object",
        "properties": {
            "city": { "type": "string" },
            "unit": { "type": "string", "enum": ["c", "f"] },
        },
        "required": ["city"],
        "additionalProperties": false,
    });
    ToolSpec::new("get_weather", "Weather for a city", schema)
}

#[track_caller]
fn assert_refused(request: &Request, wrong: &str) {
    match anthropic().request(request, Delivery::Whole) {
        Err(ModelFailure::InvalidRequest { field, .. }) => assert_eq!(field, wrong),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_head_carries_version_betas_and_key() {
    let provider = anthropic()
        .with_beta("context-1m-2025-08-07")
        .and_then(|provider| provider.with_beta("files-api-2025-04-14"))
        .and_then(|provider| provider.with_api_key(&ApiKey::new("sk-ant-secret")))
        .unwrap();
    let written = provider.request(&hello(), Delivery::Stream).unwrap();
    assert_eq!(written.method(), "POST");
    assert_eq!(written.uri(), "https://api.anthropic.com/v1/messages");
    let headers = written.headers();
    assert_eq!(headers["anthropic-version"], "2023-06-01");
    assert_eq!(headers["x-api-key"], "sk-ant-secret");
    assert_eq!(headers["accept"], "text/event-stream");
    let betas = &headers["anthropic-beta"];
    assert_eq!(betas, "context-1m-2025-08-07,files-api-2025-04-14");
    let shown = format!("{provider:?} {written:?}");
    assert!(!shown.contains("secret"), "{shown}");

    let bearer = anthropic()
        .with_bearer_token(&ApiKey::new("token"))
        .unwrap();
    let written = bearer.request(&hello(), Delivery::Whole).unwrap();
    assert_eq!(written.headers()["authorization"], "Bearer token");
    assert!(!written.headers().contains_key("x-api-key"));
}

#[test]
fn what_a_head_cannot_carry_is_refused() {
    let odd = anthropic().with_beta("a\nb").unwrap_err();
    let name = "anthropic-beta".to_owned();
    assert_eq!(odd, ProviderError::InvalidHeader { name });
    let odd = anthropic().with_api_key(&ApiKey::new("a\nb")).unwrap_err();
    assert_eq!(odd, ProviderError::InvalidKey);
    let plain = Anthropic::new("http://example.com", "m").unwrap();
    let plain = plain.with_api_key(&ApiKey::new("k")).unwrap_err();
    assert!(matches!(plain, ProviderError::PlainTextKey { .. }));
}

#[test]
fn a_base_url_may_have_the_version_in_it() {
    for (base, uri) in [
        ("http://127.0.0.1:9", "http://127.0.0.1:9/v1/messages"),
        ("http://127.0.0.1:9/v1/", "http://127.0.0.1:9/v1/messages"),
        (
            "https://example.com/llm",
            "https://example.com/llm/v1/messages",
        ),
    ] {
        let provider = Anthropic::new(base, "m").unwrap();
        let written = provider.request(&hello(), Delivery::Whole).unwrap();
        assert_eq!(written.uri(), uri);
    }
}

#[test]
fn requests_are_those_of_the_recordings() {
    let plain =
        Request::new([Message::system("Be brief."), Message::user("hello")]).with_max_tokens(256);
    let call = ToolCall::new("toolu_1", "get_weather", r#"{"city":"Paris"}"#);
    let with_result = Request::new([
        Message::user("weather in Paris"),
        Message::new(Role::Assistant, vec![Part::ToolCall(call)]),
        Message::tool("toolu_1", "21C, sunny"),
    ]);
    let with_result = with_result.with_max_tokens(256).with_tool(weather());
    let with_tool = Request::new([Message::user("weather in Paris")]);
    let with_tool = with_tool.with_max_tokens(256).with_tool(weather());
    for (name, request) in [
        ("anthropic_messages", plain),
        ("anthropic_messages_tool", with_tool),
        ("anthropic_messages_toolresult", with_result),
    ] {
        for (suffix, delivery) in [("", Delivery::Whole), ("_stream", Delivery::Stream)] {
            let name = format!("{name}{suffix}.aimock");
            let written = anthropic().request(&request, delivery).unwrap();
            let written: Value = serde_json::from_slice(written.body()).unwrap();
            let recorded = fixtures::one(&name).request;
            assert_eq!(written, recorded, "{name}");
        }
    }
}

#[test]
fn the_bytes_of_a_request_are_always_the_same() {
    let request = Request::new([Message::system("Be brief."), Message::user("hello")])
        .with_temperature(0.5)
        .with_top_p(0.9)
        .with_stop(["END"])
        .with_tool(ToolSpec::new(
            "t",
            "",
            json!({ "a": 2, "b": 1, "type": "object" }),
        ))
        .with_extra("top_k", 5);
    let written = anthropic().request(&request, Delivery::Stream).unwrap();
    let expected = concat!(
        r#"{"model":"claude-sonnet-4-5","max_tokens":4096,"system":"Be brief.","#,
        r#""messages":[{"role":"user","content":"hello"}],"#,
        r#""tools":[{"name":"t","input_schema":{"a":2,"b":1,"type":"object"}}],"#,
        r#""temperature":0.5,"top_p":0.9,"stop_sequences":["END"],"stream":true,"top_k":5}"#,
    );
    assert_eq!(std::str::from_utf8(written.body()).unwrap(), expected);
}

#[test]
fn system_messages_go_to_their_own_place() {
    let request = Request::new([
        Message::system("One."),
        Message::user("hello"),
        Message::system("Two."),
        Message::user("again"),
    ]);
    let written = written(&request);
    assert_eq!(
        written["system"],
        json!([{ "type": "text", "text": "One." }, { "type": "text", "text": "Two." }])
    );
    // What was apart is one message now: roles have to take turns.
    assert_eq!(
        written["messages"],
        json!([{ "role": "user", "content": [
            { "type": "text", "text": "hello" }, { "type": "text", "text": "again" },
        ] }])
    );
}

#[test]
fn the_results_of_a_turn_are_one_message_and_come_first_in_it() {
    let calls = ["a", "b"].map(|id| Part::ToolCall(ToolCall::new(id, "t", "")));
    let written = messages([
        Message::user("go"),
        Message::new(Role::Assistant, calls.to_vec()),
        Message::tool("a", "1"),
        Message::user("hurry"),
        Message::new(
            Role::Tool,
            vec![Part::ToolResult(ToolResult::error("b", "broken"))],
        ),
        Message::tool("c", ""),
    ]);
    let expected = json!([
        { "role": "user", "content": "go" },
        { "role": "assistant", "content": [
            { "type": "tool_use", "id": "a", "name": "t", "input": {} },
            { "type": "tool_use", "id": "b", "name": "t", "input": {} },
        ] },
        { "role": "user", "content": [
            { "type": "tool_result", "tool_use_id": "a", "content": "1" },
            { "type": "tool_result", "tool_use_id": "b", "content": "broken", "is_error": true },
            { "type": "tool_result", "tool_use_id": "c" },
            { "type": "text", "text": "hurry" },
        ] },
    ]);
    assert_eq!(written, expected);
}

#[test]
fn arguments_go_back_byte_for_byte() {
    let call = ToolCall::new("a", "t", r#"{ "z": 1.0, "a": 1e2 }"#);
    let message = Message::new(Role::Assistant, vec![Part::ToolCall(call)]);
    let request = Request::new([Message::user("x"), message]);
    let written = anthropic().request(&request, Delivery::Whole).unwrap();
    let body = std::str::from_utf8(written.body()).unwrap();
    assert!(body.contains(r#""input":{ "z": 1.0, "a": 1e2 }"#), "{body}");
}

#[test]
fn media_go_as_data_address_or_file() {
    let image = |media| Part::Image(media);
    let pdf = Media::from_bytes("application/pdf", b"%PDF").with_name("paper");
    let written = messages([Message::new(
        Role::User,
        vec![
            image(Media::from_bytes("image/png", b"png")),
            image(Media::from_url("", "https://example.com/a.png")),
            image(Media::from_file_id("image/png", "file_1")),
            Part::Document(pdf),
            Part::Document(Media::from_bytes("text/markdown", "# Ä".as_bytes())),
            Part::Document(Media::from_url(
                "application/pdf",
                "https://example.com/a.pdf",
            )),
        ],
    )]);
    let source = |value| json!({ "type": "image", "source": value });
    let expected = json!([
        source(json!({ "type": "base64", "media_type": "image/png", "data": "cG5n" })),
        source(json!({ "type": "url", "url": "https://example.com/a.png" })),
        source(json!({ "type": "file", "file_id": "file_1" })),
        { "type": "document", "title": "paper", "source": {
            "type": "base64", "media_type": "application/pdf", "data": "JVBERg==",
        } },
        { "type": "document", "source": {
            "type": "text", "media_type": "text/plain", "data": "# Ä",
        } },
        { "type": "document", "source": { "type": "url", "url": "https://example.com/a.pdf" } },
    ]);
    assert_eq!(written[0]["content"], expected);
}

#[test]
fn tools_and_the_choice_among_them() {
    let none = ToolSpec::new("now", "", Value::Null).with_strict(true);
    let request = hello().with_tool(weather()).with_tool(none);
    let tools = &written(&request)["tools"];
    assert_eq!(
        tools[1],
        json!({ "name": "now", "input_schema": { "type": "object" }, "strict": true })
    );
    for (choice, expected) in [
        (ToolChoice::Auto, json!({ "type": "auto" })),
        (ToolChoice::None, json!({ "type": "none" })),
        (ToolChoice::Required, json!({ "type": "any" })),
        (
            ToolChoice::Tool("now".into()),
            json!({ "type": "tool", "name": "now" }),
        ),
    ] {
        let request = request.clone().with_tool_choice(choice.clone());
        assert_eq!(written(&request)["tool_choice"], expected);
        let mut expected = expected;
        if choice != ToolChoice::None {
            expected["disable_parallel_tool_use"] = true.into();
        }
        let request = request.with_parallel_tool_calls(false);
        assert_eq!(written(&request)["tool_choice"], expected);
    }
    let one_at_a_time = request.with_parallel_tool_calls(false);
    assert_eq!(
        written(&one_at_a_time)["tool_choice"],
        json!({ "type": "auto", "disable_parallel_tool_use": true })
    );
    assert_eq!(
        written(&hello().with_parallel_tool_calls(false))["tool_choice"],
        Value::Null
    );
}

#[test]
fn the_schema_of_an_answer_goes_into_the_output_config() {
    let schema = json!({ "type": "object" });
    let request = hello()
        .with_output(OutputFormat::schema("answer", schema.clone()))
        .with_model("claude-opus-4-6")
        .with_effort(Effort::High)
        .with_extra("output_config", json!({ "task_budget": 1 }));
    let format = json!({ "type": "json_schema", "schema": schema });
    assert_eq!(
        written(&request)["output_config"],
        json!({ "effort": "high", "format": format, "task_budget": 1 })
    );
}

#[test]
fn what_has_nothing_in_it_is_left_out() {
    let written = messages([
        Message::user("x"),
        Message::assistant(""),
        Message::new(Role::Assistant, vec![]),
        Message::user("y"),
    ]);
    assert_eq!(written.as_array().unwrap().len(), 1);
    assert_eq!(written[0]["content"].as_array().unwrap().len(), 2);
}

#[test]
fn further_fields_without_their_block_are_left_out() {
    let more = || Part::Other {
        provider: "anthropic".into(),
        value: json!({ "citations": [1] }),
    };
    let written = messages([
        Message::user("x"),
        Message::new(Role::Assistant, vec![more(), Part::text(""), more()]),
    ]);
    assert_eq!(written, json!([{ "role": "user", "content": "x" }]));
}

#[test]
fn the_users_own_fields_win() {
    let request = hello()
        .with_extra("max_tokens", 7)
        .with_extra("metadata", json!({ "user_id": "u" }))
        .with_extra(
            "tools",
            json!([{ "type": "web_search_20250305", "name": "web_search" }]),
        )
        .with_tool(weather());
    let written = written(&request);
    assert_eq!(written["max_tokens"], 7);
    assert_eq!(written["metadata"]["user_id"], "u");
    assert_eq!(written["tools"].as_array().unwrap().len(), 1);
}

#[test]
fn what_the_api_has_no_place_for_is_refused_by_name() {
    let content = |role, part| Request::new([Message::user("x"), Message::new(role, vec![part])]);
    let call = |arguments: &str| Part::ToolCall(ToolCall::new("c", "t", arguments));
    let audio = Media::from_bytes("audio/wav", b"RIFF");
    let nameless = Media::from_bytes("", b"?");
    let no_text = Media::from_bytes("text/plain", b"\xff\xfe");
    let marks = [0; 5].map(|_| Message::new(Role::User, vec![Part::text("x"), cache_mark()]));
    for (request, field) in [
        (Request::new([]), "messages"),
        (Request::new([Message::system("x")]), "messages"),
        (Request::new([Message::user("")]), "messages"),
        (Request::new(marks), "messages"),
        (content(Role::User, Part::Audio(audio)), "messages"),
        (
            content(Role::User, Part::Image(nameless.clone())),
            "messages",
        ),
        (content(Role::User, Part::Document(nameless)), "messages"),
        (content(Role::User, Part::Document(no_text)), "messages"),
        (content(Role::Assistant, call("{\"city\": ")), "messages"),
        (content(Role::Assistant, call("[1]")), "messages"),
        (content(Role::User, call("{}")), "messages"),
        (
            content(Role::Assistant, Part::ToolResult(ToolResult::new("c", "x"))),
            "messages",
        ),
        (hello().with_model(""), "model"),
        (hello().with_seed(1), "seed"),
        (hello().with_output(OutputFormat::Json), "output"),
        (hello().with_temperature(1.5), "temperature"),
        (hello().with_temperature(f64::NAN), "temperature"),
        (hello().with_top_p(2.0), "top_p"),
        (hello().with_max_tokens(0), "max_tokens"),
        (hello().with_effort(Effort::Budget(1000)), "effort"),
        (
            hello()
                .with_effort(Effort::Budget(4000))
                .with_max_tokens(4000),
            "max_tokens",
        ),
    ] {
        assert_refused(&request, field);
    }
}

#[test]
fn there_are_no_embeddings() {
    let request = fascine::model::EmbedRequest::new(["x"]);
    assert!(matches!(
        anthropic().embed_request(&request),
        Err(ModelFailure::InvalidRequest { .. })
    ));
}
