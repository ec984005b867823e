//! A call from its beginning to its end.

use std::pin::pin;
use std::sync::Arc;

use fascine_message::Usage;
use tracing::Span;

use super::cost::Cost;
use super::inner::Inner;
use crate::stream::ServiceStream;
use crate::{
    ChunkStream, Delivery, EmbedRequest, Embeddings, ModelError, Provider, Request, Response,
};

/// Asks, and waits for the whole answer; `began` is told the number of the call.
pub(super) async fn invoke(
    inner: Arc<Inner>,
    mut request: Request,
    began: impl FnOnce(u64),
) -> Result<Response, ModelError> {
    let admission = inner.admit(&request, false)?;
    began(admission.call().id);
    let invoked = {
        let work = pin!(async {
            inner.ask_hooks(&admission, &mut request).await?;
            let cost = inner.cost(&request);
            let write = |provider: &dyn Provider| provider.request(&request, Delivery::Whole);
            let read = |provider: &dyn Provider, body: &[u8]| {
                let response = provider.response(body)?;
                let usage = response.usage;
                Ok((response, usage))
            };
            let attempt = || inner.exchange(&admission, &cost, write, read);
            let mut response = inner.attempts(&admission, attempt).await?;
            response.attempts = admission.attempts();
            Ok(response)
        });
        admission.run(work).await
    };
    match &invoked {
        Ok(response) => admission.answered(response.usage, Some(response)),
        Err(error) => admission.failed(error, Usage::default()),
    }
    invoked
}

/// Asks, and waits for the first of the answer.
pub(super) async fn stream(
    inner: Arc<Inner>,
    mut request: Request,
) -> Result<ChunkStream, ModelError> {
    let mut admission = inner.admit(&request, true)?;
    let opened = {
        let work = pin!(async {
            inner.ask_hooks(&admission, &mut request).await?;
            let cost = inner.cost(&request);
            let attempt = || inner.open(&admission, &cost, &request);
            inner.attempts(&admission, attempt).await
        });
        admission.run(work).await
    };
    match opened {
        Ok(incoming) => {
            admission.first_token();
            let attempts = admission.attempts();
            let stream = ServiceStream::new(admission, incoming);
            Ok(ChunkStream::new(stream, attempts))
        }
        Err(error) => {
            admission.failed(&error, Usage::default());
            Err(error)
        }
    }
}

/// Asks for embeddings.
pub(super) async fn embed(
    inner: &Arc<Inner>,
    request: &EmbedRequest,
) -> Result<Embeddings, ModelError> {
    let model = inner.model_of(request.model.as_deref());
    let admission = inner.enter(model, Span::none())?;
    let embedded = {
        let cost = match inner.limiter.counts_tokens() {
            true => Cost::of_embedding(&*inner.tokens, request),
            false => Cost::of_requests_alone(),
        };
        let write = |provider: &dyn Provider| provider.embed_request(request);
        let read = |provider: &dyn Provider, body: &[u8]| {
            let embeddings = provider.embeddings(body)?;
            let usage = embeddings.usage;
            Ok((embeddings, usage))
        };
        let attempt = || inner.exchange(&admission, &cost, write, read);
        let work = pin!(inner.attempts(&admission, attempt));
        admission.run(work).await
    };
    match &embedded {
        Ok(embeddings) => admission.answered(embeddings.usage, None),
        Err(error) => admission.failed(error, Usage::default()),
    }
    embedded
}
