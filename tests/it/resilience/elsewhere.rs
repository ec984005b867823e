//! Defects that others had or have, each as the sentence that is true here; those that belong to a concept are there.

use std::num::NonZeroU64;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use fascine::concurrency::join_all;
use fascine::resilience::{
    Backoff, CircuitBreaker, Hedge, HedgeDelay, Idempotent, Jitter, Pipeline, Quota, RateLimiter,
    Retry, RetryBudget, RetrySettings, Strategy, Verdict,
};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn limiter(rt: &Rt, limit: u64, per: Duration) -> RateLimiter {
    RateLimiter::new(rt, [Quota::new("x", limit, per).unwrap()]).unwrap()
}

const fn x(amount: u64) -> [(&'static str, u64); 1] {
    [("x", amount)]
}

/// lionagi strands what is over its capacity until somebody else comes, or for a minute.
#[test]
fn of_more_callers_than_fit_all_are_served_in_order_though_nobody_new_comes() {
    TestRuntime::run(|rt| async move {
        let limiter = limiter(&rt, 100, ms(60_000));
        let order = Mutex::new(Vec::new());
        let calls: Vec<_> = (0..350)
            .map(|nth| {
                let (limiter, order, rt) = (&limiter, &order, &rt);
                async move {
                    limiter.acquire(&x(1)).await.unwrap().commit();
                    order.lock().unwrap().push((nth, rt.now()));
                }
            })
            .collect();
        let started = rt.now();
        join_all(calls).await;
        let expected: Vec<_> = (0..350_u32)
            .map(|nth| (nth, started + ms(60_000) * (nth / 100)))
            .collect();
        assert_eq!(*order.lock().unwrap(), expected);
    });
}

/// lionagi starts a task for each model, which has to be shut down by hand.
#[test]
fn no_policy_spawns_a_task_and_none_has_to_be_closed() {
    let runtime = TestRuntime::new();
    let rt = runtime.rt();
    let limiter = limiter(&rt, 1, ms(1000));
    let pipeline = Pipeline::new()
        .deadline(&rt, ms(60_000))
        .hedge(Idempotent(Hedge::new(&rt, HedgeDelay::Fixed(ms(1)))))
        .retry(Retry::new(&rt), |(): &()| Verdict::Retry)
        .breaker(CircuitBreaker::new(&rt, "other side"), |(): &()| true)
        .limiter(limiter.clone(), x(1))
        .timeout(&rt, ms(500));
    runtime.block_on(async {
        let call = || async {
            assert_eq!(runtime.live_tasks(), 0);
            rt.sleep(ms(5)).await;
            Ok::<_, ()>(())
        };
        pipeline.run(call).await.unwrap();
        let waits = limiter.reserve(&x(1)).unwrap();
        assert_eq!(runtime.live_tasks(), 0);
        drop(waits);
    });
}

/// lionagi's defaults match none of its client's errors: with a retry, nothing was retried.
#[test]
fn with_the_defaults_every_error_is_retried() {
    TestRuntime::run(|rt| async move {
        let policy = RetrySettings::<std::io::Error>::default();
        let call = || async { Err::<(), _>(std::io::Error::other("reset")) };
        let retried = fascine::resilience::retry_with_backoff(&rt, policy, call).unwrap();
        assert_eq!(retried.await.unwrap_err().attempts, 4);
    });
}

/// throttle-net TN-033: presets of the same currency were counted twice.
#[test]
fn a_currency_that_is_named_twice_costs_the_sum() {
    TestRuntime::run(|rt| async move {
        let limiter = limiter(&rt, 10, ms(1000));
        let cost = [("x", 2), ("x", 3)];
        limiter.try_spend(&cost).unwrap();
        assert_eq!(limiter.available("x"), Some(5));
        let reserved = limiter.try_acquire(&cost).unwrap();
        assert_eq!(reserved.amount("x"), Some(5));
        reserved.settle(&[("x", 1), ("x", 1)]).unwrap();
        assert_eq!(limiter.available("x"), Some(3));
    });
}

/// governor rounds the time between two cells to nanoseconds.
#[test]
fn a_bucket_whose_rate_divides_no_second_does_not_drift() {
    TestRuntime::run(|rt| async move {
        let burst = NonZeroU64::MIN;
        let quota = Quota::new("x", 7, ms(1000)).unwrap();
        let quota = quota.with_strategy(Strategy::TokenBucket { burst });
        let limiter = RateLimiter::new(&rt, [quota]).unwrap();
        let started = rt.now();
        // A thousand seconds of seven each, and the one that was there at the beginning.
        for _ in 0..7001 {
            limiter.acquire(&x(1)).await.unwrap().commit();
        }
        let late = rt.now() - started - Duration::from_secs(1000);
        assert!(late <= ms(1), "{late:?}");
    });
}

/// tower-resilience: losers that are dropped later hold what the winner's caller needs.
#[test]
fn the_losers_of_a_hedge_are_gone_before_the_winner_is_returned() {
    TestRuntime::run_seeds(16, |rt| async move {
        let under_way = AtomicU64::new(0);
        struct Call<'a>(&'a AtomicU64);
        impl Drop for Call<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, SeqCst);
            }
        }
        let hedge = Hedge::new(&rt, HedgeDelay::Fixed(ms(1)));
        let call = |nth: u32| {
            let (rt, under_way) = (&rt, &under_way);
            async move {
                under_way.fetch_add(1, SeqCst);
                let call = Call(under_way);
                rt.sleep(ms(if nth == 1 { 100 } else { 10 })).await;
                let beside = under_way.load(SeqCst) - 1;
                drop(call);
                Ok::<_, ()>(beside)
            }
        };
        let hedged = hedge.run(Idempotent(call)).await.unwrap();
        assert_eq!((hedged.value, under_way.load(SeqCst)), (1, 0));
    });
}

/// tower-resilience lost what was paid in by others (#370, #411).
#[test]
fn many_threads_never_get_more_retries_than_were_paid_for_and_all_of_these() {
    let rt = TestRuntime::new().rt();
    let now = rt.now();
    let budget = RetryBudget::new(0.5, 0).unwrap();
    let granted = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..40 {
                    budget.deposit();
                    granted.fetch_add(u64::from(budget.try_withdraw(now)), SeqCst);
                }
            });
        }
    });
    while budget.try_withdraw(now) {
        granted.fetch_add(1, SeqCst);
    }
    assert_eq!(granted.into_inner(), 4 * 40 / 2);
}

/// backon adds its jitter to the longest delay.
#[test]
fn no_delay_is_longer_than_the_longest_whatever_the_jitter() {
    for jitter in [
        Jitter::None,
        Jitter::Full,
        Jitter::Equal,
        Jitter::Decorrelated,
    ] {
        let backoff = Backoff::exponential(ms(100)).with_max(ms(1500));
        let backoff = backoff.with_jitter(jitter);
        for seed in 0..50 {
            assert!(backoff.delays(seed).take(20).all(|delay| delay <= ms(1500)));
        }
    }
}
