//! The ways to say that something is retried, and what they cost.

use std::cell::Cell;
use std::pin::pin;
use std::time::{Duration, Instant};

use fascine::concurrency::fail_after;
use fascine::resilience::{
    GaveUp, Jitter, Retry, RetrySettings, Retryable, TimedOut, Verdict, retry_with_backoff,
    with_retry,
};
use fascine::rt::{BoxFuture, Rt, Runtime};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::block_on;

use super::retries::doubling;
use crate::durations::ms;

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
    impl From<TimedOut> for Slow {
        fn from(error: TimedOut) -> Self {
            Self(error.after())
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

impl From<TimedOut> for Slow {
    fn from(_: TimedOut) -> Self {
        Self
    }
}
