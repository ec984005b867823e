mod answer;
mod body;
mod embedding;
mod host;
mod messages;
mod streaming;

use bytes::Bytes;
use http::{HeaderValue, Uri, header};

use crate::wire::{Endpoint, api_error, base_url_from_env, check};
use crate::{
    ApiError, ApiKey, ApiKeyError, ChunkDecoder, Delivery, EmbedRequest, Embeddings, ModelFailure,
    Provider, ProviderError, Request, Response,
};

/// Ollama's own API.
///
/// Pictures have to come with the request: the server fetches none. The arguments of a call are an object here, so a
/// call whose arguments are no JSON cannot be sent. Results go with the name of their tool. Calls that come without an
/// id are given one, which is not sent back. How long the server took, and for what, is in [`Response::extra`].
///
/// [`Effort`](crate::Effort) becomes `think`: false for none, the level otherwise; there are no budgets. The model calls
/// tools as it likes, or not at all: there is no `tool_choice` of another kind, no `parallel_tool_calls: false`, and no
/// tool is `strict`.
///
/// # Defaults
///
/// - No key.
/// - The server's own context length: what is longer is cut by it, without a word. See
///   [`with_context_length`](Self::with_context_length).
///
/// # Examples
///
/// ```
/// use fascine_message::Message;
/// use fascine_model::{Delivery, Ollama, Provider, Request};
///
/// let provider = Ollama::new("http://localhost:11434", "llama3.2").unwrap();
/// let provider = provider.with_context_length(32_768);
/// let request = Request::new([Message::user("Hello")]);
/// let written = provider.request(&request, Delivery::Whole).unwrap();
/// assert_eq!(written.uri(), "http://localhost:11434/api/chat");
/// ```
#[derive(Clone, Debug)]
pub struct Ollama {
    endpoint: Endpoint,
    chat: Uri,
    embed: Uri,
    model: String,
    context_length: Option<u32>,
}

impl Ollama {
    /// Asks for `model` at `base_url`, such as `http://localhost:11434`, with `/api` or without.
    ///
    /// # Errors
    ///
    /// [`ProviderError::InvalidUrl`] when the URL is not absolute, not http or https, or has a user name, a query or a
    /// fragment in it.
    pub fn new(base_url: &str, model: impl Into<String>) -> Result<Self, ProviderError> {
        let endpoint = Endpoint::parse(base_url)?;
        Ok(Self {
            chat: endpoint.base().join_versioned("api", "chat")?,
            embed: endpoint.base().join_versioned("api", "embed")?,
            endpoint,
            model: model.into(),
            context_length: None,
        })
    }

    /// Asks for `model` where `OLLAMA_HOST` says, which is read as the server's own tools read it; if it is not set, at
    /// `http://127.0.0.1:11434`. The key that is in `OLLAMA_API_KEY`, if there is one, goes along.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Key`] when the key cannot be read; else as [`new`](Self::new) and
    /// [`with_api_key`](Self::with_api_key).
    pub fn from_env(model: impl Into<String>) -> Result<Self, ProviderError> {
        let host = base_url_from_env("OLLAMA_HOST", "");
        let provider = Self::new(&host::base_url(&host), model)?;
        match ApiKey::from_env("OLLAMA_API_KEY") {
            Ok(key) => provider.with_api_key(&key),
            // A server of one's own wants none.
            Err(ApiKeyError::Missing { .. } | ApiKeyError::Empty { .. }) => Ok(provider),
            Err(error) => Err(ProviderError::Key(error)),
        }
    }

    /// Lets the key that is set after this travel over plain http to another machine, where anybody on the way can read
    /// it: say on a network of your own. The transport has to be asked as well, by
    /// [`with_plaintext_credentials`](fascine_http::H1Transport::with_plaintext_credentials).
    #[must_use]
    pub fn with_plaintext_credentials(mut self) -> Self {
        self.endpoint.allow_plaintext();
        self
    }

    /// Sends `key` along, as `Authorization: Bearer`: for servers that are not one's own.
    ///
    /// # Errors
    ///
    /// [`ProviderError::PlainTextKey`] when it would travel over http to another machine, and
    /// [`ProviderError::InvalidKey`] when a header cannot carry it.
    pub fn with_api_key(mut self, key: &ApiKey) -> Result<Self, ProviderError> {
        self.endpoint.set_bearer(key)?;
        Ok(self)
    }

    /// Sets how much the model reads and writes at most, in tokens (`num_ctx`).
    #[must_use]
    pub fn with_context_length(mut self, tokens: u32) -> Self {
        self.context_length = Some(tokens);
        self
    }
}

/// The name of the provider, and of what is its own in a conversation.
const NAME: &str = "ollama";

impl Provider for Ollama {
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
        let model = check(request, &self.model)?;
        let body = body::write(request, model, self.context_length, delivery)?;
        let mut written = self.endpoint.post(self.chat.clone(), body, delivery);
        if delivery == Delivery::Stream {
            let lines = HeaderValue::from_static("application/x-ndjson");
            written.headers_mut().insert(header::ACCEPT, lines);
        }
        Ok(written)
    }

    fn response(&self, body: &[u8]) -> Result<Response, ModelFailure> {
        answer::response(body)
    }

    fn error(&self, head: &http::response::Parts, body: Bytes) -> ApiError {
        api_error(head, body)
    }

    fn decoder(&self) -> Box<dyn ChunkDecoder> {
        Box::new(streaming::Decoder::default())
    }

    fn embed_request(&self, request: &EmbedRequest) -> Result<http::Request<Bytes>, ModelFailure> {
        let model = request.model.as_deref().unwrap_or(&self.model);
        let body = embedding::write(request, model)?;
        let uri = self.embed.clone();
        Ok(self.endpoint.post(uri, body, Delivery::Whole))
    }

    fn embeddings(&self, body: &[u8]) -> Result<Embeddings, ModelFailure> {
        embedding::read(body)
    }
}
