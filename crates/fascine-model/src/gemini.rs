mod answer;
mod body;
mod contents;
mod embedding;
mod parts;
mod streaming;
mod thinking;
mod usage;
mod wire_part;

use bytes::Bytes;
use http::{HeaderName, Uri};

use crate::wire::{Endpoint, api_error, base_url_from_env, check};
use crate::{
    ApiError, ApiKey, ChunkDecoder, Delivery, EmbedRequest, Embeddings, ModelFailure, Provider,
    ProviderError, Request, Response,
};

/// Google's Gemini API, `generateContent`.
///
/// System messages become the system instruction, wherever they stand in the conversation. The API wants the name of
/// the tool with each result: it is looked up by the id of the call, which has to be in the conversation. A result that
/// is no JSON object goes as `{"result": ..}`, that of a call that failed as `{"error": ..}`.
///
/// A seal (`thoughtSignature`) that sits on a part which is no thought is a [`Reasoning`](fascine_message::Reasoning)
/// without text before that part, and goes back on the same part. Calls that come without an id are given one, which is
/// not sent back. A prompt that is blocked is an [`ApiError`] of kind
/// [`ContentFilter`](crate::ApiErrorKind::ContentFilter), not an empty answer. What stands beside the answer, such as
/// `groundingMetadata`, is in [`Response::extra`].
///
/// [`Effort`](crate::Effort) becomes a `thinkingLevel`, and for models before Gemini 3 a `thinkingBudget`: 1,024 tokens
/// for minimal and low, 8,192 for medium, 24,576 for high. A tool that is `strict` makes the calling of tools
/// `VALIDATED`.
///
/// There is no `parallel_tool_calls: false`.
///
/// # Examples
///
/// ```
/// use fascine_message::Message;
/// use fascine_model::{ApiKey, Delivery, Gemini, Provider, Request};
///
/// let provider = Gemini::new("https://generativelanguage.googleapis.com", "gemini-2.5-flash")
///     .and_then(|provider| provider.with_api_key(&ApiKey::new("AI..")))
///     .unwrap();
/// let request = Request::new([Message::user("Hello")]);
/// let written = provider.request(&request, Delivery::Stream).unwrap();
/// assert_eq!(
///     written.uri().path_and_query().unwrap(),
///     "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Gemini {
    endpoint: Endpoint,
    model: String,
}

impl Gemini {
    /// Asks for `model` at `base_url`, such as `https://generativelanguage.googleapis.com/v1beta`; a URL without a path
    /// means `v1beta`.
    ///
    /// # Errors
    ///
    /// [`ProviderError::InvalidUrl`] when the URL is not absolute, not http or https, or has a user name, a query or a
    /// fragment in it.
    pub fn new(base_url: &str, model: impl Into<String>) -> Result<Self, ProviderError> {
        Ok(Self {
            endpoint: Endpoint::parse(base_url)?,
            model: model.into(),
        })
    }

    /// Asks for `model` with the key in `GEMINI_API_KEY`, or else in `GOOGLE_API_KEY`, at Google's own address, or where
    /// `GOOGLE_GEMINI_BASE_URL` says.
    ///
    /// # Errors
    ///
    /// [`ProviderError::Key`] when there is no key; else as [`new`](Self::new) and
    /// [`with_api_key`](Self::with_api_key).
    pub fn from_env(model: impl Into<String>) -> Result<Self, ProviderError> {
        let key = ApiKey::from_env("GEMINI_API_KEY");
        // What is said of the usual one is what helps.
        let key = key.or_else(|error| ApiKey::from_env("GOOGLE_API_KEY").map_err(|_| error));
        let base_url = base_url_from_env(
            "GOOGLE_GEMINI_BASE_URL",
            "https://generativelanguage.googleapis.com",
        );
        Self::new(&base_url, model)?.with_api_key(&key.map_err(ProviderError::Key)?)
    }

    /// Lets the key that is set after this travel over plain http to another machine, where anybody on the way can read
    /// it: say on a network of your own. The transport has to be asked as well, by
    /// [`with_plaintext_credentials`](fascine_http::H1Transport::with_plaintext_credentials).
    #[must_use]
    pub fn with_plaintext_credentials(mut self) -> Self {
        self.endpoint.allow_plaintext();
        self
    }

    /// Sends `key` along, as `x-goog-api-key`: in a URL it would end up in logs.
    ///
    /// # Errors
    ///
    /// [`ProviderError::PlainTextKey`] when it would travel over http to another machine, and
    /// [`ProviderError::InvalidKey`] when a header cannot carry it.
    pub fn with_api_key(mut self, key: &ApiKey) -> Result<Self, ProviderError> {
        let name = HeaderName::from_static("x-goog-api-key");
        self.endpoint.set_secret(name, key.reveal())?;
        Ok(self)
    }

    /// The address of a method of a model.
    fn uri(&self, model: &str, method: &str) -> Result<Uri, ModelFailure> {
        let invalid =
            || ModelFailure::invalid("model", "has characters that an address cannot have");
        let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
        let is_name = |word: &str| word.contains(|c| c != '.') && word.chars().all(sound);
        if !model.split('/').all(is_name) {
            return Err(invalid());
        }
        let base = self.endpoint.base();
        let version = if base.has_path() { "" } else { "v1beta/" };
        let folder = if model.contains('/') { "" } else { "models/" };
        let uri = base.join(&format!("{version}{folder}{model}:{method}"));
        uri.map_err(|_| invalid())
    }
}

/// The name of the provider, and of what is its own in a conversation.
const NAME: &str = "gemini";

impl Provider for Gemini {
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
        let body = body::write(request, model)?;
        let uri = match delivery {
            Delivery::Stream => with_events(&self.uri(model, "streamGenerateContent")?)?,
            Delivery::Whole => self.uri(model, "generateContent")?,
        };
        Ok(self.endpoint.post(uri, body, delivery))
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
        let uri = self.uri(model, "batchEmbedContents")?;
        let body = embedding::write(request, model)?;
        Ok(self.endpoint.post(uri, body, Delivery::Whole))
    }

    fn embeddings(&self, body: &[u8]) -> Result<Embeddings, ModelFailure> {
        embedding::read(body)
    }
}

/// Without this the answer would be one list, which ends when everything is there.
fn with_events(uri: &Uri) -> Result<Uri, ModelFailure> {
    let uri = format!("{uri}?alt=sse").parse();
    uri.map_err(|_| ModelFailure::invalid("model", "fits in no address"))
}
