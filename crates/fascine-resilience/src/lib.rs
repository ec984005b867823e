//! What to do when a call fails or must wait: retry, backoff, rate limits. For any async call, on any runtime.
//!
//! | trouble | use |
//! |---|---|
//! | a call fails now and then | [`Retry`] with a [`Backoff`] |
//! | the service says how much it takes | [`RateLimiter`] with a [`Quota`] for each currency |
//! | the same, for each of many users | [`KeyedRateLimiter`] |
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

mod backoff;
mod limiter;
mod retry;
mod retry_error;
mod sync;

pub use backoff::{Backoff, Delays, Jitter};
pub use limiter::{
    Acquire, KeyedRateLimiter, KeysFull, LimitError, MemoryStore, Quota, QuotaError, QuotaStore,
    RateLimiter, RateLimiterBuilder, Reservation, Strategy,
};
pub use retry::{Attempted, Retry, Verdict};
pub use retry_error::{GaveUp, RetryError};
