use std::cell::Cell;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use fascine::concurrency::fail_after;
use fascine::http::Net;
use fascine::resilience::{Backoff, GaveUp, Jitter, Retry, Verdict};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};

use crate::runtimes::on_every_runtime;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Five attempts, 100 ms, 200 ms, 400 ms, 800 ms apart.
fn doubling(rt: &Rt) -> Retry {
    let backoff = Backoff::exponential(ms(100)).with_jitter(Jitter::None);
    Retry::new(rt)
        .with_attempts(NonZeroU32::new(5).unwrap())
        .with_backoff(backoff)
}

on_every_runtime! {
    a_call_is_repeated_until_it_succeeds,
}

async fn a_call_is_repeated_until_it_succeeds(rt: Rt, _: Arc<dyn Net>) {
    let retry = Retry::new(&rt).with_backoff(Backoff::constant(ms(1)));
    let calls = Cell::new(0);
    let call = |attempt| {
        calls.set(calls.get() + 1);
        async move {
            if attempt < 3 {
                Err(attempt)
            } else {
                Ok("done")
            }
        }
    };
    let answer = retry.run(call, |_| Verdict::Retry).await.unwrap();
    assert_eq!((answer.value, answer.attempts, calls.get()), ("done", 3, 3));
}

#[test]
fn the_waits_are_the_backoffs_and_the_error_says_what_happened() {
    TestRuntime::run(|rt| async move {
        let started = rt.now();
        let error = doubling(&rt)
            .run(
                |attempt| async move { Err::<(), _>(attempt) },
                |_| Verdict::Retry,
            )
            .await
            .unwrap_err();
        assert_eq!(
            (error.error, error.attempts, error.reason),
            (5, 5, GaveUp::Attempts)
        );
        assert_eq!(error.elapsed, ms(1500));
        assert_eq!(rt.now() - started, ms(1500));
        assert_eq!(
            error.to_string(),
            "gave up after 5 attempts: no attempts are left"
        );
    });
}

#[test]
fn an_error_that_says_stop_is_not_repeated() {
    TestRuntime::run(|rt| async move {
        let retry = doubling(&rt);
        let run = retry.run(|_| async { Err::<(), _>("no") }, |_| Verdict::Stop);
        let error = run.await.unwrap_err();
        assert_eq!(
            (error.attempts, error.reason, error.elapsed),
            (1, GaveUp::Stopped, ms(0))
        );
    });
}

#[test]
fn the_other_sides_wish_is_honoured_up_to_a_point() {
    TestRuntime::run(|rt| async move {
        let started = rt.now();
        let call = |attempt| async move { if attempt < 2 { Err(()) } else { Ok(()) } };
        doubling(&rt)
            .run(call, |()| Verdict::RetryAfter(ms(7000)))
            .await
            .unwrap();
        assert_eq!(rt.now() - started, ms(7000));

        let retry = doubling(&rt).with_max_retry_after(ms(6999));
        let error = retry
            .run(call, |()| Verdict::RetryAfter(ms(7000)))
            .await
            .unwrap_err();
        assert_eq!(error.reason, GaveUp::RetryAfterTooLong { asked: ms(7000) });
        assert_eq!(rt.now() - started, ms(7000));

        let retry = doubling(&rt)
            .with_max_retry_after(Duration::MAX)
            .with_max_elapsed(ms(1));
        assert_eq!(
            retry
                .run(call, |()| Verdict::RetryAfter(Duration::MAX))
                .await
                .unwrap_err()
                .reason,
            GaveUp::Elapsed
        );
    });
}

#[test]
fn no_wait_begins_that_cannot_end_before_the_deadline() {
    TestRuntime::run(|rt| async move {
        let started = rt.now();
        let retry = doubling(&rt);
        let run = retry.run(|_| async { Err::<(), _>(()) }, |()| Verdict::Retry);
        // 100 + 200 ms fit, 400 more do not.
        let error = fail_after(&rt, ms(699), run).await.unwrap().unwrap_err();
        assert_eq!((error.attempts, error.reason), (3, GaveUp::Deadline));
        assert_eq!(rt.now() - started, ms(300));

        let retry = doubling(&rt).with_max_elapsed(ms(299));
        let error = retry
            .run(|_| async { Err::<(), _>(()) }, |()| Verdict::Retry)
            .await;
        assert_eq!(error.unwrap_err().reason, GaveUp::Elapsed);
        assert_eq!(rt.now() - started, ms(400));
    });
}

#[test]
fn calls_that_fail_together_do_not_come_back_together() {
    TestRuntime::run(|rt| async move {
        let retry = Retry::new(&rt).with_backoff(Backoff::exponential(ms(1000)).with_seed(5));
        let mut ends = std::collections::HashSet::new();
        for _ in 0..20 {
            let started = rt.now();
            let _ = retry
                .run(|_| async { Err::<(), _>(()) }, |()| Verdict::Retry)
                .await;
            ends.insert(rt.now() - started);
        }
        assert_eq!(ends.len(), 20);
    });
}

#[test]
fn dropping_it_at_any_poll_makes_no_further_call() {
    drop_after_every_poll(|rt, cut| async move {
        let calls = Cell::new(0);
        let retry = doubling(&rt);
        let call = |_| {
            calls.set(calls.get() + 1);
            let rt = &rt;
            async move {
                rt.sleep(ms(5)).await;
                Err::<(), _>(())
            }
        };
        cut.apply(retry.run(call, |()| Verdict::Retry)).await;
        let made = calls.get();
        rt.sleep(ms(10_000)).await;
        assert_eq!(calls.get(), made);
    });
}
