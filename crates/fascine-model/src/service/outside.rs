//! A call of a service that has something round its requests: a cache, other models, a hedge.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use tracing::Span;

use super::admission::Admission;
use super::inner::Inner;
use super::inside::Inside;
use super::ledger::Ledger;
use crate::{
    Accumulator, Chunk, ChunkStream, Interrupted, Model, ModelError, ModelFailure, Request,
    Response,
};

/// Asks, and waits for the whole answer; `began` is told the number of the call.
pub(super) async fn invoke(
    inner: Arc<Inner>,
    mut request: Request,
    began: impl FnOnce(u64),
) -> Result<Response, ModelError> {
    let (admission, ledger) = inner.admit_outside(&request, false)?;
    began(admission.call().id);
    let invoked = {
        let work = pin!(async {
            inner.ask_hooks(&admission, &mut request).await?;
            let model = model(&inner, ledger, &admission.span);
            model.invoke(request).await
        });
        admission.run(work).await
    };
    match &invoked {
        Ok(response) => {
            admission.takes(response.attempts);
            admission.answered(response.usage, Some(response));
        }
        Err(error) => admission.failed(error, Default::default()),
    }
    invoked
}

/// Asks, and waits for the first of the answer.
pub(super) async fn stream(
    inner: Arc<Inner>,
    mut request: Request,
) -> Result<ChunkStream, ModelError> {
    let (mut admission, ledger) = inner.admit_outside(&request, true)?;
    let opened = {
        let work = pin!(async {
            inner.ask_hooks(&admission, &mut request).await?;
            let model = model(&inner, ledger, &admission.span);
            model.stream(request).await
        });
        admission.run(work).await
    };
    match opened {
        Ok(chunks) => {
            admission.first_token();
            let attempts = chunks.attempts();
            let stream = OutsideStream {
                admission: Some(admission),
                chunks: Some(chunks),
                attempts,
                so_far: Accumulator::new(),
                watching: None,
            };
            Ok(ChunkStream::new(stream, attempts))
        }
        Err(error) => {
            admission.failed(&error, Default::default());
            Err(error)
        }
    }
}

/// What the call asks: the service's own requests, and what goes round them.
fn model(inner: &Arc<Inner>, ledger: Arc<Ledger>, span: &Span) -> Arc<dyn Model> {
    let inside = Inside {
        service: Arc::clone(inner),
        ledger,
        span: span.clone(),
    };
    match &inner.layers {
        Some(layers) => layers.around(inside),
        None => Arc::new(inside),
    }
}

/// The answer in pieces.
struct OutsideStream {
    /// `None` after the end.
    admission: Option<Admission>,
    /// `None` once nobody reads it any more.
    chunks: Option<ChunkStream>,
    attempts: u32,
    so_far: Accumulator,
    watching: Option<Waker>,
}

impl OutsideStream {
    fn answered(&mut self, admission: Admission) {
        self.chunks = None;
        let usage = self.so_far.usage();
        let mut response = std::mem::take(&mut self.so_far).into_response();
        response.attempts = self.attempts;
        admission.takes(self.attempts);
        admission.answered(usage, Some(&response));
    }

    /// The connection is closed before anybody is told that the call is out.
    fn failed(&mut self, admission: Admission, error: &ModelError) {
        self.chunks = None;
        admission.failed(error, self.so_far.usage());
    }

    fn closed(&mut self, admission: Admission) -> ModelError {
        let failure = match self.so_far.is_empty() {
            true => ModelFailure::Closed,
            false => Interrupted::new(&self.so_far, Some(ModelFailure::Closed)).into(),
        };
        let error = ModelError::new(failure, self.attempts);
        self.failed(admission, &error);
        error
    }
}

impl Stream for OutsideStream {
    type Item = Result<Chunk, ModelError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let (Some(admission), Some(chunks)) = (this.admission.take(), &mut this.chunks) else {
            return Poll::Ready(None);
        };
        if admission.is_cancelled() {
            return Poll::Ready(Some(Err(this.closed(admission))));
        }
        let polled = {
            let span = admission.span.clone();
            let _entered = span.enter();
            Pin::new(chunks).poll_next(cx)
        };
        match polled {
            Poll::Ready(Some(Ok(chunk))) => {
                this.so_far.push(&chunk);
                admission.gives_out(&chunk);
                this.admission = Some(admission);
                Poll::Ready(Some(Ok(chunk)))
            }
            Poll::Ready(Some(Err(error))) => {
                this.failed(admission, &error);
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                this.answered(admission);
                Poll::Ready(None)
            }
            Poll::Pending if admission.watch(&mut this.watching, cx.waker()) => {
                Poll::Ready(Some(Err(this.closed(admission))))
            }
            Poll::Pending => {
                this.admission = Some(admission);
                Poll::Pending
            }
        }
    }
}

impl Drop for OutsideStream {
    fn drop(&mut self) {
        self.chunks = None;
        if let Some(admission) = &mut self.admission {
            admission.cancelled(self.so_far.usage());
        }
    }
}
