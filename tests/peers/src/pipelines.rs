use std::convert::Infallible;
use std::error::Error;
use std::future::ready;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;

use fascine_resilience::{
    Bulkhead, CircuitBreaker, Pipeline, Quota, RateLimiter, Retry, Strategy, Verdict,
};
use fascine_rt::{Rt, Tokio};
use tokio::runtime::Runtime;
use tower::{Layer, Service, ServiceExt};
use tower_resilience::bulkhead::BulkheadLayer;
use tower_resilience::circuitbreaker::CircuitBreakerLayer;
use tower_resilience::ratelimiter::{RateLimiterLayer, WindowType};
use tower_resilience::retry::RetryLayer;
use tower_resilience::timelimiter::TimeLimiterLayer;

use crate::harness::{Options, peer};

/// What deadline, retry, breaker, limiter and bulkhead together cost round a call that is ready at once.
///
/// Both sides run inside the same tokio runtime, on its timers. Limits are so high that nothing is ever refused; the
/// limiter is the cheapest of each side that keeps to a rate.
pub(crate) fn run(options: &Options) {
    if !options.wants("pipeline/all") {
        return;
    }
    if let Err(problem) = compare(options) {
        println!("pipeline/all: {problem}");
    }
}

fn compare(options: &Options) -> Result<(), Box<dyn Error>> {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let rt = Rt::new(Tokio::new(tokio.handle().clone()));
    let many = NonZeroUsize::new(64).ok_or("zero")?;
    let quota = Quota::new("requests", LIMIT as u64, SECOND)?.with_strategy(Strategy::FixedCycle);
    let ours = Pipeline::new()
        .deadline(&rt, MINUTE)
        .retry(Retry::new(&rt), |_: &Infallible| Verdict::Retry)
        .breaker(CircuitBreaker::new(&rt, "bench"), |_: &Infallible| true)
        .limiter(RateLimiter::new(&rt, [quota])?, [("requests", 1)])
        .bulkhead(Bulkhead::new(&rt, many));
    let ours = black_box(ours);

    let service = tower::service_fn(|n: u32| ready(Ok::<u32, Infallible>(n)));
    let bulkhead = BulkheadLayer::builder().max_concurrent_calls(many.get());
    let limiter = RateLimiterLayer::builder()
        .limit_for_period(LIMIT)
        .refresh_period(SECOND)
        .window_type(WindowType::Fixed);
    let service = limiter.build()?.layer(bulkhead.build()?.layer(service));
    let service = CircuitBreakerLayer::standard().build()?.layer(service);
    let service = RetryLayer::builder().max_attempts(3).build().layer(service);
    let deadline = TimeLimiterLayer::builder().timeout_duration(MINUTE);
    let mut theirs = black_box(deadline.build().layer(service));

    options.compare(
        "pipeline/all",
        TIMES,
        || {
            repeat(&tokio, async || {
                ours.run(|| ready(Ok(black_box(1_u32)))).await.ok()
            })
        },
        vec![peer("tower-resilience", || {
            repeat(&tokio, async || {
                theirs.ready().await.ok()?.call(black_box(1)).await.ok()
            });
        })],
    );
    Ok(())
}

/// Makes the call so many times, and sees that it succeeds.
fn repeat(tokio: &Runtime, mut call: impl AsyncFnMut() -> Option<u32>) {
    tokio.block_on(async {
        for _ in 0..TIMES {
            assert!(black_box(call().await).is_some(), "the call was refused");
        }
    });
}

const TIMES: u32 = 100;
const LIMIT: usize = 1_000_000_000;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
