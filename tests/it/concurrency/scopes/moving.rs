//! Deadlines that move, and futures that move to another scope.

use std::future::pending;
use std::time::{Duration, Instant};

use fascine::concurrency::{
    CancelScope, ScopeHandle, effective_deadline, fail_after, gather, move_on_after,
};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;

use crate::durations::ms;

/// Moves the deadline of a scope at 1 ms; returns when the scope ended.
async fn ends_at(rt: &Rt, first: Duration, change: impl Fn(&ScopeHandle, Instant)) -> Duration {
    let started = rt.now();
    let scope = CancelScope::new(rt).with_timeout(first);
    let handle = scope.handle();
    let mover = async {
        rt.sleep(ms(1)).await;
        change(&handle, started);
        pending::<()>().await;
    };
    let ended = scope.run(mover).await;
    assert!(ended.is_err());
    rt.now() - started
}

#[test]
fn a_deadline_moves_earlier_and_later_while_the_scope_runs() {
    TestRuntime::run_seeds(8, |rt| async move {
        let rt = &rt;
        let later = |handle: &ScopeHandle, started| handle.set_deadline(started + ms(90));
        assert_eq!(ends_at(rt, ms(5), later).await, ms(90));
        let earlier = |handle: &ScopeHandle, started| handle.set_deadline(started + ms(3));
        assert_eq!(ends_at(rt, ms(50), earlier).await, ms(3));
        let past = |handle: &ScopeHandle, started| handle.set_deadline(started);
        assert_eq!(ends_at(rt, ms(50), past).await, ms(1));
        let first = |handle: &ScopeHandle, _| handle.set_timeout(ms(7));
        assert_eq!(ends_at(rt, Duration::MAX, first).await, ms(8));
    });
}

#[test]
fn a_deadline_can_be_removed() {
    TestRuntime::run(|rt| async move {
        let scope = CancelScope::new(&rt).with_timeout(ms(5));
        let handle = scope.handle();
        let ended = scope.run(async {
            rt.sleep(ms(1)).await;
            handle.clear_deadline();
            assert_eq!(effective_deadline(), None);
            rt.sleep(ms(60_000)).await;
            handle.set_timeout(Duration::MAX);
        });
        assert!(ended.await.is_ok());
        assert_eq!(handle.deadline(), None);
    });
}

#[test]
fn a_deadline_that_has_passed_cannot_be_moved_any_more() {
    TestRuntime::run(|rt| async move {
        let scope = CancelScope::new(&rt).with_timeout(ms(5));
        let handle = scope.handle();
        let ended = scope.run(async {
            fascine::concurrency::shield(rt.sleep(ms(9))).await;
            handle.set_timeout(ms(60_000));
            rt.sleep(ms(1)).await;
        });
        assert!(ended.await.is_err());
    });
}

/// The inner scope has no timer of its own while the outer one ends sooner, and is behind a list that polls only those
/// who were woken: it must hear of the outer one's deadline.
#[test]
fn an_inner_deadline_counts_again_when_an_outer_one_moves_past_it() {
    TestRuntime::run_seeds(16, |rt| async move {
        let started = rt.now();
        let outer = CancelScope::new(&rt).with_timeout(ms(1000));
        let handle = outer.handle();
        let ended = outer.run(async {
            let inner = async {
                let ended = fail_after(&rt, ms(5000), pending::<()>()).await;
                assert!(ended.is_err());
                Ok::<_, ()>(rt.now() - started)
            };
            let mover = async {
                rt.sleep(ms(500)).await;
                handle.set_deadline(started + ms(100_000));
                Ok(Duration::ZERO)
            };
            let both: [std::pin::Pin<Box<dyn Future<Output = _>>>; 2] =
                [Box::pin(inner), Box::pin(mover)];
            gather(both).await.unwrap()
        });
        assert_eq!(ended.await.unwrap(), [ms(5000), Duration::ZERO]);
    });
}

#[test]
fn a_future_that_leaves_its_outer_scope_has_its_own_deadline_still() {
    TestRuntime::run_seeds(8, |rt| async move {
        let started = rt.now();
        let mut inner = Box::pin(fail_after(&rt, ms(50), async {
            pending::<()>().await;
        }));
        // Its timer is not needed here, for the outer scope ends sooner.
        assert_eq!(move_on_after(&rt, ms(10), &mut inner).await, None);
        assert_eq!(rt.now() - started, ms(10));
        assert!(inner.await.is_err());
        assert_eq!(rt.now() - started, ms(50));
    });
}

#[test]
fn a_future_that_enters_a_scope_later_sees_its_deadline() {
    TestRuntime::run(|rt| async move {
        let started = rt.now();
        let mut inner = Box::pin(CancelScope::new(&rt).run(async {
            let before = effective_deadline();
            rt.sleep(ms(5)).await;
            (before, effective_deadline())
        }));
        assert!(futures_lite::future::poll_once(&mut inner).await.is_none());
        let seen = fail_after(&rt, ms(40), inner).await.unwrap().unwrap();
        assert_eq!(seen, (None, Some(started + ms(40))));
    });
}
