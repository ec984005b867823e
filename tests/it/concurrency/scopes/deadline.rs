use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fascine::concurrency::{TaskGroup, effective_deadline, fail_after, fail_at};
use fascine::http::Net;
use fascine::rt::{BoxFuture, Rt, Runtime};
use fascine_testing::{TestRuntime, drop_after_every_poll};

use crate::concurrency::probe::Probe;
use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    what_takes_too_long_fails_and_what_does_not_succeeds,
}

async fn what_takes_too_long_fails_and_what_does_not_succeeds(rt: Rt, _: Arc<dyn Net>) {
    assert!(fail_after(&rt, ms(5), rt.sleep(ms(60_000))).await.is_err());
    assert!(fail_after(&rt, ms(60_000), rt.sleep(ms(5))).await.is_ok());
    assert!(
        fail_after(&rt, Duration::MAX, rt.sleep(ms(5)))
            .await
            .is_ok()
    );
}

#[test]
fn zero_and_past_deadlines_fail_what_waits_and_spare_what_is_ready() {
    TestRuntime::run(|rt| async move {
        let past = rt.now();
        rt.sleep(ms(10)).await;
        assert!(
            fail_after(&rt, Duration::ZERO, pending::<()>())
                .await
                .is_err()
        );
        assert!(fail_at(&rt, past, pending::<()>()).await.is_err());
        assert_eq!(fail_after(&rt, Duration::ZERO, async { 1 }).await, Ok(1));
        assert_eq!(fail_at(&rt, past, async { 2 }).await, Ok(2));
    });
}

#[test]
fn the_future_is_gone_when_the_failure_is_seen() {
    TestRuntime::run(|rt| async move {
        let probe = Probe::default();
        let waits = probe.watch(pending::<()>());
        assert!(fail_after(&rt, ms(1), waits).await.is_err());
        assert_eq!(probe.alive.get(), 0);
    });
}

#[test]
fn the_nearer_deadline_wins_and_only_its_own_scope_reports_it() {
    TestRuntime::run(|rt| async move {
        let started = rt.now();
        let inner = fail_after(&rt, ms(50), pending::<()>());
        assert!(fail_after(&rt, ms(20), inner).await.is_err());
        assert_eq!(rt.now() - started, ms(20));

        let inner = fail_after(&rt, ms(20), pending::<()>());
        assert!(fail_after(&rt, ms(50), inner).await.unwrap().is_err());
        assert_eq!(rt.now() - started, ms(40));
    });
}

#[test]
fn the_deadline_is_ambient_and_gone_afterwards() {
    TestRuntime::run(|rt| async move {
        let now = rt.now();
        assert_eq!(effective_deadline(), None);
        let seen = fail_after(&rt, ms(50), async {
            let inner = fail_after(&rt, ms(80), async { effective_deadline() });
            (effective_deadline(), inner.await.unwrap())
        });
        assert_eq!(
            seen.await.unwrap(),
            (Some(now + ms(50)), Some(now + ms(50)))
        );
        assert_eq!(effective_deadline(), None);
    });
}

#[test]
fn a_panic_restores_the_ambient_deadline() {
    TestRuntime::run(|rt| async move {
        let mut panics = pin!(fail_after(&rt, ms(50), async { panic!("boo") }));
        let mut cx = Context::from_waker(Waker::noop());
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _: Poll<Result<(), _>> = panics.as_mut().poll(&mut cx);
        }));
        assert!(caught.is_err());
        assert_eq!(effective_deadline(), None);
    });
}

#[test]
fn a_group_hands_the_deadline_to_its_children() {
    TestRuntime::run(|rt| async move {
        let now = rt.now();
        let group = async {
            let group = TaskGroup::new(&rt);
            group.spawn(async { Ok::<_, ()>(effective_deadline()) });
            group.join().await.unwrap()
        };
        assert_eq!(
            fail_after(&rt, ms(9), group).await.unwrap(),
            [Some(now + ms(9))]
        );
        let plain = fail_after(&rt, ms(9), rt.spawn(async { effective_deadline() }));
        assert_eq!(plain.await.unwrap().unwrap(), None);
    });
}

/// A runtime that counts its timers.
#[derive(Debug)]
struct Counting(Rt, Arc<std::sync::atomic::AtomicUsize>);

impl Runtime for Counting {
    fn spawn(&self, future: BoxFuture<()>) {
        self.0.spawn(future).detach();
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> BoxFuture<()> {
        self.1.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Box::pin(self.0.sleep_until(deadline))
    }

    fn now(&self) -> std::time::Instant {
        self.0.now()
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        self.0.unblock(work).detach();
    }
}

#[test]
fn a_hundred_nested_deadlines_arm_one_timer_and_a_ready_future_none() {
    TestRuntime::run(|rt| async move {
        let timers = Arc::default();
        let rt = Rt::new(Counting(rt, Arc::clone(&timers)));
        fail_after(&rt, ms(1), async {}).await.unwrap();
        assert_eq!(timers.load(std::sync::atomic::Ordering::SeqCst), 0);
        let mut nested: BoxFuture<()> = Box::pin(pending());
        for nth in 0..100 {
            let (inner, rt) = (nested, rt.clone());
            nested = Box::pin(async move {
                let _ = fail_after(&rt, ms(1000 - nth), inner).await;
            });
        }
        assert!(fail_after(&rt, ms(5), nested).await.is_err());
        assert_eq!(timers.load(std::sync::atomic::Ordering::SeqCst), 1);
    });
}

#[test]
fn dropping_it_at_any_poll_drops_the_future() {
    drop_after_every_poll(|rt, cut| async move {
        let probe = Probe::default();
        let work = probe.watch(rt.sleep(ms(5)));
        cut.apply(fail_after(&rt, ms(3), work)).await;
        assert_eq!(probe.alive.get(), 0);
    });
}
