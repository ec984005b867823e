use std::time::Duration;

use fascine::concurrency::{CancelScope, effective_deadline, fail_after, unscoped};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::poll_once;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_scope_ends_in_time_whatever_runs_unscoped_inside() {
    TestRuntime::run(|rt| async move {
        let started = rt.now();
        let work = unscoped(rt.sleep(60 * SECOND));
        assert!(fail_after(&rt, SECOND, work).await.is_err());
        assert_eq!(rt.now() - started, SECOND);
    });
}

#[test]
fn one_scope_may_begin_it_and_another_end_it() {
    TestRuntime::run(|rt| async move {
        let inner = rt.clone();
        let mut work = Box::pin(unscoped(async move {
            // A scope of its own, inside, is not one of those around.
            let slept = fail_after(&inner, 10 * SECOND, inner.sleep(5 * SECOND)).await;
            (slept.is_ok(), effective_deadline())
        }));
        let first = fail_after(&rt, SECOND, async {
            poll_once(&mut work).await;
            rt.sleep(60 * SECOND).await;
        });
        assert!(first.await.is_err());
        let second = fail_after(&rt, 60 * SECOND, &mut work).await;
        assert_eq!(second, Ok((true, None)));
    });
}

#[test]
fn a_scope_that_was_cancelled_does_not_reach_it() {
    TestRuntime::run(|rt| async move {
        let mut work = Box::pin(unscoped(rt.sleep(5 * SECOND)));
        let scope = CancelScope::new(&rt);
        let handle = scope.handle();
        let ended = scope.run(async {
            poll_once(&mut work).await;
            handle.cancel();
            rt.sleep(60 * SECOND).await;
        });
        assert!(ended.await.is_err());
        let started = rt.now();
        work.await;
        assert_eq!(rt.now() - started, 5 * SECOND);
    });
}

#[test]
fn it_is_dropped_with_its_owner() {
    drop_after_every_poll(|rt, cut| async move {
        let owned = std::rc::Rc::new(());
        let work = {
            let owned = std::rc::Rc::clone(&owned);
            unscoped(async move {
                rt.sleep(SECOND).await;
                drop(owned);
            })
        };
        cut.apply(work).await;
        assert_eq!(std::rc::Rc::strong_count(&owned), 1);
    });
}
