use std::future::pending;
use std::sync::Arc;

use fascine::concurrency::{
    CancelScope, closing, effective_deadline, fail_after, is_closing, move_on_after, shield,
    shield_for,
};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::future;

use super::Log;
use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_shield_holds_a_deadline_off,
}

async fn a_shield_holds_a_deadline_off(rt: Rt, _: Arc<dyn Net>) {
    let log = Log::default();
    let ended = fail_after(&rt, ms(2), async {
        shield(rt.sleep(ms(20))).await;
        log.note("shielded");
        pending::<()>().await;
    });
    assert!(ended.await.is_err());
    log.assert(&["shielded"]);
}

#[test]
fn code_after_a_shield_runs_until_it_next_waits() {
    TestRuntime::run_seeds(16, |rt| async move {
        let (started, log) = (rt.now(), Log::default());
        let ended = fail_after(&rt, ms(10), async {
            shield(rt.sleep(ms(40))).await;
            log.note("no wait yet");
            future::ready(()).await;
            log.note("nor here");
            rt.sleep(ms(1)).await;
            log.note("never");
        });
        assert!(ended.await.is_err());
        assert_eq!(rt.now() - started, ms(40));
        log.assert(&["no wait yet", "nor here"]);
    });
}

#[test]
fn a_shield_that_begins_in_a_cancelled_scope_is_honoured_too() {
    TestRuntime::run(|rt| async move {
        let (started, log) = (rt.now(), Log::default());
        let scope = CancelScope::new(&rt);
        let handle = scope.handle();
        let ended = scope.run(async {
            handle.cancel();
            shield(rt.sleep(ms(5))).await;
            log.note("cleaned up");
            shield(rt.sleep(ms(5))).await;
            log.note("twice");
            rt.sleep(ms(5)).await;
            log.note("never");
        });
        assert!(ended.await.is_err());
        assert_eq!(rt.now() - started, ms(10));
        log.assert(&["cleaned up", "twice"]);
    });
}

#[test]
fn nested_shields_end_one_after_the_other() {
    TestRuntime::run(|rt| async move {
        let started = rt.now();
        let log = Log::default();
        let ended = move_on_after(&rt, ms(1), async {
            shield(async {
                shield(rt.sleep(ms(5))).await;
                log.note("inner");
                rt.sleep(ms(5)).await;
                log.note("outer");
            })
            .await;
            rt.sleep(ms(1)).await;
        });
        assert_eq!(ended.await, None);
        assert_eq!(rt.now() - started, ms(10));
        log.assert(&["inner", "outer"]);
    });
}

#[test]
fn a_shield_around_a_scope_does_not_keep_that_scope() {
    TestRuntime::run(|rt| async move {
        let started = rt.now();
        let inner = shield(fail_after(&rt, ms(5), pending::<()>()));
        assert!(fail_after(&rt, ms(1), inner).await.unwrap().is_err());
        assert_eq!(rt.now() - started, ms(5));
    });
}

#[test]
fn a_shielded_scope_is_out_of_reach_of_others_but_not_of_its_own_handle() {
    TestRuntime::run(|rt| async move {
        let started = rt.now();
        let inner = CancelScope::shielded(&rt);
        let handle = inner.handle();
        let (clock, other) = (rt.clone(), inner.handle());
        let canceller = rt.spawn(async move {
            clock.sleep(ms(30)).await;
            other.cancel();
        });
        let ended = fail_after(&rt, ms(10), inner.run(pending::<()>()));
        assert!(ended.await.unwrap().is_err());
        assert!(handle.cancelled_caught());
        assert_eq!(rt.now() - started, ms(30));
        canceller.await.unwrap();
    });
}

#[test]
fn cancelling_an_outer_scope_from_inside_a_shield_waits_for_the_shield() {
    TestRuntime::run(|rt| async move {
        let (started, log) = (rt.now(), Log::default());
        let outer = CancelScope::new(&rt);
        let handle = outer.handle();
        let ended = outer.run(async {
            shield(async {
                handle.cancel();
                rt.sleep(ms(5)).await;
                log.note("shielded");
            })
            .await;
            rt.sleep(ms(5)).await;
            log.note("never");
        });
        assert!(ended.await.is_err());
        assert_eq!(rt.now() - started, ms(5));
        log.assert(&["shielded"]);
    });
}

#[test]
fn a_shield_with_a_limit_ends_by_itself() {
    TestRuntime::run(|rt| async move {
        let started = rt.now();
        let ended = fail_after(&rt, ms(1), async {
            let ended = shield_for(&rt, ms(5), pending::<()>()).await;
            assert!(ended.is_err());
            rt.sleep(ms(1)).await;
        });
        assert!(ended.await.is_err());
        assert_eq!(rt.now() - started, ms(5));
        assert!(shield_for(&rt, ms(5), rt.sleep(ms(4))).await.is_ok());
    });
}

#[test]
fn deadlines_outside_a_shield_are_not_seen_inside() {
    TestRuntime::run(|rt| async move {
        let now = rt.now();
        let seen = fail_after(&rt, ms(10), async {
            let bare = shield(async { effective_deadline() }).await;
            let limited = shield_for(&rt, ms(99), async { effective_deadline() }).await;
            (bare, limited.unwrap(), effective_deadline())
        });
        let expected = (None, Some(now + ms(99)), Some(now + ms(10)));
        assert_eq!(seen.await.unwrap(), expected);
    });
}

#[test]
fn in_a_cancelled_scope_no_wait_fits() {
    TestRuntime::run(|rt| async move {
        let scope = CancelScope::new(&rt).with_timeout(ms(60_000));
        let handle = scope.handle();
        rt.sleep(ms(5)).await;
        let seen = scope.run(async {
            handle.cancel();
            effective_deadline()
        });
        assert_eq!(seen.await.unwrap(), Some(rt.now()));
    });
}

#[test]
fn grace_limits_the_shields_of_a_cancelled_scope() {
    TestRuntime::run_seeds(16, |rt| async move {
        for (work, ended_at, done) in [(ms(5), ms(5), true), (ms(500), ms(20), false)] {
            let (started, log) = (rt.now(), Log::default());
            let scope = CancelScope::new(&rt);
            let handle = scope.handle();
            let ended = scope.run(async {
                handle.cancel_with_grace(ms(20));
                shield(async {
                    assert!(is_closing());
                    assert_eq!(effective_deadline(), Some(started + ms(20)));
                    rt.sleep(work).await;
                    log.note("done");
                })
                .await;
                pending::<()>().await;
            });
            assert!(ended.await.is_err());
            assert_eq!(rt.now() - started, ended_at);
            log.assert(if done { &["done"] } else { &[] });
        }
    });
}

#[test]
fn grace_can_be_set_when_shields_take_too_long() {
    TestRuntime::run(|rt| async move {
        let started = rt.now();
        let scope = CancelScope::new(&rt).with_timeout(ms(10));
        let handle = scope.handle();
        let clock = rt.clone();
        let impatient = rt.spawn(async move {
            clock.sleep(ms(100)).await;
            handle.cancel_with_grace(ms(60_000)); // A longer one does not undo the shorter.
            handle.cancel_with_grace(ms(5));
            handle.cancel_with_grace(ms(50));
        });
        assert!(scope.run(shield(pending::<()>())).await.is_err());
        assert_eq!(rt.now() - started, ms(105));
        impatient.await.unwrap();
    });
}

#[test]
fn shielded_code_hears_that_it_should_hurry() {
    TestRuntime::run_seeds(8, |rt| async move {
        let started = rt.now();
        let ended = fail_after(&rt, ms(10), async {
            let work = shield(future::or(
                async {
                    closing().await;
                    "hurried"
                },
                async {
                    rt.sleep(ms(60_000)).await;
                    "took its time"
                },
            ));
            let how = work.await;
            assert!(is_closing());
            how
        });
        assert_eq!(ended.await, Ok("hurried"));
        assert_eq!(rt.now() - started, ms(10));
        assert!(!is_closing());
    });
}

#[test]
fn closing_without_a_scope_waits_for_ever() {
    TestRuntime::run(|rt| async move {
        let limited = future::or(
            async {
                closing().await;
                false
            },
            async {
                rt.sleep(ms(60_000)).await;
                true
            },
        );
        assert!(limited.await);
    });
}
