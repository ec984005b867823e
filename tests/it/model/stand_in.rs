//! A provider that is OpenAI but for what a test needs to be otherwise.

use bytes::Bytes;
use fascine::message::Usage;
use fascine::model::{
    ApiError, ChunkDecoder, Delivery, EmbedRequest, Embeddings, LimitHint, ModelFailure, OpenAi,
    Provider, Request, Response,
};
use http::HeaderMap;

#[derive(Debug)]
pub(super) struct StandIn {
    openai: OpenAi,
    name: &'static str,
    model: &'static str,
    limits: fn(&HeaderMap) -> Vec<LimitHint>,
}

impl StandIn {
    pub(super) fn new(name: &'static str, model: &'static str) -> Self {
        Self {
            openai: OpenAi::new("http://127.0.0.1/v1", "m").unwrap(),
            name,
            model,
            limits: |_| Vec::new(),
        }
    }

    /// Reads limits so.
    pub(super) fn with_limits(mut self, limits: fn(&HeaderMap) -> Vec<LimitHint>) -> Self {
        self.limits = limits;
        self
    }
}

impl Provider for StandIn {
    fn name(&self) -> &str {
        self.name
    }

    fn model(&self) -> &str {
        self.model
    }

    fn request(
        &self,
        request: &Request,
        delivery: Delivery,
    ) -> Result<http::Request<Bytes>, ModelFailure> {
        self.openai.request(request, delivery)
    }

    fn response(&self, body: &[u8]) -> Result<Response, ModelFailure> {
        self.openai.response(body)
    }

    fn error(&self, head: &http::response::Parts, body: Bytes) -> ApiError {
        self.openai.error(head, body)
    }

    fn decoder(&self) -> Box<dyn ChunkDecoder> {
        self.openai.decoder()
    }

    fn limits(&self, headers: &HeaderMap) -> Vec<LimitHint> {
        (self.limits)(headers)
    }

    fn embed_request(&self, request: &EmbedRequest) -> Result<http::Request<Bytes>, ModelFailure> {
        Ok(http::Request::new(request.inputs.concat().into()))
    }

    fn embeddings(&self, body: &[u8]) -> Result<Embeddings, ModelFailure> {
        let mut embeddings = Embeddings::new(vec![vec![f32::from(body[0])]]);
        embeddings.usage = Usage::new(5, 0);
        Ok(embeddings)
    }
}
