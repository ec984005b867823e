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
fn a_failure_or_a_panic_cancels_the_others_before_anybody_joins() {
    for panics in [false, true] {
        TestRuntime::run_seeds(16, |rt| async move {
            let alive = Arc::new(());
            let mut group: TaskGroup<(), &str> = TaskGroup::new(&rt);
            let waiting = |alive: &Arc<()>| {
                let alive = Arc::clone(alive);
                async move {
                    let _alive = alive;
                    pending().await
                }
            };
            group.spawn(waiting(&alive));
            group.spawn(async move { if panics { panic!("boo") } else { Err("no") } });
            rt.sleep(ms(1)).await;
            assert_eq!(Arc::strong_count(&alive), 1, "it waited for join");
            group.spawn(waiting(&alive));
            rt.sleep(ms(1)).await;
            assert_eq!(
                Arc::strong_count(&alive),
                1,
                "a late child was not cancelled"
            );
            let errors = group.join().await.unwrap_err();
            match errors.first {
                ChildError::Failed("no") => assert!(!panics),
                ChildError::Panicked(_) => assert!(panics),
                other => panic!("{other:?}"),
            }
            assert!(errors.others.is_empty());
        });
    }
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
    /// The others are cancelled when one fails: what still fails is what their ends do.
    struct FailsAtTheEnd;
    impl Drop for FailsAtTheEnd {
        fn drop(&mut self) {
            panic!("at the end");
        }
    }
    TestRuntime::run_seeds(4, |rt| async move {
        let mut group: TaskGroup<(), &str> = TaskGroup::new(&rt);
        for _ in 0..249 {
            let held = FailsAtTheEnd;
            group.spawn(async move {
                let _held = held;
                pending().await
            });
        }
        group.spawn(async { Err("first") });
        let errors = group.join().await.unwrap_err();
        assert_eq!((errors.others.len(), errors.uncounted), (100, 149));
        assert!(errors.to_string().contains("249 more"), "{errors}");
        assert!(
            matches!(errors.first, ChildError::Failed("first")),
            "{:?}",
            errors.first
        );
        assert!(
            errors
                .others
                .iter()
                .all(|error| matches!(error, ChildError::Panicked(_)))
        );
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
