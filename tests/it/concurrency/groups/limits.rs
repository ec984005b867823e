use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use fascine::concurrency::TaskGroup;
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    no_more_than_the_limit_run_at_once,
}

async fn no_more_than_the_limit_run_at_once(rt: Rt, _: Arc<dyn Net>) {
    for limit in [1, 3, 40] {
        let group = TaskGroup::<usize, ()>::new(&rt).with_limit(NonZeroUsize::new(limit).unwrap());
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        for n in 0..30 {
            let (running, most, clock) = (Arc::clone(&running), Arc::clone(&most), rt.clone());
            group.spawn(async move {
                most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                clock.sleep(ms(1)).await;
                running.fetch_sub(1, SeqCst);
                Ok(n)
            });
        }
        assert_eq!(group.len(), 30);
        assert_eq!(group.join().await.unwrap(), (0..30).collect::<Vec<_>>());
        let most = most.load(SeqCst);
        assert!(most <= limit, "{most} at once, {limit} allowed");
    }
}

#[test]
fn the_limit_is_reached_and_children_begin_in_order() {
    TestRuntime::run_seeds(16, |rt| async move {
        let started = rt.now();
        let group = TaskGroup::<(), ()>::new(&rt).with_limit(NonZeroUsize::new(4).unwrap());
        let order = Arc::new(Mutex::new(Vec::new()));
        for n in 0..40_u64 {
            let (order, clock) = (Arc::clone(&order), rt.clone());
            group.spawn(async move {
                order.lock().unwrap().push(n / 4);
                clock.sleep(ms(10)).await;
                Ok(())
            });
        }
        group.join().await.unwrap();
        assert_eq!(rt.now() - started, ms(100));
        assert!(order.lock().unwrap().is_sorted());
    });
}

#[test]
fn children_in_the_queue_of_a_group_that_fails_never_begin() {
    TestRuntime::run_seeds(16, |rt| async move {
        for fails in [false, true] {
            let limit = NonZeroUsize::new(1).unwrap();
            let group = TaskGroup::<(), &str>::new(&rt).with_limit(limit);
            let clock = rt.clone();
            group.spawn(async move {
                clock.sleep(ms(1)).await;
                if fails { Err("no") } else { pending().await }
            });
            for _ in 0..50 {
                group.spawn(async { unreachable!("it began") });
            }
            assert_eq!(group.running(), 51);
            rt.sleep(ms(1)).await;
            if !fails {
                group.handle().cancel();
            }
            rt.sleep(ms(1)).await;
            group.spawn(async { unreachable!("it began") });
            assert!(group.join().await.is_err());
        }
    });
}

#[test]
fn whoever_waits_for_room_is_held_up_and_makes_no_more_than_can_run() {
    TestRuntime::run_seeds(64, |rt| async move {
        let started = rt.now();
        let group = TaskGroup::<u64, ()>::new(&rt).with_limit(NonZeroUsize::new(3).unwrap());
        for n in 0..30 {
            let clock = rt.clone();
            let child = async move {
                clock.sleep(ms(10)).await;
                Ok(n)
            };
            group.spawn_when_free(child).await;
            assert!(group.running() <= 3);
        }
        assert_eq!(rt.now() - started, ms(90));
        assert_eq!(group.join().await.unwrap(), (0..30).collect::<Vec<_>>());
    });
}

#[test]
fn queued_children_and_those_who_wait_take_turns_as_they_came() {
    TestRuntime::run_seeds(64, |rt| async move {
        let order = Arc::new(Mutex::new(Vec::new()));
        let group = TaskGroup::<(), ()>::new(&rt).with_limit(NonZeroUsize::new(1).unwrap());
        let child = |n| {
            let (order, clock) = (Arc::clone(&order), rt.clone());
            async move {
                order.lock().unwrap().push(n);
                clock.sleep(ms(1)).await;
                Ok(())
            }
        };
        group.spawn(child(0));
        group.spawn(child(1));
        let mut given_up = Box::pin(group.spawn_when_free(child(99)));
        assert!(future::poll_once(&mut given_up).await.is_none());
        let mut third = Box::pin(group.spawn_when_free(child(2)));
        assert!(future::poll_once(&mut third).await.is_none());
        group.spawn(child(3));
        drop(given_up);
        let full = group.try_spawn(child(98)).unwrap_err();
        assert_eq!(full.to_string(), "the group is full");
        drop(full.into_future());
        third.await;
        rt.sleep(ms(50)).await;
        group.try_spawn(child(4)).unwrap();
        group.join().await.unwrap();
        assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4]);
    });
}

#[test]
fn nobody_waits_for_room_in_a_group_that_was_cancelled() {
    TestRuntime::run_seeds(64, |rt| async move {
        let group = TaskGroup::<(), ()>::new(&rt).with_limit(NonZeroUsize::new(1).unwrap());
        let handle = group.handle();
        group.spawn(async { pending().await });
        let clock = rt.clone();
        let canceller = rt.spawn(async move {
            clock.sleep(ms(5)).await;
            handle.cancel();
        });
        group
            .spawn_when_free(async { unreachable!("it began") })
            .await;
        assert!(group.join().await.is_err());
        canceller.await.unwrap();
    });
}

#[test]
fn a_place_in_the_queue_can_be_left_at_any_poll() {
    drop_after_every_poll(|rt, cut| async move {
        let group = TaskGroup::<u8, ()>::new(&rt).with_limit(NonZeroUsize::new(1).unwrap());
        let clock = rt.clone();
        group.spawn(async move {
            clock.sleep(ms(2)).await;
            Ok(1)
        });
        let spawned = cut.apply(group.spawn_when_free(async { Ok(2) })).await;
        group.spawn_when_free(async { Ok(3) }).await;
        let expected: &[u8] = if spawned.is_some() {
            &[1, 2, 3]
        } else {
            &[1, 3]
        };
        assert_eq!(group.join().await.unwrap(), expected);
    });
}
