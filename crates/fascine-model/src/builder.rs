mod checks;

use std::sync::Arc;
use std::time::Duration;

use fascine_http::{Timeouts, Transport};
use fascine_resilience::{CircuitBreaker, Hedge, Retry};
use fascine_rt::Rt;

use crate::service::{Alarms, Calls, Inner, Layers, SharedLimiter, Spending};
use crate::{
    EstimatedTokens, Hooks, Metrics, Model, ModelService, PriceTable, Prices, Provider,
    ResponseCache, TokenCounter,
};

/// The settings of a [`ModelService`].
///
/// # Defaults
///
/// - no limit on requests or tokens; where one is set, it holds for each minute
/// - 100 calls may wait
/// - any number of requests on their way at once
/// - 3 attempts, as [`Retry`] has them
/// - no circuit breaker
/// - [`Timeouts`] as they are by default: connecting 10 s, the head of the answer 10 minutes, 5 minutes between two
///   pieces of it
/// - answers of at most 32 MiB
/// - no cache, no other models, no hedge
/// - no limit on the cost, and no prices
/// - tokens counted by [`EstimatedTokens`]
#[derive(Debug)]
#[must_use = "settings do nothing until they are built"]
pub struct ModelServiceBuilder {
    rt: Rt,
    provider: Arc<dyn Provider>,
    transport: Arc<dyn Transport>,
    limit_requests: Option<u64>,
    limit_tokens: Option<u64>,
    capacity_refresh_time: Duration,
    limiter: Option<SharedLimiter>,
    adapts: bool,
    queue_capacity: usize,
    concurrency_limit: Option<usize>,
    retry: Retry,
    circuit_breaker: Option<CircuitBreaker>,
    timeouts: Timeouts,
    max_response_bytes: usize,
    cache: Option<ResponseCache>,
    fallback: Vec<Arc<dyn Model>>,
    hedge: Option<Hedge>,
    max_cost: Option<f64>,
    prices: Option<Box<dyn Prices>>,
    token_counter: Box<dyn TokenCounter>,
    hooks: Vec<Arc<dyn Hooks>>,
    metrics: Metrics,
    traces_content: bool,
}

/// A setting makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
#[non_exhaustive]
pub struct BuildError {
    /// The setting.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl ModelServiceBuilder {
    pub(crate) fn new(rt: &Rt, provider: impl Provider, transport: impl Transport) -> Self {
        Self {
            rt: rt.clone(),
            provider: Arc::new(provider),
            transport: Arc::new(transport),
            limit_requests: None,
            limit_tokens: None,
            capacity_refresh_time: Duration::from_secs(60),
            limiter: None,
            adapts: false,
            queue_capacity: 100,
            concurrency_limit: None,
            retry: Retry::new(rt),
            circuit_breaker: None,
            timeouts: Timeouts::default(),
            max_response_bytes: 32 * 1024 * 1024,
            cache: None,
            fallback: Vec::new(),
            hedge: None,
            max_cost: None,
            prices: None,
            token_counter: Box::new(EstimatedTokens),
            hooks: Vec::new(),
            metrics: Metrics::new(),
            traces_content: false,
        }
    }

    /// Sends at most so many requests in any stretch of the capacity refresh time.
    pub fn limit_requests(mut self, requests: u64) -> Self {
        self.limit_requests = Some(requests);
        self
    }

    /// Uses at most so many tokens in any stretch of the capacity refresh time.
    ///
    /// Reserved are the tokens of what is sent (messages, tools, pictures) and the longest answer, `max_tokens`; it is
    /// settled with what the provider counts. A request that is more than the whole limit fails at once.
    pub fn limit_tokens(mut self, tokens: u64) -> Self {
        self.limit_tokens = Some(tokens);
        self
    }

    /// Sets the stretch of time the limits hold for.
    pub fn capacity_refresh_time(mut self, time: Duration) -> Self {
        self.capacity_refresh_time = time;
        self
    }

    /// Shares the limits of others, in place of limits of its own.
    pub fn limiter(mut self, limiter: &SharedLimiter) -> Self {
        self.limiter = Some(limiter.clone());
        self
    }

    /// Learns the provider's limits from the headers of its answers and from its refusals.
    ///
    /// A limit that was set is lowered when the provider allows less, and never exceeded; one that was not set is found
    /// out. What others spend of the same account is taken off. Without this, a wait that the provider asks for still
    /// holds back all calls. A [shared limiter](Self::limiter) learns of the quotas it has.
    pub fn adapt_to_headers(mut self) -> Self {
        self.adapts = true;
        self
    }

    /// Sets how many calls may wait for room or for the limits; with 0 none waits.
    pub fn queue_capacity(mut self, capacity: usize) -> Self {
        self.queue_capacity = capacity;
        self
    }

    /// Sets how many requests may be on their way at once, streams that are being read among them.
    pub fn concurrency_limit(mut self, limit: usize) -> Self {
        self.concurrency_limit = Some(limit);
        self
    }

    /// Sets how often and when failed requests are repeated.
    ///
    /// 408, 409, 429, 5xx and failures on the way are, as long as nothing of an answer was given out; other refusals
    /// never. What the service's own policies refuse takes nothing from a
    /// [budget](fascine_resilience::RetryBudget).
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Asks a provider that is down no more until it is back.
    ///
    /// Failures are answers that do not come, break off or are in no format of the provider's, and the statuses 408 and
    /// 5xx. A 429 is not one: the provider is well, and busy. Neither is what the service's own policies refuse. While
    /// the breaker is open, calls wait for it as for a failed request: as often as the retry policy allows.
    pub fn circuit_breaker(mut self, breaker: CircuitBreaker) -> Self {
        self.circuit_breaker = Some(breaker);
        self
    }

    /// Sets how long one request may take: a plain duration is a limit on the whole, answer included.
    ///
    /// Whatever the transport, the service keeps the times to the head of the answer (from the moment the transport has
    /// the request, connecting included), between two pieces of it, and of the whole. It leaves to the transport the
    /// times for connecting and for a place among its connections. The wait for the service's own limits does not
    /// count, and each attempt has the whole time: for a limit on all of a call, put it into
    /// [`fail_after`](fascine_concurrency::fail_after). `Duration::MAX` is no limit.
    pub fn timeout(mut self, timeouts: impl Into<Timeouts>) -> Self {
        self.timeouts = timeouts.into();
        self
    }

    /// Sets how large an answer may be, in bytes; of a stream, all of its pieces together.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Keeps answers, and gives them again to who asks the same, as a [`CachedModel`](crate::CachedModel) does.
    ///
    /// What is found takes nothing of the limits. Hooks are asked before the cache is, and the call is counted as
    /// [`cached`](crate::CallRecord::cached). Those that ask the same at the same time share one call, which no deadline
    /// of one of them reaches; the first of them is the one that can say what it waits for.
    pub fn cache(mut self, cache: ResponseCache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Asks `model` when this one cannot answer, as a [`FallbackModel`](crate::FallbackModel) does; in the order in
    /// which they are added.
    ///
    /// It is asked after all attempts, by limits and time-outs of its own if it has any. The call is one call, and did
    /// not fail if it answers. What it costs counts for this service, by the name of the model that answered, and it is
    /// not asked once [`max_cost`](Self::max_cost) is reached. A service that is asked here counts for itself as well:
    /// give it other [metrics](Self::metrics).
    pub fn fallback(mut self, model: impl Model) -> Self {
        self.fallback.push(Arc::new(model));
        self
    }

    /// Asks once more when an answer takes long, as a [`HedgedModel`](crate::HedgedModel) does: not where there are
    /// tools.
    ///
    /// Each of the calls is in the limits, and is repeated by itself.
    pub fn hedge(mut self, hedge: Hedge) -> Self {
        self.hedge = Some(hedge);
        self
    }

    /// Refuses calls that would make the service cost more than this, in the currency of the [prices](Self::prices),
    /// which are [`PriceTable::builtin`] if none are set.
    ///
    /// What a call may cost is reserved before it is sent: the tokens it sends by the
    /// [token counter](Self::token_counter), and the longest answer that it allows, 256 tokens if it does not say. When
    /// it is over, what the provider counted takes its place; a call that is dropped, or fails, counts as far as the
    /// provider has said what it used. So calls on their way pass the amount by no more than their estimates are wrong.
    /// A call for which there is not enough left is refused, and not kept until others have cost less than they might
    /// have. What has no price costs nothing.
    pub fn max_cost(mut self, cost: f64) -> Self {
        self.max_cost = Some(cost);
        self
    }

    /// Sets what answers cost.
    pub fn prices(mut self, prices: impl Prices) -> Self {
        self.prices = Some(Box::new(prices));
        self
    }

    /// Sets how tokens are counted before the provider has counted them.
    pub fn token_counter(mut self, counter: impl TokenCounter) -> Self {
        self.token_counter = Box::new(counter);
        self
    }

    /// Adds somebody who is told of each call, and asked before it; in the order in which they are added.
    pub fn hooks(mut self, hooks: impl Hooks) -> Self {
        self.hooks.push(Arc::new(hooks));
        self
    }

    /// Counts calls together with others that have the same metrics.
    pub fn metrics(mut self, metrics: &Metrics) -> Self {
        self.metrics = metrics.clone();
        self
    }

    /// Puts what is said, prompts and answers, into the spans of calls.
    pub fn trace_content(mut self) -> Self {
        self.traces_content = true;
        self
    }

    /// Checks the settings, in their order above, and makes the service.
    ///
    /// # Errors
    ///
    /// [`BuildError`] names the setting that makes no sense.
    pub fn build(mut self) -> Result<ModelService, BuildError> {
        self.check()?;
        let limiter = match self.limiter.take() {
            Some(limiter) => limiter,
            None => self.own_limiter()?,
        };
        let others = std::mem::take(&mut self.fallback);
        let layers = Layers::new(
            &*self.provider,
            self.cache.take(),
            others,
            self.hedge.take(),
        );
        let prices = match (self.prices.take(), self.max_cost) {
            (None, Some(_)) => Some(Box::new(PriceTable::builtin()) as Box<dyn Prices>),
            (prices, _) => prices,
        };
        Ok(ModelService::new(Inner {
            model: self.provider.model().into(),
            limiter,
            bulkhead: self.bulkhead(),
            spending: Spending::new(prices, self.max_cost),
            alarms: Alarms::new(&self.rt),
            rt: self.rt,
            provider: self.provider,
            transport: self.transport,
            adapts: self.adapts,
            queue_capacity: self.queue_capacity,
            breaker: self.circuit_breaker,
            retry: self.retry,
            timeouts: self.timeouts,
            max_response_bytes: self.max_response_bytes,
            tokens: self.token_counter,
            hooks: self.hooks,
            metrics: self.metrics,
            traces_content: self.traces_content,
            calls: Calls::new(),
            layers,
        }))
    }
}
