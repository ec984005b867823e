use std::fmt;

use bytes::Bytes;
use http::HeaderMap;

use crate::{
    ApiError, ApiKeyError, Chunk, EmbedRequest, Embeddings, LimitHint, ModelFailure, Request,
    Response,
};

/// How a provider wants to be asked, and how it answers: pure functions, without I/O.
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// What to call it in logs and reports.
    fn name(&self) -> &str;

    /// The model it asks when a request names none; empty if there is none.
    fn model(&self) -> &str;

    /// Writes a request.
    ///
    /// # Errors
    ///
    /// [`ModelFailure::InvalidRequest`] when the provider has no place for some of it.
    fn request(
        &self,
        request: &Request,
        delivery: Delivery,
    ) -> Result<http::Request<Bytes>, ModelFailure>;

    /// Reads a whole answer.
    ///
    /// # Errors
    ///
    /// [`ModelFailure::Malformed`] when it is not one.
    fn response(&self, body: &[u8]) -> Result<Response, ModelFailure>;

    /// Reads an error: an answer whose status is not a success.
    fn error(&self, head: &http::response::Parts, body: Bytes) -> ApiError;

    /// Makes what reads an answer in pieces.
    fn decoder(&self) -> Box<dyn ChunkDecoder>;

    /// Reads what the headers of any answer say of the provider's limits; nothing unless it says so.
    fn limits(&self, headers: &HeaderMap) -> Vec<LimitHint> {
        let _ = headers;
        Vec::new()
    }

    /// Writes a request for embeddings.
    ///
    /// # Errors
    ///
    /// [`ModelFailure::InvalidRequest`] when the provider has none, or has no place for some of the request.
    fn embed_request(&self, request: &EmbedRequest) -> Result<http::Request<Bytes>, ModelFailure> {
        let _ = request;
        Err(ModelFailure::invalid(
            "embeddings",
            "are nothing this provider has",
        ))
    }

    /// Reads embeddings.
    ///
    /// # Errors
    ///
    /// [`ModelFailure::Malformed`] when they are none.
    fn embeddings(&self, body: &[u8]) -> Result<Embeddings, ModelFailure> {
        Err(ModelFailure::malformed(
            "this provider has no embeddings",
            body,
        ))
    }
}

/// How an answer is to come.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// In pieces, as it is made.
    Stream,
    /// In one document.
    Whole,
}

/// Reads an answer in pieces.
pub trait ChunkDecoder: Send {
    /// Takes the next bytes, however they are split, and adds the pieces they complete to `chunks`.
    ///
    /// # Errors
    ///
    /// [`ModelFailure`] when they are not in the provider's format, or carry an error.
    fn push(&mut self, bytes: &[u8], chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure>;

    /// Takes the end of the bytes, and adds the pieces that have waited for it.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    fn finish(&mut self, chunks: &mut Vec<Chunk>) -> Result<(), ModelFailure> {
        let _ = chunks;
        Ok(())
    }

    /// Whether the provider has said that this was all. A stream that ends before has broken off.
    fn is_complete(&self) -> bool;
}

/// A provider cannot be used as it is set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// A header cannot be sent.
    #[error(
        "the header {name:?} cannot be sent: its name or its value has characters that are not allowed"
    )]
    InvalidHeader {
        /// Its name.
        name: String,
    },
    /// The key cannot travel in a header.
    #[error("the API key has characters that a header cannot carry")]
    InvalidKey,
    /// The URL cannot be used.
    #[error("the base URL {url:?} cannot be used: {reason}")]
    InvalidUrl {
        /// The URL, without user name and password.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The key cannot be read.
    #[error("the API key cannot be read")]
    Key(#[source] ApiKeyError),
    /// A key must not be sent in plain text to another machine.
    #[error("the API key would travel in plain text to {host}: use https, or ask for it")]
    PlainTextKey {
        /// Where it would go.
        host: String,
    },
}
