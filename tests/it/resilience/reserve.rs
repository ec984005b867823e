//! A place in the queue of the limits that is taken before anybody waits.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use fascine::concurrency::{fail_after, join};
use fascine::resilience::{LimitError, Quota, RateLimiter};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::poll_once;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn two_a_second(rt: &Rt) -> RateLimiter {
    RateLimiter::new(rt, [Quota::new("requests", 2, ms(1000)).unwrap()]).unwrap()
}

const ONE: [(&str, u64); 1] = [("requests", 1)];

#[test]
fn places_are_taken_when_they_are_reserved_and_not_when_they_are_awaited() {
    TestRuntime::run_seeds(16, |rt| async move {
        let limiter = two_a_second(&rt);
        let started = rt.now();
        let reserved: Vec<_> = (0..6).map(|_| limiter.reserve(&ONE).unwrap()).collect();
        assert_eq!(limiter.waiting(), 4);
        // Who comes later stands behind all of them, though they have not been polled.
        assert!(limiter.try_acquire(&ONE).is_err());
        let late = limiter.acquire(&ONE);
        let late = rt.spawn(async move { late.await.map(|granted| granted.commit()) });
        let expected = [0, 0, 1, 1, 2, 2].map(|second| started + ms(1000) * second);
        let foreseen: Vec<_> = reserved.iter().map(|one| one.ready_at()).collect();
        assert_eq!(foreseen, expected);
        let tasks: Vec<_> = reserved
            .into_iter()
            .rev()
            .map(|one| {
                let rt = rt.clone();
                rt.clone().spawn(async move {
                    one.await.unwrap().commit();
                    rt.now()
                })
            })
            .collect();
        let mut granted = Vec::new();
        for task in tasks.into_iter().rev() {
            granted.push(task.await.unwrap());
        }
        assert_eq!(granted, expected);
        late.await.unwrap().unwrap();
        assert_eq!(rt.now(), started + ms(3000));
    });
}

#[test]
fn other_work_can_be_done_until_it_is_ready_and_nobody_behind_is_delayed() {
    TestRuntime::run(|rt| async move {
        let limiter = two_a_second(&rt);
        let started = rt.now();
        limiter.try_spend(&[("requests", 2)]).unwrap();
        let reserved = limiter.reserve(&[("requests", 2)]).unwrap();
        let works = async {
            rt.sleep_until(reserved.ready_at()).await;
            reserved.await.unwrap().commit();
            rt.now() - started
        };
        let behind = async {
            limiter.acquire(&ONE).await.unwrap().commit();
            rt.now() - started
        };
        assert_eq!(join((works, behind)).await, (ms(1000), ms(2000)));
    });
}

#[test]
fn a_reservation_that_is_dropped_gives_back_its_place_or_what_it_was_granted() {
    TestRuntime::run(|rt| async move {
        let limiter = two_a_second(&rt);
        let granted = limiter.reserve(&[("requests", 2)]).unwrap();
        let waits = limiter.reserve(&[("requests", 2)]).unwrap();
        let mut behind = pin!(limiter.acquire(&ONE));
        assert!(poll_once(behind.as_mut()).await.is_none());
        drop(waits);
        assert_eq!(
            (limiter.waiting(), limiter.available("requests")),
            (1, Some(0))
        );
        drop(granted);
        behind.await.unwrap().commit();
        assert_eq!(
            (limiter.waiting(), limiter.available("requests")),
            (0, Some(1))
        );
        // What was granted while nobody looked, too.
        let held = limiter.try_acquire(&ONE).unwrap();
        let unseen = limiter.reserve(&ONE).unwrap();
        drop(held);
        assert_eq!(
            (limiter.waiting(), limiter.available("requests")),
            (0, Some(0))
        );
        assert_eq!(unseen.ready_at(), rt.now());
        drop(unseen);
        assert_eq!(limiter.available("requests"), Some(1));
    });
}

#[test]
fn a_reservation_dropped_at_any_poll_delays_nobody() {
    drop_after_every_poll(|rt, cut| async move {
        let limiter = two_a_second(&rt);
        limiter.try_spend(&[("requests", 2)]).unwrap();
        let started = rt.now();
        let reserved = limiter.reserve(&[("requests", 2)]).unwrap();
        let behind = limiter.acquire(&ONE);
        let (granted, _) = join((cut.apply(reserved), async {
            behind.await.unwrap().commit();
        }))
        .await;
        drop(granted);
        assert!(rt.now() - started <= ms(2000));
        assert_eq!(limiter.waiting(), 0);
    });
}

#[test]
fn what_cannot_be_reserved_is_refused_at_once() {
    TestRuntime::run(|rt| async move {
        let limiter = two_a_second(&rt);
        let too_large = limiter.reserve(&[("requests", 3)]).unwrap_err();
        assert!(matches!(too_large, LimitError::TooLarge { .. }));
        let unknown = limiter.reserve(&[("request", 1)]).unwrap_err();
        assert!(matches!(unknown, LimitError::UnknownQuota { .. }));
        limiter.try_spend(&[("requests", 2)]).unwrap();
        let in_vain = fail_after(&rt, ms(500), async { limiter.reserve(&ONE).unwrap_err() });
        let wait = ms(1000);
        assert_eq!(in_vain.await.unwrap(), LimitError::Deadline { wait });
        assert_eq!(limiter.waiting(), 0);
    });
}

#[test]
fn what_is_ahead_moves_the_time_and_a_pause_too() {
    TestRuntime::run(|rt| async move {
        let limiter = two_a_second(&rt);
        limiter.try_spend(&[("requests", 2)]).unwrap();
        let ahead = limiter.reserve(&[("requests", 2)]).unwrap();
        let mut last = limiter.reserve(&ONE).unwrap();
        assert_eq!(last.ready_at() - rt.now(), ms(2000));
        drop(ahead);
        assert_eq!(last.ready_at() - rt.now(), ms(1000));
        limiter.pause_until(rt.now() + ms(5000));
        assert_eq!(last.ready_at() - rt.now(), ms(5000));
        rt.sleep_until(last.ready_at()).await;
        let polled = std::future::poll_fn(|cx| {
            Poll::Ready(std::pin::Pin::new(&mut last).poll(cx).is_ready())
        });
        assert!(polled.await, "it is granted at the time that was foreseen");
    });
}
