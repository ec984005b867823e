//! A limiter for each key, and which of them may be forgotten.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use fascine::resilience::{KeyedRateLimiter, KeysFull, Quota};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::future::poll_once;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn quota(limit: u64) -> Quota {
    Quota::new("x", limit, ms(1000)).unwrap()
}

const fn x(amount: u64) -> [(&'static str, u64); 1] {
    [("x", amount)]
}

fn users(rt: &Rt, limit: u64, most: usize) -> KeyedRateLimiter<usize> {
    KeyedRateLimiter::new(rt, [quota(limit)], NonZeroUsize::new(most).unwrap()).unwrap()
}

/// throttle-net TN-003, TN-011.
#[test]
fn a_flood_of_keys_makes_nobodys_limit_start_anew() {
    TestRuntime::run(|rt| async move {
        let users = users(&rt, 1, 3);
        for user in 0..3 {
            users.get(user).unwrap().try_spend(&x(1)).unwrap();
        }
        for user in 3..1000 {
            assert_eq!(users.get(user).unwrap_err(), KeysFull { capacity: 3 });
        }
        assert!(users.get(0).unwrap().try_spend(&x(1)).is_err());
        rt.sleep(ms(1000)).await;
        // Who has a limiter in hand keeps it.
        let held = users.get(1).unwrap();
        users.get(7).unwrap().try_spend(&x(1)).unwrap();
        held.try_spend(&x(1)).unwrap();
        assert!(users.get(1).unwrap().try_spend(&x(1)).is_err());
        drop(held);
        rt.sleep(ms(1000)).await;
        users.shrink();
        assert!(users.is_empty());
    });
}

#[test]
fn exactly_as_many_keys_fit_as_may_however_they_are_divided() {
    TestRuntime::run(|rt| async move {
        for most in [1, 15, 16, 100, 1000] {
            let users = users(&rt, 1, most);
            for user in 0..most {
                users.get(user).unwrap().try_spend(&x(1)).unwrap();
            }
            assert_eq!(users.len(), most);
            assert_eq!(users.get(most).unwrap_err(), KeysFull { capacity: most });
            rt.sleep(ms(1000)).await;
            // All may be forgotten, and none has to be looked for among the others.
            for user in most..2 * most {
                users.get(user).unwrap().try_spend(&x(1)).unwrap();
            }
            assert_eq!(users.len(), most);
            rt.sleep(ms(1000)).await;
            users.shrink();
            assert!(users.is_empty());
        }
    });
}

#[test]
fn a_key_that_somebody_waits_for_or_has_reserved_of_is_not_forgotten() {
    TestRuntime::run(|rt| async move {
        let users = users(&rt, 1, 2);
        let reserved = users.get(0).unwrap().try_acquire(&x(1)).unwrap();
        let limiter = users.get(1).unwrap();
        limiter.try_spend(&x(1)).unwrap();
        let mut waits = Box::pin(limiter.acquire(&x(1)));
        assert!(poll_once(&mut waits).await.is_none());
        drop(limiter);
        // What was taken counts no more, but somebody has it or waits for it.
        rt.sleep(ms(5000)).await;
        users.shrink();
        assert_eq!((users.len(), users.get(2).is_err()), (2, true));
        drop(waits);
        let _held = users.get(2).unwrap();
        assert!(users.get(1).is_err());
        drop(reserved);
        users.get(1).unwrap();
    });
}

/// throttle-net TN2-002.
#[test]
fn one_who_floods_its_own_limit_delays_no_other() {
    TestRuntime::run(|rt| async move {
        let users = users(&rt, 1, 100);
        let greedy = users.get(0).unwrap();
        let waits: Vec<_> = (0..50).map(|_| greedy.reserve(&x(1)).unwrap()).collect();
        let started = rt.now();
        for user in 1..100 {
            users
                .get(user)
                .unwrap()
                .acquire(&x(1))
                .await
                .unwrap()
                .commit();
        }
        assert_eq!((rt.now(), greedy.waiting()), (started, 49));
        drop(waits);
    });
}

#[test]
fn threads_that_make_and_forget_keys_never_get_more_of_one_than_it_has() {
    let rt = TestRuntime::new().rt();
    // Room for a tenth of the keys: they come and go all the time.
    let users = users(&rt, 3, 40);
    let spent = Mutex::new(HashMap::<usize, u64>::new());
    thread::scope(|scope| {
        for seed in 0..4 {
            let (users, spent) = (&users, &spent);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(seed);
                for _ in 0..3000 {
                    let user = random.usize(..400);
                    let Ok(limiter) = users.get(user) else {
                        users.shrink();
                        continue;
                    };
                    match random.u32(..3) {
                        0 => drop(limiter.try_acquire(&x(1))),
                        1 => {}
                        _ if limiter.try_spend(&x(1)).is_ok() => {
                            *spent.lock().unwrap().entry(user).or_default() += 1;
                        }
                        _ => {}
                    }
                    assert!(users.len() <= 40);
                }
            });
        }
    });
    // No time has passed: whoever has spent something was not forgotten since.
    let spent = spent.into_inner().unwrap();
    assert!(spent.len() <= 40 && spent.values().all(|spent| *spent <= 3));
    for (user, spent) in spent {
        assert_eq!(users.get(user).unwrap().available("x"), Some(3 - spent));
    }
}
