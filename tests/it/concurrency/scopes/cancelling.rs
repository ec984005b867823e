use std::future::pending;
use std::sync::Arc;

use fascine::concurrency::{
    CancelReason, CancelScope, Cancelled, checkpoint, fail_after, move_on_after,
};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::TestRuntime;

use super::{Log, NotesEnd};
use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_handle_cancels_from_another_task,
    cancelling_from_further_out_passes_through,
    a_busy_loop_with_checkpoints_can_be_ended,
}

async fn a_handle_cancels_from_another_task(rt: Rt, _: Arc<dyn Net>) {
    let scope = CancelScope::new(&rt);
    let handle = scope.handle();
    let clock = rt.clone();
    let other = rt.spawn(async move {
        clock.sleep(ms(2)).await;
        handle.cancel_because("enough");
        handle
    });
    let cancelled = scope.run(pending::<()>()).await.unwrap_err();
    assert_eq!(cancelled.reason().message(), Some("enough"));
    assert_eq!(cancelled.to_string(), "the scope was cancelled: enough");
    let handle = other.await.unwrap();
    assert!(handle.cancel_called() && handle.cancelled_caught());
}

async fn cancelling_from_further_out_passes_through(rt: Rt, _: Arc<dyn Net>) {
    let (outer, inner) = (CancelScope::new(&rt), CancelScope::new(&rt));
    let (outer_handle, inner_handle) = (outer.handle(), inner.handle());
    let (handle, clock) = (outer.handle(), rt.clone());
    let other = rt.spawn(async move {
        clock.sleep(ms(2)).await;
        handle.cancel();
    });
    let ended = outer.run(async {
        let inner = inner.run(pending::<()>()).await;
        unreachable!("the inner scope reported {inner:?} as its own");
    });
    let ended: Result<(), Cancelled> = ended.await;
    assert_eq!(ended.unwrap_err().reason(), &CancelReason::Requested(None));
    assert!(outer_handle.cancelled_caught());
    assert!(!inner_handle.cancel_called() && !inner_handle.cancelled_caught());
    other.await.unwrap();
}

async fn a_busy_loop_with_checkpoints_can_be_ended(rt: Rt, _: Arc<dyn Net>) {
    let busy = async {
        loop {
            checkpoint().await;
        }
    };
    let ended: Option<()> = move_on_after(&rt, std::time::Duration::ZERO, busy).await;
    assert_eq!(ended, None);
}

#[test]
fn a_body_that_does_not_wait_any_more_returns_its_value() {
    TestRuntime::run(|rt| async move {
        let scope = CancelScope::new(&rt);
        let (handle, inside) = (scope.handle(), scope.handle());
        let value = scope.run(async move {
            inside.cancel();
            5
        });
        assert_eq!(value.await.unwrap(), 5);
        assert!(handle.cancel_called());
        assert!(!handle.cancelled_caught());
    });
}

#[test]
fn a_body_that_cancels_its_scope_is_cut_at_its_next_wait() {
    TestRuntime::run(|rt| async move {
        let log = Log::default();
        let scope = CancelScope::new(&rt);
        let (handle, shared) = (scope.handle(), log.clone());
        let ended = scope.run(async {
            let _end = NotesEnd(shared.clone(), "dropped");
            handle.cancel();
            shared.note("goes on");
            rt.sleep(ms(1)).await;
            shared.note("never");
        });
        let started = rt.now();
        assert!(ended.await.is_err());
        assert_eq!(rt.now(), started, "it waited");
        log.assert(&["goes on", "dropped"]);
    });
}

#[test]
fn a_scope_that_was_cancelled_before_does_not_begin() {
    TestRuntime::run(|rt| async move {
        let scope = CancelScope::new(&rt);
        scope.handle().cancel_because("early");
        let body = async {
            if true {
                unreachable!("it began")
            }
        };
        let cancelled = scope.run(body).await.unwrap_err();
        assert_eq!(cancelled.reason().message(), Some("early"));
    });
}

#[test]
fn the_first_reason_stays() {
    TestRuntime::run(|rt| async move {
        let scope = CancelScope::new(&rt).with_timeout(ms(5));
        let handle = scope.handle();
        handle.cancel_because("first");
        handle.cancel_because("second");
        handle.cancel();
        rt.sleep(ms(9)).await;
        let cancelled = scope.run(pending::<()>()).await.unwrap_err();
        assert_eq!(cancelled.reason().message(), Some("first"));
        assert_eq!(handle.reason(), Some(cancelled.reason().clone()));
        handle.cancel(); // Of a scope that has ended: nothing.
    });
}

#[test]
fn an_inner_scope_that_is_cancelled_ends_alone() {
    TestRuntime::run(|rt| async move {
        let (outer, inner) = (CancelScope::new(&rt), CancelScope::new(&rt));
        let (outer_handle, inner_handle) = (outer.handle(), inner.handle());
        let ended = outer.run(async {
            inner_handle.cancel();
            assert!(inner.run(pending::<()>()).await.is_err());
            rt.sleep(ms(3)).await;
            "went on"
        });
        assert_eq!(ended.await.unwrap(), "went on");
        assert!(!outer_handle.cancel_called());
    });
}

#[test]
fn cancelling_drops_what_is_inside_once_and_in_order() {
    TestRuntime::run(|rt| async move {
        let log = Log::default();
        let inner = async {
            let _first = NotesEnd(log.clone(), "first");
            let _second = NotesEnd(log.clone(), "second");
            pending::<()>().await;
        };
        assert!(fail_after(&rt, ms(1), inner).await.is_err());
        log.note("after");
        log.assert(&["second", "first", "after"]);
    });
}

#[test]
fn a_deadline_that_passes_counts_as_a_call() {
    TestRuntime::run(|rt| async move {
        let scope = CancelScope::new(&rt).with_timeout(ms(5));
        let handle = scope.handle();
        let cancelled = scope.run(pending::<()>()).await.unwrap_err();
        assert_eq!(cancelled.reason(), &CancelReason::Deadline);
        assert_eq!(handle.reason(), Some(CancelReason::Deadline));
        assert!(handle.cancelled_caught());
    });
}

#[test]
fn what_is_ready_when_the_time_runs_out_has_ended_in_time() {
    TestRuntime::run_seeds(64, |rt| async move {
        assert!(fail_after(&rt, ms(5), rt.sleep(ms(5))).await.is_ok());
        let scope = CancelScope::new(&rt).with_timeout(ms(5));
        assert!(scope.run(rt.sleep(ms(5))).await.is_ok());
    });
}

#[test]
fn who_cancels_a_hundred_nested_scopes_ends_them_all() {
    TestRuntime::run(|rt| async move {
        let log = Log::default();
        let outer = CancelScope::new(&rt);
        let handle = outer.handle();
        let mut nested: fascine::rt::BoxFuture<()> = Box::pin({
            let log = log.clone();
            async move {
                let _end = NotesEnd(log, "innermost");
                pending().await
            }
        });
        for _ in 0..100 {
            let scope = CancelScope::new(&rt);
            nested = Box::pin(async move {
                let _ = scope.run(nested).await;
            });
        }
        let clock = rt.clone();
        let canceller = rt.spawn(async move {
            clock.sleep(ms(1)).await;
            handle.cancel();
        });
        assert!(outer.run(nested).await.is_err());
        log.assert(&["innermost"]);
        canceller.await.unwrap();
    });
}
