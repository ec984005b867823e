//! Where the scope of some code is, and is not.

use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use fascine::concurrency::{CancelScope, block_on, effective_deadline, fail_after, shield};
use fascine_testing::TestRuntime;

use crate::durations::ms;

#[test]
fn the_scope_follows_its_future_across_threads() {
    TestRuntime::run(|rt| async move {
        let deadline = rt.now() + ms(50);
        let mut turns = 0;
        let body = poll_fn(move |_| {
            assert_eq!(effective_deadline(), Some(deadline));
            turns += 1;
            if turns == 2 {
                Poll::Ready("both")
            } else {
                Poll::Pending
            }
        });
        let scope = CancelScope::new(&rt).with_deadline(deadline);
        let mut run = Box::pin(scope.run(body));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(run.as_mut().poll(&mut cx).is_pending());
        assert_eq!(effective_deadline(), None);
        let elsewhere = std::thread::spawn(move || {
            let polled = run.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            (polled, effective_deadline())
        });
        let (polled, left) = elsewhere.join().unwrap();
        assert!(matches!(polled, Poll::Ready(Ok("both"))));
        assert_eq!(left, None);
    });
}

#[test]
fn a_panic_restores_the_scope_around() {
    TestRuntime::run(|rt| async move {
        let deadline = rt.now() + ms(50);
        let outer = fail_after(&rt, ms(50), async {
            let mut panics = pin!(fail_after(&rt, ms(5), async { panic!("boo") }));
            let mut cx = Context::from_waker(Waker::noop());
            let caught = catch_unwind(AssertUnwindSafe(|| {
                let _: Poll<Result<(), _>> = panics.as_mut().poll(&mut cx);
            }));
            assert!(caught.is_err());
            effective_deadline()
        });
        assert_eq!(outer.await.unwrap(), Some(deadline));
    });
}

#[test]
fn destructors_see_the_scope_they_are_dropped_in() {
    struct Looks(std::sync::mpsc::Sender<Option<std::time::Instant>>);
    impl Drop for Looks {
        fn drop(&mut self) {
            self.0.send(effective_deadline()).unwrap();
        }
    }
    TestRuntime::run(|rt| async move {
        let (sender, seen) = std::sync::mpsc::channel();
        let deadline = rt.now() + ms(5);
        let looks = Looks(sender);
        let ended = fail_after(&rt, ms(5), async move {
            let _looks = looks;
            pending::<()>().await;
        });
        assert!(ended.await.is_err());
        assert_eq!(seen.recv().unwrap(), Some(deadline));
    });
}

#[test]
fn plain_spawns_threads_and_blocking_work_are_outside() {
    TestRuntime::run(|rt| async move {
        let ended = fail_after(&rt, ms(50), async {
            let task = rt.spawn(async { effective_deadline() }).await.unwrap();
            let blocking = rt.unblock(effective_deadline).await.unwrap();
            let thread = std::thread::spawn(effective_deadline).join().unwrap();
            [task, blocking, thread]
        });
        assert_eq!(ended.await.unwrap(), [None; 3]);
    });
}

#[test]
fn the_way_in_for_programs_that_are_not_async() {
    assert_eq!(block_on(shield(async { 3 })), 3);
    let nested = catch_unwind(|| block_on(async { block_on(async {}) }));
    let message = nested.unwrap_err();
    let message = message.downcast_ref::<&str>().unwrap();
    assert!(
        message.contains("block_on was called from async code"),
        "{message}"
    );
}

#[test]
fn scopes_can_be_sent_and_handles_shared() {
    fn send<T: Send>(_: &T) {}
    fn share<T: Send + Sync>(_: &T) {}
    TestRuntime::run(|rt| async move {
        let scope = CancelScope::new(&rt);
        share(&scope.handle());
        share(&scope);
        send(&scope.run(pending::<()>()));
        send(&fail_after(&rt, ms(1), pending::<()>()));
        send(&shield(pending::<()>()));
        send(&fascine::concurrency::closing());
        send(&fascine::concurrency::checkpoint());
    });
}
