use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use fascine_message::Usage;
use fascine_rt::BoxFuture;
use futures_core::Stream;

use super::inner::Inner;
use super::ledger::Ledger;
use crate::{Chunk, ChunkStream, Model, ModelError, Request, Response};

/// Another model that a service asks when its own does not answer. What it costs is the service's cost.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) model: Arc<dyn Model>,
    pub(crate) service: Arc<Inner>,
    pub(crate) ledger: Arc<Ledger>,
}

impl Member {
    fn check(&self) -> Result<(), ModelError> {
        let checked = self.service.spending.check();
        checked.map_err(|failure| ModelError::new(failure, 0))
    }

    fn took(&self, attempts: u32) {
        self.ledger.sends(attempts);
        self.service.calls.count(|stats| {
            stats.requests += u64::from(attempts);
            stats.retries += u64::from(attempts.saturating_sub(1));
        });
        self.service.metrics.record_requests(attempts);
    }

    fn used(&self, model: &str, usage: Usage) {
        if usage.is_empty() {
            return;
        }
        // Not every model says what it is.
        let model = match model {
            "" => self.model.name(),
            model => model,
        };
        let cost = self.service.spending.settle(model, usage);
        self.ledger.costs(cost);
        self.service.calls.count(|stats| stats.usage += usage);
        self.service.metrics.record_usage(usage, cost);
    }
}

impl Model for Member {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn identity(&self) -> String {
        self.model.identity()
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        let this = self.clone();
        Box::pin(async move {
            this.check()?;
            let answered = this.model.invoke(request).await;
            match &answered {
                Ok(response) => {
                    this.took(response.attempts);
                    this.used(&response.model, response.usage);
                }
                Err(error) => this.took(error.attempts()),
            }
            answered
        })
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        let this = self.clone();
        Box::pin(async move {
            this.check()?;
            let chunks = match this.model.stream(request).await {
                Ok(chunks) => chunks,
                Err(error) => {
                    this.took(error.attempts());
                    return Err(error);
                }
            };
            let attempts = chunks.attempts();
            this.took(attempts);
            let counted = Counted {
                member: this,
                chunks,
                model: String::new(),
                usage: Usage::default(),
            };
            Ok(ChunkStream::new(counted, attempts))
        })
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Member").field(&self.model).finish()
    }
}

/// A stream whose cost is counted when it is over, whichever way.
struct Counted {
    member: Member,
    chunks: ChunkStream,
    model: String,
    usage: Usage,
}

impl Stream for Counted {
    type Item = Result<Chunk, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.chunks).poll_next(cx);
        match &polled {
            Poll::Ready(Some(Ok(Chunk::Start { model, .. }))) => self.model.clone_from(model),
            Poll::Ready(Some(Ok(Chunk::Usage(usage)))) => self.usage = *usage,
            Poll::Ready(None) => self.count(),
            _ => {}
        }
        polled
    }
}

impl Counted {
    fn count(&mut self) {
        let usage = std::mem::take(&mut self.usage);
        self.member.used(&self.model, usage);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.count();
    }
}
