use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use fascine::concurrency::join;
use fascine::http::Net;
use fascine::resilience::{
    Backoff, ChangeCause, CircuitBreaker, CircuitError, CircuitOpen, CircuitState, GaveUp, Jitter,
    OnCancel, Over, Refusal, Retry, RetryBudget, Retryable, Verdict,
};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::poll_once;

use super::breakers::{fail, refused, succeed, two};
use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    it_opens_refuses_probes_and_closes,
}

async fn it_opens_refuses_probes_and_closes(rt: Rt, _: Arc<dyn Net>) {
    let builder = CircuitBreaker::builder(&rt, "test").consecutive_failures(2);
    let breaker = builder.recovery_time(ms(20)).build().unwrap();
    let mut changes = breaker.changes();
    for _ in 0..2 {
        let failing = async {
            rt.sleep(ms(1)).await;
            Err::<(), _>(())
        };
        assert!(breaker.call(|| failing).await.is_err());
    }
    let (reason, retry_after) = refused(&breaker);
    let retry_after = retry_after.unwrap();
    assert!(reason == Refusal::Open && retry_after <= ms(20));
    rt.sleep(retry_after + ms(1)).await;
    succeed(&breaker).await;
    assert_eq!(breaker.state(), CircuitState::Closed);
    for state in [
        CircuitState::Open,
        CircuitState::HalfOpen,
        CircuitState::Closed,
    ] {
        assert_eq!(changes.next().await.to, state);
    }
}

/// lionagi counts every failure since the last time it was closed, so that one an hour opens it in the end.
#[test]
fn only_failures_in_a_row_open_it() {
    TestRuntime::run(|rt| async move {
        let breaker = CircuitBreaker::new(&rt, "test");
        for _ in 0..50 {
            for _ in 0..4 {
                fail(&breaker).await
            }
            succeed(&breaker).await;
        }
        for _ in 0..4 {
            fail(&breaker).await
        }
        assert_eq!(breaker.state(), CircuitState::Closed);
        fail(&breaker).await;
        assert_eq!(refused(&breaker), (Refusal::Open, Some(ms(30_000))));
    });
}

#[test]
fn a_cancelled_call_means_what_the_settings_say() {
    TestRuntime::run(|rt| async move {
        let of = |meaning| {
            CircuitBreaker::builder(&rt, "test")
                .consecutive_failures(1)
                .on_cancel(meaning)
                .build()
                .unwrap()
        };
        let cases = [
            (OnCancel::Ignore, 10_000, CircuitState::Closed),
            (OnCancel::Failure, 0, CircuitState::Open),
            (
                OnCancel::FailureIfOlderThan(ms(100)),
                99,
                CircuitState::Closed,
            ),
            (
                OnCancel::FailureIfOlderThan(ms(100)),
                100,
                CircuitState::Open,
            ),
        ];
        for (meaning, after, state) in cases {
            let breaker = of(meaning);
            let hanging = breaker.call(pending::<Result<(), ()>>);
            let cut = async {
                let mut hanging = Box::pin(hanging);
                assert!(poll_once(&mut hanging).await.is_none());
                rt.sleep(ms(after)).await;
            };
            cut.await;
            assert_eq!(breaker.state(), state, "{meaning:?} after {after} ms");
        }
    });
}

#[test]
fn a_rate_says_nothing_before_enough_calls_and_opens_at_once_then() {
    TestRuntime::run(|rt| async move {
        let builder = CircuitBreaker::builder(&rt, "test").failure_rate(0.5);
        let breaker = builder
            .over(Over::Calls(10))
            .minimum_calls(6)
            .build()
            .unwrap();
        for _ in 0..5 {
            fail(&breaker).await
        }
        assert_eq!(breaker.state(), CircuitState::Closed);
        breaker.reset();
        // Ten successes fill the window; the fifth failure makes half of it.
        for _ in 0..100 {
            succeed(&breaker).await
        }
        for _ in 0..4 {
            fail(&breaker).await
        }
        assert_eq!(breaker.state(), CircuitState::Closed);
        fail(&breaker).await;
        assert_eq!(
            breaker.history().last().unwrap().cause,
            ChangeCause::Failures
        );
        assert_eq!(breaker.state(), CircuitState::Open);
    });
}

#[test]
fn a_window_of_time_forgets_what_is_older() {
    TestRuntime::run(|rt| async move {
        let builder = CircuitBreaker::builder(&rt, "test").failure_rate(0.6);
        let breaker = builder
            .over(Over::Time(ms(16_000)))
            .minimum_calls(3)
            .build()
            .unwrap();
        fail(&breaker).await;
        fail(&breaker).await;
        rt.sleep(ms(16_000)).await;
        // The two are gone.
        fail(&breaker).await;
        assert_eq!(breaker.state(), CircuitState::Closed);
        succeed(&breaker).await;
        rt.sleep(ms(15_000)).await;
        fail(&breaker).await;
        // Two of three, all within the sixteen seconds.
        assert_eq!(breaker.state(), CircuitState::Open);
    });
}

#[test]
fn slow_calls_open_it_and_a_slow_probe_does_not_close_it() {
    TestRuntime::run(|rt| async move {
        let builder = CircuitBreaker::builder(&rt, "test").slow_call_rate(0.5, ms(200));
        let breaker = builder
            .over(Over::Calls(4))
            .minimum_calls(4)
            .recovery_time(ms(1000))
            .build()
            .unwrap();
        let take = async |time| {
            let call = breaker.call(|| async {
                rt.sleep(ms(time)).await;
                Ok::<_, ()>(())
            });
            call.await.unwrap();
        };
        for time in [200, 199, 0] {
            take(time).await
        }
        assert_eq!(breaker.state(), CircuitState::Closed);
        take(10_000).await;
        assert_eq!(
            breaker.history().last().unwrap().cause,
            ChangeCause::SlowCalls
        );
        rt.sleep(ms(1000)).await;
        take(200).await;
        assert_eq!(
            breaker.history().last().unwrap().cause,
            ChangeCause::ProbeFailed
        );
        rt.sleep(ms(1000)).await;
        take(199).await;
        assert_eq!(breaker.state(), CircuitState::Closed);
        assert_eq!(breaker.metrics().slow, 3);
    });
}

#[test]
fn it_can_be_held_open_held_closed_and_switched_off() {
    TestRuntime::run(|rt| async move {
        let breaker = two(&rt);
        breaker.force_open();
        rt.sleep(ms(3_600_000)).await;
        assert_eq!(refused(&breaker), (Refusal::Forced, None));
        breaker.force_closed();
        for _ in 0..10 {
            fail(&breaker).await
        }
        succeed(&breaker).await;
        assert_eq!(
            (breaker.metrics().failures, breaker.metrics().successes),
            (10, 1)
        );
        breaker.disable();
        for _ in 0..10 {
            fail(&breaker).await
        }
        assert_eq!(
            (breaker.metrics().failures, breaker.state()),
            (10, CircuitState::Disabled)
        );
        breaker.reset();
        fail(&breaker).await;
        assert_eq!(breaker.state(), CircuitState::Closed);
        fail(&breaker).await;
        assert_eq!(breaker.state(), CircuitState::Open);
    });
}

#[test]
fn every_setting_that_makes_no_sense_is_refused_by_its_name() {
    TestRuntime::run(|rt| async move {
        let new = || CircuitBreaker::builder(&rt, "test");
        let over = |over| new().failure_rate(0.5).over(over);
        for (field, builder) in [
            ("consecutive_failures", new().consecutive_failures(0)),
            ("failure_rate", new().failure_rate(0.0)),
            ("failure_rate", new().failure_rate(1.01)),
            ("failure_rate", new().failure_rate(f64::NAN)),
            ("slow_call_rate", new().slow_call_rate(-1.0, ms(1))),
            ("slow_call_rate", new().slow_call_rate(0.5, ms(0))),
            ("over", over(Over::Calls(0))),
            ("over", over(Over::Calls(u32::MAX))),
            ("over", over(Over::Time(ms(0)))),
            ("over", new().over(Over::Calls(10))),
            ("minimum_calls", over(Over::Calls(10)).minimum_calls(11)),
            ("minimum_calls", new().minimum_calls(0)),
            ("recovery_time", new().recovery_time(ms(0))),
            ("recovery_growth", new().recovery_growth(0.5, ms(60_000))),
            (
                "recovery_growth",
                new().recovery_growth(f64::INFINITY, ms(60_000)),
            ),
            ("recovery_growth", new().recovery_growth(2.0, ms(1))),
            ("half_open_max_calls", new().half_open_max_calls(0)),
            ("success_threshold", new().success_threshold(0)),
            ("success_threshold", new().success_threshold(2)),
            ("half_open_max_wait", new().half_open_max_wait(ms(0))),
            ("probe_lease", new().probe_lease(ms(0))),
        ] {
            assert_eq!(builder.build().unwrap_err().field, field);
        }
    });
}

#[test]
fn a_breaker_that_recovers_in_a_time_nobody_lives_to_see_is_simply_open() {
    TestRuntime::run(|rt| async move {
        let breaker = CircuitBreaker::builder(&rt, "test")
            .recovery_time(Duration::MAX)
            .build()
            .unwrap();
        breaker.trip();
        rt.sleep(ms(3_600_000)).await;
        assert_eq!(refused(&breaker), (Refusal::Open, None));
    });
}

/// lionagi's list of them has no end, and is shared by copies.
#[test]
fn what_is_remembered_is_bounded_and_whoever_falls_behind_sees_the_gap() {
    TestRuntime::run(|rt| async move {
        let breaker = two(&rt);
        let mut changes = breaker.changes();
        for _ in 0..500 {
            breaker.force_open();
            breaker.reset();
        }
        assert_eq!(breaker.history().len(), 64);
        assert_eq!(changes.next().await.number, 1000 - 63);
        assert_eq!(changes.next().await.number, 1000 - 62);
    });
}

#[test]
fn a_change_wakes_everybody_who_waits_and_no_drop_loses_one() {
    drop_after_every_poll(|rt, cut| async move {
        let breaker = two(&rt);
        let (mut here, mut there) = (breaker.changes(), breaker.changes());
        let changing = async {
            rt.sleep(ms(10)).await;
            breaker.trip();
        };
        let (cut, other, ()) = join((cut.apply(here.next()), there.next(), changing)).await;
        assert_eq!(other.to, CircuitState::Open);
        let seen = match cut {
            Some(change) => change,
            None => here.next().await,
        };
        assert_eq!(seen, other);
    });
}

/// lionagi burns all attempts of a retry inside the time the circuit is open.
#[test]
fn a_retry_around_it_waits_until_it_may_close_and_pays_no_budget_for_it() {
    TestRuntime::run(|rt| async move {
        let breaker = two(&rt);
        breaker.trip();
        let backoff = Backoff::constant(ms(10)).with_jitter(Jitter::None);
        let policy = Retry::new(&rt)
            .with_backoff(backoff)
            .with_budget(RetryBudget::new(0.0, 0).unwrap());
        let started = rt.now();
        let meaning = |error: &CircuitError<()>| match error {
            CircuitError::Open(open) => open.verdict(),
            _ => Verdict::Retry,
        };
        let fetch = || breaker.call(|| async { Ok::<_, ()>(1) });
        let answer = policy.run(|_| fetch(), meaning).await.unwrap();
        assert_eq!((answer.attempts, rt.now() - started), (2, ms(1000)));

        breaker.force_open();
        let error = fetch.retry(&policy).classify(meaning).await.unwrap_err();
        assert_eq!((error.attempts, error.reason), (1, GaveUp::Stopped));
    });
}

#[test]
fn a_retry_around_it_does_not_spin_while_a_probe_is_under_way() {
    TestRuntime::run(|rt| async move {
        let breaker = two(&rt);
        breaker.trip();
        rt.sleep(ms(1000)).await;
        let _probe = breaker.try_acquire().unwrap();
        let started = rt.now();
        let policy =
            Retry::new(&rt).with_backoff(Backoff::constant(ms(10)).with_jitter(Jitter::None));
        let fetch = || async { breaker.try_acquire_owned().map(drop) };
        let error = fetch
            .retry(policy)
            .classify(CircuitOpen::verdict)
            .await
            .unwrap_err();
        assert_eq!((error.attempts, rt.now() - started), (3, ms(20)));
    });
}

#[test]
fn the_way_through_a_closed_breaker_allocates_nothing() {
    TestRuntime::run(|rt| async move {
        let breaker = two(&rt);
        succeed(&breaker).await;
        let count = allocation_counter::measure(|| {
            for _ in 0..100 {
                breaker.try_acquire().unwrap().succeeded();
                drop(breaker.try_acquire_owned().unwrap());
            }
        });
        assert_eq!(count.count_total, 0);
        assert_eq!(
            (breaker.metrics().successes, breaker.metrics().ignored),
            (101, 100)
        );
    });
}

#[test]
fn errors_say_which_breaker_and_when() {
    TestRuntime::run(|rt| async move {
        let breaker = two(&rt);
        breaker.trip();
        let open = breaker.try_acquire().unwrap_err();
        assert_eq!(open.to_string(), "circuit `test` is open for another 1s");
        let error: CircuitError<std::io::Error> = CircuitError::Open(open);
        assert_eq!(error.to_string(), "circuit `test` is open for another 1s");
    });
}

#[test]
fn permits_that_outlive_every_handle_are_harmless() {
    TestRuntime::run(|rt| async move {
        let breaker = two(&rt);
        let permit = breaker.try_acquire_owned().unwrap();
        drop(breaker);
        permit.failed();
    });
}
