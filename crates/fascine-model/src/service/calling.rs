//! A call from its beginning to its end.
//!
//! Thousands may wait in here at a time. Few of these are an `async fn`, which has room for its arguments twice.

#![expect(clippy::manual_async_fn, reason = "smaller")]

use std::pin::pin;
use std::sync::Arc;

use fascine_message::Usage;

use super::admission::Admission;
use super::cost::Cost;
use super::incoming::Incoming;
use super::inner::Inner;
use crate::spans::embeddings_span;
use crate::stream::ServiceStream;
use crate::{
    ChunkStream, Delivery, EmbedRequest, Embeddings, ModelError, Provider, Request, Response,
};

/// Asks, and waits for the whole answer; `began` is told the number of the call.
pub(super) fn invoke(
    inner: Arc<Inner>,
    mut request: Request,
    began: impl FnOnce(u64),
) -> impl Future<Output = Result<Response, ModelError>> {
    async move {
        let admission = inner.admit(&request, false)?;
        began(admission.call().id);
        let invoked = {
            let work = pin!(async {
                inner.ask_hooks(&admission, &mut request).await?;
                whole(&admission, &request).await
            });
            admission.run(work).await
        };
        match &invoked {
            Ok(response) => admission.answered(response.usage, Some(response)),
            Err(error) => admission.failed(error, Usage::default()),
        }
        invoked
    }
}

/// Asks for a call that is in.
pub(super) fn invoke_inside(
    admission: Admission,
    request: Request,
) -> impl Future<Output = Result<Response, ModelError>> {
    async move {
        let invoked = {
            let work = pin!(whole(&admission, &request));
            admission.run(work).await
        };
        match &invoked {
            Ok(response) => admission.answered(response.usage, None),
            Err(error) => admission.failed(error, Usage::default()),
        }
        invoked
    }
}

fn whole<'a>(
    admission: &'a Admission,
    request: &'a Request,
) -> impl Future<Output = Result<Response, ModelError>> {
    async move {
        let inner = &admission.service;
        let cost = inner.cost(request);
        let write = |provider: &dyn Provider| provider.request(request, Delivery::Whole);
        let read = |provider: &dyn Provider, body: &[u8]| {
            let response = provider.response(body)?;
            let usage = response.usage;
            Ok((response, usage))
        };
        let attempt = || inner.exchange(admission, &cost, &write, &read);
        let mut response = inner.attempts(admission, attempt).await?;
        response.attempts = admission.attempts();
        Ok(response)
    }
}

/// Asks, and waits for the first of the answer.
pub(super) fn stream(
    inner: Arc<Inner>,
    mut request: Request,
) -> impl Future<Output = Result<ChunkStream, ModelError>> {
    async move {
        let admission = inner.admit(&request, true)?;
        let opened = {
            let work = pin!(async {
                inner.ask_hooks(&admission, &mut request).await?;
                begin(&admission, &request).await
            });
            admission.run(work).await
        };
        opened_by(admission, opened)
    }
}

/// Asks for a call that is in, and waits for the first of the answer.
pub(super) fn stream_inside(
    admission: Admission,
    request: Request,
) -> impl Future<Output = Result<ChunkStream, ModelError>> {
    async move {
        let opened = {
            let work = pin!(begin(&admission, &request));
            admission.run(work).await
        };
        opened_by(admission, opened)
    }
}

fn begin<'a>(
    admission: &'a Admission,
    request: &'a Request,
) -> impl Future<Output = Result<Box<Incoming>, ModelError>> {
    async move {
        let inner = &admission.service;
        let cost = inner.cost(request);
        let attempt = || inner.open(admission, &cost, request);
        Ok(inner.attempts(admission, attempt).await?)
    }
}

fn opened_by(
    mut admission: Admission,
    opened: Result<Box<Incoming>, ModelError>,
) -> Result<ChunkStream, ModelError> {
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
    mut request: EmbedRequest,
) -> Result<Embeddings, ModelError> {
    let model = inner.model_of(request.model.as_deref());
    let span = embeddings_span(inner.provider.name(), &model, &request);
    let admission = inner.enter(model, span)?;
    let embedded = {
        let work = pin!(async {
            inner.ask_hooks_to_embed(&admission, &mut request).await?;
            vectors(&admission, &request).await
        });
        admission.run(work).await
    };
    match &embedded {
        Ok(embeddings) => admission.embedded(embeddings),
        Err(error) => admission.failed(error, Usage::default()),
    }
    embedded
}

async fn vectors(admission: &Admission, request: &EmbedRequest) -> Result<Embeddings, ModelError> {
    let inner = &admission.service;
    let cost = match inner.counts_tokens() {
        true => Cost::of_embedding(&*inner.tokens, request),
        false => Cost::of_requests_alone(),
    };
    let write = |provider: &dyn Provider| provider.embed_request(request);
    let read = |provider: &dyn Provider, body: &[u8]| {
        let embeddings = provider.embeddings(body)?;
        let usage = embeddings.usage;
        Ok((embeddings, usage))
    };
    let attempt = || inner.exchange(admission, &cost, &write, &read);
    Ok(inner.attempts(admission, attempt).await?)
}
