use std::cell::Cell;
use std::future::pending;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fascine::concurrency::{CancelScope, fail_after, join};
use fascine::http::Net;
use fascine::resilience::{
    Backoff, BeforeRetry, GaveUp, Retry, RetryBudget, Retryable, TimedOut, Verdict,
};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::{or, poll_once, yield_now};
use proptest::prelude::*;

use super::retries::doubling;
use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_call_is_repeated_until_it_succeeds,
    an_attempt_that_hangs_is_given_up_and_the_next_one_answers,
}

async fn an_attempt_that_hangs_is_given_up_and_the_next_one_answers(rt: Rt, _: Arc<dyn Net>) {
    let calls = Cell::new(0);
    let fetch = || {
        calls.set(calls.get() + 1);
        let hangs = calls.get() == 1;
        async move {
            if hangs {
                pending::<()>().await;
            }
            Ok::<_, TimedOut>("page")
        }
    };
    let policy = Retry::new(&rt).with_backoff(Backoff::constant(ms(1)));
    let page = fetch.within(&rt, ms(20)).retry(policy).await;
    assert_eq!((page, calls.get()), (Ok("page"), 2));
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
fn a_wish_to_be_left_alone_for_ever_overflows_nothing() {
    TestRuntime::run(|rt| async move {
        let retry = doubling(&rt).with_max_retry_after(Duration::MAX);
        for wish in [
            Verdict::RetryAfter(Duration::MAX),
            Verdict::Rejected(Duration::MAX),
        ] {
            let failing = || retry.run(|_| async { Err::<(), _>(()) }, |()| wish);
            // It waits until it is dropped.
            let year = Duration::from_secs(365 * 24 * 60 * 60);
            let waits = or(async { failing().await.is_err() }, async {
                rt.sleep(year).await;
                false
            });
            assert!(!waits.await);
            let error = fail_after(&rt, ms(1), failing())
                .await
                .unwrap()
                .unwrap_err();
            assert_eq!((error.attempts, error.reason), (1, GaveUp::Deadline));
        }
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

#[test]
fn a_deadline_that_moves_is_read_when_it_is_needed() {
    TestRuntime::run(|rt| async move {
        let scope = CancelScope::new(&rt);
        let handle = scope.handle();
        handle.set_deadline(rt.now() + ms(150));
        let calls = Cell::new(0);
        let call = |attempt| {
            calls.set(attempt);
            if attempt == 2 {
                // lionagi reads the deadline once, at the beginning.
                handle.set_deadline(rt.now() + ms(10_000));
            }
            async { Err::<(), _>(()) }
        };
        let policy = doubling(&rt);
        let ended = scope
            .run(policy.run(call, |()| Verdict::Retry))
            .await
            .unwrap();
        assert_eq!(
            (ended.unwrap_err().reason, calls.get()),
            (GaveUp::Attempts, 5)
        );
    });
}

#[test]
fn a_cancelled_call_is_never_repeated() {
    TestRuntime::run(|rt| async move {
        let calls = Cell::new(0);
        let call = |attempt| {
            calls.set(attempt);
            async {
                rt.sleep(ms(5)).await;
                Err::<(), _>(())
            }
        };
        let scope = CancelScope::new(&rt);
        let handle = scope.handle();
        let policy = doubling(&rt);
        let cancelling = async {
            rt.sleep(ms(50)).await;
            handle.cancel();
        };
        let (ended, ()) =
            join((scope.run(policy.run(call, |()| Verdict::Retry)), cancelling)).await;
        assert!(ended.is_err());
        rt.sleep(ms(60_000)).await;
        assert_eq!(calls.get(), 1);
    });
}

#[test]
fn a_call_that_fails_at_once_without_delay_lets_others_run() {
    TestRuntime::run(|rt| async move {
        let retry = Retry::new(&rt)
            .with_attempts(NonZeroU32::MAX)
            .with_backoff(Backoff::constant(ms(0)));
        let calls = Cell::new(0);
        let endless = retry.run(
            |attempt| {
                calls.set(attempt);
                async { Err::<(), _>(()) }
            },
            |()| Verdict::Retry,
        );
        let other = async {
            for _ in 0..100 {
                yield_now().await
            }
        };
        assert!(
            or(
                async {
                    let _ = endless.await;
                    false
                },
                async {
                    other.await;
                    true
                }
            )
            .await
        );
        assert!((50..=200).contains(&calls.get()), "{}", calls.get());
    });
}

#[test]
fn a_budget_keeps_retries_to_a_share_of_the_calls_in_an_outage() {
    TestRuntime::run(|rt| async move {
        let budget = RetryBudget::new(0.1, 0).unwrap();
        let retries = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&retries);
        let policy = doubling(&rt)
            .with_budget(budget.clone())
            .with_hook(move |_| {
                counted.fetch_add(1, Relaxed);
            });
        // Two users of the same service share it.
        let other = doubling(&rt).with_budget(budget);
        for _ in 0..500 {
            for policy in [&policy, &other] {
                let _ = policy
                    .run(|_| async { Err::<(), _>(()) }, |()| Verdict::Retry)
                    .await;
            }
        }
        assert!(retries.load(Relaxed) <= 100, "{retries:?}");
        let error = policy
            .run(|_| async { Err::<(), _>(()) }, |()| Verdict::Retry)
            .await
            .unwrap_err();
        assert_eq!((error.reason, error.attempts), (GaveUp::Budget, 1));
        // What we held back ourselves costs nothing.
        let error = policy
            .run(
                |_| async { Err::<(), _>(()) },
                |()| Verdict::Rejected(ms(1)),
            )
            .await
            .unwrap_err();
        assert_eq!((error.reason, error.attempts), (GaveUp::Attempts, 5));
    });
}

#[test]
fn the_floor_of_a_budget_allows_so_many_a_second_and_does_not_pile_up() {
    TestRuntime::run(|rt| async move {
        let policy = Retry::new(&rt)
            .with_attempts(NonZeroU32::new(1000).unwrap())
            .with_backoff(Backoff::constant(ms(0)))
            .with_budget(RetryBudget::new(0.0, 3).unwrap());
        for wait in [0, 1000, 60_000] {
            rt.sleep(ms(wait)).await;
            let error = policy
                .run(|_| async { Err::<(), _>(()) }, |()| Verdict::Retry)
                .await
                .unwrap_err();
            assert_eq!((error.attempts, error.reason), (4, GaveUp::Budget));
        }
        for ratio in [-0.1, f64::NAN, f64::INFINITY] {
            assert_eq!(RetryBudget::new(ratio, 1).unwrap_err().field, "ratio");
        }
    });
}

#[test]
fn only_one_layer_retries_if_the_inner_one_refuses_to_be_the_second() {
    TestRuntime::run(|rt| async move {
        let calls = Cell::new(0);
        let (outer, inner) = (doubling(&rt), doubling(&rt).refusing_nested());
        let call = || {
            calls.set(calls.get() + 1);
            async { Err::<(), _>("down") }
        };
        let nested = || async { call.retry(&inner).await.map_err(|error| error.reason) };
        let error = nested.retry(&outer).await.unwrap_err();
        assert_eq!((error.error, calls.get()), (GaveUp::Nested, 5));
        // On its own it retries, also after it was inside another.
        assert_eq!(call.retry(&inner).await.unwrap_err().attempts, 5);
    });
}

#[test]
fn hooks_come_before_each_wait_and_only_then() {
    TestRuntime::run(|rt| async move {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let policy = doubling(&rt).with_hook(move |before: &BeforeRetry| {
            log.lock()
                .unwrap()
                .push((before.attempts, before.delay, before.elapsed));
        });
        let _ = policy
            .run(|_| async { Err::<(), _>(()) }, |()| Verdict::Retry)
            .await;
        let expected = [
            (1, ms(100), ms(0)),
            (2, ms(200), ms(100)),
            (3, ms(400), ms(300)),
            (4, ms(800), ms(700)),
        ];
        assert_eq!(*seen.lock().unwrap(), expected);
    });
}

/// backon's total delay counts the waits alone.
#[test]
fn the_time_that_attempts_take_counts_too() {
    TestRuntime::run(|rt| async move {
        let retry = doubling(&rt).with_max_elapsed(ms(1000));
        let call = |_| async {
            rt.sleep(ms(400)).await;
            Err::<(), _>(())
        };
        let error = retry.run(call, |()| Verdict::Retry).await.unwrap_err();
        // 400 + 100 + 400 ms have passed, and 200 more would be too many.
        assert_eq!((error.attempts, error.reason), (2, GaveUp::Elapsed));
        assert_eq!(error.elapsed, ms(900));
    });
}

/// throttle-net TN2-008: a client that believed it would come back in 31 years.
#[test]
fn nobody_is_parked_for_years_by_a_header() {
    TestRuntime::run(|rt| async move {
        let asked = Duration::from_secs(999_999_999);
        let retry = Retry::new(&rt);
        let run = retry.run(
            |_| async { Err::<(), _>(()) },
            |()| Verdict::RetryAfter(asked),
        );
        let error = run.await.unwrap_err();
        assert_eq!((error.attempts, error.elapsed), (1, ms(0)));
        assert_eq!(error.reason, GaveUp::RetryAfterTooLong { asked });
    });
}

#[test]
fn polls_for_nothing_call_nothing() {
    TestRuntime::run(|rt| async move {
        let calls = Cell::new(0);
        let policy = doubling(&rt);
        let call = |attempt| {
            calls.set(attempt);
            async {
                rt.sleep(ms(5)).await;
                Err::<(), _>(())
            }
        };
        let mut run = pin!(policy.run(call, |()| Verdict::Retry));
        for (wait, expected) in [(0, 1), (4, 1), (1, 1), (99, 1), (1, 2), (4, 2)] {
            rt.sleep(ms(wait)).await;
            for _ in 0..5 {
                assert!(poll_once(run.as_mut()).await.is_none());
                assert_eq!(calls.get(), expected);
            }
        }
    });
}

proptest! {
    /// Whatever comes when, and however many share it.
    #[test]
    fn no_budget_is_ever_overdrawn(
        percent in 0_u32..200, floor in 0_u32..5,
        calls in prop::collection::vec((0_u64..400, 1_u32..8), 1..120),
    ) {
        TestRuntime::run(|rt| async move {
            let budget = RetryBudget::new(f64::from(percent) / 100.0, floor).unwrap();
            let (mut made, mut retries) = (0, 0);
            let started = rt.now();
            for (wait, attempts) in calls {
                rt.sleep(ms(wait)).await;
                let policy = Retry::new(&rt)
                    .with_attempts(NonZeroU32::new(attempts).unwrap())
                    .with_backoff(Backoff::constant(ms(1)))
                    .with_budget(budget.clone());
                let error = policy.run(|_| async { Err::<(), _>(()) }, |()| Verdict::Retry).await.unwrap_err();
                made += 1;
                retries += error.attempts - 1;
                let seconds = (rt.now() - started).as_secs_f64() + 1.0;
                let allowed = f64::from(made * percent) / 100.0 + f64::from(floor) * seconds;
                assert!(f64::from(retries) <= allowed + 1e-6, "{retries} of {allowed}");
            }
        });
    }
}
