mod reading;
mod streaming;
mod writing;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Uri, header};

use crate::wire::{BaseUrl, api_error, openai_limits};
use crate::{
    ApiError, ApiKey, ChunkDecoder, Delivery, LimitHint, ModelFailure, Provider, ProviderError,
    Request, Response,
};

/// OpenAI's Chat Completions API, and everybody who speaks it.
#[derive(Clone, Debug)]
pub struct OpenAi {
    base_url: BaseUrl,
    chat_completions: Uri,
    model: String,
    authorization: Option<HeaderValue>,
}

impl OpenAi {
    /// Asks for `model` at `base_url`, such as `https://api.openai.com/v1`.
    ///
    /// # Errors
    ///
    /// [`ProviderError::InvalidUrl`] when the URL is not absolute, not http or https, or has a user name, a query or a
    /// fragment in it.
    pub fn new(base_url: &str, model: impl Into<String>) -> Result<Self, ProviderError> {
        let base_url = BaseUrl::parse(base_url)?;
        let chat_completions = base_url.join("chat/completions")?;
        Ok(Self {
            base_url,
            chat_completions,
            model: model.into(),
            authorization: None,
        })
    }

    /// Sends `key` along.
    ///
    /// # Errors
    ///
    /// [`ProviderError::PlainTextKey`] when it would travel over http to another machine, and
    /// [`ProviderError::InvalidKey`] when a header cannot carry it.
    pub fn with_api_key(mut self, key: &ApiKey) -> Result<Self, ProviderError> {
        self.base_url.check_secrecy()?;
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.reveal()))
            .map_err(|_| ProviderError::InvalidKey)?;
        value.set_sensitive(true);
        self.authorization = Some(value);
        Ok(self)
    }
}

impl Provider for OpenAi {
    fn name(&self) -> &str {
        "openai"
    }

    fn model(&self) -> &str {
        &self.model
    }

    fn request(
        &self,
        request: &Request,
        delivery: Delivery,
    ) -> Result<http::Request<Bytes>, ModelFailure> {
        let body = writing::body(request, &self.model, delivery)?;
        let mut written = http::Request::new(Bytes::from(body));
        *written.method_mut() = http::Method::POST;
        *written.uri_mut() = self.chat_completions.clone();
        let headers = written.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        let accept = match delivery {
            Delivery::Stream => "text/event-stream",
            Delivery::Whole => "application/json",
        };
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        if let Some(authorization) = &self.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        Ok(written)
    }

    fn response(&self, body: &[u8]) -> Result<Response, ModelFailure> {
        reading::response(body)
    }

    fn error(&self, head: &http::response::Parts, body: Bytes) -> ApiError {
        api_error(head, body)
    }

    fn limits(&self, headers: &HeaderMap) -> Vec<LimitHint> {
        openai_limits(headers)
    }

    fn decoder(&self) -> Box<dyn ChunkDecoder> {
        Box::new(streaming::Decoder::default())
    }
}
