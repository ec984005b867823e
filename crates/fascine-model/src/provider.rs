use std::fmt;

use bytes::Bytes;

use crate::{Chunk, ModelFailure, Request, Response};

/// How a provider wants to be asked, and how it answers: pure functions, without I/O.
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// What to call it in logs and reports.
    fn name(&self) -> &str;

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

    /// Reads a refusal: an answer whose status is not a success.
    fn refusal(&self, head: &http::response::Parts, body: &[u8]) -> ModelFailure;

    /// Makes what reads an answer in pieces.
    fn decoder(&self) -> Box<dyn ChunkDecoder>;
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

    /// Whether the provider has said that this was all. A stream that ends before has broken off.
    fn is_complete(&self) -> bool;
}

/// A provider cannot be used as it is set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
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
    /// A key must not be sent in plain text to another machine.
    #[error("the API key would travel in plain text to {host}: use https")]
    PlainTextKey {
        /// Where it would go.
        host: String,
    },
}
