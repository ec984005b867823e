use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use fascine_message::Usage;
use fascine_rt::BoxFuture;
use futures_core::Stream;

use super::cost::Cost;
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
    /// Reserves what the request may cost: until it is answered, or nobody waits for it.
    fn reserve(&self, request: &Request) -> Result<Held, ModelError> {
        let spending = &self.service.spending;
        let model = request.model.as_deref().unwrap_or(self.model.name());
        let amount = match spending.is_bounded() {
            true => spending.reserve(model, &Cost::of(&*self.service.tokens, request)),
            false => Ok(0.0),
        };
        let amount = amount.map_err(|failure| ModelError::new(failure, 0))?;
        Ok(Held {
            service: Arc::clone(&self.service),
            amount,
        })
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
            let _held = this.reserve(&request)?;
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
            let held = this.reserve(&request)?;
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
                _held: held,
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
    _held: Held,
}

/// What is reserved of what a service may cost.
struct Held {
    service: Arc<Inner>,
    amount: f64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.service.spending.release(self.amount);
    }
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
