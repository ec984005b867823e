use fascine::message::{Media, Message, Part, Reasoning, Role, ToolCall, ToolResult};
use fascine::model::{
    ApiKey, Delivery, Effort, EmbedRequest, FinishReason, ModelFailure, Ollama, OutputFormat,
    Provider, Request, Response, ToolChoice, ToolSpec,
};
use serde_json::{Value, json};

use super::fixtures::{self, check_cuts, check_damage, check_splits, read_stream};

fn ollama() -> Ollama {
    Ollama::new("http://localhost:11434", "llama3").unwrap()
}

fn body(provider: &Ollama, request: &Request) -> Value {
    let written = provider.request(request, Delivery::Whole).unwrap();
    serde_json::from_slice(written.body()).unwrap()
}

fn written(request: &Request) -> Value {
    body(&ollama(), request)
}

fn hello() -> Request {
    Request::new([Message::user("hello")])
}

fn assistant(parts: impl IntoIterator<Item = Part>) -> Message {
    Message::new(Role::Assistant, parts.into_iter().collect())
}

fn stream(lines: impl IntoIterator<Item = Value>) -> String {
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}

fn message(message: Value) -> Value {
    json!({ "model": "m", "created_at": "2026-01-02T03:04:05Z", "message": message, "done": false })
}

fn last() -> Value {
    json!({ "message": { "role": "assistant", "content": "" }, "done": true })
}

fn read(lines: impl IntoIterator<Item = Value>) -> Result<Response, ModelFailure> {
    read_stream(&ollama(), [stream(lines).as_bytes()])
}

#[test]
fn requests_are_those_of_the_recordings() {
    let schema = json!({
        "type": "object",
        "properties": {
            "city": { "type": "string" },
            "unit": { "type": "string", "enum": ["c", "f"] },
        },
        "required": ["city"],
        "additionalProperties": false,
    });
    let tool = ToolSpec::new("get_weather", "Weather for a city", schema);
    let with_tool = Request::new([Message::user("weather in Paris")]).with_tool(tool);
    for (name, request, delivery) in [
        ("ollama_chat.aimock", hello(), Delivery::Whole),
        ("ollama_chat_stream.aimock", hello(), Delivery::Stream),
        ("ollama_chat_tool.aimock", with_tool, Delivery::Whole),
    ] {
        let written = ollama().request(&request, delivery).unwrap();
        assert_eq!(written.uri(), "http://localhost:11434/api/chat");
        let written: Value = serde_json::from_slice(written.body()).unwrap();
        assert_eq!(written, fixtures::one(name).request, "{name}");
    }
}

#[test]
fn the_bytes_of_a_request_are_always_the_same() {
    let request = Request::new([Message::system("Be brief."), Message::user("hello")])
        .with_max_tokens(9)
        .with_temperature(0.5)
        .with_top_p(0.9)
        .with_seed(7)
        .with_stop(["END"])
        .with_effort(Effort::High)
        .with_output(OutputFormat::schema("x", json!({ "a": 2, "b": 1 })))
        .with_extra("keep_alive", "5m")
        .with_extra("options", json!({ "seed": 8, "top_k": 5 }));
    let provider = ollama().with_context_length(8192);
    let written = provider.request(&request, Delivery::Stream).unwrap();
    let expected = concat!(
        r#"{"model":"llama3","messages":[{"role":"system","content":"Be brief."},"#,
        r#"{"role":"user","content":"hello"}],"format":{"a":2,"b":1},"think":"high","#,
        r#""options":{"num_ctx":8192,"num_predict":9,"temperature":0.5,"top_p":0.9,"#,
        r#""stop":["END"],"seed":8,"top_k":5},"stream":true,"keep_alive":"5m"}"#,
    );
    assert_eq!(std::str::from_utf8(written.body()).unwrap(), expected);
    assert_eq!(written.headers()["accept"], "application/x-ndjson");
}

#[test]
fn effort_and_json_are_said_in_the_servers_words() {
    for (effort, think) in [
        (Effort::None, json!(false)),
        (Effort::Budget(0), json!(false)),
        (Effort::Minimal, json!("low")),
        (Effort::Medium, json!("medium")),
    ] {
        assert_eq!(written(&hello().with_effort(effort))["think"], think);
    }
    let json = hello().with_output(OutputFormat::Json);
    assert_eq!(written(&json)["format"], "json");
}

#[test]
fn a_model_that_is_to_call_no_tool_is_shown_none() {
    let request = hello().with_tool(ToolSpec::new("now", "", Value::Null));
    let expected = json!({ "name": "now", "parameters": { "type": "object" } });
    assert_eq!(written(&request)["tools"][0]["function"], expected);
    let none = request.with_tool_choice(ToolChoice::None);
    assert_eq!(written(&none)["tools"], Value::Null);
}

#[test]
fn calls_and_results_are_written_as_the_server_wants_them() {
    let call = |id: &str, arguments: &str| Part::ToolCall(ToolCall::new(id, "t", arguments));
    let thought = |provider: &str| Part::Reasoning(Reasoning::new("hm").with_provider(provider));
    let image = Part::Image(Media::from_bytes("image/png", b"png"));
    // Whoever was done first; the server goes by the order of the calls.
    let results = [
        ToolResult::error("made_up_x_1", "broken"),
        ToolResult::new("a", "1"),
    ];
    let written = written(&Request::new([
        Message::new(
            Role::User,
            vec![Part::text("look "), image, Part::text("here")],
        ),
        assistant([
            thought("ollama"),
            thought("anthropic"),
            Part::CacheMark { ttl: None },
            call("a", r#"{"x": 1.0}"#),
            call("made_up_x_1", ""),
        ]),
        Message::new(Role::Tool, results.map(Part::ToolResult).to_vec()),
    ]));
    let function =
        |index, arguments| json!({ "index": index, "name": "t", "arguments": arguments });
    let expected = json!([
        { "role": "user", "content": "look here", "images": ["cG5n"] },
        { "role": "assistant", "content": "", "thinking": "hm", "tool_calls": [
            { "id": "a", "function": function(0, json!({ "x": 1.0 })) },
            { "function": function(1, json!({})) },
        ] },
        { "role": "tool", "content": "1", "tool_name": "t", "tool_call_id": "a" },
        { "role": "tool", "content": "broken", "tool_name": "t" },
    ]);
    assert_eq!(written["messages"], expected);
}

#[test]
fn a_key_is_sent_as_a_bearer_and_only_where_it_is_safe() {
    let cloud = Ollama::new("https://ollama.com/api", "m").unwrap();
    let cloud = cloud.with_api_key(&ApiKey::new("secret")).unwrap();
    let written = cloud.request(&hello(), Delivery::Whole).unwrap();
    assert_eq!(written.uri(), "https://ollama.com/api/chat");
    assert_eq!(written.headers()["authorization"], "Bearer secret");
    assert!(!format!("{cloud:?} {written:?}").contains("secret"));
    let plain = Ollama::new("http://192.0.2.1:11434", "m").unwrap();
    assert!(plain.with_api_key(&ApiKey::new("secret")).is_err());
    let open = ollama().request(&hello(), Delivery::Whole).unwrap();
    assert!(!open.headers().contains_key("authorization"));
}

#[test]
fn what_the_api_has_no_place_for_is_refused_by_name() {
    let with = |part: Part| Request::new([Message::new(Role::User, vec![part])]);
    let broken = assistant([Part::ToolCall(ToolCall::new("a", "t", "{\"x\": "))]);
    let strict = ToolSpec::new("t", "", Value::Null).with_strict(true);
    let pdf = Media::from_bytes("application/pdf", b"%PDF");
    let far = Media::from_url("image/png", "https://example.com/a.png");
    for (request, wrong) in [
        (Request::new([]), "messages"),
        (Request::new([broken]), "messages"),
        (with(Part::Image(far)), "messages"),
        (with(Part::Document(pdf)), "messages"),
        (with(Part::text("")), "messages"),
        (hello().with_model(""), "model"),
        (hello().with_effort(Effort::Budget(9)), "effort"),
        (
            hello().with_tool_choice(ToolChoice::Required),
            "tool_choice",
        ),
        (
            hello().with_tool_choice(ToolChoice::Tool("t".into())),
            "tool_choice",
        ),
        (
            hello().with_parallel_tool_calls(false),
            "parallel_tool_calls",
        ),
        (hello().with_tool(strict), "tools"),
    ] {
        match ollama().request(&request, Delivery::Whole) {
            Err(ModelFailure::InvalidRequest { field, .. }) => assert_eq!(field, wrong),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn calls_come_whole_with_an_object_or_a_text_of_arguments() {
    let calls = json!([
        { "function": { "name": "one", "arguments": { "x": [1.50] } } },
        { "id": "call_9", "function": { "name": "two", "arguments": "{\"y\": 2}", "index": 1 } },
        { "function": { "name": "three" } },
    ]);
    let response = read([
        message(json!({ "content": "", "thinking": "Hm" })),
        message(json!({ "content": "", "thinking": "." })),
        message(json!({ "content": "", "tool_calls": calls })),
        last(),
    ]);
    let response = response.unwrap();
    let calls: Vec<_> = response.message.tool_calls().collect();
    let arguments: Vec<_> = calls.iter().map(|call| &call.arguments[..]).collect();
    assert_eq!(arguments, ["{\"x\":[1.5]}", "{\"y\": 2}", "{}"]);
    let ids: Vec<_> = calls.iter().map(|call| &call.id[..]).collect();
    assert_eq!(
        ids,
        [
            "made_up_2026-01-02T030405Z_0",
            "call_9",
            "made_up_2026-01-02T030405Z_2"
        ]
    );
    assert_eq!(response.finish_reason, FinishReason::ToolCalls);
    let thought = Reasoning::new("Hm.").with_provider("ollama");
    assert_eq!(response.message.content()[0], Part::Reasoning(thought));
    assert_eq!(response.model, "m");
}

#[test]
fn the_last_line_counts_and_says_why() {
    let end = |fields: Value| {
        let mut line = last();
        let fields = fields.as_object().unwrap().clone();
        line.as_object_mut().unwrap().extend(fields);
        read([message(json!({ "content": "Hi" })), line]).unwrap()
    };
    // What is in the server's cache is not counted.
    let response = end(json!({ "done_reason": "length", "eval_count": 3, "load_duration": 9 }));
    assert_eq!(response.finish_reason, FinishReason::Length);
    assert_eq!(
        (
            response.usage.prompt_tokens,
            response.usage.completion_tokens
        ),
        (0, 3)
    );
    assert_eq!(response.extra["load_duration"], 9);
    let response = end(json!({ "done_reason": "load", "prompt_eval_count": 4 }));
    assert_eq!(response.finish_reason, FinishReason::Other("load".into()));
    assert_eq!(response.usage.prompt_tokens, 4);
    assert!(end(json!({})).usage.is_empty());
    assert_eq!(end(json!({})).finish_reason, FinishReason::Stop);
}

#[test]
fn a_stream_that_ends_before_it_is_done_is_no_answer() {
    let hi = message(json!({ "content": "Hi" }));
    let cut = read([hi.clone()]);
    assert!(matches!(cut, Err(ModelFailure::Truncated)), "{cut:?}");
    let bytes = stream([hi, last()]);
    // The end of the last line may be missing, but nothing else.
    let whole = read_stream(&ollama(), [bytes.trim_end().as_bytes()]);
    assert_eq!(whole.unwrap().text(), "Hi");
    let cut = read_stream(&ollama(), [&bytes.as_bytes()[..bytes.len() - 2]]);
    assert!(matches!(cut, Err(ModelFailure::Truncated)), "{cut:?}");
}

#[test]
fn lines_with_odd_ends_and_what_comes_after_the_last_do_no_harm() {
    let bytes = format!(
        "\r\n{}\r\n\n{}\nnonsense\n",
        message(json!({ "content": "Hi" })),
        last()
    );
    let response = read_stream(&ollama(), [bytes.as_bytes()]).unwrap();
    assert_eq!(response.text(), "Hi");
    let bytes = stream([message(json!({ "content": "Hi" }))]) + "nonsense\n";
    let failure = read_stream(&ollama(), [bytes.as_bytes()]);
    assert!(matches!(failure, Err(ModelFailure::Malformed { .. })));
}

#[test]
fn an_error_after_a_good_head_is_the_servers_error() {
    let error = json!({ "error": "model runner has unexpectedly stopped" });
    let in_stream = read([message(json!({ "content": "Hi" })), error.clone()]);
    let in_place = ollama().response(error.to_string().as_bytes());
    for failure in [in_stream, in_place] {
        match failure {
            Err(ModelFailure::Api(error)) => {
                assert_eq!(error.message, "model runner has unexpectedly stopped");
            }
            other => panic!("{other:?}"),
        }
    }
    let head = http::Response::builder().status(404).body(()).unwrap();
    let body = json!({ "error": "model 'x' not found" }).to_string();
    let error = ollama().error(&head.into_parts().0, body.into());
    assert_eq!(error.message, "model 'x' not found");
    assert!(!error.is_retryable());
}

#[test]
fn what_is_no_answer_is_malformed() {
    for body in [
        "",
        "[]",
        "<html>",
        "{}",
        r#"{"done": true}"#,
        r#"{"message": 3}"#,
    ] {
        let failure = ollama().response(body.as_bytes());
        assert!(
            matches!(failure, Err(ModelFailure::Malformed { .. })),
            "{body}"
        );
    }
}

#[test]
fn embeddings_have_an_address_of_their_own() {
    let request = EmbedRequest::new(["a", "b"]).with_dimensions(2);
    let written = ollama().embed_request(&request).unwrap();
    assert_eq!(written.uri(), "http://localhost:11434/api/embed");
    let body: Value = serde_json::from_slice(written.body()).unwrap();
    assert_eq!(
        body,
        json!({ "model": "llama3", "input": ["a", "b"], "dimensions": 2 })
    );
    let none = ollama().embed_request(&EmbedRequest::new(Vec::<String>::new()));
    assert!(matches!(
        none,
        Err(ModelFailure::InvalidRequest {
            field: "inputs",
            ..
        })
    ));

    let answer = br#"{"model": "m", "embeddings": [[0.5], [1]], "prompt_eval_count": 8}"#;
    let read = ollama().embeddings(answer).unwrap();
    assert_eq!(read.vectors, [vec![0.5], vec![1.0]]);
    assert_eq!((read.model.as_str(), read.usage.prompt_tokens), ("m", 8));
}

#[test]
fn a_stream_with_everything_in_it_keeps_the_laws_of_streams() {
    let call = json!([{ "function": { "name": "a", "arguments": { "x": "é" } } }]);
    let bytes = stream([
        message(json!({ "content": "", "thinking": "Hm, ä" })),
        message(json!({ "content": "Hi" })),
        message(json!({ "content": "", "tool_calls": call })),
        json!({
            "created_at": "x", "message": { "content": "" }, "done": true, "done_reason": "stop",
            "prompt_eval_count": 4, "eval_count": 2, "logprobs": [-0.5],
        }),
    ]);
    check_splits(&ollama(), bytes.as_bytes());
    check_cuts(&ollama(), bytes.as_bytes());
    check_damage(bytes.as_bytes(), |bytes| {
        drop(read_stream(&ollama(), [bytes]))
    });
}
