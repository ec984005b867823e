//! Groups and the scopes around them.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use fascine::concurrency::{
    CancelScope, ChildError, TaskGroup, effective_deadline, fail_after, is_closing, move_on_after,
    shield,
};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    no_child_outlives_the_scope_around_its_group,
    children_see_the_deadline_around_their_group,
}

/// Counts those who are alive.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

struct Living(Arc<AtomicUsize>);

impl Alive {
    fn enter(&self) -> Living {
        self.0.fetch_add(1, SeqCst);
        Living(Arc::clone(&self.0))
    }

    fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

async fn no_child_outlives_the_scope_around_its_group(rt: Rt, _: Arc<dyn Net>) {
    let alive = Alive::default();
    let ended = move_on_after(&rt, ms(5), async {
        let group = TaskGroup::<(), ()>::new(&rt);
        for n in 0..10 {
            let (living, clock) = (alive.enter(), rt.clone());
            group.spawn(async move {
                let _living = living;
                if n == 0 {
                    shield(clock.sleep(ms(40))).await;
                }
                pending().await
            });
        }
        group.join().await
    });
    assert!(ended.await.is_none());
    assert_eq!(alive.count(), 0);
}

async fn children_see_the_deadline_around_their_group(rt: Rt, _: Arc<dyn Net>) {
    let seen = fail_after(&rt, ms(60_000), async {
        let group = TaskGroup::new(&rt);
        group.spawn(async { Ok::<_, ()>(effective_deadline()) });
        group.spawn(async { Ok(shield(async { effective_deadline() }).await) });
        (effective_deadline(), group.join().await.unwrap())
    });
    let (here, there) = seen.await.unwrap();
    assert!(here.is_some());
    assert_eq!(there, [here, None]);
}

#[test]
fn a_scope_waits_for_shielded_children_although_nobody_joins() {
    TestRuntime::run_seeds(32, |rt| async move {
        let (started, alive) = (rt.now(), Alive::default());
        let ended = fail_after(&rt, ms(10), async {
            let group = TaskGroup::<(), ()>::new(&rt);
            for work in [3, 30, 90] {
                let (living, clock) = (alive.enter(), rt.clone());
                group.spawn(async move {
                    let _living = living;
                    shield(clock.sleep(ms(work))).await;
                    assert_eq!(is_closing(), work > 3);
                    pending().await
                });
            }
            rt.sleep(ms(60_000)).await;
        });
        assert!(ended.await.is_err());
        assert_eq!(alive.count(), 0);
        assert_eq!(rt.now() - started, ms(90));
    });
}

#[test]
fn grace_reaches_the_shields_of_children() {
    TestRuntime::run_seeds(32, |rt| async move {
        for through_group in [false, true] {
            let (started, alive) = (rt.now(), Alive::default());
            let scope = CancelScope::new(&rt);
            let handle = scope.handle();
            let ended = scope.run(async {
                let group = TaskGroup::<(), ()>::new(&rt);
                let living = alive.enter();
                group.spawn(async move {
                    let _living = living;
                    shield(pending()).await
                });
                rt.sleep(ms(1)).await;
                if through_group {
                    group.handle().cancel();
                    rt.sleep(ms(1)).await;
                    group.handle().cancel_with_grace(ms(9));
                } else {
                    handle.cancel_with_grace(ms(10));
                }
                group.join().await.unwrap_err()
            });
            let ended = ended.await;
            assert_eq!(ended.is_ok(), through_group);
            assert_eq!(alive.count(), 0);
            assert_eq!(rt.now() - started, ms(11));
        }
    });
}

#[test]
fn cancelling_cascades_through_groups_in_groups() {
    TestRuntime::run_seeds(32, |rt| async move {
        let alive = Alive::default();
        let ended = move_on_after(&rt, ms(5), async {
            let outer = TaskGroup::<(), ()>::new(&rt);
            for _ in 0..3 {
                let (alive, rt) = (alive.clone(), rt.clone());
                outer.spawn(async move {
                    let _living = alive.enter();
                    let inner = TaskGroup::<(), ()>::new(&rt);
                    for _ in 0..3 {
                        let living = alive.enter();
                        inner.spawn(async move {
                            let _living = living;
                            pending().await
                        });
                    }
                    let _ = inner.join().await;
                    unreachable!("the children were not cancelled by their own group");
                });
            }
            outer.join().await
        });
        assert!(ended.await.is_none());
        assert_eq!(alive.count(), 0);
    });
}

#[test]
fn an_inner_failure_stays_in_the_inner_group() {
    TestRuntime::run(|rt| async move {
        let outer = TaskGroup::new(&rt);
        let clock = rt.clone();
        outer.spawn(async move {
            let inner = TaskGroup::<(), &str>::new(&clock);
            inner.spawn(async { Err("no") });
            let first = inner.join().await.unwrap_err().first;
            Ok::<_, ()>(first.to_string())
        });
        assert_eq!(outer.join().await.unwrap(), ["task failed"]);
    });
}

#[test]
fn a_group_handle_cancels_with_a_reason_and_join_says_that_it_was() {
    TestRuntime::run(|rt| async move {
        let group = TaskGroup::<(), ()>::new(&rt);
        let handle = group.handle();
        group.spawn(async { pending().await });
        let clock = rt.clone();
        let stopper = handle.clone();
        let other = rt.spawn(async move {
            clock.sleep(ms(1)).await;
            stopper.cancel_because("shutting down");
        });
        let errors = group.join().await.unwrap_err();
        assert!(matches!(errors.first, ChildError::Cancelled));
        assert_eq!(handle.reason().unwrap().message(), Some("shutting down"));
        other.await.unwrap();

        let group = TaskGroup::<_, ()>::new(&rt);
        group.spawn(async { Ok(1) });
        rt.sleep(ms(1)).await;
        group.handle().cancel();
        assert_eq!(group.join().await.unwrap(), [1], "it was too late");
    });
}

#[test]
fn a_group_that_leaves_its_scope_goes_on() {
    TestRuntime::run(|rt| async move {
        let group = fail_after(&rt, ms(10), async {
            let group = TaskGroup::<_, ()>::new(&rt);
            let clock = rt.clone();
            group.spawn(async move {
                clock.sleep(ms(50)).await;
                Ok(effective_deadline())
            });
            rt.sleep(ms(1)).await;
            group
        });
        let group = group.await.unwrap();
        assert_eq!(group.join().await.unwrap(), [None]);
    });
}

#[test]
fn a_shield_around_a_group_keeps_its_children() {
    TestRuntime::run(|rt| async move {
        let ended = fail_after(
            &rt,
            ms(10),
            shield(async {
                let group = TaskGroup::<_, ()>::new(&rt);
                let clock = rt.clone();
                group.spawn(async move {
                    clock.sleep(ms(50)).await;
                    Ok(effective_deadline())
                });
                group.join().await.unwrap()
            }),
        );
        assert_eq!(ended.await.unwrap(), [None]);
    });
}

#[test]
fn a_deadline_inside_a_child_counts_again_when_the_one_around_the_group_moves() {
    TestRuntime::run_seeds(16, |rt| async move {
        let started = rt.now();
        let scope = CancelScope::new(&rt).with_timeout(ms(10));
        let handle = scope.handle();
        let ended = scope.run(async {
            let group = TaskGroup::<_, ()>::new(&rt);
            let clock = rt.clone();
            group.spawn(
                async move { Ok(fail_after(&clock, ms(50), pending::<()>()).await.is_err()) },
            );
            rt.sleep(ms(5)).await;
            handle.set_timeout(ms(60_000));
            group.join().await.unwrap()
        });
        assert_eq!(ended.await.unwrap(), [true]);
        assert_eq!(rt.now() - started, ms(50));
    });
}

#[test]
fn a_scope_with_a_group_can_be_dropped_at_any_poll() {
    drop_after_every_poll(|rt, cut| async move {
        let alive = Alive::default();
        let scoped = fail_after(&rt, ms(4), async {
            let group = TaskGroup::<(), ()>::new(&rt);
            for n in 1..4 {
                let (living, clock) = (alive.enter(), rt.clone());
                group.spawn(async move {
                    let _living = living;
                    shield(clock.sleep(ms(n))).await;
                    clock.sleep(ms(n)).await;
                    Ok(())
                });
            }
            group.join().await
        });
        cut.apply(scoped).await;
        // Whoever drops a scope cannot wait, but its children end: shields first.
        rt.sleep(ms(60_000)).await;
        assert_eq!(alive.count(), 0);
    });
}

#[test]
fn groups_in_groups_may_go_deep() {
    fn nest(rt: Rt, depth: u32) -> fascine::rt::BoxFuture<Result<u32, ()>> {
        Box::pin(async move {
            if depth == 0 {
                return Ok(0);
            }
            let group = TaskGroup::new(&rt);
            group.spawn(nest(rt.clone(), depth - 1));
            let inner = group.join().await.map_err(drop)?;
            Ok(inner[0] + 1)
        })
    }
    TestRuntime::run(|rt| async move {
        assert_eq!(nest(rt, 1000).await, Ok(1000));
    });
}
