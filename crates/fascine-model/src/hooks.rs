use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::time::Duration;

use crate::{
    CallRecord, Chunk, EmbedRequest, Embeddings, ModelError, ModelFailure, Request, Response,
};

/// What is told of each call of a service, and asked before it.
///
/// Each method has a body that does nothing: implement those you need. They run in the task of the caller, in order,
/// and share no state between calls unless you do. All methods but [`before`](Self::before) are synchronous and must
/// not block.
///
/// ```
/// use fascine_model::{Call, CallRecord, Hooks, ModelError, Response};
///
/// #[derive(Debug)]
/// struct Audit;
///
/// impl Hooks for Audit {
///     fn ended(
///         &self,
///         call: &Call<'_>,
///         record: &CallRecord,
///         _: Option<Result<&Response, &ModelError>>,
///     ) {
///         eprintln!("{} of {}: {:?}", call.id, call.model, record.outcome);
///     }
/// }
/// ```
pub trait Hooks: fmt::Debug + Send + Sync + 'static {
    /// Asked before anything is reserved or sent: may change the request, or refuse it with its reason.
    ///
    /// # Errors
    ///
    /// What the future fails with is the reason, which ends the call as [`ModelFailure::Refused`].
    ///
    /// # Cancel safety
    ///
    /// Dropped with the call.
    fn before<'a>(
        &'a self,
        call: &'a Call<'a>,
        request: &'a mut Request,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>> {
        let _ = (call, request);
        Box::pin(ready(Ok(())))
    }

    /// As [`before`](Self::before), for a call for embeddings.
    ///
    /// # Errors
    ///
    /// As for [`before`](Self::before).
    ///
    /// # Cancel safety
    ///
    /// Dropped with the call.
    fn before_embedding<'a>(
        &'a self,
        call: &'a Call<'a>,
        request: &'a mut EmbedRequest,
    ) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>> {
        let _ = (call, request);
        Box::pin(ready(Ok(())))
    }

    /// A request is about to be sent, the first being number 1.
    fn attempt(&self, call: &Call<'_>, number: u32) {
        let _ = (call, number);
    }

    /// A request failed, and another will be sent after `wait`.
    fn retry(&self, call: &Call<'_>, failure: &ModelFailure, wait: Duration) {
        let _ = (call, failure, wait);
    }

    /// A piece of an answer is about to be given out.
    fn chunk(&self, call: &Call<'_>, chunk: &Chunk) {
        let _ = (call, chunk);
    }

    /// A call for embeddings is answered; that it is over comes next.
    fn embedded(&self, call: &Call<'_>, embeddings: &Embeddings) {
        let _ = (call, embeddings);
    }

    /// The call is over. It has a result unless it was cancelled, or was answered with embeddings.
    fn ended(
        &self,
        call: &Call<'_>,
        record: &CallRecord,
        result: Option<Result<&Response, &ModelError>>,
    ) {
        let _ = (call, record, result);
    }
}

/// Which call it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call<'a> {
    /// Its number: no other call of the service has it.
    pub id: u64,
    /// Who is asked.
    pub provider: &'a str,
    /// The model that is asked.
    pub model: &'a str,
}

impl<'a> Call<'a> {
    /// Names a call.
    #[must_use]
    pub const fn new(id: u64, provider: &'a str, model: &'a str) -> Self {
        Self {
            id,
            provider,
            model,
        }
    }
}
