use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use fascine::concurrency::{CancelReason, CancelScope, ScopeHandle, fail_after, is_closing};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::FutureExt;

use super::{Log, NotesEnd};
use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    clean_up_is_done_however_the_scope_ends,
}

/// Defers something that takes 3 ms and then notes `what`.
fn defer(handle: &ScopeHandle, rt: &Rt, log: &Log, what: &'static str) {
    let (rt, log) = (rt.clone(), log.clone());
    let deferred = handle.defer(async move {
        rt.sleep(ms(3)).await;
        log.note(what);
    });
    deferred.unwrap();
}

async fn clean_up_is_done_however_the_scope_ends(rt: Rt, _: Arc<dyn Net>) {
    // By itself.
    let log = Log::default();
    let scope = CancelScope::new(&rt);
    let handle = scope.handle();
    let ended = scope.run(async {
        defer(&handle, &rt, &log, "first in, last out");
        defer(&handle, &rt, &log, "last in, first out");
        7
    });
    assert_eq!(ended.await, Ok(7));
    log.assert(&["last in, first out", "first in, last out"]);

    // By its deadline, and by cancelling from further out.
    let log = Log::default();
    let inner = CancelScope::new(&rt);
    let inner_handle = inner.handle();
    let outer = CancelScope::new(&rt).with_timeout(ms(1));
    let outer_handle = outer.handle();
    let ended = outer.run(async {
        defer(&outer_handle, &rt, &log, "outer cleaned");
        inner
            .run(async {
                let _end = NotesEnd(log.clone(), "body dropped");
                defer(&inner_handle, &rt, &log, "inner cleaned");
                pending::<()>().await;
            })
            .await
            .unwrap();
        unreachable!("the inner scope was not the one that ended");
    });
    let ended: Result<(), _> = ended.await;
    assert_eq!(ended.unwrap_err().reason(), &CancelReason::Deadline);
    log.assert(&["body dropped", "inner cleaned", "outer cleaned"]);
    assert!(!inner_handle.cancelled_caught());
}

#[test]
fn clean_up_is_done_before_a_panic_goes_on() {
    TestRuntime::run(|rt| async move {
        let log = Log::default();
        let scope = CancelScope::new(&rt);
        let handle = scope.handle();
        let ended = AssertUnwindSafe(scope.run(async {
            let _end = NotesEnd(log.clone(), "body dropped");
            defer(&handle, &rt, &log, "cleaned");
            rt.sleep(ms(1)).await;
            panic!("boo");
        }));
        let payload = ended
            .catch_unwind()
            .await
            .map(|_: Result<(), _>| ())
            .unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"boo"));
        log.assert(&["body dropped", "cleaned"]);
    });
}

#[test]
fn a_panic_in_clean_up_does_not_keep_the_rest_from_being_done() {
    TestRuntime::run(|rt| async move {
        let log = Log::default();
        let scope = CancelScope::new(&rt);
        let handle = scope.handle();
        let ended = AssertUnwindSafe(scope.run(async {
            defer(&handle, &rt, &log, "the rest");
            handle.defer(async { panic!("in clean-up") }).unwrap();
        }));
        let payload = ended.catch_unwind().await.unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"in clean-up"));
        log.assert(&["the rest"]);
    });
}

#[test]
fn clean_up_may_add_clean_up_and_is_too_late_afterwards() {
    TestRuntime::run(|rt| async move {
        let log = Log::default();
        let scope = CancelScope::new(&rt);
        let handle = scope.handle();
        let (inside, clock, shared) = (handle.clone(), rt.clone(), log.clone());
        let ended = scope.run(async {
            let deferred = handle.defer(async move {
                defer(&inside, &clock, &shared, "added");
                shared.note("adds");
            });
            deferred.unwrap();
        });
        ended.await.unwrap();
        log.assert(&["adds", "added"]);
        let late = handle.defer(async { unreachable!("too late") });
        assert_eq!(late.unwrap_err().to_string(), "the scope has ended");
    });
}

#[test]
fn clean_up_is_shielded_and_knows_that_the_scope_ends() {
    TestRuntime::run(|rt| async move {
        let log = Log::default();
        let started = rt.now();
        let ended = fail_after(&rt, ms(5), async {
            let scope = CancelScope::new(&rt);
            let handle = scope.handle();
            let shared = log.clone();
            scope
                .run(async {
                    defer(&handle, &rt, &log, "slow");
                    let deferred = handle.defer(async move {
                        assert!(is_closing());
                        shared.note("told");
                    });
                    deferred.unwrap();
                    pending::<()>().await;
                })
                .await
        });
        assert!(ended.await.is_err());
        log.assert(&["told", "slow"]);
        assert_eq!(rt.now() - started, ms(8));
    });
}

#[test]
fn grace_limits_all_clean_up_together_even_once_it_has_begun() {
    TestRuntime::run_seeds(8, |rt| async move {
        for late in [false, true] {
            let (started, log) = (rt.now(), Log::default());
            let scope = CancelScope::new(&rt);
            let handle = scope.handle();
            let clock = rt.clone();
            let stopper = handle.clone();
            let other = rt.spawn(async move {
                clock.sleep(ms(1)).await;
                stopper.cancel();
                clock.sleep(if late { ms(4) } else { ms(0) }).await;
                stopper.cancel_with_grace(ms(1));
            });
            let ended = scope.run(async {
                defer(&handle, &rt, &log, "third");
                defer(&handle, &rt, &log, "second");
                defer(&handle, &rt, &log, "first");
                pending::<()>().await;
            });
            assert!(ended.await.is_err());
            other.await.unwrap();
            if late {
                log.assert(&["first"]);
                assert_eq!(rt.now() - started, ms(6));
            } else {
                log.assert(&[]);
                assert_eq!(rt.now() - started, ms(2));
            }
        }
    });
}

#[test]
fn who_drops_the_scope_drops_its_clean_up() {
    TestRuntime::run(|rt| async move {
        let log = Log::default();
        let scope = CancelScope::new(&rt);
        let handle = scope.handle();
        let end = NotesEnd(log.clone(), "clean-up dropped");
        let deferred = async move {
            let _end = end;
            unreachable!("nothing can run it");
        };
        handle.defer(deferred).unwrap();
        drop(scope.run(pending::<()>()));
        log.assert(&["clean-up dropped"]);
        assert!(handle.defer(async {}).is_err());
    });
}
