use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use fascine_rt::BoxFuture;

use crate::{Body, TransportError};

/// Sends requests.
///
/// Implement it to put anything of your own under the model service: another client, a cache, a recorder.
///
/// # Contract
///
/// - The request's URI is absolute.
/// - Redirects are not followed: a key must not travel to another host. The response is the 3xx itself.
/// - Dropping the future, or the body, abandons the exchange, and what the server still sends is never given to
///   another request.
/// - A body that is cut short ends in an error, never in silence.
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends `request` and waits for the head of the response; its body comes as it is read.
    ///
    /// # Errors
    ///
    /// The future gives a [`TransportError`] when there is no response. A response of any status is a response.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the exchange; the server may have got the request.
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<Result<http::Response<Body>, TransportError>>;
}

impl<T: Transport + ?Sized> Transport for Arc<T> {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<Result<http::Response<Body>, TransportError>> {
        (**self).send(request)
    }
}
