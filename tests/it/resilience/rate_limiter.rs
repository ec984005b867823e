use std::cell::RefCell;
use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fascine::concurrency::{fail_after, join_all};
use fascine::http::Net;
use fascine::resilience::{LimitError, Quota, QuotaError, RateLimiter, Strategy};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

fn limiter(rt: &Rt, requests: u64, tokens: u64) -> RateLimiter {
    let quotas = [
        Quota::new("requests", requests, ms(1000)).unwrap(),
        Quota::new("tokens", tokens, ms(1000)).unwrap(),
    ];
    RateLimiter::new(rt, quotas).unwrap()
}

on_every_runtime! {
    no_window_holds_more_than_the_limit,
}

async fn no_window_holds_more_than_the_limit(rt: Rt, _: Arc<dyn Net>) {
    let per = ms(50);
    let limiter = RateLimiter::new(&rt, [Quota::new("requests", 5, per).unwrap()]).unwrap();
    let started = rt.now();
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (limiter, clock) = (limiter.clone(), rt.clone());
            rt.spawn(async move {
                limiter.acquire(&[("requests", 1)]).await.unwrap().commit();
                clock.now()
            })
        })
        .collect();
    let mut granted = Vec::new();
    for task in tasks {
        granted.push(task.await.unwrap());
    }
    // Seen at or after it was granted, however busy the machine is.
    granted.sort();
    for (nth, at) in granted.iter().enumerate() {
        assert!(
            *at - started >= per * (nth / 5) as u32,
            "{nth}: {:?}",
            *at - started
        );
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let zero = |limit, per| Quota::new("tokens", limit, per).unwrap_err();
    assert_eq!(
        zero(0, ms(1)),
        QuotaError::ZeroLimit {
            name: "tokens".into()
        }
    );
    assert_eq!(
        zero(1, ms(0)),
        QuotaError::ZeroTime {
            name: "tokens".into()
        }
    );
    assert_eq!(Quota::new("", 1, ms(1)).unwrap_err(), QuotaError::EmptyName);
    TestRuntime::run(|rt| async move {
        let twice = [
            Quota::new("x", 1, ms(1)).unwrap(),
            Quota::new("x", 2, ms(1)).unwrap(),
        ];
        let error = RateLimiter::new(&rt, twice).unwrap_err();
        assert_eq!(error, QuotaError::Duplicate { name: "x".into() });
    });
}

#[test]
fn impossible_wishes_fail_at_once() {
    TestRuntime::run(|rt| async move {
        let limiter = limiter(&rt, 10, 100);
        let error = limiter.acquire(&[("tokens", 101)]).await.unwrap_err();
        let too_large = LimitError::TooLarge {
            quota: "tokens".into(),
            amount: 101,
            limit: 100,
        };
        assert_eq!(error, too_large);
        let error = limiter
            .acquire(&[("tokens", u64::MAX), ("tokens", 2)])
            .await
            .unwrap_err();
        assert!(matches!(error, LimitError::TooLarge { .. }));
        let error = limiter.acquire(&[("coins", 1)]).await.unwrap_err();
        assert_eq!(
            error,
            LimitError::UnknownQuota {
                quota: "coins".into()
            }
        );
        limiter.acquire(&[]).await.unwrap().commit();
    });
}

#[test]
fn all_currencies_are_taken_together_or_not_at_all() {
    TestRuntime::run(|rt| async move {
        let limiter = limiter(&rt, 10, 100);
        limiter
            .acquire(&[("requests", 1), ("tokens", 90)])
            .await
            .unwrap()
            .commit();
        for _ in 0..50 {
            let error = limiter
                .try_acquire(&[("requests", 1), ("tokens", 20)])
                .unwrap_err();
            assert_eq!(error.retry_after(), Some(ms(1000)));
        }
        // The refusals took no request.
        limiter
            .try_acquire(&[("requests", 9), ("tokens", 10)])
            .unwrap()
            .commit();
    });
}

#[test]
fn first_come_first_served_even_for_large_wishes() {
    TestRuntime::run_seeds(16, |rt| async move {
        let limiter = limiter(&rt, 100, 10);
        limiter.acquire(&[("tokens", 10)]).await.unwrap().commit();
        let order = Rc::new(RefCell::new(Vec::new()));
        let one = |name: &'static str, tokens: u64| {
            let (limiter, order) = (limiter.clone(), Rc::clone(&order));
            async move {
                limiter
                    .acquire(&[("tokens", tokens)])
                    .await
                    .unwrap()
                    .commit();
                order.borrow_mut().push(name);
            }
        };
        let mut large = Box::pin(one("large", 10));
        let mut small = Box::pin(one("small", 1));
        assert!(future::poll_once(&mut large).await.is_none());
        assert!(future::poll_once(&mut small).await.is_none());
        assert!(matches!(
            limiter.try_acquire(&[("requests", 1)]),
            Err(LimitError::WouldWait { .. })
        ));
        future::zip(small, large).await;
        assert_eq!(*order.borrow(), ["large", "small"]);
    });
}

#[test]
fn a_dropped_reservation_and_a_low_settlement_let_the_next_in_at_once() {
    TestRuntime::run(|rt| async move {
        let limiter = limiter(&rt, 100, 100);
        let started = rt.now();
        let held = limiter
            .acquire(&[("requests", 1), ("tokens", 100)])
            .await
            .unwrap();
        let mut next = Box::pin(limiter.acquire(&[("tokens", 60)]));
        assert!(future::poll_once(&mut next).await.is_none());
        drop(held);
        let held = next.await.unwrap();
        let mut next = Box::pin(limiter.acquire(&[("tokens", 60)]));
        assert!(future::poll_once(&mut next).await.is_none());
        held.settle(&[("tokens", 40)]).unwrap();
        next.await.unwrap().commit();
        assert_eq!(rt.now(), started);
    });
}

#[test]
fn a_high_settlement_is_a_debt() {
    TestRuntime::run(|rt| async move {
        let limiter = limiter(&rt, 100, 100);
        let held = limiter.acquire(&[("tokens", 10)]).await.unwrap();
        rt.sleep(ms(400)).await;
        held.settle(&[("tokens", 150)]).unwrap();
        let started = rt.now();
        limiter.acquire(&[("tokens", 1)]).await.unwrap().commit();
        assert_eq!(rt.now() - started, ms(1000));
    });
}

#[test]
fn settling_an_unknown_currency_is_an_error_and_keeps_the_rest() {
    TestRuntime::run(|rt| async move {
        let limiter = limiter(&rt, 1, 100);
        let held = limiter.acquire(&[("requests", 1)]).await.unwrap();
        assert!(held.settle(&[("coins", 1)]).is_err());
        assert!(limiter.try_acquire(&[("requests", 1)]).is_err());
    });
}

#[test]
fn the_queue_is_bounded_and_who_leaves_makes_room() {
    TestRuntime::run(|rt| async move {
        let quota = Quota::new("requests", 1, ms(1000)).unwrap();
        let limiter = RateLimiter::with_queue_capacity(&rt, [quota], 2).unwrap();
        limiter.acquire(&[("requests", 1)]).await.unwrap().commit();
        let mut first = Box::pin(limiter.acquire(&[("requests", 1)]));
        let mut second = Box::pin(limiter.acquire(&[("requests", 1)]));
        assert!(future::poll_once(&mut first).await.is_none());
        assert!(future::poll_once(&mut second).await.is_none());
        let third = limiter.acquire(&[("requests", 1)]).await.unwrap_err();
        assert_eq!(third, LimitError::QueueFull { capacity: 2 });
        drop(first);
        assert_eq!(limiter.waiting(), 1);
        let started = rt.now();
        second.await.unwrap().commit();
        assert_eq!(rt.now() - started, ms(1000));
    });
}

#[test]
fn when_the_first_leaves_the_next_takes_over_its_timer() {
    TestRuntime::run_seeds(8, |rt| async move {
        let limiter = limiter(&rt, 1, 100);
        limiter.acquire(&[("requests", 1)]).await.unwrap().commit();
        let wait = || {
            let limiter = limiter.clone();
            rt.spawn(async move { limiter.acquire(&[("requests", 1)]).await.unwrap().commit() })
        };
        let first = wait();
        rt.sleep(ms(1)).await;
        let second = wait();
        rt.sleep(ms(1)).await;
        let started = rt.now();
        drop(first);
        second.await.unwrap();
        assert_eq!(rt.now() - started, ms(998));
    });
}

#[test]
fn a_wait_that_cannot_fit_fails_at_once_with_the_time_it_needs() {
    TestRuntime::run(|rt| async move {
        let limiter = limiter(&rt, 1, 100);
        limiter.acquire(&[("requests", 1)]).await.unwrap().commit();
        let mut waiting = Box::pin(limiter.acquire(&[("requests", 1)]));
        assert!(future::poll_once(&mut waiting).await.is_none());
        let started = rt.now();
        let late = fail_after(&rt, ms(1500), limiter.acquire(&[("requests", 1)]))
            .await
            .unwrap();
        assert_eq!(late.unwrap_err(), LimitError::Deadline { wait: ms(2000) });
        assert_eq!(rt.now(), started);
        let fits = fail_after(&rt, ms(2001), limiter.acquire(&[("requests", 1)]));
        let (first, second) = future::zip(waiting, fits).await;
        first.unwrap().commit();
        second.unwrap().unwrap().commit();
    });
}

#[test]
fn a_pause_holds_everybody_back() {
    TestRuntime::run(|rt| async move {
        let limiter = limiter(&rt, 100, 100);
        let started = rt.now();
        limiter.pause_until(started + ms(300));
        limiter.pause_until(started + ms(200));
        limiter.acquire(&[("requests", 1)]).await.unwrap().commit();
        assert_eq!(rt.now() - started, ms(300));
    });
}

#[test]
fn dropping_a_wait_at_any_poll_gives_its_place_to_the_next() {
    drop_after_every_poll(|rt, cut| async move {
        let limiter = limiter(&rt, 2, 100);
        limiter.acquire(&[("requests", 2)]).await.unwrap().commit();
        let next = rt.spawn({
            let (limiter, clock) = (limiter.clone(), rt.clone());
            async move {
                clock.sleep(ms(1)).await;
                limiter.acquire(&[("requests", 1)]).await.unwrap().commit();
            }
        });
        if let Some(granted) = cut.apply(limiter.acquire(&[("requests", 1)])).await {
            granted.unwrap().commit();
        }
        next.await.unwrap();
        assert_eq!(limiter.waiting(), 0);
    });
}

/// What a limiter must never do, in the most obvious words.
#[derive(Default)]
struct Naive {
    granted: VecDeque<(Instant, u64, u64)>,
}

impl Naive {
    fn check(&self, requests: u64, tokens: u64, seed: u64) {
        for (index, (begin, ..)) in self.granted.iter().enumerate() {
            let window = self.granted.iter().skip(index);
            let window = window.take_while(|(at, ..)| *at - *begin < ms(1000));
            let (mut r, mut t) = (0, 0);
            window.for_each(|(_, requests, tokens)| (r, t) = (r + requests, t + tokens));
            assert!(
                r <= requests && t <= tokens,
                "seed {seed}: {r} requests, {t} tokens"
            );
        }
    }
}

#[test]
fn random_traffic_with_drops_and_settlements_never_exceeds_a_window() {
    for seed in 0..16 {
        let naive = Rc::new(RefCell::new(Naive::default()));
        let mut random = fastrand::Rng::with_seed(seed);
        let (requests, tokens) = (random.u64(1..10), random.u64(10..100));
        TestRuntime::run(|rt| {
            let naive = Rc::clone(&naive);
            async move {
                let limiter = limiter(&rt, requests, tokens);
                let mut running = fascine::concurrency::CompletionStream::new();
                for _ in 0..200 {
                    let (rt, limiter, naive) = (&rt, &limiter, Rc::clone(&naive));
                    let (arrives, wants) = (random.u64(0..20_000), random.u64(1..=tokens));
                    let (leaves, uses) = (random.u64(0..8) == 0, random.u64(0..=wants));
                    running.push(async move {
                        rt.sleep(ms(arrives)).await;
                        let granted = limiter.acquire(&[("requests", 1), ("tokens", wants)]);
                        if leaves {
                            let _ = fail_after(rt, ms(arrives % 700), granted).await;
                            return;
                        }
                        let granted = granted.await.unwrap();
                        // What is given back at once was never used.
                        naive.borrow_mut().granted.push_back((rt.now(), 1, uses));
                        granted.settle(&[("tokens", uses)]).unwrap();
                    });
                }
                while running.next().await.is_some() {}
                assert_eq!(limiter.waiting(), 0);
            }
        });
        naive.borrow().check(requests, tokens, seed);
    }
}

#[test]
fn a_wait_of_any_length_is_answered_once() {
    // lionagi gave up on a request after ten seconds, and sent it later all the same.
    TestRuntime::run(|rt| async move {
        let limiter = RateLimiter::new(
            &rt,
            [Quota::new("x", 1, Duration::from_secs(3600)).unwrap()],
        )
        .unwrap();
        limiter.try_spend(&[("x", 1)]).unwrap();
        let started = rt.now();
        limiter.acquire(&[("x", 1)]).await.unwrap().commit();
        assert_eq!(rt.now() - started, Duration::from_secs(3600));
    });
}

#[test]
fn work_that_takes_long_does_not_hold_back_those_who_wait() {
    // lionagi's refills waited for the calls they let in.
    TestRuntime::run_seeds(16, |rt| async move {
        let burst = NonZeroU64::MIN;
        let quota = Quota::new("x", 5, ms(1000)).unwrap();
        let quota = quota.with_strategy(Strategy::TokenBucket { burst });
        let limiter = RateLimiter::new(&rt, [quota]).unwrap();
        let started = rt.now();
        let begun = Rc::new(RefCell::new(Vec::new()));
        let calls = (0..5).map(|_| {
            let (rt, limiter, begun) = (rt.clone(), limiter.clone(), Rc::clone(&begun));
            async move {
                limiter.acquire(&[("x", 1)]).await.unwrap().commit();
                begun.borrow_mut().push(rt.now() - started);
                rt.sleep(ms(1000)).await;
            }
        });
        join_all(calls).await;
        assert_eq!(*begun.borrow(), [ms(0), ms(200), ms(400), ms(600), ms(800)]);
    });
}
