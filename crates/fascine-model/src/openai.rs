mod answer;
mod audio;
mod calls;
mod content;
mod details;
mod dialect;
pub(crate) mod embedding;
mod messages;
mod parts;
mod reader;
mod reading;
mod streaming;
mod tools;
mod usage;
mod writing;

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Uri};

use crate::wire::{Endpoint, api_error, check, openai_limits};
use crate::{
    ApiError, ApiKey, ChunkDecoder, Compatible, Delivery, EmbedRequest, Embeddings, LimitHint,
    LimitedQuota, ModelFailure, Provider, ProviderError, Request, Response,
};

pub(crate) use dialect::{Dialect, EffortField, Outputs, StreamUsage, ToolChoices, thinks};
pub use dialect::{MaxTokensField, ReasoningField};
pub(crate) use messages::{arguments, is_foreign};
pub(crate) use parts::{DataUrl, audio_format, file_name};
pub use streaming::StreamEnd;
pub(crate) use tools::check_tool_choice;
pub(crate) use writing::{JsonSchema, check_extra, effort_word};

/// OpenAI's Chat Completions API, and everybody who speaks it.
///
/// What a server that speaks it makes of it differs: [`Compatible`] knows the well-known ones, and the rest can be set.
///
/// # Defaults
///
/// - no key
/// - the tokens of an answer are limited by [`MaxTokensField::ByModel`]
/// - what the model thought goes back with its tool calls in [`ReasoningField::ReasoningContent`]
/// - a stream ends by [`StreamEnd::Done`]
///
/// # Examples
///
/// ```
/// use fascine_model::{ApiKey, Compatible, OpenAi, Provider};
///
/// let key = ApiKey::new("gsk_..");
/// let groq = OpenAi::compatible(Compatible::Groq, "llama-3.3-70b-versatile")?.with_api_key(&key)?;
/// assert_eq!(groq.name(), "groq");
///
/// let own = OpenAi::new("http://localhost:9000/v1", "mine")?.with_name("own");
/// assert_eq!(own.name(), "own");
/// # Ok::<(), fascine_model::ProviderError>(())
/// ```
#[derive(Clone, Debug)]
pub struct OpenAi {
    name: Cow<'static, str>,
    endpoint: Endpoint,
    address: Address,
    model: String,
    dialect: Dialect,
}

/// Where requests go.
#[derive(Clone, Debug)]
enum Address {
    /// To the deployment that has the name of the model.
    Deployments { api_version: String },
    /// To the same place, whatever the model.
    Paths { chat: Uri, embeddings: Uri },
}

impl OpenAi {
    /// Asks for `model` at `base_url`, such as `https://api.openai.com/v1`.
    ///
    /// # Errors
    ///
    /// [`ProviderError::InvalidUrl`] when the URL is not absolute, not http or https, or has a user name, a query or a
    /// fragment in it.
    pub fn new(base_url: &str, model: impl Into<String>) -> Result<Self, ProviderError> {
        let endpoint = Endpoint::parse(base_url)?;
        Ok(Self {
            name: Cow::Borrowed("openai"),
            address: Address::Paths {
                chat: endpoint.base().join("chat/completions")?,
                embeddings: endpoint.base().join("embeddings")?,
            },
            endpoint,
            model: model.into(),
            dialect: Dialect::COMMON,
        })
    }

    /// Asks for `model` where `server` is by default, in its dialect.
    ///
    /// # Errors
    ///
    /// None: the addresses are known to be good. It is fallible as [`new`](Self::new) is.
    pub fn compatible(server: Compatible, model: impl Into<String>) -> Result<Self, ProviderError> {
        Ok(Self::new(server.base_url(), model)?.with_dialect(server))
    }

    /// As [`compatible`](Self::compatible), with the key from the environment variable that is usual for it. A server on
    /// this machine needs none. `OPENAI_BASE_URL`, if it is set, says where OpenAI is.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Key`] when a server elsewhere has no key, or a key cannot be read; else as [`new`](Self::new) and
    /// [`with_api_key`](Self::with_api_key).
    pub fn from_env(server: Compatible, model: impl Into<String>) -> Result<Self, ProviderError> {
        let base_url = server.base_url_from_env();
        let provider = Self::new(&base_url, model)?.with_dialect(server);
        match server.key_from_env()? {
            Some(key) => provider.with_api_key(&key),
            None => Ok(provider),
        }
    }

    /// Asks for a deployment of Azure's at `endpoint`, such as `https://name.openai.azure.com`, by a version of its API,
    /// such as `2024-10-21`. A request that names a model asks for the deployment of that name. The key is usually in
    /// `AZURE_OPENAI_API_KEY`: see [`ApiKey::from_env`].
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn azure(
        endpoint: &str,
        deployment: impl Into<String>,
        api_version: impl Into<String>,
    ) -> Result<Self, ProviderError> {
        Ok(Self {
            name: Cow::Borrowed("azure"),
            address: Address::Deployments {
                api_version: api_version.into(),
            },
            endpoint: Endpoint::parse(endpoint)?,
            model: deployment.into(),
            dialect: Dialect {
                reasoning: ReasoningField::None,
                ..Dialect::COMMON
            },
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
        match self.address {
            Address::Deployments { .. } => {
                let name = HeaderName::from_static("api-key");
                self.endpoint.set_secret(name, key.reveal())?;
            }
            Address::Paths { .. } => self.endpoint.set_bearer(key)?,
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

    /// Speaks as `server` does, wherever it is.
    #[must_use]
    pub fn with_dialect(mut self, server: Compatible) -> Self {
        self.name = Cow::Borrowed(server.name());
        self.dialect = server.dialect();
        self
    }

    /// Sets what to call it in logs and reports, and whose [`Part::Other`](fascine_message::Part::Other) it is sent.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Cow::Owned(name.into());
        self
    }

    /// Sets the field that says how long an answer may be.
    #[must_use]
    pub fn with_max_tokens_field(mut self, field: MaxTokensField) -> Self {
        self.dialect.max_tokens = field;
        self
    }

    /// Sets the field in which what the model thought goes back.
    #[must_use]
    pub fn with_reasoning_field(mut self, field: ReasoningField) -> Self {
        self.dialect.reasoning = field;
        self
    }

    /// Sets what ends a stream.
    #[must_use]
    pub fn with_stream_end(mut self, end: StreamEnd) -> Self {
        self.dialect.end = end;
        self
    }

    /// Calls whoever set the conversation up `developer`, as OpenAI's first models that think want it, not `system`.
    #[must_use]
    pub fn with_developer_role(mut self) -> Self {
        self.dialect.system = "developer";
        self
    }

    fn uri(&self, model: &str, path: &str) -> Result<Uri, ModelFailure> {
        match &self.address {
            Address::Deployments { api_version } => {
                let mut segments = vec!["openai", "deployments", model];
                segments.extend(path.split('/'));
                let base = self.endpoint.base();
                let uri = base.join_segments(&segments, &[("api-version", api_version)]);
                uri.map_err(|error| ModelFailure::invalid("model", error.to_string()))
            }
            Address::Paths { chat, embeddings } => Ok(match path {
                "embeddings" => embeddings.clone(),
                _ => chat.clone(),
            }),
        }
    }
}

impl Provider for OpenAi {
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
        let body = writing::body(request, model, delivery, &self.dialect, &self.name)?;
        let uri = self.uri(model, "chat/completions")?;
        Ok(self.endpoint.post(uri, body, delivery))
    }

    fn response(&self, body: &[u8]) -> Result<Response, ModelFailure> {
        reading::response(self.name.clone(), body)
    }

    fn error(&self, head: &http::response::Parts, body: Bytes) -> ApiError {
        api_error(head, body)
    }

    fn limits(&self, headers: &HeaderMap) -> Vec<LimitHint> {
        let mut hints = openai_limits(headers);
        let of_requests = hints
            .iter_mut()
            .filter(|hint| hint.quota == LimitedQuota::Requests);
        of_requests.for_each(|hint| hint.period = self.dialect.requests_per);
        hints
    }

    fn decoder(&self) -> Box<dyn ChunkDecoder> {
        Box::new(streaming::Decoder::new(self.name.clone(), self.dialect.end))
    }

    fn embed_request(&self, request: &EmbedRequest) -> Result<http::Request<Bytes>, ModelFailure> {
        let model = request.model.as_deref().unwrap_or(&self.model);
        let body = embedding::body(request, model)?;
        let uri = self.uri(model, "embeddings")?;
        Ok(self.endpoint.post(uri, body, Delivery::Whole))
    }

    fn embeddings(&self, body: &[u8]) -> Result<Embeddings, ModelFailure> {
        embedding::embeddings(body)
    }
}
