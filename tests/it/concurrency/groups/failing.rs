use std::future::pending;
use std::sync::Arc;

use fascine::concurrency::{ChildError, TaskGroup, block_on, shield};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    outputs_come_in_the_order_of_spawning,
    a_failure_cancels_the_others_and_waits_for_them,
}

async fn outputs_come_in_the_order_of_spawning(rt: Rt, _: Arc<dyn Net>) {
    let group = TaskGroup::new(&rt);
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
    let group = TaskGroup::new(&rt);
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
            let group: TaskGroup<(), &str> = TaskGroup::new(&rt);
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
        let group: TaskGroup<(), ()> = TaskGroup::new(&rt);
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
        let group: TaskGroup<(), &str> = TaskGroup::new(&rt);
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
        let group: TaskGroup<(), ()> = TaskGroup::new(&rt);
        group.spawn(async { pending().await });
        drop(group); // The runtime checks that nothing is left.
    });
}

#[test]
fn dropping_join_at_any_poll_leaves_no_child() {
    drop_after_every_poll(|rt, cut| async move {
        let group = TaskGroup::new(&rt);
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

#[test]
fn dropping_join_all_at_any_poll_leaves_no_child() {
    drop_after_every_poll(|rt, cut| async move {
        let group = TaskGroup::new(&rt).supervised();
        for n in 1..4_u64 {
            let clock = rt.clone();
            group.spawn(async move {
                clock.sleep(ms(n)).await;
                if n == 2 { Err(()) } else { Ok(()) }
            });
        }
        cut.apply(group.join_all()).await;
    });
}

#[test]
fn the_first_failure_in_time_is_the_root_cause() {
    TestRuntime::run_seeds(64, |rt| async move {
        let group: TaskGroup<(), u64> = TaskGroup::new(&rt);
        for n in [7, 3, 5] {
            let clock = rt.clone();
            group.spawn(async move {
                // What a shield lets happen after the first failure is kept beside it.
                shield(clock.sleep(ms(n))).await;
                Err(n)
            });
        }
        let errors = group.join().await.unwrap_err();
        assert!(matches!(errors.first, ChildError::Failed(3)), "{errors:?}");
        let others: Vec<_> = errors.others.iter().map(ToString::to_string).collect();
        assert_eq!(others, ["task failed", "task failed"]);
        assert_eq!(errors.len(), 3);
    });
}

#[test]
fn a_child_that_was_not_begun_when_the_group_failed_never_begins() {
    TestRuntime::run_seeds(64, |rt| async move {
        let group: TaskGroup<(), &str> = TaskGroup::new(&rt);
        group.spawn(async { Err("no") });
        rt.sleep(ms(1)).await;
        group.spawn(async { unreachable!("it began") });
        assert!(group.join().await.is_err());
    });
}

#[test]
fn a_supervised_group_goes_on_and_tells_one_child_from_another() {
    TestRuntime::run_seeds(16, |rt| async move {
        let make = || {
            let group = TaskGroup::new(&rt).supervised();
            let clock = rt.clone();
            group.spawn(async { Err("no") });
            group.spawn(async { panic!("boo") });
            group.spawn(async move {
                clock.sleep(ms(5)).await;
                Ok(1)
            });
            group
        };
        let ends = make().join_all().await;
        assert!(matches!(
            ends.as_slice(),
            [
                Err(ChildError::Failed("no")),
                Err(ChildError::Panicked(_)),
                Ok(1)
            ]
        ));
        let errors = make().join().await.unwrap_err();
        assert_eq!(errors.len(), 2);
    });
}

#[test]
fn errors_read_from_the_group_down_to_the_cause() {
    use std::error::Error;
    TestRuntime::run(|rt| async move {
        let group: TaskGroup<(), std::num::ParseIntError> = TaskGroup::new(&rt);
        group.spawn(async { "x".parse::<u8>().map(|_| ()) });
        let errors = group.join().await.unwrap_err();
        assert_eq!(errors.to_string(), "a task of the group failed");
        let child = errors.source().unwrap();
        assert_eq!(child.to_string(), "task failed");
        assert_eq!(
            child.source().unwrap().to_string(),
            "invalid digit found in string"
        );
    });
}

#[test]
fn who_blocks_in_a_child_is_told() {
    TestRuntime::run(|rt| async move {
        let group: TaskGroup<(), ()> = TaskGroup::new(&rt);
        group.spawn(async { block_on(async { Ok(()) }) });
        let errors = group.join().await.unwrap_err();
        let ChildError::Panicked(panic) = errors.first else {
            panic!("{errors:?}");
        };
        assert!(
            panic
                .message()
                .contains("block_on was called from async code")
        );
    });
}
