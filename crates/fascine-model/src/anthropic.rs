mod block;
mod blocks;
mod body;
mod conversation;
mod media;
mod reading;
mod streaming;
mod thinking;
mod usage;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use crate::wire::{BaseUrl, EVENT_STREAM, JSON, anthropic_limits, api_error, post};
use crate::{
    ApiError, ApiKey, ChunkDecoder, Delivery, LimitHint, ModelFailure, Provider, ProviderError,
    Request, Response,
};

/// Anthropic's Messages API.
///
/// System messages go to the API's own place for them, wherever they stand in the conversation. Neighbours of one role
/// become one message, with the results of tools in front. What the model thought goes back as it came, sealed, before
/// the calls that came of it; what has no seal, or another provider's, stays here. Blocks of kinds that this crate does
/// not know are [`Part::Other`](fascine_message::Part::Other), and go back as they came; so do further fields of known
/// blocks, such as citations: they follow their block as an object that has no `type`.
///
/// [`Effort`](crate::Effort) becomes adaptive thinking, and for models before Claude 4.6 a budget: 1,024 tokens for
/// minimal, 2,048 for low, 8,192 for medium, 24,576 for high. A [`Budget`](crate::Effort::Budget) is always a budget.
/// It comes on top of the default for `max_tokens`; of a `max_tokens` that is set it takes half at most.
///
/// There is no `seed`, no JSON without a schema, no audio, and there are no embeddings.
///
/// # Defaults
///
/// - No key, no betas.
/// - Version `2023-06-01`.
/// - `max_tokens`, which the API wants with each request: 4,096, which every model can answer with.
///
/// # Examples
///
/// ```
/// use fascine_message::Message;
/// use fascine_model::{Anthropic, ApiKey, Delivery, Provider, Request};
///
/// let provider = Anthropic::new("https://api.anthropic.com", "claude-sonnet-4-5")
///     .and_then(|provider| provider.with_api_key(&ApiKey::new("sk-ant-..")))
///     .unwrap();
/// let request = Request::new([Message::system("Be brief."), Message::user("Hello")]);
/// let written = provider.request(&request, Delivery::Whole).unwrap();
/// assert_eq!(written.uri(), "https://api.anthropic.com/v1/messages");
/// ```
#[derive(Clone, Debug)]
pub struct Anthropic {
    base_url: BaseUrl,
    messages: Uri,
    model: String,
    max_tokens: u32,
    version: HeaderValue,
    betas: Vec<HeaderValue>,
    key: Option<(HeaderName, HeaderValue)>,
}

impl Anthropic {
    /// Asks for `model` at `base_url`, such as `https://api.anthropic.com`, with `/v1` or without.
    ///
    /// # Errors
    ///
    /// [`ProviderError::InvalidUrl`] when the URL is not absolute, not http or https, or has a user name, a query or a
    /// fragment in it.
    pub fn new(base_url: &str, model: impl Into<String>) -> Result<Self, ProviderError> {
        let base_url = BaseUrl::parse(base_url)?;
        let messages = base_url.join_versioned("v1", "messages")?;
        Ok(Self {
            base_url,
            messages,
            model: model.into(),
            max_tokens: MAX_TOKENS,
            version: HeaderValue::from_static("2023-06-01"),
            betas: Vec::new(),
            key: None,
        })
    }

    /// Sends `key` along, as `x-api-key`.
    ///
    /// # Errors
    ///
    /// [`ProviderError::PlainTextKey`] when it would travel over http to another machine, and
    /// [`ProviderError::InvalidKey`] when a header cannot carry it.
    pub fn with_api_key(self, key: &ApiKey) -> Result<Self, ProviderError> {
        let name = HeaderName::from_static("x-api-key");
        self.with_key(name, key.reveal())
    }

    /// Sends `token` along, as `Authorization: Bearer`: for gateways, and for whoever logged in by OAuth.
    ///
    /// # Errors
    ///
    /// As [`with_api_key`](Self::with_api_key).
    pub fn with_bearer_token(self, token: &ApiKey) -> Result<Self, ProviderError> {
        let value = format!("Bearer {}", token.reveal());
        self.with_key(header::AUTHORIZATION, &value)
    }

    fn with_key(mut self, name: HeaderName, key: &str) -> Result<Self, ProviderError> {
        self.base_url.check_secrecy()?;
        let mut value = HeaderValue::from_str(key).map_err(|_| ProviderError::InvalidKey)?;
        value.set_sensitive(true);
        self.key = Some((name, value));
        Ok(self)
    }

    /// Asks for something that is not in the API for everybody yet, by its name, in `anthropic-beta`.
    ///
    /// # Errors
    ///
    /// [`ProviderError::InvalidHeader`] when a header cannot carry the name.
    pub fn with_beta(mut self, name: &str) -> Result<Self, ProviderError> {
        let header = "anthropic-beta";
        let beta = HeaderValue::from_str(name);
        self.betas
            .push(beta.map_err(|_| ProviderError::InvalidHeader {
                name: header.to_owned(),
            })?);
        Ok(self)
    }

    /// Sets how long an answer may be, in tokens, when the request does not say.
    #[must_use]
    pub fn with_max_tokens(mut self, max: u32) -> Self {
        self.max_tokens = max;
        self
    }
}

/// What every model of the last years can answer with.
const MAX_TOKENS: u32 = 4096;

/// The name of the provider, and of what is its own in a conversation.
const NAME: &str = "anthropic";

impl Provider for Anthropic {
    fn name(&self) -> &str {
        NAME
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn request(
        &self,
        request: &Request,
        delivery: Delivery,
    ) -> Result<http::Request<Bytes>, ModelFailure> {
        let body = body::write(request, &self.model, self.max_tokens, delivery)?;
        let accept = match delivery {
            Delivery::Stream => EVENT_STREAM,
            Delivery::Whole => JSON,
        };
        let mut written = post(self.messages.clone(), body, accept);
        let headers = written.headers_mut();
        headers.insert("anthropic-version", self.version.clone());
        for beta in &self.betas {
            headers.append("anthropic-beta", beta.clone());
        }
        if let Some((name, value)) = &self.key {
            headers.insert(name, value.clone());
        }
        Ok(written)
    }

    fn response(&self, body: &[u8]) -> Result<Response, ModelFailure> {
        reading::response(body)
    }

    fn error(&self, head: &http::response::Parts, body: Bytes) -> ApiError {
        api_error(head, body)
    }

    fn decoder(&self) -> Box<dyn ChunkDecoder> {
        Box::new(streaming::Decoder::default())
    }

    fn limits(&self, headers: &HeaderMap) -> Vec<LimitHint> {
        anthropic_limits(headers)
    }
}
