use http::{HeaderMap, Method, Uri};

use crate::Api;
use crate::problem::{Problem, ProblemKind};

/// What a request is for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) api: Api,
    pub(crate) call: Call,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Chat,
    CountTokens,
    Embed,
    /// A call of Gemini's, which has the model in its path.
    Gemini {
        model: String,
        action: GeminiAction,
    },
    ListModels,
    ShowModel(String),
    Version,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GeminiAction {
    BatchEmbed,
    CountTokens,
    Embed,
    Generate,
    /// A stream as one JSON array.
    StreamArray,
    StreamEvents,
}

impl Endpoint {
    /// Finds what a path leads to; the API is known even where it leads nowhere.
    pub(crate) fn find(
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Self, (Api, Problem)> {
        let path = uri.path();
        let api = api_of(path, headers);
        let found = match api {
            Api::Gemini => gemini(path, uri.query().unwrap_or_default()),
            _ => plain(api, path),
        };
        let call = found.ok_or_else(|| (api, Problem::unknown_url(path)))?;
        let wanted = match call {
            Call::ListModels | Call::ShowModel(_) | Call::Version => Method::GET,
            _ => Method::POST,
        };
        if *method == wanted {
            Ok(Self { api, call })
        } else {
            let message = format!("Not allowed to {method} on this URL.");
            Err((api, Problem::new(405, ProblemKind::Method, message)))
        }
    }
}

/// Anthropic and OpenAI have the same path for their models; Anthropic's clients send their version.
fn api_of(path: &str, headers: &HeaderMap) -> Api {
    if path.starts_with("/api/") {
        Api::Ollama
    } else if path.starts_with("/v1beta/") {
        Api::Gemini
    } else if path.starts_with("/v1/messages") || headers.contains_key("anthropic-version") {
        Api::Anthropic
    } else if path.starts_with("/v1/responses") {
        Api::OpenAiResponses
    } else {
        Api::OpenAi
    }
}

fn plain(api: Api, path: &str) -> Option<Call> {
    Some(match (api, path) {
        (Api::Anthropic, "/v1/messages")
        | (Api::Ollama, "/api/chat")
        | (Api::OpenAi, "/v1/chat/completions")
        | (Api::OpenAiResponses, "/v1/responses") => Call::Chat,
        (Api::Anthropic, "/v1/messages/count_tokens") => Call::CountTokens,
        (Api::Ollama, "/api/embed") | (Api::OpenAi, "/v1/embeddings") => Call::Embed,
        (Api::Ollama, "/api/tags") | (Api::Anthropic | Api::OpenAi, "/v1/models") => {
            Call::ListModels
        }
        (Api::Ollama, "/api/version") => Call::Version,
        (Api::Anthropic | Api::OpenAi, _) => Call::ShowModel(model_in(path, "/v1/models/")?),
        _ => return None,
    })
}

fn gemini(path: &str, query: &str) -> Option<Call> {
    if path == "/v1beta/models" {
        return Some(Call::ListModels);
    }
    let Some((model, action)) = path.split_once(':') else {
        return model_in(path, "/v1beta/models/").map(Call::ShowModel);
    };
    let model = model_in(model, "/v1beta/models/")?;
    let action = match action {
        "batchEmbedContents" => GeminiAction::BatchEmbed,
        "countTokens" => GeminiAction::CountTokens,
        "embedContent" => GeminiAction::Embed,
        "generateContent" => GeminiAction::Generate,
        "streamGenerateContent" if query.split('&').any(|pair| pair == "alt=sse") => {
            GeminiAction::StreamEvents
        }
        "streamGenerateContent" => GeminiAction::StreamArray,
        _ => return None,
    };
    Some(Call::Gemini { model, action })
}

fn model_in(path: &str, before: &str) -> Option<String> {
    let model = path.strip_prefix(before)?;
    (!model.is_empty()).then(|| model.to_owned())
}
