use std::future::pending;
use std::sync::Arc;

use fascine::concurrency::{ChildEnded, ChildError, TaskGroup, shield};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    outputs_of_any_type_go_to_handles,
}

async fn outputs_of_any_type_go_to_handles(rt: Rt, _: Arc<dyn Net>) {
    let group = TaskGroup::<u8, ()>::new(&rt);
    let clock = rt.clone();
    let name = group.spawn_with_handle(async move {
        clock.sleep(ms(2)).await;
        Ok("name")
    });
    let number = group.spawn_with_handle(async { Ok(7) });
    group.spawn(async { Ok(1) });
    assert_eq!(name.await, Ok("name"));
    assert_eq!(number.await, Ok(7));
    assert_eq!(group.join().await.unwrap(), [1]);
}

#[test]
fn a_failure_is_the_groups_and_the_handle_says_which_way_it_went() {
    TestRuntime::run_seeds(16, |rt| async move {
        let group = TaskGroup::<(), &str>::new(&rt).supervised();
        let fails = group.spawn_with_handle(async { Err::<(), _>("no") });
        let panics = group.spawn_with_handle(async { if true { panic!("boo") } else { Ok(()) } });
        assert_eq!(fails.await, Err(ChildEnded::Failed));
        assert_eq!(panics.await, Err(ChildEnded::Panicked));
        let ends = group.join_all().await;
        assert!(matches!(
            ends.as_slice(),
            [Err(ChildError::Failed("no")), Err(ChildError::Panicked(_))]
        ));
    });
}

#[test]
fn a_handle_cancels_its_child_alone_and_lets_its_shields_end() {
    TestRuntime::run_seeds(16, |rt| async move {
        let started = rt.now();
        let group = TaskGroup::<u8, ()>::new(&rt);
        let clock = rt.clone();
        let handle = group.spawn_with_handle(async move {
            shield(clock.sleep(ms(5))).await;
            pending::<()>().await;
            Ok(())
        });
        group.spawn(async { Ok(1) });
        rt.sleep(ms(1)).await;
        assert!(!handle.is_finished());
        handle.cancel();
        assert_eq!(handle.await, Err(ChildEnded::Cancelled));
        assert_eq!(rt.now() - started, ms(5));
        assert_eq!(group.join().await.unwrap(), [1]);
    });
}

#[test]
fn a_child_that_is_cancelled_before_it_begins_never_begins() {
    TestRuntime::run(|rt| async move {
        let group = TaskGroup::<(), ()>::new(&rt);
        let handle = group.spawn_with_handle(async {
            if true {
                unreachable!("it began")
            } else {
                Ok(())
            }
        });
        handle.cancel();
        assert_eq!(handle.await, Err(ChildEnded::Cancelled));
        group.join().await.unwrap();
    });
}

#[test]
fn dropping_a_handle_leaves_the_child_to_its_group() {
    drop_after_every_poll(|rt, cut| async move {
        let group = TaskGroup::<(), ()>::new(&rt);
        let (clock, done) = (rt.clone(), Arc::new(()));
        let held = Arc::clone(&done);
        let handle = group.spawn_with_handle(async move {
            clock.sleep(ms(1)).await;
            clock.sleep(ms(1)).await;
            drop(held);
            Ok(())
        });
        cut.apply(handle).await;
        group.join().await.unwrap();
        assert_eq!(Arc::strong_count(&done), 1);
    });
}

#[test]
fn children_start_children_and_an_ended_group_takes_none() {
    TestRuntime::run_seeds(16, |rt| async move {
        let group = TaskGroup::<usize, ()>::new(&rt);
        let spawner = group.spawner();
        let inner = spawner.clone();
        group.spawn(async move {
            for n in 1..4 {
                inner.spawn(async move { Ok(n) }).unwrap();
            }
            Ok(0)
        });
        let mut outputs = group.join().await.unwrap();
        outputs.sort_unstable();
        assert_eq!(outputs, [0, 1, 2, 3]);
        let late = spawner.spawn(async { unreachable!("it began") });
        assert_eq!(late.unwrap_err().to_string(), "the group has ended");
        let late = spawner.spawn_with_handle(async { Ok(()) });
        assert_eq!(late.await, Err(ChildEnded::Cancelled));
    });
}
