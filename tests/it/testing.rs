//! The test runtime itself.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fascine::rt::{Panic, Rt};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::yield_now;

fn message(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    Panic::new(payload).message().to_owned()
}

/// The order in which ten tasks take three turns each.
fn order(seed: u64) -> Vec<u32> {
    let runtime = TestRuntime::with_seed(seed);
    let rt = runtime.rt();
    let order = Arc::new(Mutex::new(Vec::new()));
    runtime.block_on(async {
        let task = |n| {
            let order = Arc::clone(&order);
            rt.spawn(async move {
                for _ in 0..3 {
                    order.lock().unwrap().push(n);
                    yield_now().await;
                }
            })
        };
        for task in (0..10).map(task).collect::<Vec<_>>() {
            task.await.unwrap();
        }
    });
    let order = order.lock().unwrap();
    order.clone()
}

#[test]
fn the_seed_permutes_the_order_and_the_same_seed_replays_it() {
    assert_eq!(order(1), order(1));
    let different: std::collections::HashSet<_> = (0..20).map(order).collect();
    assert!(different.len() > 15, "only {} orders", different.len());
}

#[test]
fn a_seed_that_is_asked_for_is_the_only_one() {
    let runs = std::cell::Cell::new(0);
    let count = || runs.set(runs.get() + 1);
    TestRuntime::run_seeds(64, |_| async { count() });
    drop_after_every_poll(|_, cut| {
        count();
        async {
            cut.apply(async {}).await;
        }
    });
    if std::env::var_os("FASCINE_TEST_SEED").is_some() {
        assert_eq!(runs.get(), 2);
        return;
    }
    assert_eq!(runs.get(), 128);
    // Once more, in a process that has it set.
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args([
        "--exact",
        "testing::a_seed_that_is_asked_for_is_the_only_one",
    ]);
    let output = again.env("FASCINE_TEST_SEED", "7").output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_deadlock_panics_with_the_stuck_tasks_and_where_they_come_from() {
    let message = message(|| {
        TestRuntime::with_seed(0).block_on(async {
            pending::<()>().await;
        });
    });
    assert!(message.contains("deadlock"), "{message}");
    assert!(
        message.contains("main future, from tests/it/testing.rs"),
        "{message}"
    );

    let message = self::message(|| {
        let runtime = TestRuntime::with_seed(0);
        let task = runtime.rt().spawn(pending::<()>());
        runtime.block_on(task).unwrap();
    });
    assert!(
        message.contains("task 1, from tests/it/testing.rs"),
        "{message}"
    );
    assert!(message.contains("polled 1 times"), "{message}");
}

#[test]
fn an_hour_of_timers_takes_no_time_and_is_exact() {
    let runtime = TestRuntime::with_seed(3);
    let rt = runtime.rt();
    runtime.block_on(async {
        let ticks = |period: u64| {
            let clock = rt.clone();
            rt.spawn(async move {
                for _ in 0..3600 / period {
                    clock.sleep(Duration::from_secs(period)).await;
                }
            })
        };
        for task in [1, 2, 5].map(ticks) {
            task.await.unwrap();
        }
    });
    assert_eq!(runtime.elapsed(), Duration::from_secs(3600));
}

#[test]
fn a_task_that_is_left_behind_fails_the_test_and_is_named() {
    let message = message(|| {
        TestRuntime::run(|rt| async move { rt.spawn(pending::<()>()).detach() });
    });
    assert!(message.contains("still alive"), "{message}");
    assert!(message.contains("tests/it/testing.rs"), "{message}");
}

#[test]
fn a_cancelled_task_is_not_left_behind() {
    TestRuntime::run(|rt| async move { drop(rt.spawn(pending::<()>())) });
}

#[test]
fn dropping_the_runtime_drops_tasks_that_own_it() {
    let runtime = TestRuntime::with_seed(0);
    let alive = Arc::new(());
    let task = runtime.rt().spawn({
        let (rt, alive) = (runtime.rt(), Arc::clone(&alive));
        async move {
            let _alive = alive;
            rt.sleep(Duration::from_secs(1)).await;
            pending::<Rt>().await
        }
    });
    runtime.block_on(yield_now());
    drop(runtime);
    assert_eq!(Arc::strong_count(&alive), 1);
    assert!(task.is_finished());
}

#[test]
fn time_stands_still_while_something_can_run() {
    TestRuntime::run(|rt| async move {
        let started = rt.now();
        let busy = rt.spawn(async {
            for _ in 0..1000 {
                yield_now().await;
            }
        });
        rt.unblock(|| ()).await.unwrap();
        busy.await.unwrap();
        assert_eq!(rt.now(), started);
    });
}

#[test]
fn a_future_is_cut_at_each_of_its_polls() {
    let cuts = Arc::new(Mutex::new(Vec::new()));
    let longest = drop_after_every_poll(|_, cut| {
        let cuts = Arc::clone(&cuts);
        async move {
            let three = async {
                yield_now().await;
                yield_now().await;
            };
            let ended = cut.apply(three).await.is_some();
            cuts.lock().unwrap().push(ended);
        }
    });
    assert_eq!(longest, 3);
    assert_eq!(cuts.lock().unwrap()[..3], [false, false, true]);
}
