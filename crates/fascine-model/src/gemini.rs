mod answer;
mod body;
mod contents;
mod embedding;
mod streaming;
mod thinking;
mod usage;
mod wire_part;

use bytes::Bytes;
use http::{HeaderValue, Uri};

use crate::wire::{BaseUrl, EVENT_STREAM, JSON, api_error, check, post};
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
    base_url: BaseUrl,
    model: String,
    key: Option<HeaderValue>,
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
            base_url: BaseUrl::parse(base_url)?.or_under("v1beta"),
            model: model.into(),
            key: None,
        })
    }

    /// Sends `key` along, as `x-goog-api-key`: in a URL it would end up in logs.
    ///
    /// # Errors
    ///
    /// [`ProviderError::PlainTextKey`] when it would travel over http to another machine, and
    /// [`ProviderError::InvalidKey`] when a header cannot carry it.
    pub fn with_api_key(mut self, key: &ApiKey) -> Result<Self, ProviderError> {
        self.base_url.check_secrecy()?;
        let value = HeaderValue::from_str(key.reveal());
        let mut value = value.map_err(|_| ProviderError::InvalidKey)?;
        value.set_sensitive(true);
        self.key = Some(value);
        Ok(self)
    }

    /// The request that has `method` of the model do something with `body`.
    fn post(
        &self,
        model: &str,
        method: &str,
        body: Vec<u8>,
        accept: &'static str,
    ) -> Result<http::Request<Bytes>, ModelFailure> {
        let uri = self.uri(model, method).ok_or_else(|| {
            ModelFailure::invalid("model", "has characters that an address cannot have")
        })?;
        let mut written = post(uri, body, accept);
        if let Some(key) = &self.key {
            written.headers_mut().insert("x-goog-api-key", key.clone());
        }
        Ok(written)
    }

    fn uri(&self, model: &str, method: &str) -> Option<Uri> {
        let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
        let is_name = |word: &str| word.contains(|c| c != '.') && word.chars().all(sound);
        if !model.split('/').all(is_name) {
            return None;
        }
        let prefix = if model.contains('/') { "" } else { "models/" };
        let uri = self.base_url.join(&format!("{prefix}{model}:{method}"));
        uri.ok()
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
        match delivery {
            Delivery::Whole => self.post(model, "generateContent", body, JSON),
            Delivery::Stream => {
                let mut written = self.post(model, "streamGenerateContent", body, EVENT_STREAM)?;
                // Without this the answer would be one list, which ends when everything is there.
                let uri = format!("{}?alt=sse", written.uri()).parse();
                *written.uri_mut() =
                    uri.map_err(|_| ModelFailure::invalid("model", "fits in no address"))?;
                Ok(written)
            }
        }
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
        self.post(model, "batchEmbedContents", body, JSON)
    }

    fn embeddings(&self, body: &[u8]) -> Result<Embeddings, ModelFailure> {
        embedding::read(body)
    }
}
