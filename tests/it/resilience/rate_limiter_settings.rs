//! What a limiter can be told: strategies, loans, pauses, other numbers, another store, keys.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fascine::concurrency::move_on_after;
use fascine::resilience::{LimitError, Quota, QuotaError, QuotaStore, RateLimiter, Strategy};
use fascine_testing::TestRuntime;
use futures_lite::future;
use futures_lite::future::poll_once;

use super::quotas::{bucket, quota, x};
use crate::durations::ms;

#[test]
fn a_fixed_cycle_gives_all_back_at_its_end() {
    TestRuntime::run(|rt| async move {
        let cycle = quota(5).with_strategy(Strategy::FixedCycle);
        let limiter = RateLimiter::new(&rt, [cycle]).unwrap();
        let started = rt.now();
        rt.sleep(ms(900)).await;
        for expected in [900, 1000, 2000] {
            for _ in 0..5 {
                limiter.acquire(&x(1)).await.unwrap().commit();
            }
            assert_eq!(rt.now() - started, ms(expected));
        }
    });
}

#[test]
fn larger_than_the_whole_quota_waits_until_all_is_free_if_the_quota_lends() {
    TestRuntime::run(|rt| async move {
        for quota in [
            quota(10),
            bucket(10, 10),
            quota(10).with_strategy(Strategy::FixedCycle),
        ] {
            let started = rt.now();
            let limiter = RateLimiter::new(&rt, [quota.clone().with_borrowing()]).unwrap();
            limiter.try_spend(&x(1)).unwrap();
            assert!(limiter.try_spend(&x(25)).is_err());
            limiter.acquire(&x(25)).await.unwrap().commit();
            let free = rt.now() - started;
            let strategy = quota.strategy();
            limiter.acquire(&x(1)).await.unwrap().commit();
            let paid = rt.now() - started;
            match strategy {
                Strategy::TokenBucket { .. } => {
                    assert_eq!((free, paid), (ms(100), ms(1700)), "{strategy:?}");
                }
                Strategy::FixedCycle => {
                    assert_eq!((free, paid), (ms(1000), ms(3000)), "{strategy:?}");
                }
                _ => assert_eq!((free, paid), (ms(1000), ms(4000)), "{strategy:?}"),
            }
        }
    });
}

#[test]
fn a_quota_that_is_raised_lets_those_in_who_wait_and_one_that_is_lowered_refuses_what_never_fits() {
    TestRuntime::run(|rt| async move {
        let limiter = RateLimiter::new(&rt, [quota(10)]).unwrap();
        limiter.try_spend(&x(10)).unwrap();
        let started = rt.now();
        let mut large = Box::pin(limiter.acquire(&x(8)));
        let mut small = Box::pin(limiter.acquire(&x(4)));
        assert!(poll_once(&mut large).await.is_none());
        assert!(poll_once(&mut small).await.is_none());
        limiter.change_quota(quota(5)).unwrap();
        let too_large = LimitError::TooLarge {
            quota: "x".into(),
            amount: 8,
            limit: 5,
        };
        assert_eq!(large.await.unwrap_err(), too_large);
        limiter.change_quota(quota(14)).unwrap();
        small.await.unwrap().commit();
        assert_eq!((rt.now(), limiter.waiting()), (started, 0));
        // Another strategy keeps what was taken.
        limiter.change_quota(bucket(14, 14)).unwrap();
        assert_eq!(limiter.available("x"), Some(0));
        let unknown = limiter.change_quota(Quota::new("y", 1, ms(1)).unwrap());
        assert_eq!(
            unknown.unwrap_err(),
            QuotaError::Unknown { name: "y".into() }
        );
    });
}

#[test]
fn what_was_reserved_under_another_strategy_frees_nothing_of_what_others_have() {
    TestRuntime::run(|rt| async move {
        let limiter = RateLimiter::new(&rt, [quota(10)]).unwrap();
        limiter.try_spend(&x(1)).unwrap();
        rt.sleep(ms(2)).await;
        let held = limiter.try_acquire(&x(5)).unwrap();
        limiter.change_quota(bucket(10, 10)).unwrap();
        limiter.change_quota(quota(10)).unwrap();
        rt.sleep(ms(2)).await;
        limiter.try_spend(&x(4)).unwrap();
        drop(held);
        assert_eq!(limiter.available("x"), Some(0));
        rt.sleep(ms(1000)).await;
        assert_eq!(limiter.available("x"), Some(10));
    });
}

#[test]
fn numbers_beyond_all_reason_neither_hang_nor_panic() {
    TestRuntime::run(|rt| async move {
        let burst = NonZeroU64::MAX;
        for strategy in [
            Strategy::SlidingWindow,
            Strategy::FixedCycle,
            Strategy::TokenBucket { burst },
        ] {
            for per in [Duration::from_nanos(1), Duration::MAX] {
                let quota = Quota::new("x", u64::MAX, per).unwrap();
                let quota = quota.with_strategy(strategy).with_borrowing();
                let limiter = RateLimiter::new(&rt, [quota]).unwrap();
                for _ in 0..3 {
                    let _ = limiter.try_spend(&x(1));
                    let all = limiter.acquire(&[("x", u64::MAX), ("x", u64::MAX)]);
                    let all = move_on_after(&rt, ms(1), all).await;
                    if let Some(Ok(all)) = all {
                        all.settle(&x(u64::MAX)).unwrap();
                    }
                    rt.sleep(ms(1)).await;
                    drop(limiter.try_acquire(&x(u64::MAX)));
                }
                assert_eq!(limiter.waiting(), 0);
            }
        }
    });
}

#[test]
fn a_pause_ends_when_it_is_lifted_and_after_an_hour_at_most() {
    TestRuntime::run(|rt| async move {
        let limiter = RateLimiter::new(&rt, [quota(10)]).unwrap();
        let started = rt.now();
        // A server that asks for thirty years is wrong.
        limiter.pause_until(started + Duration::from_secs(999_999_999));
        assert!(limiter.try_spend(&x(1)).is_err());
        limiter.acquire(&x(1)).await.unwrap().commit();
        assert_eq!(rt.now() - started, Duration::from_secs(3600));
        limiter.pause_until(rt.now() + ms(500));
        let mut waits = Box::pin(limiter.acquire(&x(1)));
        assert!(poll_once(&mut waits).await.is_none());
        limiter.resume();
        waits.await.unwrap().commit();
        assert_eq!(rt.now() - started, Duration::from_secs(3600));
    });
}

#[test]
fn a_pause_counts_for_what_is_lent_too() {
    TestRuntime::run(|rt| async move {
        let limiter = RateLimiter::new(&rt, [quota(100_000)]).unwrap();
        limiter.try_spend(&x(1)).unwrap();
        limiter.pause_until(rt.now() + ms(1));
        assert!(limiter.try_spend(&x(1)).is_err());
        limiter.resume();
        limiter.try_spend(&x(1)).unwrap();
    });
}

/// Grants what somebody else puts in: what a store that processes share looks like from here.
#[derive(Clone)]
struct Fetched(Arc<AtomicUsize>);

impl QuotaStore for Fetched {
    fn try_take(&mut self, now: Instant, amounts: &[u64], _: &mut [u64]) -> Result<(), Instant> {
        let all = amounts[0] as usize;
        let taken = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |there| {
                there.checked_sub(all)
            });
        taken.map(drop).map_err(|_| now + ms(60_000))
    }

    fn give_back(&mut self, _: Instant, _: usize, _: u64, amount: u64) {
        self.0.fetch_add(amount as usize, Ordering::SeqCst);
    }

    fn charge(&mut self, _: Instant, _: usize, amount: u64) {
        self.0.fetch_sub(amount as usize, Ordering::SeqCst);
    }

    fn change(&mut self, _: Instant, _: usize, _: &Quota) {}

    fn available(&mut self, _: Instant, _: usize) -> u64 {
        self.0.load(Ordering::SeqCst) as u64
    }
}

/// What any caller does, whatever keeps the count.
async fn calls(limiter: &RateLimiter) {
    let reserved = limiter.acquire(&x(4)).await.unwrap();
    assert!(limiter.try_spend(&x(7)).is_err());
    reserved.settle(&x(2)).unwrap();
    limiter.try_acquire(&x(8)).unwrap().commit();
}

#[test]
fn callers_cannot_tell_where_the_count_is_kept() {
    TestRuntime::run(|rt| async move {
        calls(&RateLimiter::new(&rt, [quota(10)]).unwrap()).await;
        let fetched = Fetched(Arc::new(AtomicUsize::new(10)));
        let limiter = RateLimiter::builder(&rt)
            .with_quotas([quota(10)])
            .with_store(fetched.clone())
            .build()
            .unwrap();
        calls(&limiter).await;
        let started = rt.now();
        let more = async {
            rt.sleep(ms(70)).await;
            fetched.0.fetch_add(1, Ordering::SeqCst);
            limiter.recheck();
        };
        let (granted, ()) = future::zip(limiter.acquire(&x(1)), more).await;
        granted.unwrap().commit();
        assert_eq!(rt.now() - started, ms(70));
    });
}

#[test]
fn everybody_who_has_a_clone_spends_from_the_same_account() {
    TestRuntime::run(|rt| async move {
        let limiter = RateLimiter::new(&rt, [quota(2)]).unwrap();
        let (one, other) = (limiter.clone(), limiter.clone());
        one.try_spend(&x(1)).unwrap();
        other.try_spend(&x(1)).unwrap();
        assert!(limiter.try_spend(&x(1)).is_err());
    });
}

#[test]
fn a_misspelt_currency_is_an_error_and_not_for_free() {
    // throttle-net 1 let it pass.
    TestRuntime::run(|rt| async move {
        let limiter = RateLimiter::new(&rt, [quota(10)]).unwrap();
        let misspelt = [("x", 1), ("X", 1)];
        let unknown = LimitError::UnknownQuota { quota: "X".into() };
        assert_eq!(limiter.try_spend(&misspelt).unwrap_err(), unknown);
        assert_eq!(limiter.try_acquire(&misspelt).unwrap_err(), unknown);
        assert_eq!(limiter.acquire(&misspelt).await.unwrap_err(), unknown);
        assert_eq!(limiter.available("x"), Some(10));
    });
}

#[test]
fn a_strict_window_lets_no_double_burst_pass_where_a_cycle_ends() {
    // lionagi let ten of five a second pass within a tenth of one.
    TestRuntime::run(|rt| async move {
        let limiter = RateLimiter::new(&rt, [quota(5)]).unwrap();
        rt.sleep(ms(900)).await;
        limiter.try_spend(&x(5)).unwrap();
        for _ in 0..9 {
            rt.sleep(ms(100)).await;
            assert!(limiter.try_spend(&x(1)).is_err());
        }
        rt.sleep(ms(100)).await;
        limiter.try_spend(&x(5)).unwrap();
    });
}

#[test]
fn a_refund_lets_no_second_burst_pass() {
    // A bucket that has filled up since has given back already what is refunded late.
    TestRuntime::run(|rt| async move {
        let limiter = RateLimiter::new(&rt, [bucket(10, 10)]).unwrap();
        let held = limiter.try_acquire(&x(10)).unwrap();
        rt.sleep(ms(1000)).await;
        limiter.try_spend(&x(10)).unwrap();
        drop(held);
        assert_eq!(limiter.available("x"), Some(0));
        // One that is empty all the time gets it back whole.
        let held = limiter.acquire(&x(5)).await.unwrap();
        let next = limiter.acquire(&x(3)).await.unwrap();
        drop(held);
        assert_eq!(limiter.available("x"), Some(5));
        next.commit();
    });
}
