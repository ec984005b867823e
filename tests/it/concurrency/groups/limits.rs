use std::future::pending;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use fascine::concurrency::TaskGroup;
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::TestRuntime;

use super::ms;
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
