//! Every request that is written fits the schema of its API.

use fascine::message::Message;
use fascine::model::{
    Anthropic, Compatible, Delivery, EmbedRequest, Gemini, ModelFailure, Ollama, OpenAi, Provider,
    Request, Responses,
};
use fastrand::Rng;
use serde_json::{Value, json};

use super::schemas::Schema;
use super::{fixtures, generated};

const BASE: &str = "https://api.example.com/v1";

/// Writes many requests of all kinds, whole and streamed: each is refused by the name of a field, or fits. Of those with
/// nothing in them that an API could lack, none is refused.
fn check_generated(provider: &dyn Provider, schema: &Schema) {
    check_seeds(provider, schema, 2000);
}

fn check_seeds(provider: &dyn Provider, schema: &Schema, seeds: u64) {
    let mut written = 0;
    for seed in 0..seeds {
        let request = generated::request(&mut Rng::with_seed(seed));
        for delivery in [Delivery::Whole, Delivery::Stream] {
            match provider.request(&request, delivery) {
                Ok(request) => {
                    let body = serde_json::from_slice(request.body()).unwrap();
                    let what = format!("the request of seed {seed} to {}", provider.name());
                    schema.check(&body, &what);
                    written += 1;
                }
                Err(ModelFailure::InvalidRequest { .. }) => {}
                Err(error) => panic!("seed {seed}: {error}"),
            }
        }
    }
    assert!(written > seeds / 20, "{}: only {written}", provider.name());
    let plain = Request::new([Message::system("s"), Message::user("q")]);
    let plain = provider.request(&plain, Delivery::Stream).unwrap();
    schema.check(
        &serde_json::from_slice(plain.body()).unwrap(),
        "a plain one",
    );
}

fn check_embeddings(provider: &dyn Provider, schema: &Schema) {
    for request in [
        EmbedRequest::new(["one"]).with_model("e"),
        EmbedRequest::new(["one", "two", "Ångström"]).with_model("e"),
        EmbedRequest::new(["one"])
            .with_model("e")
            .with_dimensions(8),
    ] {
        let written = provider.embed_request(&request).unwrap();
        let body = serde_json::from_slice(written.body()).unwrap();
        schema.check(&body, provider.name());
    }
}

/// The schema accepts every recorded request of an API, and refuses it when it is broken in any of these ways.
fn check_recorded(schema: &Schema, is_of_api: impl Fn(&str, &Value) -> bool) {
    let mut seen = 0;
    for fixture in fixtures::all("") {
        let request = &fixture.request;
        if is_of_api(&fixture.name, request) {
            schema.check(request, &fixture.name);
            check_breakage(schema, request);
            seen += 1;
        }
    }
    assert!(seen > 0);
}

/// At every level: without a field that has to be there, with one that is not known, or with a value of another type.
fn check_breakage(schema: &Schema, request: &Value) {
    let fields = request.as_object().unwrap();
    for name in fields.keys() {
        let mut broken = request.clone();
        broken[name] = json!(["a value", "of another", ["type"]]);
        assert!(!schema.accepts(&broken), "{name} may be anything");
    }
    let mut broken = request.clone();
    broken["unheard_of"] = json!(true);
    assert!(!schema.accepts(&broken), "fields may have any name");
    for list in ["messages", "contents", "requests"] {
        if let Some(first) = request.pointer(&format!("/{list}/0")) {
            let mut broken = request.clone();
            broken[list] = json!([]);
            assert!(!schema.accepts(&broken), "{list} may be empty");
            for name in first.as_object().unwrap().keys() {
                let mut broken = request.clone();
                broken[list][0].as_object_mut().unwrap().remove(name);
                assert!(!schema.accepts(&broken), "{list}[0].{name} may be missing");
            }
            let mut broken = request.clone();
            broken[list][0]["unheard_of"] = json!(1);
            assert!(!schema.accepts(&broken), "{list}[0] may have any field");
            broken = request.clone();
            broken[list][0]["role"] = json!("robot");
            assert!(!schema.accepts(&broken), "{list}[0] may be anybody's");
        }
    }
}

#[test]
fn requests_to_openai_fit_its_schema() {
    let schema = Schema::read("openai_chat.request");
    check_recorded(&schema, |name, body| {
        name.starts_with("openai_") && body["messages"].is_array()
    });
    for model in ["gpt-4o", "gpt-5"] {
        let official = OpenAi::compatible(Compatible::OpenAi, model).unwrap();
        check_generated(&official, &schema);
        let developer = official.with_developer_role();
        check_generated(&developer, &schema);
    }
    let azure = OpenAi::azure("https://me.openai.azure.com", "d", "2024-10-21").unwrap();
    check_generated(&azure, &schema);
}

/// What each server adds to OpenAI's schema, or has under another name.
#[test]
fn requests_to_other_servers_fit_the_schema_of_their_dialect() {
    let openai = Schema::read("openai_chat.request");
    let thought = |name: &str| {
        let place = format!("/$defs/assistant/properties/{name}");
        openai.with(&place, json!({ "type": "string" }))
    };
    for server in Compatible::ALL {
        let schema = match server {
            Compatible::DeepSeek
            | Compatible::LlamaCpp
            | Compatible::LmStudio
            | Compatible::Nvidia
            | Compatible::Vllm => thought("reasoning_content"),
            Compatible::Groq => thought("reasoning"),
            Compatible::OpenRouter => thought("reasoning").with(
                "/properties/reasoning",
                json!({
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "effort": { "enum": ["none", "minimal", "low", "medium", "high"] },
                        "max_tokens": { "type": "integer", "minimum": 1 },
                    },
                }),
            ),
            Compatible::Mistral => openai
                .with("/properties/seed", json!(false))
                .with("/properties/stream_options", json!(false))
                .with("/properties/random_seed", json!({ "type": "integer" }))
                .with(
                    "/$defs/choice/oneOf/0",
                    json!({ "enum": ["auto", "none", "any"] }),
                ),
            Compatible::Perplexity => openai.with("/properties/stream_options", json!(false)),
            _ => openai.with("/title", json!(server.name())),
        };
        check_seeds(&OpenAi::compatible(server, "m").unwrap(), &schema, 300);
    }
}

#[test]
fn requests_to_the_responses_api_fit_its_schema() {
    let schema = Schema::read("openai_responses.request");
    check_recorded(&schema, |name, _| name.starts_with("openai_responses"));
    for model in ["gpt-4o", "gpt-5"] {
        check_generated(&Responses::new(BASE, model).unwrap(), &schema);
    }
}

#[test]
fn requests_to_anthropic_fit_its_schema() {
    let schema = Schema::read("anthropic_messages.request");
    check_recorded(&schema, |name, _| {
        name.starts_with("anthropic_") && !name.contains("count_tokens")
    });
    for model in ["claude-sonnet-4-20250514", "claude-opus-4-6"] {
        let base = "https://api.example.com";
        check_generated(&Anthropic::new(base, model).unwrap(), &schema);
    }
}

#[test]
fn requests_to_gemini_fit_its_schema() {
    let schema = Schema::read("gemini_generate.request");
    check_recorded(&schema, |name, _| name.starts_with("gemini_"));
    for model in ["gemini-2.5-flash", "gemini-3-pro"] {
        let base = "https://api.example.com";
        check_generated(&Gemini::new(base, model).unwrap(), &schema);
    }
}

#[test]
fn requests_to_ollama_fit_its_schema() {
    let schema = Schema::read("ollama_chat.request");
    check_recorded(&schema, |name, _| name.starts_with("ollama_chat"));
    let ollama = Ollama::new("http://localhost:11434", "llama3").unwrap();
    check_generated(&ollama, &schema);
}

#[test]
fn requests_for_embeddings_fit_the_schemas() {
    let openai = Schema::read("openai_embeddings.request");
    check_recorded(&openai, |name, _| name.starts_with("openai_embeddings"));
    check_embeddings(&OpenAi::new(BASE, "m").unwrap(), &openai);
    check_embeddings(&Responses::new(BASE, "m").unwrap(), &openai);
    let gemini = Schema::read("gemini_embed.request");
    check_embeddings(
        &Gemini::new("https://api.example.com", "m").unwrap(),
        &gemini,
    );
    let ollama = Schema::read("ollama_embed.request");
    check_embeddings(&Ollama::new("http://localhost", "m").unwrap(), &ollama);
}
