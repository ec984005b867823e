mod block;
mod blocks;
mod body;
mod conversation;
mod document;
mod media;
mod reading;
mod streaming;
mod thinking;
mod usage;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Uri};

use crate::wire::{Endpoint, anthropic_limits, api_error, base_url_from_env};
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
    endpoint: Endpoint,
    messages: Uri,
    model: String,
    max_tokens: u32,
    betas: String,
}

impl Anthropic {
    /// Asks for `model` at `base_url`, such as `https://api.anthropic.com`, with `/v1` or without.
    ///
    /// # Errors
    ///
    /// [`ProviderError::InvalidUrl`] when the URL is not absolute, not http or https, or has a user name, a query or a
    /// fragment in it.
    pub fn new(base_url: &str, model: impl Into<String>) -> Result<Self, ProviderError> {
        let mut endpoint = Endpoint::parse(base_url)?;
        endpoint.set_header("anthropic-version", "2023-06-01")?;
        Ok(Self {
            messages: endpoint.base().join_versioned("v1", "messages")?,
            endpoint,
            model: model.into(),
            max_tokens: MAX_TOKENS,
            betas: String::new(),
        })
    }

    /// Asks for `model` with the key in `ANTHROPIC_API_KEY`, at Anthropic's own address, or where `ANTHROPIC_BASE_URL`
    /// says.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Key`] when there is no key; else as [`new`](Self::new) and
    /// [`with_api_key`](Self::with_api_key).
    pub fn from_env(model: impl Into<String>) -> Result<Self, ProviderError> {
        let key = ApiKey::from_env("ANTHROPIC_API_KEY").map_err(ProviderError::Key)?;
        let base_url = base_url_from_env("ANTHROPIC_BASE_URL", "https://api.anthropic.com");
        Self::new(&base_url, model)?.with_api_key(&key)
    }

    /// Lets the key that is set after this travel over plain http to another machine, where anybody on the way can read
    /// it: say on a network of your own. The transport has to be asked as well, by
    /// [`with_plaintext_credentials`](fascine_http::H1Transport::with_plaintext_credentials).
    #[must_use]
    pub fn with_plaintext_credentials(mut self) -> Self {
        self.endpoint.allow_plaintext();
        self
    }

    /// Sends `key` along, as `x-api-key`.
    ///
    /// # Errors
    ///
    /// [`ProviderError::PlainTextKey`] when it would travel over http to another machine, and
    /// [`ProviderError::InvalidKey`] when a header cannot carry it.
    pub fn with_api_key(mut self, key: &ApiKey) -> Result<Self, ProviderError> {
        let name = HeaderName::from_static("x-api-key");
        self.endpoint.set_secret(name, key.reveal())?;
        Ok(self)
    }

    /// Sends `token` along, as `Authorization: Bearer`: for gateways, and for whoever logged in by OAuth.
    ///
    /// # Errors
    ///
    /// As [`with_api_key`](Self::with_api_key).
    pub fn with_bearer_token(mut self, token: &ApiKey) -> Result<Self, ProviderError> {
        self.endpoint.set_bearer(token)?;
        Ok(self)
    }

    /// Asks for something that is not in the API for everybody yet, by its name, in `anthropic-beta`.
    ///
    /// # Errors
    ///
    /// [`ProviderError::InvalidHeader`] when a header cannot carry the name.
    pub fn with_beta(mut self, name: &str) -> Result<Self, ProviderError> {
        if !self.betas.is_empty() {
            self.betas.push(',');
        }
        self.betas.push_str(name);
        self.endpoint.set_header("anthropic-beta", &self.betas)?;
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
        Ok(self.endpoint.post(self.messages.clone(), body, delivery))
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
