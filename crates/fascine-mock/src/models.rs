use serde_json::{Value, json};

use crate::Api;
use crate::openai::CREATED;

/// The list of models in the form of an API.
pub(crate) fn list(api: Api, names: &[String]) -> Value {
    let models: Vec<Value> = names.iter().map(|name| one(api, name)).collect();
    match api {
        Api::Anthropic => json!({
            "data": models,
            "has_more": false,
            "first_id": names.first(),
            "last_id": names.last(),
        }),
        Api::Gemini | Api::Ollama => json!({ "models": models }),
        Api::OpenAi | Api::OpenAiResponses => json!({ "object": "list", "data": models }),
    }
}

/// One model in the form of an API.
pub(crate) fn one(api: Api, name: &str) -> Value {
    match api {
        Api::Anthropic => json!({
            "type": "model",
            "id": name,
            "display_name": name,
            "created_at": "2023-11-14T22:13:20Z",
        }),
        Api::Gemini => json!({
            "name": format!("models/{name}"),
            "displayName": name,
            "inputTokenLimit": 1_000_000,
            "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        }),
        Api::Ollama => json!({
            "name": name,
            "model": name,
            "modified_at": "2023-11-14T22:13:20Z",
            "size": 0,
            "digest": "",
            "details": { "format": "gguf", "family": "mock" },
        }),
        Api::OpenAi | Api::OpenAiResponses => json!({
            "id": name,
            "object": "model",
            "created": CREATED,
            "owned_by": "fascine-mock",
        }),
    }
}
