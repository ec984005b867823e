use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fascine::concurrency::{Condition, Lock};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::yield_now;

use super::wakes::Wakes;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    what_is_produced_is_consumed,
}

async fn what_is_produced_is_consumed(rt: Rt, _: Arc<dyn Net>) {
    let shared = Arc::new((Lock::new(0), Condition::new()));
    let consumers: Vec<_> = (0..10)
        .map(|_| {
            let shared = Arc::clone(&shared);
            rt.spawn(async move {
                let (lock, changed) = &*shared;
                for _ in 0..5 {
                    let guard = lock.lock().await;
                    *changed.wait_while(guard, |count| *count == 0).await -= 1;
                }
            })
        })
        .collect();
    let (lock, changed) = &*shared;
    for _ in 0..50 {
        *lock.lock().await += 1;
        changed.notify(1);
        yield_now().await;
    }
    for task in consumers {
        task.await.unwrap();
    }
    assert_eq!(*lock.lock().await, 0);
}

#[test]
fn notifications_add_up_and_go_to_those_who_came_first() {
    let (lock, changed) = (Lock::new(()), Condition::new());
    let wakes = [(); 4].map(|()| Wakes::new());
    let mut waits: Vec<_> = wakes
        .iter()
        .map(|one| {
            let mut wait = changed.wait(lock.try_lock().unwrap());
            assert!(one.poll(&mut wait).is_pending());
            wait
        })
        .collect();
    let counts = || wakes.each_ref().map(|one| one.count());
    assert_eq!(changed.waiting(), 4);
    assert_eq!(changed.notify(0), 0);
    assert_eq!(counts(), [0, 0, 0, 0]);
    assert_eq!(changed.notify(1), 1);
    assert_eq!(changed.notify(1), 1);
    assert_eq!(counts(), [1, 1, 0, 0]);
    assert_eq!(changed.notify_all(), 2);
    assert_eq!(counts(), [1, 1, 1, 1]);
    assert_eq!(changed.notify_all(), 0);
    for (one, wait) in wakes.iter().zip(&mut waits) {
        // Each has the lock alone.
        let Poll::Ready(guard) = one.poll(wait) else {
            panic!("it was notified, and nobody holds the lock")
        };
        assert!(lock.try_lock().is_none());
        drop(guard);
    }
}

#[test]
fn a_notification_before_the_wait_is_lost_and_a_spurious_poll_is_none() {
    let (lock, changed) = (Lock::new(()), Condition::default());
    changed.notify_all();
    let mut wait = changed.wait(lock.try_lock().unwrap());
    // It waits from its first poll on: until then it holds the lock.
    assert!(lock.try_lock().is_none());
    assert_eq!(changed.notify(1), 0);
    let wakes = Wakes::new();
    for _ in 0..3 {
        assert!(wakes.poll(&mut wait).is_pending());
        assert!(lock.try_lock().is_some());
    }
    assert_eq!((changed.waiting(), wakes.count()), (1, 0));
}

#[test]
fn a_waiter_that_leaves_after_it_was_notified_passes_it_on() {
    let (lock, changed) = (Lock::new(()), Condition::new());
    let wakes = [(); 3].map(|()| Wakes::new());
    let [mut first, mut second, mut third] = [(); 3].map(|()| None);
    for (slot, one) in [&mut first, &mut second, &mut third]
        .into_iter()
        .zip(&wakes)
    {
        let wait = slot.insert(changed.wait(lock.try_lock().unwrap()));
        assert!(one.poll(wait).is_pending());
    }
    changed.notify(1);
    // Not polled since.
    drop(first);
    assert_eq!(wakes[1].count(), 1);
    // Polled since, and waits for the lock.
    let held = lock.try_lock().unwrap();
    assert!(wakes[1].poll(second.as_mut().unwrap()).is_pending());
    drop(second);
    assert_eq!(wakes[2].count(), 1);
    drop(held);
    assert!(wakes[2].poll(third.as_mut().unwrap()).is_ready());
    assert_eq!((changed.waiting(), lock.waiting()), (0, 0));
}

#[test]
fn a_waiter_that_leaves_before_it_was_notified_is_gone() {
    let (lock, changed) = (Lock::new(()), Condition::new());
    let mut wait = changed.wait(lock.try_lock().unwrap());
    assert!(Wakes::new().poll(&mut wait).is_pending());
    drop(wait);
    assert_eq!((changed.waiting(), changed.notify(1)), (0, 0));
    drop(changed.wait(lock.try_lock().unwrap()));
    assert!(lock.try_lock().is_some());
}

#[test]
fn a_wait_that_is_dropped_anywhere_costs_nobody_a_notification() {
    let test = |rt: Rt, shared: Arc<(Lock<u32>, Condition)>| {
        let stays = rt.spawn({
            let shared = Arc::clone(&shared);
            async move {
                let guard = shared.0.lock().await;
                *shared.1.wait_while(guard, |count| *count == 0).await -= 1;
            }
        });
        let notifies = rt.spawn({
            let rt = rt.clone();
            async move {
                rt.sleep(Duration::from_millis(1)).await;
                *shared.0.lock().await += 1;
                shared.1.notify(1);
                yield_now().await;
                *shared.0.lock().await += 1;
                shared.1.notify(1);
            }
        });
        async {
            stays.await.unwrap();
            notifies.await.unwrap();
        }
    };
    drop_after_every_poll(|rt, cut| async move {
        let shared = Arc::new((Lock::new(0), Condition::new()));
        let others = test(rt, Arc::clone(&shared));
        let guard = shared.0.lock().await;
        drop(cut.apply(shared.1.wait(guard)).await);
        others.await;
        assert_eq!(*shared.0.try_lock().unwrap(), 1);
    });
    drop_after_every_poll(|rt, cut| async move {
        let shared = Arc::new((Lock::new(0), Condition::new()));
        let others = test(rt, Arc::clone(&shared));
        let guard = shared.0.lock().await;
        drop(
            cut.apply(shared.1.wait_while(guard, |count| *count == 0))
                .await,
        );
        others.await;
        assert_eq!(*shared.0.try_lock().unwrap(), 1);
    });
    drop_after_every_poll(|rt, cut| async move {
        let lock = Arc::new(Lock::new(()));
        let changed = Arc::new(Condition::new());
        let [stays, notifies] = [0, 1].map(|nth| {
            let (rt, lock, changed) = (rt.clone(), Arc::clone(&lock), Arc::clone(&changed));
            rt.clone().spawn(async move {
                if nth == 0 {
                    drop(changed.wait_arc(lock.lock_arc().await).await);
                } else {
                    rt.sleep(Duration::from_millis(1)).await;
                    let held = lock.lock().await;
                    changed.notify(1);
                    yield_now().await;
                    changed.notify(1);
                    drop(held);
                }
            })
        });
        let guard = lock.lock_arc().await;
        let guard = cut.apply(changed.wait_arc(guard)).await;
        assert!(guard.is_none() || lock.try_lock().is_none());
        drop(guard);
        stays.await.unwrap();
        notifies.await.unwrap();
        assert_eq!((changed.waiting(), lock.waiting()), (0, 0));
    });
    TestRuntime::run_seeds(64, |rt| async move {
        let shared = Arc::new((Lock::new(0), Condition::new()));
        let others = test(rt, Arc::clone(&shared));
        for _ in 0..4 {
            let mut wait = shared.1.wait(shared.0.lock().await);
            drop(Wakes::new().poll(&mut wait));
            yield_now().await;
            drop(Wakes::new().poll(&mut wait));
        }
        others.await;
        assert_eq!((*shared.0.try_lock().unwrap(), shared.1.waiting()), (1, 0));
    });
}

#[test]
#[should_panic(expected = "polled after it had ended")]
fn polling_after_the_end_says_so() {
    let (lock, changed) = (Lock::new(()), Condition::new());
    let mut wait = changed.wait(lock.try_lock().unwrap());
    drop(Wakes::new().poll(&mut wait));
    changed.notify(1);
    drop(Wakes::new().poll(&mut wait));
    drop(Wakes::new().poll(&mut wait));
}
