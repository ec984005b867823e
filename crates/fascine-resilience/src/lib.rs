//! What to do when a call fails or must wait: retry, circuit breaker, rate limits. For any async call, on any runtime.
//!
//! | trouble | use |
//! |---|---|
//! | a call fails now and then | [`Retry`] with a [`Backoff`] |
//! | a call hangs now and then | [`attempt_within`], inside the retry |
//! | retries make an outage worse | a [`RetryBudget`] |
//! | a service is down for a while | [`CircuitBreaker`] |
//! | the service says how much it takes | [`RateLimiter`] with a [`Quota`] for each currency |
//! | the same, for each of many users | [`KeyedRateLimiter`] |
//! | a slow service takes all there is | [`Bulkhead`]; [`AdaptiveLimit`] if the right number is not known |
//! | too much comes in | [`LoadShed`] |
//! | a call takes too long | [`Timeout`] |
//! | a few calls are much slower than the others | [`Hedge`] |
//! | something else will do | [`Fallback`] |
//! | several of these at once | [`Pipeline`], which keeps their order |
//!
//! Nothing here waits in vain: a wait that cannot end before the ambient
//! [`effective_deadline`](fascine_concurrency::effective_deadline) fails at once with a typed error.
//!
//! ```
//! use fascine_resilience::{Backoff, Quota, RateLimiter, Retry, Verdict};
//! use std::time::Duration;
//! # fascine_testing::TestRuntime::run(|rt| async move {
//!
//! let retry = Retry::new(&rt).with_backoff(Backoff::exponential(Duration::from_millis(100)));
//! let limiter = RateLimiter::new(&rt, [Quota::new("requests", 60, Duration::from_secs(60))?])?;
//!
//! let mut calls = 0;
//! let answer = retry
//!     .run(
//!         |_attempt| {
//!             calls += 1;
//!             let (limiter, fails) = (limiter.clone(), calls < 3);
//!             async move {
//!                 limiter.acquire(&[("requests", 1)]).await.map_err(|_| "no capacity")?.commit();
//!                 if fails { Err("try again") } else { Ok("done") }
//!             }
//!         },
//!         |_error| Verdict::Retry,
//!     )
//!     .await
//!     .unwrap();
//! assert_eq!((answer.value, answer.attempts), ("done", 3));
//! # Ok::<_, fascine_resilience::QuotaError>(())
//! # }).unwrap();
//! ```
//!
//! # By hand
//!
//! What decides is synchronous and is told the time: [`CircuitMachine`], [`MemoryStore`] with every [`Strategy`],
//! [`RetryBudget::try_withdraw`], [`Backoff::delays`], each [`LimitAlgorithm`]. They need no runtime, in a test or
//! elsewhere.
//!
//! # Features
//!
//! - `tower`: a [`Pipeline`] is a layer of tower too

mod adaptive_limit;
mod backoff;
mod bulkhead;
mod bulkhead_error;
mod circuit_breaker;
mod fallback;
mod fallback_error;
#[cfg(all(test, any(loom, shuttle)))]
mod hand;
mod hedge;
mod limiter;
mod load_shed;
mod pipeline;
mod places;
mod retry;
mod retry_budget;
mod retry_error;
mod room;
mod setting_error;
mod sync;
mod timed_out;
mod timeout;
#[cfg(feature = "tower")]
mod tower;

pub use adaptive_limit::{
    AdaptiveLimit, AdaptivePermit, Aimd, Bounds, BoundsError, Gradient2, LimitAlgorithm, Sample,
    SampleOutcome, Vegas,
};
pub use backoff::{Backoff, Delays, Jitter};
pub use bulkhead::{Bulkhead, BulkheadPermit};
pub use bulkhead_error::BulkheadError;
pub use circuit_breaker::{
    Admission, ChangeCause, CircuitBreaker, CircuitBreakerBuilder, CircuitError, CircuitMachine,
    CircuitMetrics, CircuitOpen, CircuitState, OnCancel, Over, OwnedPermit, Permit, Refusal,
    StateChange, StateChanges,
};
pub use fallback::{Fallback, Served};
pub use fallback_error::FallbackError;
pub use hedge::{Hedge, HedgeDelay, Hedged, Idempotent, PercentileError};
pub use limiter::{
    Acquire, KeyedRateLimiter, KeysFull, LimitError, MemoryStore, Quota, QuotaError, QuotaStore,
    RateLimiter, RateLimiterBuilder, Reservation, Strategy,
};
pub use load_shed::{LoadShed, Overloaded, Priority};
pub use pipeline::{
    Adapting, Around, Bare, BoxedPipeline, Breaking, Deadline, Door, Hedging, Limiting, Next,
    Pipeline, PipelineError, Policy, Retrying,
};
pub use retry::{
    AttemptWithin, Attempted, BeforeRetry, Retried, Retry, RetrySettings, Retryable, Verdict,
    WithRetry, attempt_within, retry_with_backoff, with_retry,
};
pub use retry_budget::RetryBudget;
pub use retry_error::{GaveUp, RetryError};
pub use setting_error::SettingError;
pub use timed_out::TimedOut;
pub use timeout::Timeout;
#[cfg(feature = "tower")]
pub use tower::{PipelineLayer, PipelineService};

/// The page's examples compile and run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/resilience.md")]
mod page {}
