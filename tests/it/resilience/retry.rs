use std::cell::Cell;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fascine::concurrency::{CancelScope, fail_after, join};
use fascine::http::Net;
use fascine::resilience::{
    AttemptTimedOut, Backoff, BeforeRetry, GaveUp, Jitter, Retry, RetryBudget, RetrySettings,
    Retryable, Verdict, retry_with_backoff, with_retry,
};
use fascine::rt::{BoxFuture, Rt, Runtime};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::{block_on, or, yield_now};

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

#[test]
fn it_reads_as_a_sentence() {
    TestRuntime::run(|rt| async move {
        let calls = Cell::new(0);
        let told = Cell::new(0);
        let fetch = || {
            calls.set(calls.get() + 1);
            let calls = calls.get();
            async move { if calls < 3 { Err("busy") } else { Ok(calls) } }
        };
        let policy = doubling(&rt);
        let answer = fetch
            .retry(&policy)
            .when(|error| error.starts_with("busy"))
            .notify(|error, before| {
                assert_eq!(*error, "busy");
                told.set(told.get() + before.delay.as_millis());
            })
            .await;
        assert_eq!((answer, told.get()), (Ok(3), 300));

        calls.set(0);
        let error = fetch.retry(policy).when(|_| false).await.unwrap_err();
        assert_eq!((error.attempts, error.reason), (1, GaveUp::Stopped));
    });
}

#[test]
fn a_function_becomes_one_that_is_retried() {
    TestRuntime::run(|rt| async move {
        let calls = Cell::new(0);
        let halve = async |number: u32| {
            calls.set(calls.get() + 1);
            if calls.get() % 2 == 1 {
                Err("busy")
            } else {
                Ok(number / 2)
            }
        };
        let halve = with_retry(doubling(&rt), halve).when(|error| *error == "busy");
        assert_eq!((halve.call(8).await, halve.call(6).await), (Ok(4), Ok(3)));
        assert_eq!(calls.get(), 4);
    });
}

#[test]
fn every_bad_setting_is_refused_by_its_name() {
    TestRuntime::run(|rt| async move {
        let good = RetrySettings::<()>::default();
        let field = |settings: RetrySettings<()>| settings.policy(&rt).map_err(|error| error.field);
        for factor in [0.99, 0.0, -2.0, f64::NAN, f64::INFINITY] {
            let bad = RetrySettings {
                backoff_factor: factor,
                ..good
            };
            assert_eq!(field(bad).unwrap_err(), "backoff_factor");
        }
        let bad = RetrySettings {
            base_delay: ms(0),
            ..good
        };
        assert_eq!(field(bad).unwrap_err(), "base_delay");
        let bad = RetrySettings {
            max_retries: u32::MAX,
            ..good
        };
        assert_eq!(field(bad).unwrap_err(), "max_retries");
        assert!(
            field(RetrySettings {
                max_retries: 0,
                backoff_factor: 1.0,
                ..good
            })
            .is_ok()
        );

        let calls = Cell::new(0);
        let call = || async {
            calls.set(calls.get() + 1);
            Err::<(), _>(())
        };
        let bad = RetrySettings {
            max_retries: u32::MAX,
            ..good
        };
        let problem = retry_with_backoff(&rt, bad, call).map(|_| ()).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "`max_retries` must be less than 2³² - 1"
        );
        assert_eq!(calls.get(), 0);
    });
}

/// The sequences that lionagi's own tests assert.
#[test]
fn explicit_settings_give_the_delays_they_say_and_exclusion_comes_first() {
    TestRuntime::run(|rt| async move {
        let settings = RetrySettings {
            jitter: Jitter::None,
            ..RetrySettings::<u32>::default()
        };
        let started = rt.now();
        let failing = || async { Err::<(), _>(503) };
        let error = retry_with_backoff(&rt, settings, failing)
            .unwrap()
            .await
            .unwrap_err();
        assert_eq!(
            (error.attempts, rt.now() - started),
            (4, ms(1000 + 2000 + 4000))
        );

        let settings = RetrySettings {
            base_delay: ms(2000),
            max_delay: ms(5000),
            backoff_factor: 10.0,
            max_retries: 2,
            retry_on: |status| *status >= 400,
            exclude: |status| *status == 401,
            ..settings
        };
        let started = rt.now();
        assert_eq!(
            retry_with_backoff(&rt, settings, failing)
                .unwrap()
                .await
                .unwrap_err()
                .attempts,
            3
        );
        assert_eq!(rt.now() - started, ms(2000 + 5000));
        for status in [401, 302] {
            let failing = || async { Err::<(), _>(status) };
            let error = retry_with_backoff(&rt, settings, failing)
                .unwrap()
                .await
                .unwrap_err();
            assert_eq!(
                (error.attempts, error.reason, error.elapsed),
                (1, GaveUp::Stopped, ms(0))
            );
        }
    });
}

#[test]
fn each_attempt_has_its_own_time_and_the_deadline_is_still_above_it() {
    #[derive(Debug, PartialEq)]
    struct Slow(Duration);
    impl From<AttemptTimedOut> for Slow {
        fn from(error: AttemptTimedOut) -> Self {
            Self(error.limit)
        }
    }
    TestRuntime::run(|rt| async move {
        let started = rt.now();
        let hanging = || async {
            rt.sleep(ms(60_000)).await;
            Ok::<(), Slow>(())
        };
        let policy = doubling(&rt);
        let error = hanging
            .within(&rt, ms(50))
            .retry(&policy)
            .await
            .unwrap_err();
        assert_eq!((error.error, error.attempts), (Slow(ms(50)), 5));
        assert_eq!(rt.now() - started, ms(5 * 50 + 1500));

        let hanging = || async {
            rt.sleep(ms(60_000)).await;
            Ok::<(), Slow>(())
        };
        let retried = hanging.within(&rt, ms(50)).retry(&policy);
        // The second attempt would begin at 150 ms and is cut at 170.
        assert!(fail_after(&rt, ms(170), retried).await.is_err());
        assert_eq!(rt.now() - started, ms(1750 + 170));
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

#[test]
fn a_first_try_that_succeeds_allocates_nothing_and_reads_no_clock() {
    #[derive(Debug)]
    struct NoClock;
    impl Runtime for NoClock {
        fn spawn(&self, _: BoxFuture<()>) {
            unreachable!()
        }
        fn sleep_until(&self, _: Instant) -> BoxFuture<()> {
            unreachable!()
        }
        fn now(&self) -> Instant {
            unreachable!("the clock was read")
        }
        fn spawn_blocking(&self, _: Box<dyn FnOnce() + Send>) {
            unreachable!()
        }
    }
    let policy = Retry::new(&Rt::new(NoClock));
    // Makes the thread's own parker.
    block_on(async {});
    let count = allocation_counter::measure(|| {
        for _ in 0..10 {
            let fetch = || async { Ok::<_, ()>(1) };
            assert_eq!(block_on(fetch.retry(&policy).when(|()| true)), Ok(1));
            let answer = block_on(policy.run(|_| async { Ok::<_, ()>(1) }, |()| Verdict::Retry));
            assert_eq!(answer.unwrap().elapsed, ms(0));
        }
    });
    assert_eq!(count.count_total, 0);
}

#[test]
#[should_panic(expected = "`Retried` was polled after it had ended")]
fn polling_it_after_its_end_is_a_clear_panic() {
    TestRuntime::run(|rt| async move {
        let fetch = || async { Ok::<_, ()>(1) };
        let mut retried = pin!(fetch.retry(Retry::new(&rt)));
        assert_eq!(retried.as_mut().await, Ok(1));
        let _ = retried.await;
    });
}

#[test]
fn a_sentence_dropped_at_any_poll_makes_no_further_call() {
    drop_after_every_poll(|rt, cut| async move {
        let calls = Cell::new(0);
        let fetch = || {
            calls.set(calls.get() + 1);
            async {
                rt.sleep(ms(5)).await;
                Err::<(), Slow>(Slow)
            }
        };
        cut.apply(fetch.within(&rt, ms(3)).retry(doubling(&rt)).when(|_| true))
            .await;
        let made = calls.get();
        rt.sleep(ms(60_000)).await;
        assert_eq!(calls.get(), made);
    });
}

#[derive(Debug)]
struct Slow;

impl From<AttemptTimedOut> for Slow {
    fn from(_: AttemptTimedOut) -> Self {
        Self
    }
}
