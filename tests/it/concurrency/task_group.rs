use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use fascine::concurrency::{ChildError, TaskGroup};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};

use crate::runtimes::on_every_runtime;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

on_every_runtime! {
    outputs_come_in_the_order_of_spawning,
    a_failure_cancels_the_others_and_waits_for_them,
}

async fn outputs_come_in_the_order_of_spawning(rt: Rt, _: Arc<dyn Net>) {
    let mut group = TaskGroup::new(&rt);
    for n in [3_u64, 1, 2] {
        let clock = rt.clone();
        group.spawn(async move {
            clock.sleep(ms(n)).await;
            Ok::<_, ()>(n)
        });
    }
    assert_eq!(group.join().await.unwrap(), [3, 1, 2]);
}

async fn a_failure_cancels_the_others_and_waits_for_them(rt: Rt, _: Arc<dyn Net>) {
    let alive = Arc::new(());
    let mut group = TaskGroup::new(&rt);
    for _ in 0..20 {
        let alive = Arc::clone(&alive);
        group.spawn(async move {
            let _alive = alive;
            pending::<()>().await;
            Ok(())
        });
    }
    let clock = rt.clone();
    group.spawn(async move {
        clock.sleep(ms(2)).await;
        Err("first")
    });
    let errors = group.join().await.unwrap_err();
    assert!(matches!(errors.first, ChildError::Failed("first")));
    assert!(errors.others.is_empty(), "our own cancelling is no failure");
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn a_panic_ends_the_group_too() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut group: TaskGroup<(), ()> = TaskGroup::new(&rt);
        group.spawn(async { pending().await });
        group.spawn(async { panic!("boo") });
        match group.join().await.unwrap_err().first {
            ChildError::Panicked(panic) => assert_eq!(panic.message(), "boo"),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn further_failures_are_kept_up_to_a_hundred_and_counted_beyond() {
    TestRuntime::run(|rt| async move {
        let mut group: TaskGroup<(), u32> = TaskGroup::new(&rt);
        for n in 0..250 {
            group.spawn(async move { Err(n) });
        }
        rt.sleep(ms(1)).await; // All of them have failed by now.
        let errors = group.join().await.unwrap_err();
        assert_eq!((errors.others.len(), errors.uncounted), (100, 149));
        assert!(errors.to_string().contains("249 more"), "{errors}");
    });
}

#[test]
fn an_empty_group_has_nothing_to_wait_for() {
    TestRuntime::run(|rt| async move {
        let group: TaskGroup<(), ()> = TaskGroup::new(&rt);
        assert!(group.is_empty());
        assert_eq!(group.join().await.unwrap(), []);
    });
}

#[test]
fn dropping_a_group_cancels_its_children() {
    TestRuntime::run(|rt| async move {
        let mut group: TaskGroup<(), ()> = TaskGroup::new(&rt);
        group.spawn(async { pending().await });
        drop(group); // The runtime checks that nothing is left.
    });
}

#[test]
fn dropping_join_at_any_poll_leaves_no_child() {
    drop_after_every_poll(|rt, cut| async move {
        let mut group = TaskGroup::new(&rt);
        for n in 1..4_u64 {
            let clock = rt.clone();
            group.spawn(async move {
                clock.sleep(ms(n)).await;
                if n == 3 { Err(()) } else { Ok(()) }
            });
        }
        cut.apply(group.join()).await;
    });
}
