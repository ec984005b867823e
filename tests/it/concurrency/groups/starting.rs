use std::future::pending;
use std::sync::Arc;

use fascine::concurrency::{ChildError, StartError, TaskGroup};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    start_waits_until_the_child_is_ready,
}

async fn start_waits_until_the_child_is_ready(rt: Rt, _: Arc<dyn Net>) {
    let group = TaskGroup::<u16, ()>::new(&rt);
    let clock = rt.clone();
    let port = group.start(|ready| async move {
        clock.sleep(ms(2)).await;
        ready.set(8080_u16);
        clock.sleep(ms(2)).await;
        Ok(1)
    });
    assert_eq!(port.await.unwrap(), 8080);
    assert_eq!(group.join().await.unwrap(), [1]);
}

#[test]
fn an_end_before_that_goes_to_the_caller_and_not_to_the_group() {
    TestRuntime::run_seeds(16, |rt| async move {
        let group = TaskGroup::<(), &str>::new(&rt);
        let clock = rt.clone();
        group.spawn(async move {
            clock.sleep(ms(10)).await;
            Ok(())
        });
        let failed = group.start(|_ready: fascine::concurrency::Ready<()>| async { Err("no") });
        assert!(matches!(failed.await, Err(StartError::Failed("no"))));
        let panicked =
            group.start(|_ready: fascine::concurrency::Ready<()>| async { panic!("boo") });
        let error = panicked.await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the child panicked before it was ready: boo"
        );
        let silent = group.start(|ready: fascine::concurrency::Ready<()>| async {
            drop(ready);
            Ok(())
        });
        assert!(matches!(silent.await, Err(StartError::NeverReady)));
        assert_eq!(group.join().await.unwrap().len(), 2);
    });
}

#[test]
fn an_end_after_that_is_the_groups() {
    TestRuntime::run(|rt| async move {
        let group = TaskGroup::<(), &str>::new(&rt);
        let started = group.start(|ready| async move {
            ready.set(());
            Err("later")
        });
        started.await.unwrap();
        let errors = group.join().await.unwrap_err();
        assert!(matches!(errors.first, ChildError::Failed("later")));
    });
}

#[test]
fn a_group_that_is_cancelled_meanwhile_says_so() {
    TestRuntime::run(|rt| async move {
        let group = TaskGroup::<(), ()>::new(&rt);
        let start = group.start(|ready: fascine::concurrency::Ready<()>| async move {
            let _ready = ready;
            pending().await
        });
        group.handle().cancel();
        assert!(matches!(start.await, Err(StartError::Cancelled)));
        let late = group.start(|ready: fascine::concurrency::Ready<()>| async move {
            let _ready = ready;
            unreachable!("it began")
        });
        assert!(matches!(late.await, Err(StartError::Cancelled)));
        let spawner = group.spawner();
        let _ = group.join().await;
        let ended = spawner.start(|ready: fascine::concurrency::Ready<()>| async move {
            ready.set(());
            Ok(())
        });
        assert!(matches!(ended.await, Err(StartError::Cancelled)));
    });
}

#[test]
fn dropping_it_before_the_child_is_ready_cancels_the_child_alone() {
    let polls = drop_after_every_poll(|rt, cut| async move {
        let group = TaskGroup::<u8, ()>::new(&rt);
        group.spawn(async { Ok(1) });
        let clock = rt.clone();
        let start = group.start(|ready| async move {
            clock.sleep(ms(2)).await;
            clock.sleep(ms(2)).await;
            ready.set(());
            clock.sleep(ms(2)).await;
            Ok(2)
        });
        let was_ready = cut.apply(start).await.is_some();
        let expected: &[u8] = if was_ready { &[1, 2] } else { &[1] };
        assert_eq!(group.join().await.unwrap(), expected);
    });
    assert!(polls > 1);
}
