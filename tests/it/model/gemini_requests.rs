use fascine::message::{Media, Message, Part, Reasoning, Role, ToolCall, ToolResult};
use fascine::model::{
    ApiKey, Delivery, Effort, EmbedRequest, Gemini, ModelFailure, OutputFormat, Provider, Request,
    ToolChoice, ToolSpec,
};
use serde_json::{Value, json};

use super::fixtures;

fn gemini() -> Gemini {
    Gemini::new(
        "https://generativelanguage.googleapis.com",
        "gemini-2.5-flash",
    )
    .unwrap()
}

fn written(request: &Request) -> Value {
    let written = gemini().request(request, Delivery::Whole).unwrap();
    serde_json::from_slice(written.body()).unwrap()
}

fn contents(messages: impl IntoIterator<Item = Message>) -> Value {
    written(&Request::new(messages))["contents"].clone()
}

fn hello() -> Request {
    Request::new([Message::user("hello")])
}

fn assistant(parts: impl IntoIterator<Item = Part>) -> Message {
    Message::new(Role::Assistant, parts.into_iter().collect())
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall::new(id, name, arguments))
}

#[track_caller]
fn assert_refused(request: &Request, wrong: &str) {
    match gemini().request(request, Delivery::Whole) {
        Err(ModelFailure::InvalidRequest { field, .. }) => assert_eq!(field, wrong),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_address_names_model_and_method_but_never_the_key() {
    let provider = gemini().with_api_key(&ApiKey::new("secret")).unwrap();
    let streamed = provider.request(&hello(), Delivery::Stream).unwrap();
    let base = "https://generativelanguage.googleapis.com/v1beta/";
    assert_eq!(
        streamed.uri().to_string(),
        format!("{base}models/gemini-2.5-flash:streamGenerateContent?alt=sse")
    );
    assert_eq!(streamed.headers()["x-goog-api-key"], "secret");
    assert!(!format!("{provider:?} {streamed:?}").contains("secret"));
    for (model, path) in [
        ("gemini-3-pro", "models/gemini-3-pro:generateContent"),
        ("tunedModels/mine-1", "tunedModels/mine-1:generateContent"),
    ] {
        let request = hello().with_model(model);
        let written = provider.request(&request, Delivery::Whole).unwrap();
        assert_eq!(written.uri().to_string(), format!("{base}{path}"));
    }
}

#[test]
fn a_base_url_with_a_path_is_taken_as_it_is() {
    for (base, uri) in [
        (
            "http://localhost:9",
            "http://localhost:9/v1beta/models/m:generateContent",
        ),
        (
            "http://localhost:9/v1/",
            "http://localhost:9/v1/models/m:generateContent",
        ),
    ] {
        let written = Gemini::new(base, "m")
            .unwrap()
            .request(&hello(), Delivery::Whole);
        assert_eq!(written.unwrap().uri(), uri);
    }
}

#[test]
fn a_model_is_no_way_to_another_address() {
    for model in [
        "../files",
        "a?key=b",
        "a#b",
        "a:other",
        "a b",
        "/a",
        "a/",
        "models/..",
        "ä",
    ] {
        assert_refused(&hello().with_model(model), "model");
    }
}

#[test]
fn requests_are_those_of_the_recordings() {
    for name in ["gemini_generate.aimock", "gemini_generate_stream.aimock"] {
        assert_eq!(written(&hello()), fixtures::one(name).request, "{name}");
    }
    let schema = json!({ "type": "object" });
    let weather = ToolSpec::new("get_weather", "", schema.clone());
    let request = Request::new([Message::user("weather in Paris")]).with_tool(weather);
    let mut recorded = fixtures::one("gemini_generate_tool.aimock").request;
    // The recorded schema is in OpenAPI's form; JSON Schema has a field of its own.
    let tool = &mut recorded["tools"][0]["functionDeclarations"][0];
    *tool = json!({ "name": "get_weather", "parametersJsonSchema": schema });
    assert_eq!(written(&request), recorded);
}

#[test]
fn the_bytes_of_a_request_are_always_the_same() {
    let request = Request::new([Message::system("Be brief."), Message::user("hello")])
        .with_temperature(0.5)
        .with_top_p(0.9)
        .with_max_tokens(9)
        .with_stop(["END"])
        .with_seed(7)
        .with_effort(Effort::Low)
        .with_tool(ToolSpec::new("now", "Tells the time", json!({})))
        .with_output(OutputFormat::schema("x", json!({ "a": 2, "b": 1 })));
    let written = gemini().request(&request, Delivery::Whole).unwrap();
    let expected = concat!(
        r#"{"systemInstruction":{"parts":[{"text":"Be brief."}]},"#,
        r#""contents":[{"role":"user","parts":[{"text":"hello"}]}],"#,
        r#""tools":[{"functionDeclarations":[{"name":"now","description":"Tells the time"}]}],"#,
        r#""generationConfig":{"temperature":0.5,"topP":0.9,"maxOutputTokens":9,"#,
        r#""stopSequences":["END"],"seed":7,"responseMimeType":"application/json","#,
        r#""responseJsonSchema":{"a":2,"b":1},"#,
        r#""thinkingConfig":{"includeThoughts":true,"thinkingBudget":1024}}}"#,
    );
    assert_eq!(std::str::from_utf8(written.body()).unwrap(), expected);
}

#[test]
fn results_carry_the_name_of_their_tool_and_are_objects() {
    let written = contents([
        Message::user("go"),
        assistant([
            call("a", "one", r#"{"x": 1}"#),
            call("b", "two", ""),
            call("c", "three", "{}"),
        ]),
        // Whoever was done first; the API goes by the order of the calls.
        Message::tool("b", "21"),
        Message::tool("a", r#" {"deg": 21.0}"#),
        Message::new(
            Role::Tool,
            vec![Part::ToolResult(ToolResult::error("c", "broken"))],
        ),
        Message::user("hurry"),
    ]);
    let response = |id, name, response| json!({ "functionResponse": { "id": id, "name": name, "response": response } });
    let expected = json!([
        { "role": "user", "parts": [{ "text": "go" }] },
        { "role": "model", "parts": [
            { "functionCall": { "id": "a", "name": "one", "args": { "x": 1 } } },
            { "functionCall": { "id": "b", "name": "two", "args": {} } },
            { "functionCall": { "id": "c", "name": "three", "args": {} } },
        ] },
        { "role": "user", "parts": [
            response("a", "one", json!({ "deg": 21.0 })),
            response("b", "two", json!({ "result": "21" })),
            response("c", "three", json!({ "error": "broken" })),
        ] },
        { "role": "user", "parts": [{ "text": "hurry" }] },
    ]);
    assert_eq!(written, expected);
}

#[test]
fn the_results_of_one_message_are_in_the_order_of_the_calls_too() {
    let results = ["b", "a"].map(|id| Part::ToolResult(ToolResult::new(id, id)));
    let written = contents([
        assistant([call("a", "t", ""), call("b", "t", "")]),
        Message::new(Role::Tool, results.to_vec()),
    ]);
    let id = |at: usize| &written[1]["parts"][at]["functionResponse"]["id"];
    assert_eq!((id(0), id(1)), (&json!("a"), &json!("b")));
}

#[test]
fn an_id_that_comes_again_means_the_newest_call() {
    let written = contents([
        assistant([call("a", "one", "")]),
        Message::tool("a", "1"),
        assistant([call("a", "two", "")]),
        Message::tool("a", "2"),
    ]);
    let name = |at: usize| &written[at]["parts"][0]["functionResponse"]["name"];
    assert_eq!((name(1), name(3)), (&json!("one"), &json!("two")));
}

#[test]
fn seals_are_put_back_on_the_part_they_came_on() {
    let seal = |seal: &str| {
        let reasoning = Reasoning::default().with_signature(seal);
        Part::Reasoning(reasoning.with_provider("gemini"))
    };
    let thought = Reasoning::new("hm")
        .with_signature("s0")
        .with_provider("gemini");
    let code = json!({ "executableCode": { "code": "1" }, "thoughtSignature": "own" });
    let written = contents([
        Message::user("x"),
        assistant([
            Part::Reasoning(Reasoning::new("plain").with_provider("gemini")),
            Part::Reasoning(thought),
            Part::text("unsealed"),
            seal("s1"),
            Part::text("sealed"),
            seal("s2"),
            call("a", "t", ""),
            call("b", "t", ""),
            seal("s3"),
            Part::Other {
                provider: "gemini".into(),
                value: code.clone(),
            },
            seal("s4"),
        ]),
    ]);
    let call = |id| json!({ "id": id, "name": "t", "args": {} });
    let expected = json!([
        { "thought": true, "text": "plain" },
        { "thought": true, "text": "hm", "thoughtSignature": "s0" },
        { "text": "unsealed" },
        { "text": "sealed", "thoughtSignature": "s1" },
        { "functionCall": call("a"), "thoughtSignature": "s2" },
        { "functionCall": call("b") },
        { "text": "", "thoughtSignature": "s3" },
        code,
        { "text": "", "thoughtSignature": "s4" },
    ]);
    assert_eq!(written[1]["parts"], expected);
}

#[test]
fn what_another_provider_has_thought_stays_here() {
    let sealed = Reasoning::new("hm").with_signature("s");
    let written = contents([
        Message::user("x"),
        assistant([
            Part::Reasoning(sealed.clone().with_provider("anthropic")),
            Part::Reasoning(sealed.with_id("rs_1")),
            Part::Reasoning(Reasoning::new("no seal")),
            Part::Other {
                provider: "anthropic".into(),
                value: json!({ "type": "x" }),
            },
            Part::CacheMark { ttl: None },
            Part::text("done"),
        ]),
    ]);
    assert_eq!(written[1]["parts"], json!([{ "text": "done" }]));
}

#[test]
fn media_go_as_data_or_address() {
    let written = contents([Message::new(
        Role::User,
        vec![
            Part::Image(Media::from_bytes("image/png", b"png")),
            Part::Audio(Media::from_bytes("audio/wav", b"RIFF")),
            Part::Document(Media::from_url(
                "application/pdf",
                "https://example.com/a.pdf",
            )),
            Part::Image(Media::from_file_id("", "https://files.example.com/files/1")),
        ],
    )]);
    let expected = json!([
        { "inlineData": { "mimeType": "image/png", "data": "cG5n" } },
        { "inlineData": { "mimeType": "audio/wav", "data": "UklGRg==" } },
        { "fileData": { "mimeType": "application/pdf", "fileUri": "https://example.com/a.pdf" } },
        { "fileData": { "fileUri": "https://files.example.com/files/1" } },
    ]);
    assert_eq!(written[0]["parts"], expected);
}

#[test]
fn the_choice_among_tools() {
    let calling = |request: &Request| {
        let written = written(request);
        written["toolConfig"]["functionCallingConfig"].clone()
    };
    let request = hello().with_tool(ToolSpec::new("now", "", Value::Null));
    assert_eq!(calling(&request), Value::Null);
    for (choice, expected) in [
        (ToolChoice::Auto, json!({ "mode": "AUTO" })),
        (ToolChoice::None, json!({ "mode": "NONE" })),
        (ToolChoice::Required, json!({ "mode": "ANY" })),
        (
            ToolChoice::Tool("now".into()),
            json!({ "mode": "ANY", "allowedFunctionNames": ["now"] }),
        ),
    ] {
        assert_eq!(calling(&request.clone().with_tool_choice(choice)), expected);
    }
    let strict = ToolSpec::new("t", "", Value::Null).with_strict(true);
    assert_eq!(
        calling(&request.with_tool(strict)),
        json!({ "mode": "VALIDATED" })
    );
}

#[test]
fn effort_becomes_what_the_model_understands() {
    let thinking = |model: &str, effort: Effort| {
        let written = written(&hello().with_model(model).with_effort(effort));
        written["generationConfig"]["thinkingConfig"].clone()
    };
    let old = "gemini-2.5-pro";
    assert_eq!(thinking(old, Effort::None), json!({ "thinkingBudget": 0 }));
    assert_eq!(
        thinking(old, Effort::High),
        json!({ "includeThoughts": true, "thinkingBudget": 24_576 })
    );
    assert_eq!(
        thinking("gemini-3-pro", Effort::Medium),
        json!({ "includeThoughts": true, "thinkingLevel": "medium" })
    );
    assert_eq!(
        thinking("gemini-3-pro", Effort::Budget(99)),
        json!({ "includeThoughts": true, "thinkingBudget": 99 })
    );
}

#[test]
fn the_users_own_fields_go_into_the_generation_config() {
    let request = hello()
        .with_max_tokens(9)
        .with_effort(Effort::Low)
        .with_extra("safetySettings", json!([]))
        .with_extra(
            "generationConfig",
            json!({ "topK": 5, "thinkingConfig": { "includeThoughts": false } }),
        );
    let written = written(&request);
    assert_eq!(
        written["generationConfig"],
        json!({
            "maxOutputTokens": 9, "topK": 5,
            "thinkingConfig": { "includeThoughts": false, "thinkingBudget": 1024 },
        })
    );
    assert_eq!(written["safetySettings"], json!([]));
    let only = hello().with_extra("generationConfig", json!({ "topK": 5 }));
    assert_eq!(
        self::written(&only)["generationConfig"],
        json!({ "topK": 5 })
    );
    let json = hello().with_output(OutputFormat::Json);
    assert_eq!(
        self::written(&json)["generationConfig"],
        json!({ "responseMimeType": "application/json" })
    );
}

#[test]
fn what_the_api_has_no_place_for_is_refused_by_name() {
    let image = Part::Image(Media::from_bytes("", b"?"));
    for (request, field) in [
        (Request::new([]), "messages"),
        (Request::new([Message::system("x")]), "messages"),
        (Request::new([Message::tool("unknown", "x")]), "messages"),
        (Request::new([assistant([call("a", "t", "{")])]), "messages"),
        (
            Request::new([Message::new(Role::User, vec![image.clone()])]),
            "messages",
        ),
        (
            Request::new([Message::new(Role::System, vec![image])]),
            "messages",
        ),
        (hello().with_model(""), "model"),
        (hello().with_seed(1 << 31), "seed"),
        (hello().with_temperature(f64::INFINITY), "temperature"),
        (
            hello().with_parallel_tool_calls(false),
            "parallel_tool_calls",
        ),
    ] {
        assert_refused(&request, field);
    }
}

#[test]
fn embeddings_are_asked_for_in_one_batch() {
    let request = EmbedRequest::new(["a", "b"]).with_model("gemini-embedding-001");
    let written = gemini().embed_request(&request.with_dimensions(3)).unwrap();
    assert_eq!(
        written.uri().path(),
        "/v1beta/models/gemini-embedding-001:batchEmbedContents"
    );
    let one = |text: &str| {
        json!({
            "model": "models/gemini-embedding-001",
            "content": { "parts": [{ "text": text }] },
            "outputDimensionality": 3,
        })
    };
    let body: Value = serde_json::from_slice(written.body()).unwrap();
    assert_eq!(body, json!({ "requests": [one("a"), one("b")] }));
    let none = gemini().embed_request(&EmbedRequest::new(Vec::<String>::new()));
    assert!(matches!(
        none,
        Err(ModelFailure::InvalidRequest {
            field: "inputs",
            ..
        })
    ));

    let answer = br#"{"embeddings": [{"values": [0.5, 1]}, {"values": [2]}]}"#;
    let read = gemini().embeddings(answer).unwrap();
    assert_eq!(read.vectors, [vec![0.5, 1.0], vec![2.0]]);
    let failure = gemini().embeddings(br#"{"embeddings": [{}]}"#);
    assert!(matches!(failure, Err(ModelFailure::Malformed { .. })));
}
