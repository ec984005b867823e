//! Who waits, for how long, and what it costs.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use fascine::concurrency::{fail_after, join_all};
use fascine::http::Net;
use fascine::resilience::{LimitError, Quota, RateLimiter, Strategy};
use fascine::rt::{BoxFuture, Rt, Runtime};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;

use super::quotas::{bucket, quota, x};
use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_bucket_lets_its_burst_pass_and_then_its_rate,
    waiters_of_all_priorities_get_through_whoever_leaves,
}

async fn a_bucket_lets_its_burst_pass_and_then_its_rate(rt: Rt, _: Arc<dyn Net>) {
    let limiter = RateLimiter::new(&rt, [bucket(100, 5)]).unwrap();
    let started = rt.now();
    for nth in 0..10_u32 {
        limiter.acquire(&x(1)).await.unwrap().commit();
        let earliest = ms(10) * nth.saturating_sub(4);
        assert!(rt.now() - started >= earliest, "{nth}");
    }
}

async fn waiters_of_all_priorities_get_through_whoever_leaves(rt: Rt, _: Arc<dyn Net>) {
    let limiter = RateLimiter::builder(&rt)
        .with_quotas([bucket(5000, 4)])
        .with_overtaking(3)
        .build()
        .unwrap();
    let waits = (0..100_u64).map(|nth| {
        let (limiter, clock) = (limiter.clone(), rt.clone());
        rt.spawn(async move {
            let acquire = limiter
                .acquire(&x(1 + nth % 4))
                .with_priority((nth % 3) as u8);
            if nth % 7 == 0 {
                return fail_after(&clock, Duration::from_micros(nth * 50), acquire)
                    .await
                    .is_ok();
            }
            acquire.await.unwrap().commit();
            true
        })
    });
    let waits: Vec<_> = waits.collect();
    for task in waits {
        task.await.unwrap();
    }
    assert_eq!(limiter.waiting(), 0);
}

/// Starts a waiter in a task, and notes its name when it is granted.
fn starts(
    rt: &Rt,
    limiter: &RateLimiter,
    order: &Arc<std::sync::Mutex<Vec<&'static str>>>,
    (name, amount, priority): (&'static str, u64, u8),
) -> impl Future<Output = ()> + use<> {
    let (limiter, order) = (limiter.clone(), Arc::clone(order));
    let task = rt.spawn(async move {
        let acquire = limiter.acquire(&x(amount)).with_priority(priority);
        acquire.await.unwrap().commit();
        order.lock().unwrap().push(name);
    });
    async move { task.await.unwrap() }
}

#[test]
fn a_higher_priority_goes_first_but_passes_nobody_more_often_than_it_may() {
    TestRuntime::run_seeds(64, |rt| async move {
        let limiter = RateLimiter::builder(&rt)
            .with_quotas([quota(1)])
            .with_priority_bound(2)
            .build()
            .unwrap();
        limiter.try_spend(&x(1)).unwrap();
        let order = Arc::default();
        let mut waits = Vec::new();
        let all = [
            ("batch", 1, 0),
            ("a", 1, 9),
            ("b", 1, 5),
            ("c", 1, 9),
            ("d", 1, 9),
        ];
        for waiter in all {
            waits.push(starts(&rt, &limiter, &order, waiter));
            rt.sleep(ms(1)).await;
        }
        join_all(waits).await;
        // `c` passed `b`, which leaves it behind `a`; nobody else passes `batch`.
        assert_eq!(*order.lock().unwrap(), ["a", "b", "batch", "c", "d"]);
    });
}

#[test]
fn small_ones_pass_a_large_one_only_as_often_as_they_may() {
    TestRuntime::run_seeds(64, |rt| async move {
        let limiter = RateLimiter::builder(&rt)
            .with_quotas([quota(10)])
            .with_overtaking(2)
            .build()
            .unwrap();
        limiter.try_spend(&x(5)).unwrap();
        rt.sleep(ms(100)).await;
        let order = Arc::default();
        let started = rt.now();
        let mut waits = vec![starts(&rt, &limiter, &order, ("large", 10, 0))];
        rt.sleep(ms(1)).await;
        for name in ["first", "second", "third"] {
            waits.push(starts(&rt, &limiter, &order, (name, 1, 0)));
            rt.sleep(ms(1)).await;
        }
        assert_eq!(*order.lock().unwrap(), ["first", "second"]);
        join_all(waits).await;
        assert_eq!(
            *order.lock().unwrap(),
            ["first", "second", "large", "third"]
        );
        // The large one waited for those that passed it, and for nobody else.
        assert!(rt.now() - started <= ms(2010));
    });
}

#[test]
fn a_waiter_learns_that_its_deadline_cannot_be_met_as_soon_as_that_is_certain() {
    TestRuntime::run(|rt| async move {
        let limiter = RateLimiter::new(&rt, [quota(10)]).unwrap();
        limiter.try_spend(&x(10)).unwrap();
        let started = rt.now();
        let waits = fail_after(&rt, ms(1500), limiter.acquire(&x(10)));
        let debt = async {
            rt.sleep(ms(100)).await;
            limiter.pause_until(started + ms(5000));
        };
        let (waited, ()) = future::zip(waits, debt).await;
        let error = waited.unwrap().unwrap_err();
        assert_eq!(error, LimitError::Deadline { wait: ms(4000) });
        assert_eq!((rt.now() - started, limiter.waiting()), (ms(1000), 0));
    });
}

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A clock that a test moves, and timers that are counted and never fire.
#[derive(Debug)]
struct Counting {
    start: Instant,
    timers: Arc<AtomicUsize>,
}

impl Runtime for Counting {
    fn spawn(&self, _: BoxFuture<()>) {
        unreachable!("nothing is spawned")
    }

    fn sleep_until(&self, _: Instant) -> BoxFuture<()> {
        self.timers.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::pending())
    }

    fn now(&self) -> Instant {
        self.start
    }

    fn spawn_blocking(&self, _: Box<dyn FnOnce() + Send>) {
        unreachable!("nothing blocks")
    }
}

fn counting() -> (Rt, Arc<AtomicUsize>) {
    let timers = Arc::new(AtomicUsize::new(0));
    let start = TestRuntime::run(|rt| async move { rt.now() });
    let rt = Rt::new(Counting {
        start,
        timers: Arc::clone(&timers),
    });
    (rt, timers)
}

#[test]
fn a_thousand_waiters_cost_one_timer_and_a_wake_up_each_and_none_before_it_is_their_turn() {
    let (rt, timers) = counting();
    let limiter = RateLimiter::new(&rt, [quota(1000)]).unwrap();
    let held: Vec<_> = (0..1000)
        .map(|_| limiter.try_acquire(&x(1)).unwrap())
        .collect();
    let mut waits: Vec<_> = (0..1000)
        .map(|_| (Box::pin(limiter.acquire(&x(1))), Arc::new(Woken::default())))
        .collect();
    for (wait, woken) in &mut waits {
        let waker = Waker::from(Arc::clone(woken));
        let cx = &mut Context::from_waker(&waker);
        // Spurious polls change nothing.
        assert!(wait.as_mut().poll(cx).is_pending());
        assert!(wait.as_mut().poll(cx).is_pending());
    }
    assert_eq!(timers.load(Ordering::SeqCst), 1);
    let wakes = |waits: &[(_, Arc<Woken>)]| -> Vec<usize> {
        waits
            .iter()
            .map(|(_, woken)| woken.0.load(Ordering::SeqCst))
            .collect()
    };
    assert_eq!(wakes(&waits).iter().sum::<usize>(), 0);
    for reservation in held {
        drop(reservation);
    }
    // One for the grant; one more for each that became the first before: it might have needed a timer.
    let wakes = wakes(&waits);
    assert!(wakes.iter().all(|wakes| *wakes == 1), "{wakes:?}");
    for (wait, _) in &mut waits {
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(wait.as_mut().poll(cx).is_ready());
    }
    assert_eq!(timers.load(Ordering::SeqCst), 1);
}

#[test]
fn a_decision_allocates_nothing_once_the_log_has_grown() {
    let (rt, _) = counting();
    for quota in [
        bucket(1000, 1000),
        quota(1_000_000),
        quota(1000).with_strategy(Strategy::FixedCycle),
    ] {
        let tokens = Quota::new("tokens", 1_000_000, ms(1000)).unwrap();
        let limiter = RateLimiter::new(&rt, [quota, tokens]).unwrap();
        let cost = [("x", 1), ("tokens", 100)];
        limiter.try_spend(&cost).unwrap();
        let decide = || {
            for _ in 0..100 {
                limiter.try_spend(&cost).unwrap();
                let reserved = limiter.try_acquire(&cost).unwrap();
                reserved.settle(&[("tokens", 50)]).unwrap();
                let mut acquire = pin!(limiter.acquire(&cost));
                let cx = &mut Context::from_waker(Waker::noop());
                assert!(acquire.as_mut().poll(cx).is_ready());
            }
        };
        decide();
        let counted = allocation_counter::measure(decide);
        assert_eq!(counted.count_total, 0);
    }
}

#[test]
#[should_panic(expected = "`Acquire` polled after it has completed")]
fn polling_it_again_says_what_is_wrong() {
    TestRuntime::run(|rt| async move {
        let limiter = RateLimiter::new(&rt, [quota(1)]).unwrap();
        let mut acquire = pin!(limiter.acquire(&x(1)));
        acquire.as_mut().await.unwrap().commit();
        let _ = acquire.await;
    });
}

/// Panics when it is woken.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("woken");
    }
}

#[test]
fn a_waker_that_panics_keeps_nobody_asleep_and_breaks_nothing() {
    let (rt, _) = counting();
    let limiter = RateLimiter::new(&rt, [quota(2)]).unwrap();
    let held = limiter.try_acquire(&x(2)).unwrap();
    let mut first = Box::pin(limiter.acquire(&x(1)));
    let mut second = Box::pin(limiter.acquire(&x(1)));
    let panics = Waker::from(Arc::new(Panics));
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    assert!(
        first
            .as_mut()
            .poll(&mut Context::from_waker(&panics))
            .is_pending()
    );
    assert!(
        second
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(held)));
    assert!(dropped.is_err());
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert!(
        second
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
    );
    drop(first);
    assert_eq!(limiter.available("x"), Some(2));
}

#[test]
fn dropping_a_wait_at_any_poll_loses_nothing_with_priorities_and_overtaking() {
    drop_after_every_poll(|rt, cut| async move {
        let limiter = RateLimiter::builder(&rt)
            .with_quotas([quota(4)])
            .with_overtaking(1)
            .build()
            .unwrap();
        let held = limiter.try_acquire(&x(3)).unwrap();
        let order = Arc::default();
        let large = starts(&rt, &limiter, &order, ("large", 4, 0));
        rt.sleep(ms(1)).await;
        let urgent = starts(&rt, &limiter, &order, ("urgent", 2, 9));
        let gives_back = async {
            rt.sleep(ms(500)).await;
            drop(held);
        };
        let dropped = async {
            rt.sleep(ms(2)).await;
            if let Some(granted) = cut.apply(limiter.acquire(&x(1)).with_priority(5)).await {
                drop(granted.unwrap());
            }
        };
        join_all([
            Box::pin(large) as std::pin::Pin<Box<dyn Future<Output = ()>>>,
            Box::pin(urgent),
            Box::pin(gives_back),
            Box::pin(dropped),
        ])
        .await;
        assert_eq!(limiter.waiting(), 0);
        rt.sleep(ms(1000)).await;
        assert_eq!(limiter.available("x"), Some(4));
    });
}

#[test]
fn what_others_used_holds_back_those_who_come_and_those_who_wait() {
    TestRuntime::run_seeds(4, |rt| async move {
        let second = Duration::from_secs(1);
        let quota = Quota::new("requests", 4, second).unwrap();
        let limiter = RateLimiter::new(&rt, [quota]).unwrap();
        let started = rt.now();
        assert_eq!((limiter.next_grant(), limiter.paused_until()), (None, None));
        limiter.try_spend(&[("requests", 3)]).unwrap();
        let waiting = rt.spawn({
            let limiter = limiter.clone();
            async move { limiter.acquire(&[("requests", 2)]).await.unwrap().commit() }
        });
        rt.sleep(second / 2).await;
        assert_eq!(limiter.next_grant(), Some(started + second));
        limiter.charge(&[("requests", 3)]).unwrap();
        assert_eq!(limiter.next_grant(), Some(started + second * 3 / 2));
        waiting.await.unwrap();
        assert_eq!(rt.now() - started, second * 3 / 2);
        assert!(limiter.charge(&[("nothing", 1)]).is_err());
    });
}
