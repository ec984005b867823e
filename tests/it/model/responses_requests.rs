//! Requests, as OpenAI's Responses API wants them.

use fascine::message::{Media, Message, Part, Role};
use fascine::model::{
    ApiKey, Delivery, Effort, EmbedRequest, ModelFailure, OpenAi, OutputFormat, Provider,
    ProviderError, Request, Responses, ToolChoice, ToolSpec,
};
use serde_json::{Value, json};

use super::fixtures;

fn responses() -> Responses {
    Responses::new("https://api.example.com/v1", "gpt-4o").unwrap()
}

fn body(request: &Request) -> Value {
    let written = responses().request(request, Delivery::Whole).unwrap();
    assert_eq!(written.uri(), "https://api.example.com/v1/responses");
    serde_json::from_slice(written.body()).unwrap()
}

#[test]
fn recorded_requests_are_written_as_they_were() {
    for fixture in fixtures::all("openai_responses") {
        let recorded = &fixture.request;
        let question = Message::user(recorded["input"].as_str().unwrap());
        let mut request = Request::new([question]).with_model(recorded["model"].as_str().unwrap());
        for tool in recorded["tools"].as_array().into_iter().flatten() {
            let text = |name: &str| tool[name].as_str().unwrap().to_owned();
            let spec = ToolSpec::new(
                text("name"),
                text("description"),
                tool["parameters"].clone(),
            );
            request = request.with_tool(spec);
        }
        let delivery = if fixture.streamed {
            Delivery::Stream
        } else {
            Delivery::Whole
        };
        let written = responses().request(&request, delivery).unwrap();
        let mut body: Value = serde_json::from_slice(written.body()).unwrap();
        assert_eq!(body["store"], false);
        body.as_object_mut().unwrap().remove("store");
        // One text stands for a list of one message.
        let mut expected = recorded.clone();
        let content = json!([{ "type": "input_text", "text": recorded["input"] }]);
        expected["input"] = json!([{ "type": "message", "role": "user", "content": content }]);
        assert_eq!(body, expected, "{}", fixture.name);
    }
}

#[test]
fn every_field_of_a_request_has_its_place() {
    let request = Request::new([
        Message::system("a"),
        Message::system("b"),
        Message::user("q"),
        Message::system("c"),
    ])
    .with_model("gpt-5")
    .with_max_tokens(9)
    .with_temperature(0.5)
    .with_top_p(0.25)
    .with_effort(Effort::High)
    .with_output(OutputFormat::schema("s", json!({ "type": "object" })))
    .with_tool(ToolSpec::new("f", "does it", json!({ "type": "object" })).with_strict(false))
    .with_tool_choice(ToolChoice::Tool("f".into()))
    .with_parallel_tool_calls(true)
    .with_extra("store", true);
    let expected = json!({
        "model": "gpt-5",
        "instructions": "a\n\nb",
        "input": [
            { "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "q" }] },
            { "type": "message", "role": "system", "content": [{ "type": "input_text", "text": "c" }] },
        ],
        "max_output_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.25,
        "reasoning": { "effort": "high" },
        "text": { "format": { "type": "json_schema", "name": "s", "schema": { "type": "object" }, "strict": true } },
        "tools": [{ "type": "function", "name": "f", "description": "does it", "parameters": { "type": "object" }, "strict": false }],
        "tool_choice": { "type": "function", "name": "f" },
        "parallel_tool_calls": true,
        "include": ["reasoning.encrypted_content"],
        "store": true,
    });
    assert_eq!(body(&request), expected);
    for (request, wrong) in [
        (Request::new([Message::user("q")]).with_seed(1), "seed"),
        (Request::new([Message::user("q")]).with_stop(["x"]), "stop"),
        (
            Request::new([Message::user("q")]).with_effort(Effort::Budget(1)),
            "effort",
        ),
        (
            Request::new([Message::user("q")]).with_tool_choice(ToolChoice::Required),
            "tool_choice",
        ),
        (
            Request::new([Message::user("q")]).with_temperature(f64::INFINITY),
            "temperature",
        ),
        (Request::new([]), "messages"),
        (
            Request::new([Message::new(Role::Tool, vec![Part::text("x")])]),
            "messages",
        ),
    ] {
        match responses().request(&request, Delivery::Whole) {
            Err(ModelFailure::InvalidRequest { field, .. }) => assert_eq!(field, wrong),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn pictures_documents_and_recordings_are_parts() {
    for (part, expected) in [
        (
            Part::Image(Media::from_bytes("image/png", b"abc")),
            json!({ "type": "input_image", "image_url": "data:image/png;base64,YWJj" }),
        ),
        (
            Part::Image(Media::from_url("", "https://x.example/a")),
            json!({ "type": "input_image", "image_url": "https://x.example/a" }),
        ),
        (
            Part::Image(Media::from_file_id("", "f1")),
            json!({ "type": "input_image", "file_id": "f1" }),
        ),
        (
            Part::Document(Media::from_bytes("application/pdf", b"abc")),
            json!({ "type": "input_file", "filename": "document.pdf", "file_data": "data:application/pdf;base64,YWJj" }),
        ),
        (
            Part::Document(Media::from_url("", "https://x.example/a")),
            json!({ "type": "input_file", "file_url": "https://x.example/a" }),
        ),
        (
            Part::Document(Media::from_file_id("", "f1")),
            json!({ "type": "input_file", "file_id": "f1" }),
        ),
        (
            Part::Audio(Media::from_bytes("audio/wav", b"abc")),
            json!({ "type": "input_audio", "input_audio": { "data": "YWJj", "format": "wav" } }),
        ),
    ] {
        let request = Request::new([Message::new(Role::User, vec![part])]);
        assert_eq!(body(&request)["input"][0]["content"], json!([expected]));
    }
}

#[test]
fn instructions_alone_are_the_input() {
    let written = body(&Request::new([Message::system("Begin.")]));
    assert_eq!(written["input"][0]["role"], "system");
    assert!(written.get("instructions").is_none());
}

#[test]
fn azure_has_an_address_and_a_header_of_its_own() {
    let azure = Responses::azure("https://me.openai.azure.com/", "gpt-5").unwrap();
    let azure = azure.with_api_key(&ApiKey::new("k")).unwrap();
    let question = Request::new([Message::user("q")]);
    let written = azure.request(&question, Delivery::Whole).unwrap();
    let place = "https://me.openai.azure.com/openai/v1";
    assert_eq!(written.uri().to_string(), format!("{place}/responses"));
    assert_eq!(written.headers()["api-key"], "k");
    assert!(!written.headers().contains_key("authorization"));
    assert!(!format!("{azure:?} {written:?}").contains("\"k\""));
    let embedding = azure.embed_request(&EmbedRequest::new(["x"]).with_model("e"));
    let embedding = embedding.unwrap();
    assert_eq!(embedding.uri().to_string(), format!("{place}/embeddings"));
    assert_eq!(embedding.headers()["api-key"], "k");
    let plain = Responses::azure("http://me.example", "d").unwrap();
    let plain = plain.with_api_key(&ApiKey::new("k"));
    assert!(matches!(plain, Err(ProviderError::PlainTextKey { .. })));
}

#[test]
fn embeddings_are_those_of_openai() {
    let openai = OpenAi::new("https://api.example.com/v1", "m").unwrap();
    let responses = Responses::new("https://api.example.com/v1", "m").unwrap();
    let request = EmbedRequest::new(["x", "y"]).with_dimensions(2);
    let [ours, theirs] = [&responses as &dyn Provider, &openai]
        .map(|provider| provider.embed_request(&request).unwrap());
    assert_eq!((ours.uri(), ours.body()), (theirs.uri(), theirs.body()));
    let answer = br#"{"model":"e","data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}],"usage":{"prompt_tokens":3}}"#;
    let read = responses.embeddings(answer).unwrap();
    assert_eq!(read, openai.embeddings(answer).unwrap());
    assert_eq!(read.vectors, [[1.0], [2.0]]);
}
