pub(crate) mod admission;
mod alarms;
mod calling;
mod calls;
pub(crate) mod cost;
pub(crate) mod incoming;
pub(crate) mod inner;
mod inside;
mod invocation;
mod layers;
mod ledger;
mod member;
pub(crate) mod on_its_way;
mod outside;
mod shared_limiter;
mod spending;
pub(crate) mod stage;
mod steered;
pub(crate) mod steering;
pub(crate) mod turn;
mod waiting;
pub(crate) mod watch;

use std::fmt;
use std::sync::Arc;

use fascine_concurrency::{at_most, bounded_map_all};
use fascine_http::Transport;
use fascine_rt::{BoxFuture, Rt};

pub use invocation::Invocation;
pub use shared_limiter::SharedLimiter;
pub use waiting::{Waiting, WaitingCall};

pub(crate) use alarms::Alarms;
pub(crate) use calls::Calls;
pub(crate) use inner::Inner;
pub(crate) use layers::Layers;
pub(crate) use spending::Spending;
pub(crate) use steering::UNKNOWN;

use crate::canonical::identity_of;
use crate::{
    ChunkStream, EmbedRequest, Embeddings, Metrics, Model, ModelError, ModelServiceBuilder,
    Provider, Request, Response, Stats,
};

/// A model behind an API.
///
/// Each call runs in its caller's task: nobody else drives it, and nobody else can cut it. It waits for room and for
/// the limits, is sent, repeated if that makes sense, and settled with what it did cost. A `Retry-After` holds back
/// every call of the service. Clones are the same service.
///
/// A request is repeated as long as nothing of its answer has been given out; a stream that breaks off after that ends
/// in [`Interrupted`](crate::Interrupted), and is never begun again behind its reader's back.
///
/// A [cache](ModelServiceBuilder::cache), [other models](ModelServiceBuilder::fallback) and a
/// [hedge](ModelServiceBuilder::hedge) go round its requests, in this order, where they are set: a call is one call,
/// however many requests and models it takes. They are for answers; [`embed`](Self::embed) goes without them.
///
/// Every call that was let in ends in one way, which [`stats`](Self::stats) count: with an answer, with a typed error,
/// cancelled, or at its deadline. A call that cannot begin before its deadline fails at once, with the time that it
/// would have needed in [`ModelError::retry_after`].
///
/// # Examples
///
/// ```
/// use fascine_http::{H1Transport, MemoryNet};
/// use fascine_model::{ModelService, OpenAi};
/// use std::time::Duration;
/// # fascine_testing::TestRuntime::run(|rt| async move {
///
/// let provider = OpenAi::new("http://127.0.0.1:8080/v1", "small").unwrap();
/// let service = ModelService::builder(&rt, provider, H1Transport::new(&rt, MemoryNet::new()))
///     .limit_requests(60)
///     .limit_tokens(90_000)
///     .concurrency_limit(8)
///     .timeout(Duration::from_secs(120))
///     .build()
///     .unwrap();
/// assert_eq!(service.waiting(), 0);
/// # });
/// ```
#[derive(Clone)]
pub struct ModelService {
    inner: Arc<Inner>,
}

/// How a service is closed.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseMode {
    /// All calls that are in end with [`ModelFailure::Closed`](crate::ModelFailure::Closed), as soon as they are
    /// polled, which is at once.
    Cancel,
    /// All calls that are in, waiting or on their way, go on to their end.
    Drain,
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

    /// Asks, as [`Model::invoke`] does, with a handle that says what the call waits for.
    #[must_use = "futures do nothing unless they are awaited"]
    pub fn call(&self, request: Request) -> Invocation {
        Invocation::new(&self.inner, request)
    }

    /// Asks all of them, and gives the result of each in their order. A failure of one is nothing to the others.
    ///
    /// As many run at once as the [concurrency limit](ModelServiceBuilder::concurrency_limit) allows, 64 without one,
    /// and never more than may wait. All of it runs inside the caller's task.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the calls that have not ended, and the answers so far.
    pub async fn invoke_all(
        &self,
        requests: impl IntoIterator<Item = Request>,
    ) -> Vec<Result<Response, ModelError>> {
        let limit = self.inner.bulkhead.as_ref();
        let limit = limit.map_or(AT_ONCE, |bulkhead| bulkhead.concurrency().get());
        let limit = limit.min(self.inner.queue_capacity).max(1);
        let Ok(limit) = at_most(limit) else {
            unreachable!("it is above zero")
        };
        if self.inner.layers.is_some() {
            let invoke = |request| outside::invoke(Arc::clone(&self.inner), request, |_| {});
            return Box::pin(bounded_map_all(requests, limit, invoke)).await;
        }
        let invoke = |request| calling::invoke(Arc::clone(&self.inner), request, |_| {});
        bounded_map_all(requests, limit, invoke).await
    }

    /// Asks for embeddings, under the same limits and policies.
    ///
    /// # Errors
    ///
    /// [`ModelError`] when there are none.
    ///
    /// # Cancel safety
    ///
    /// As for [`Model::invoke`].
    pub async fn embed(&self, request: EmbedRequest) -> Result<Embeddings, ModelError> {
        calling::embed(&self.inner, request).await
    }

    /// Lets no more calls in: they fail with [`ModelFailure::Closed`](crate::ModelFailure::Closed). With
    /// [`CloseMode::Drain`] it waits until those that are in have ended, with [`CloseMode::Cancel`] it cancels them.
    ///
    /// Closing again is fine: to wait for what was cancelled, drain. A future or a stream that nobody polls or drops
    /// does not end, and whoever drains waits for it. Calls that come after [`reopen`](Self::reopen) are not waited for.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the wait; the service stays closed, unless the future was never polled.
    ///
    /// # Examples
    ///
    /// ```
    /// use fascine_http::{H1Transport, MemoryNet};
    /// use fascine_message::Message;
    /// use fascine_model::{CloseMode, Model, ModelFailure, ModelService, OpenAi, Request};
    /// # fascine_testing::TestRuntime::run(|rt| async move {
    ///
    /// let provider = OpenAi::new("http://127.0.0.1:8080/v1", "small").unwrap();
    /// let transport = H1Transport::new(&rt, MemoryNet::new());
    /// let service = ModelService::builder(&rt, provider, transport).build().unwrap();
    /// service.close(CloseMode::Drain).await;
    /// let error = service.invoke(Request::new([Message::user("Hello?")])).await.unwrap_err();
    /// assert!(matches!(error.failure(), ModelFailure::Closed));
    /// service.reopen();
    /// assert!(!service.is_closed());
    /// # });
    /// ```
    pub async fn close(&self, mode: CloseMode) {
        let drained = self.inner.calls.close();
        match mode {
            CloseMode::Cancel => self.inner.calls.cancel(),
            CloseMode::Drain => {
                for generation in drained {
                    generation.wait().await;
                }
            }
        }
    }

    /// Lets calls in again. Nothing happens if the service is not closed.
    pub fn reopen(&self) {
        self.inner.calls.reopen();
    }

    /// Whether it lets no calls in.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.calls.is_closed()
    }

    /// What the service has done so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.calls.stats()
    }

    /// Latencies, waits, errors by kind and cost.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// What the service has cost so far, by its prices; 0 if it has none.
    #[must_use]
    pub fn spent(&self) -> f64 {
        self.inner.spending.spent()
    }

    /// The limits, which others may share.
    #[must_use]
    pub fn limiter(&self) -> &SharedLimiter {
        &self.inner.limiter
    }

    /// How many calls wait in queues: for room, or for the limits.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.inner.calls.waiting()
    }

    /// The calls that wait, in the order in which they began, and what each of them waits for.
    #[must_use]
    pub fn waiting_calls(&self) -> Vec<WaitingCall> {
        self.inner.waiting_calls()
    }
}

impl Model for ModelService {
    fn name(&self) -> &str {
        self.inner.provider.name()
    }

    fn identity(&self) -> String {
        match &self.inner.layers {
            Some(layers) => layers.identity().to_owned(),
            None => identity_of(&*self.inner.provider),
        }
    }

    fn invoke(&self, request: Request) -> BoxFuture<Result<Response, ModelError>> {
        let inner = Arc::clone(&self.inner);
        match inner.layers {
            Some(_) => Box::pin(outside::invoke(inner, request, |_| {})),
            None => Box::pin(calling::invoke(inner, request, |_| {})),
        }
    }

    fn stream(&self, request: Request) -> BoxFuture<Result<ChunkStream, ModelError>> {
        let inner = Arc::clone(&self.inner);
        match inner.layers {
            Some(_) => Box::pin(outside::stream(inner, request)),
            None => Box::pin(calling::stream(inner, request)),
        }
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

/// How many calls [`ModelService::invoke_all`] makes at once when nothing else limits them.
const AT_ONCE: usize = 64;
