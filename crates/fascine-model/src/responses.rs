mod document;
mod event;
mod input;
mod items;
mod progress;
mod reader;
mod reading;
mod streaming;
mod usage;
mod writing;

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Uri};

use crate::openai::embedding;
use crate::wire::{Endpoint, api_error, check, openai_limits};
use crate::{
    ApiError, ApiKey, ChunkDecoder, Compatible, Delivery, EmbedRequest, Embeddings, LimitHint,
    ModelFailure, Provider, ProviderError, Request, Response,
};

/// OpenAI's Responses API.
///
/// The whole conversation is sent each time, and nothing is stored at the provider: what a model thought comes encrypted
/// and goes back with the conversation. Items that this crate has no part for, such as web searches, are kept and sent
/// back as they came. Whoever wants answers stored sets `store` in [`Request::extra`].
///
/// # Examples
///
/// ```
/// use fascine_message::Message;
/// use fascine_model::{Delivery, Provider, Request, Responses};
///
/// let provider = Responses::new("https://api.openai.com/v1", "gpt-5")?;
/// let request = Request::new([Message::user("How many legs has a spider?")]);
/// let written = provider.request(&request, Delivery::Whole).unwrap();
/// assert_eq!(written.uri(), "https://api.openai.com/v1/responses");
/// # Ok::<(), fascine_model::ProviderError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Responses {
    name: Cow<'static, str>,
    endpoint: Endpoint,
    address: Uri,
    embeddings: Uri,
    key: KeyHeader,
    model: String,
}

/// How the key travels.
#[derive(Clone, Copy, Debug)]
enum KeyHeader {
    ApiKey,
    Bearer,
}

impl Responses {
    /// Asks for `model` at `base_url`, such as `https://api.openai.com/v1`.
    ///
    /// # Errors
    ///
    /// [`ProviderError::InvalidUrl`] when the URL is not absolute, not http or https, or has a user name, a query or a
    /// fragment in it.
    pub fn new(base_url: &str, model: impl Into<String>) -> Result<Self, ProviderError> {
        let endpoint = Endpoint::parse(base_url)?;
        Ok(Self {
            name: Cow::Borrowed("openai-responses"),
            address: endpoint.base().join("responses")?,
            embeddings: endpoint.base().join("embeddings")?,
            endpoint,
            key: KeyHeader::Bearer,
            model: model.into(),
        })
    }

    /// Asks OpenAI for `model`, with the key in `OPENAI_API_KEY`. `OPENAI_BASE_URL`, if it is set, says where OpenAI is.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Key`] when there is no key; else as [`new`](Self::new) and [`with_api_key`](Self::with_api_key).
    pub fn from_env(model: impl Into<String>) -> Result<Self, ProviderError> {
        let provider = Self::new(&Compatible::OpenAi.base_url_from_env(), model)?;
        match Compatible::OpenAi.key_from_env()? {
            Some(key) => provider.with_api_key(&key),
            None => Ok(provider),
        }
    }

    /// Asks a deployment of Azure's at `endpoint`, such as `https://name.openai.azure.com`, by the first version of its
    /// API, which names no dates. A request that names a model asks the deployment of that name. The key is usually in
    /// `AZURE_OPENAI_API_KEY`: see [`ApiKey::from_env`].
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn azure(endpoint: &str, deployment: impl Into<String>) -> Result<Self, ProviderError> {
        let base_url = format!("{}/openai/v1", endpoint.trim_end_matches('/'));
        Ok(Self {
            key: KeyHeader::ApiKey,
            ..Self::new(&base_url, deployment)?
        })
    }

    /// Lets the key that is set after this travel over plain http to another machine, where anybody on the way can read
    /// it: say on a network of your own. The transport has to be asked as well, by
    /// [`with_plaintext_credentials`](fascine_http::H1Transport::with_plaintext_credentials).
    #[must_use]
    pub fn with_plaintext_credentials(mut self) -> Self {
        self.endpoint.allow_plaintext();
        self
    }

    /// Sends `key` along: as a bearer token, or in the header `api-key` for Azure.
    ///
    /// # Errors
    ///
    /// [`ProviderError::PlainTextKey`] when it would travel over http to another machine, and
    /// [`ProviderError::InvalidKey`] when a header cannot carry it.
    pub fn with_api_key(mut self, key: &ApiKey) -> Result<Self, ProviderError> {
        match self.key {
            KeyHeader::ApiKey => {
                let name = HeaderName::from_static("api-key");
                self.endpoint.set_secret(name, key.reveal())?;
            }
            KeyHeader::Bearer => self.endpoint.set_bearer(key)?,
        }
        Ok(self)
    }

    /// Sends a header along, such as `OpenAI-Organization`.
    ///
    /// # Errors
    ///
    /// [`ProviderError::InvalidHeader`] when it is none.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, ProviderError> {
        self.endpoint.set_header(name, value)?;
        Ok(self)
    }

    /// Sets what to call it in logs and reports, and whose [`Part::Other`](fascine_message::Part::Other) it is sent.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Cow::Owned(name.into());
        self
    }
}

impl Provider for Responses {
    fn name(&self) -> &str {
        &self.name
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
        let body = writing::body(request, model, delivery, &self.name)?;
        Ok(self.endpoint.post(self.address.clone(), body, delivery))
    }

    fn response(&self, body: &[u8]) -> Result<Response, ModelFailure> {
        reading::response(self.name.clone(), body)
    }

    fn error(&self, head: &http::response::Parts, body: Bytes) -> ApiError {
        api_error(head, body)
    }

    fn limits(&self, headers: &HeaderMap) -> Vec<LimitHint> {
        openai_limits(headers)
    }

    fn decoder(&self) -> Box<dyn ChunkDecoder> {
        Box::new(streaming::Decoder::new(self.name.clone()))
    }

    /// Embeddings have an address of their own beside that of responses, and are the same as in
    /// [`OpenAi`](crate::OpenAi).
    fn embed_request(&self, request: &EmbedRequest) -> Result<http::Request<Bytes>, ModelFailure> {
        let model = request.model.as_deref().unwrap_or(&self.model);
        let body = embedding::body(request, model)?;
        let uri = self.embeddings.clone();
        Ok(self.endpoint.post(uri, body, Delivery::Whole))
    }

    fn embeddings(&self, body: &[u8]) -> Result<Embeddings, ModelFailure> {
        embedding::embeddings(body)
    }
}
