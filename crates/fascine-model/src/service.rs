use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fascine_http::Transport;
use fascine_resilience::{RateLimiter, Retry};
use fascine_rt::{BoxFuture, Rt};

use crate::canonical::identity_of;
use crate::failure::ModelFailure;
use crate::stats::Counters;
use crate::{
    ChunkStream, Model, ModelError, ModelServiceBuilder, Provider, Request, Response, Stats,
};

/// A model behind an API.
///
/// Each call runs in its caller's task. It reserves what it may cost, waits for its turn if the limits ask for it, is
/// sent, repeated if that makes sense, and settled with what it did cost. A `Retry-After` holds back every call of the
/// service. Clones are the same service.
#[derive(Clone)]
pub struct ModelService {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) rt: Rt,
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) limiter: RateLimiter,
    pub(crate) limits_requests: bool,
    pub(crate) limits_tokens: bool,
    pub(crate) retry: Retry,
    pub(crate) timeout: Duration,
    pub(crate) max_response_bytes: usize,
    pub(crate) counters: Counters,
}

impl ModelService {
    /// Begins the settings of a service: timers run on `rt`, `provider` knows the format, `transport` sends.
    pub fn builder(
        rt: &Rt,
        provider: impl Provider,
        transport: impl Transport,
    ) -> ModelServiceBuilder {
        ModelServiceBuilder::new(rt, provider, transport)
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self {
            inner: Arc::new(inner),
        }
    }

    /// What the service has done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.counters.snapshot()
    }

    /// How many calls wait for the limits.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inner.limiter.waiting()
    }
}

impl Model for ModelService {
    fn name(&self) -> &str {
        self.inner.provider.name()
    }

    fn identity(&self) -> String {
        identity_of(&*self.inner.provider)
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            let attempt = |number| inner.invoke_once(&request, number);
            let answered = inner.retry.run(attempt, ModelFailure::verdict).await;
            match answered {
                Ok(answered) => {
                    let mut response = answered.value;
                    response.attempts = answered.attempts;
                    inner.counters.answered(response.usage);
                    Ok(response)
                }
                Err(error) => {
                    inner.counters.failed();
                    Err(error.into())
                }
            }
        })
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            let attempt = |number| Inner::open_stream(&inner, &request, number);
            let opened = inner.retry.run(attempt, ModelFailure::verdict).await;
            match opened {
                Ok(opened) => {
                    let attempts = opened.attempts;
                    Ok(ChunkStream::new(
                        opened.value.with_attempts(attempts),
                        attempts,
                    ))
                }
                Err(error) => {
                    inner.counters.failed();
                    Err(error.into())
                }
            }
        })
    }
}

impl fmt::Debug for ModelService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelService")
            .field("provider", &self.inner.provider)
            .field("limiter", &self.inner.limiter)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
