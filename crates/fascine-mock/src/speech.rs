use http::StatusCode;
use serde_json::json;

use crate::ask::Ask;
use crate::embeddings::EmbedAsk;
use crate::endpoint::{Call, Endpoint, GeminiAction};
use crate::fields;
use crate::problem::Problem;
use crate::reply::{EVENT_STREAM, Reply};
use crate::said::Said;
use crate::{Api, anthropic, gemini, models, ollama, openai, responses};

/// A request that makes sense.
#[derive(Debug)]
pub(crate) struct Request {
    api: Api,
    body: Body,
}

#[derive(Debug)]
enum Body {
    /// Gemini's streams come in two forms.
    Chat {
        ask: Ask,
        as_array: bool,
    },
    Count(Ask),
    Embed {
        ask: EmbedAsk,
        is_batch: bool,
    },
    ListModels,
    ShowModel(String),
    Version,
}

/// Reads a request, or says what is wrong with it.
pub(crate) fn read(endpoint: Endpoint, body: &[u8]) -> Result<Request, Problem> {
    let api = endpoint.api;
    let chat = |ask| Body::Chat {
        ask,
        as_array: false,
    };
    let body = match endpoint.call {
        Call::ListModels => Body::ListModels,
        Call::ShowModel(name) => Body::ShowModel(name),
        Call::Version => Body::Version,
        Call::CountTokens => Body::Count(anthropic::read_to_count(&fields::read(body)?)?),
        Call::Embed => {
            let body = fields::read(body)?;
            let ask = match api {
                Api::Ollama => EmbedAsk::ollama(&body)?,
                _ => EmbedAsk::openai(&body)?,
            };
            let is_batch = true;
            Body::Embed { ask, is_batch }
        }
        Call::Chat => {
            let body = fields::read(body)?;
            chat(match api {
                Api::Anthropic => anthropic::read(&body)?,
                Api::Gemini => gemini::read(&body)?,
                Api::Ollama => ollama::read(&body)?,
                Api::OpenAi => openai::read(&body)?,
                Api::OpenAiResponses => responses::read(&body)?,
            })
        }
        Call::Gemini { model, action } => read_gemini(model, action, &fields::read(body)?)?,
    };
    Ok(Request { api, body })
}

fn read_gemini(
    model: String,
    action: GeminiAction,
    body: &serde_json::Value,
) -> Result<Body, Problem> {
    if let GeminiAction::BatchEmbed | GeminiAction::Embed = action {
        let ask = EmbedAsk::gemini(&model, body)?;
        let is_batch = action == GeminiAction::BatchEmbed;
        return Ok(Body::Embed { ask, is_batch });
    }
    let mut ask = gemini::read(body)?;
    ask.model = model;
    ask.stream = matches!(
        action,
        GeminiAction::StreamArray | GeminiAction::StreamEvents
    );
    Ok(match action {
        GeminiAction::CountTokens => Body::Count(ask),
        _ => Body::Chat {
            ask,
            as_array: action == GeminiAction::StreamArray,
        },
    })
}

impl Request {
    /// What is asked of the model, if it is.
    pub(crate) fn ask(&self) -> Option<&Ask> {
        match &self.body {
            Body::Chat { ask, .. } => Some(ask),
            _ => None,
        }
    }

    pub(crate) fn model(&self) -> Option<&str> {
        match &self.body {
            Body::Chat { ask, .. } | Body::Count(ask) => Some(&ask.model),
            Body::Embed { ask, .. } => Some(&ask.model),
            Body::ShowModel(name) => Some(name),
            Body::ListModels | Body::Version => None,
        }
    }

    /// Looking around is free.
    pub(crate) fn uses_quota(&self) -> bool {
        matches!(self.body, Body::Chat { .. } | Body::Embed { .. })
    }

    pub(crate) fn prompt_tokens(&self) -> u64 {
        match &self.body {
            Body::Chat { ask, .. } | Body::Count(ask) => ask.prompt_tokens,
            Body::Embed { ask, .. } => ask.tokens(),
            _ => 0,
        }
    }

    /// The reply, in the API's form; `said` is there for what is asked of the model.
    pub(crate) fn reply(&self, seed: u64, said: Option<&Said>, models: &[String]) -> Reply {
        let document = match (&self.body, said) {
            (Body::Chat { ask, as_array }, Some(said)) => {
                return match ask.stream {
                    true => stream(self.api, ask, said, *as_array),
                    false => Reply::json(StatusCode::OK, &whole(self.api, ask, said)),
                };
            }
            (Body::Count(ask), _) if self.api == Api::Gemini => {
                json!({ "totalTokens": ask.prompt_tokens })
            }
            (Body::Count(ask) | Body::Chat { ask, .. }, _) => {
                json!({ "input_tokens": ask.prompt_tokens })
            }
            (Body::Embed { ask, is_batch }, _) => match self.api {
                Api::Gemini => ask.to_gemini(seed, *is_batch),
                Api::Ollama => ask.to_ollama(seed),
                _ => ask.to_openai(seed),
            },
            (Body::ListModels, _) => models::list(self.api, models),
            (Body::ShowModel(name), _) => models::one(self.api, name),
            (Body::Version, _) => json!({ "version": env!("CARGO_PKG_VERSION") }),
        };
        Reply::json(StatusCode::OK, &document)
    }
}

fn whole(api: Api, ask: &Ask, said: &Said) -> serde_json::Value {
    match api {
        Api::Anthropic => anthropic::whole(ask, said),
        Api::Gemini => gemini::whole(ask, said),
        Api::Ollama => ollama::whole(ask, said),
        Api::OpenAi => openai::whole(ask, said),
        Api::OpenAiResponses => responses::whole(ask, said),
    }
}

fn stream(api: Api, ask: &Ask, said: &Said, as_array: bool) -> Reply {
    match api {
        Api::Anthropic => Reply::events(EVENT_STREAM, anthropic::events(ask, said)),
        Api::Gemini if as_array => {
            let chunks = gemini::chunks(ask, said);
            Reply::events("application/json; charset=UTF-8", gemini::array(&chunks))
        }
        Api::Gemini => {
            let chunks = gemini::chunks(ask, said);
            Reply::events("text/event-stream", gemini::events(&chunks))
        }
        Api::Ollama => Reply::events("application/x-ndjson", ollama::lines(ask, said)),
        Api::OpenAi => Reply::events(EVENT_STREAM, openai::events(ask, said)),
        Api::OpenAiResponses => Reply::events(EVENT_STREAM, responses::events(ask, said)),
    }
}
