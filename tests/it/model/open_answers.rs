//! What nobody here has heard of fails no answer, and is found in it again.

use fascine::model::{Anthropic, Gemini, Ollama, OpenAi, Provider, Response, Responses};
use serde_json::{Map, Value, json};

use super::fixtures::{self, read_stream};

/// The recorded answers of each API, and who reads them.
fn apis() -> [(&'static str, Box<dyn Provider>); 6] {
    let url = "https://api.example.com";
    [
        ("anthropic_", Box::new(Anthropic::new(url, "m").unwrap())),
        ("gemini_", Box::new(Gemini::new(url, "m").unwrap())),
        ("ollama_chat", Box::new(Ollama::new(url, "m").unwrap())),
        ("openai_chat", Box::new(OpenAi::new(url, "m").unwrap())),
        ("openai_bad_tool", Box::new(OpenAi::new(url, "m").unwrap())),
        (
            "openai_responses",
            Box::new(Responses::new(url, "m").unwrap()),
        ),
    ]
}

/// A recorded answer, taken apart into its documents.
struct Recorded {
    name: String,
    form: Form,
    documents: Vec<Value>,
}

#[derive(Clone, Copy)]
enum Form {
    Events,
    Lines,
    Whole,
}

impl Recorded {
    /// All that are answers, of this API.
    fn all(prefix: &str, provider: &dyn Provider) -> Vec<(Self, Response)> {
        let fixtures = fixtures::all(prefix).into_iter();
        let recorded = fixtures
            .filter(|fixture| fixture.status == 200)
            .map(|fixture| {
                let text = std::str::from_utf8(&fixture.body).unwrap();
                let form = match (fixture.streamed, text.starts_with('{')) {
                    (false, _) => Form::Whole,
                    (true, true) => Form::Lines,
                    (true, false) => Form::Events,
                };
                let json = |line: &str| serde_json::from_str(line).ok();
                let mut documents: Vec<Value> = match form {
                    Form::Whole => json(text).into_iter().collect(),
                    Form::Lines => text.lines().filter_map(json).collect(),
                    Form::Events => {
                        let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
                        data.filter_map(json).collect()
                    }
                };
                // What comes after the end is not read.
                let ends = ["message_stop", "response.completed"];
                let is_end = |event: &Value| ends.iter().any(|end| event["type"] == *end);
                if let Some(end) = documents.iter().position(is_end) {
                    documents.truncate(end + 1);
                }
                Self {
                    name: fixture.name,
                    form,
                    documents,
                }
            });
        let answers = recorded.filter_map(|recorded| {
            let response = recorded.read(&recorded.documents, provider).ok()?;
            Some((recorded, response))
        });
        answers.collect()
    }

    /// Reads the answer that these documents are.
    fn read(&self, documents: &[Value], provider: &dyn Provider) -> Result<Response, String> {
        let read = match self.form {
            Form::Whole => provider.response(documents[0].to_string().as_bytes()),
            Form::Lines => {
                let lines = documents.iter().map(|line| format!("{line}\n"));
                read_stream(provider, [lines.collect::<String>().as_bytes()])
            }
            Form::Events => {
                let mut events = String::new();
                for event in documents {
                    events += &format!("data: {event}\n\n");
                }
                // Those who do not know it skip it.
                events += "data: [DONE]\n\n";
                read_stream(provider, [events.as_bytes()])
            }
        };
        read.map_err(|error| format!("{}: {error}", self.name))
    }

    /// Whether another document says the same anew: of several names for a whole, or states of it, one counts.
    fn is_said_again(&self, place: &(usize, String), word: &str) -> bool {
        let begins = [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
        ];
        let kind = self.documents[place.0]["type"].as_str();
        let begins = kind.is_some_and(|kind| begins.contains(&kind)) && !place.1.is_empty();
        let repeats = kind == Some("response.completed") && place.1.contains("/output/");
        begins || repeats || kind.is_none() && word == "object" && place.0 > 0
    }

    /// Where all the objects are: the number of a document, and a pointer into it.
    fn objects(&self) -> Vec<(usize, String)> {
        let mut objects = Vec::new();
        for (number, document) in self.documents.iter().enumerate() {
            let mut found = Vec::new();
            find_objects(document, String::new(), &mut found);
            // A later event says it anew.
            let is_first = document["type"] == "message_start";
            found.retain(|pointer| !is_first || !pointer.contains("/input_transformations"));
            objects.extend(found.into_iter().map(|pointer| (number, pointer)));
        }
        objects
    }
}

fn find_objects(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                find_objects(item, format!("{pointer}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                find_objects(field, format!("{pointer}/{name}"), found);
            }
            found.push(pointer);
        }
        _ => {}
    }
}

fn object<'v>(documents: &'v mut [Value], place: &(usize, String)) -> &'v mut Map<String, Value> {
    let object = documents[place.0].pointer_mut(&place.1).unwrap();
    object.as_object_mut().unwrap()
}

/// Whether a value is anywhere in what was read.
fn is_in(response: &Response, mark: &str) -> bool {
    serde_json::to_string(response).unwrap().contains(mark)
}

/// What the answer is to somebody who does not know what is new.
fn seen(response: &Response) -> Value {
    let mut seen = fixtures::seen(response);
    // What is new in the arguments of a call is new in the call.
    for call in seen["tool_calls"].as_array_mut().unwrap() {
        call["arguments"].take();
    }
    seen
}

#[test]
fn a_new_field_in_any_object_of_a_recorded_answer_is_found_again() {
    for (prefix, provider) in apis() {
        let mut tried = 0;
        for (recorded, expected) in Recorded::all(prefix, &*provider) {
            for place in recorded.objects() {
                for new in [
                    json!("new-1"),
                    json!({ "deep": ["new-1"] }),
                    json!(["new-1"]),
                ] {
                    let mut documents = recorded.documents.clone();
                    object(&mut documents, &place).insert("brand_new".into(), new);
                    let response = recorded.read(&documents, &*provider).unwrap();
                    let name = &recorded.name;
                    assert!(
                        is_in(&response, "new-1"),
                        "{name}, {place:?}: {response:#?}"
                    );
                    assert_eq!(seen(&response), seen(&expected), "{name}, {place:?}");
                    tried += 1;
                }
            }
        }
        assert!(tried > 15, "{prefix}: {tried}");
    }
}

#[test]
fn new_fields_of_one_name_in_all_objects_of_a_document_are_found_again() {
    for (prefix, provider) in apis() {
        for (recorded, expected) in Recorded::all(prefix, &*provider) {
            let mut documents = recorded.documents.clone();
            let places = recorded.objects();
            for (number, place) in places.iter().enumerate() {
                let new = format!("new-{number}-");
                object(&mut documents, place).insert("brand_new".into(), new.into());
            }
            let response = recorded.read(&documents, &*provider).unwrap();
            assert_eq!(seen(&response), seen(&expected), "{}", recorded.name);
            if let Form::Whole = recorded.form {
                for (number, place) in places.iter().enumerate() {
                    let found = is_in(&response, &format!("new-{number}-"));
                    assert!(found, "{}, {place:?}: {response:#?}", recorded.name);
                }
            }
        }
    }
}

#[test]
fn a_new_word_for_something_in_a_recorded_answer_is_found_again() {
    let words = [
        "done_reason",
        "finishReason",
        "finish_reason",
        "object",
        "role",
        "status",
        "stop_reason",
        "type",
    ];
    for (prefix, provider) in apis() {
        let mut tried = 0;
        for (recorded, _) in Recorded::all(prefix, &*provider) {
            for place in recorded.objects() {
                for word in words {
                    let mut documents = recorded.documents.clone();
                    let object = object(&mut documents, &place);
                    let is_text = object.get(word).is_some_and(Value::is_string);
                    if !is_text || recorded.is_said_again(&place, word) {
                        continue;
                    }
                    object.insert(word.into(), "new-1".into());
                    let read = recorded.read(&documents, &*provider);
                    // A stream without its end is none.
                    let Ok(response) = read else {
                        assert!(
                            word == "type" && !matches!(recorded.form, Form::Whole),
                            "{read:?}"
                        );
                        continue;
                    };
                    let name = &recorded.name;
                    assert!(
                        is_in(&response, "new-1"),
                        "{name}, {place:?}, {word}: {response:#?}"
                    );
                    tried += 1;
                }
            }
        }
        assert!(tried > 3, "{prefix}: {tried}");
    }
}

#[test]
fn an_event_of_a_new_type_is_found_again() {
    for (prefix, provider) in apis() {
        for (recorded, expected) in Recorded::all(prefix, &*provider) {
            let new = json!({ "type": "brand.new", "text": "new-1", "delta": { "text": "new-2" } });
            if !matches!(recorded.form, Form::Events) || prefix == "gemini_" {
                continue;
            }
            for place in 0..recorded.documents.len() {
                let mut documents = recorded.documents.clone();
                documents.insert(place, new.clone());
                let response = recorded.read(&documents, &*provider).unwrap();
                assert_eq!(seen(&response), seen(&expected));
                let found = is_in(&response, "new-1") && is_in(&response, "new-2");
                assert!(found, "{}, {place}: {response:#?}", recorded.name);
            }
        }
    }
}

/// The document of a whole answer, as a stream that says the same.
fn streamed(prefix: &str, mut document: Value) -> Vec<Value> {
    match prefix {
        "anthropic_" => {
            let mut message = document.as_object().unwrap().clone();
            let blocks = message.remove("content").unwrap();
            let reason = message.remove("stop_reason");
            let mut events = vec![json!({ "type": "message_start", "message": message })];
            for (index, block) in blocks.as_array().unwrap().iter().enumerate() {
                let start = "content_block_start";
                events.push(json!({ "type": start, "index": index, "content_block": block }));
                events.push(json!({ "type": "content_block_stop", "index": index }));
            }
            events.push(json!({ "type": "message_delta", "delta": { "stop_reason": reason } }));
            events.push(json!({ "type": "message_stop" }));
            events
        }
        "openai_responses" => vec![json!({ "type": "response.completed", "response": document })],
        "gemini_" | "ollama_chat" => vec![document],
        _ => {
            for choice in document["choices"].as_array_mut().unwrap() {
                let choice = choice.as_object_mut().unwrap();
                let message = choice.remove("message").unwrap();
                choice.insert("delta".into(), message);
            }
            let object = document["object"].as_str().unwrap();
            document["object"] = format!("{object}.chunk").into();
            vec![document]
        }
    }
}

#[test]
fn what_is_new_is_the_same_whole_and_streamed() {
    for (prefix, provider) in apis() {
        for (recorded, _) in Recorded::all(prefix, &*provider) {
            let form = match (recorded.form, prefix) {
                (Form::Whole, "ollama_chat") => Form::Lines,
                (Form::Whole, _) => Form::Events,
                _ => continue,
            };
            let mut documents = recorded.documents.clone();
            for (number, place) in recorded.objects().iter().enumerate() {
                object(&mut documents, place).insert("brand_new".into(), number.into());
            }
            let whole = recorded.read(&documents, &*provider).unwrap();
            let stream = Recorded {
                name: recorded.name.clone(),
                form,
                documents: streamed(prefix, documents.remove(0)),
            };
            let collected = stream.read(&stream.documents, &*provider).unwrap();
            assert_eq!(collected, whole, "{}", recorded.name);
        }
    }
}

#[test]
fn what_is_new_is_where_it_stood() {
    let openai = OpenAi::new("https://api.example.com", "m").unwrap();
    let document = json!({
        "id": "a", "object": "chat.completion", "created": 7, "new": 1,
        "choices": [{
            "index": 0, "finish_reason": "stop", "new": 2, "other": 3,
            "message": { "content": [{ "type": "text", "text": "Hi", "new": 5 }], "new": 4,
                "audio": { "id": "x", "expires_at": 6 } },
        }],
        "usage": { "prompt_tokens": 1, "completion_tokens_details": { "audio_tokens": 9 } },
    });
    let response = openai.response(document.to_string().as_bytes()).unwrap();
    let expected = json!({
        "object": "chat.completion",
        "created": 7,
        "new": 1,
        "other": 3,
        "choice": { "new": 2 },
        "message": { "new": 4 },
        "content": { "0": { "new": 5 } },
        "audio": { "expires_at": 6 },
        "usage": { "completion_tokens_details": { "audio_tokens": 9 } },
    });
    assert_eq!(Value::Object(response.extra), expected);
}

#[test]
fn a_field_that_has_become_something_else_is_found_again() {
    let mut lost = Vec::new();
    for (prefix, provider) in apis() {
        for (recorded, _) in Recorded::all(prefix, &*provider) {
            for place in recorded.objects() {
                let fields = recorded.documents[place.0].pointer(&place.1);
                for name in fields.unwrap().as_object().unwrap().keys() {
                    let mut documents = recorded.documents.clone();
                    object(&mut documents, &place).insert(name.clone(), json!([{ "new-1": -0.5 }]));
                    // Without the answer itself it is none.
                    if let Ok(response) = recorded.read(&documents, &*provider)
                        && let Form::Whole = recorded.form
                        && !is_in(&response, "new-1")
                    {
                        lost.push(format!("{prefix} {name}"));
                    }
                }
            }
        }
    }
    lost.sort();
    lost.dedup();
    // The id of a call is made up where there is none.
    assert_eq!(
        lost,
        [
            "openai_bad_tool id",
            "openai_chat id",
            "openai_responses call_id"
        ]
    );
}

#[test]
fn what_is_nested_without_end_fails_nothing() {
    let deep = format!("{}1{}", "[".repeat(300), "]".repeat(300));
    let body = format!(
        r#"{{"deep": {deep}, "choices": [{{"new": {deep}, "message": {{"refusal": {deep}}}}}]}}"#
    );
    let openai = OpenAi::new("https://api.example.com", "m").unwrap();
    let response = openai.response(body.as_bytes()).unwrap();
    assert!(response.extra["deep"].is_string() && response.extra["new"].is_string());
    assert!(response.extra["refusal"].is_array());
}
