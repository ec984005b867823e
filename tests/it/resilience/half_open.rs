//! What becomes of the calls that find out whether the service is back.

use std::cell::Cell;
use std::future::pending;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fascine::concurrency::fail_after;
use fascine::resilience::{ChangeCause, CircuitBreaker, CircuitError, CircuitState, Refusal};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::block_on;

use super::breakers::{fail, refused, succeed, two};
use crate::durations::ms;

/// failsafe and recloser let all of them through.
#[test]
fn half_open_only_as_many_calls_are_placed_as_may_be() {
    TestRuntime::run(|rt| async move {
        for allowed in [1, 3] {
            let builder = CircuitBreaker::builder(&rt, "test").half_open_max_calls(allowed);
            let breaker = builder.success_threshold(allowed).build().unwrap();
            breaker.trip();
            rt.sleep(ms(30_000)).await;
            let placed = Cell::new(0);
            let call = || {
                breaker.call(|| {
                    placed.set(placed.get() + 1);
                    async {
                        rt.sleep(ms(100)).await;
                        Ok::<_, ()>(())
                    }
                })
            };
            let hundred: Vec<_> = (0..100).map(|_| call()).collect();
            let ended = fascine::concurrency::join_all(hundred).await;
            assert_eq!(placed.get(), allowed);
            for refused in ended.into_iter().filter_map(Result::err) {
                let CircuitError::Open(open) = refused else {
                    panic!("{refused:?}")
                };
                // lionagi reports a negative time here.
                assert_eq!(
                    (open.reason, open.retry_after),
                    (Refusal::ProbeInFlight, Some(ms(0)))
                );
            }
            assert_eq!(breaker.state(), CircuitState::Closed);
        }
    });
}

#[test]
fn a_probe_that_succeeded_keeps_its_place_until_it_is_decided() {
    TestRuntime::run(|rt| async move {
        let builder = CircuitBreaker::builder(&rt, "test").half_open_max_calls(2);
        let breaker = builder.success_threshold(2).build().unwrap();
        breaker.trip();
        rt.sleep(ms(30_000)).await;
        let slow = breaker.try_acquire().unwrap();
        breaker.try_acquire().unwrap().succeeded();
        // The third in half-open, though only one is under way.
        assert_eq!(refused(&breaker).0, Refusal::ProbeInFlight);
        slow.succeeded();
        assert_eq!(breaker.state(), CircuitState::Closed);
    });
}

#[test]
fn of_several_probes_the_rate_decides_and_not_the_first_that_fails() {
    TestRuntime::run(|rt| async move {
        let builder = CircuitBreaker::builder(&rt, "test").recovery_time(ms(1000));
        let breaker = builder
            .failure_rate(0.5)
            .half_open_max_calls(4)
            .build()
            .unwrap();
        let probe = || breaker.try_acquire().unwrap();
        // Three of four succeed.
        breaker.trip();
        rt.sleep(ms(1000)).await;
        probe().failed();
        probe().succeeded();
        probe().succeeded();
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
        probe().succeeded();
        assert_eq!(breaker.state(), CircuitState::Closed);
        // Two of four fail: the others need not be waited for.
        breaker.trip();
        rt.sleep(ms(1000)).await;
        let late = probe();
        probe().failed();
        probe().failed();
        assert_eq!(breaker.state(), CircuitState::Open);
        late.succeeded();
        assert_eq!(breaker.state(), CircuitState::Open);
    });
}

#[test]
fn slow_probes_count_against_the_rate_of_slow_calls() {
    TestRuntime::run(|rt| async move {
        let builder = CircuitBreaker::builder(&rt, "test").recovery_time(ms(1000));
        let breaker = builder
            .failure_rate(0.5)
            .slow_call_rate(1.0, ms(10))
            .half_open_max_calls(2)
            .build()
            .unwrap();
        for (first_takes, second_takes, decided) in
            [(20, 20, CircuitState::Open), (20, 5, CircuitState::Closed)]
        {
            breaker.trip();
            rt.sleep(ms(1000)).await;
            for takes in [first_takes, second_takes] {
                let probe = breaker.try_acquire().unwrap();
                rt.sleep(ms(takes)).await;
                probe.succeeded();
            }
            assert_eq!(breaker.state(), decided);
        }
    });
}

#[test]
fn as_soon_as_too_few_probes_can_succeed_it_opens_again() {
    TestRuntime::run(|rt| async move {
        let builder = CircuitBreaker::builder(&rt, "test").half_open_max_calls(3);
        let breaker = builder.success_threshold(2).build().unwrap();
        breaker.trip();
        rt.sleep(ms(30_000)).await;
        breaker.try_acquire().unwrap().failed();
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
        breaker.try_acquire().unwrap().failed();
        let last = *breaker.history().last().unwrap();
        assert_eq!(
            (last.to, last.cause),
            (CircuitState::Open, ChangeCause::ProbeFailed)
        );
    });
}

/// Each of them may be lost, excluded or cancelled: there is always a way out.
#[test]
fn one_lost_probe_of_several_counts_as_failed_and_cannot_come_back() {
    TestRuntime::run(|rt| async move {
        let builder = CircuitBreaker::builder(&rt, "test").half_open_max_calls(2);
        let breaker = builder.probe_lease(ms(5000)).build().unwrap();
        breaker.trip();
        rt.sleep(ms(30_000)).await;
        let lost = breaker.try_acquire().unwrap();
        rt.sleep(ms(5000)).await;
        // This one finds that the lease has ended: one of two has failed.
        let other = breaker.try_acquire().unwrap();
        lost.succeeded();
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
        assert_eq!(refused(&breaker).0, Refusal::ProbeInFlight);
        drop(other);
        breaker.try_acquire().unwrap().ignored();
        breaker.try_acquire().unwrap().succeeded();
        assert_eq!(breaker.state(), CircuitState::Closed);
    });
}

#[test]
fn it_is_half_open_for_its_longest_time_at_most() {
    TestRuntime::run(|rt| async move {
        let builder = CircuitBreaker::builder(&rt, "test").half_open_max_calls(2);
        let builder = builder.success_threshold(2).recovery_time(ms(1000));
        let breaker = builder.half_open_max_wait(ms(7000)).build().unwrap();
        breaker.trip();
        rt.sleep(ms(1000)).await;
        breaker.try_acquire().unwrap().succeeded();
        let second = breaker.try_acquire().unwrap();
        rt.sleep(ms(6999)).await;
        assert_eq!(refused(&breaker).0, Refusal::ProbeInFlight);
        rt.sleep(ms(1)).await;
        assert_eq!(refused(&breaker), (Refusal::Open, Some(ms(1000))));
        second.succeeded();
        let last = *breaker.history().last().unwrap();
        assert_eq!(
            (last.to, last.cause),
            (CircuitState::Open, ChangeCause::HalfOpenTooLong)
        );
        // Half-open again, and what was found out the last time is forgotten.
        rt.sleep(ms(1000)).await;
        breaker.try_acquire().unwrap().succeeded();
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
        breaker.try_acquire().unwrap().succeeded();
        assert_eq!(breaker.state(), CircuitState::Closed);
    });
}

/// throttle-net TN-002, tower-resilience #382, OmniRoute #13836: the place of a cancelled probe was never free again.
#[test]
fn a_cancelled_probe_gives_its_place_back() {
    TestRuntime::run(|rt| async move {
        let breaker = two(&rt);
        breaker.trip();
        rt.sleep(ms(1000)).await;
        for _ in 0..10 {
            let probe = breaker.call(pending::<Result<(), ()>>);
            assert!(fail_after(&rt, ms(5), probe).await.is_err());
            drop(breaker.try_acquire().unwrap());
            drop(breaker.try_acquire_owned().unwrap());
        }
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
        succeed(&breaker).await;
        assert_eq!(breaker.state(), CircuitState::Closed);
    });
}

#[test]
fn a_probe_dropped_at_any_poll_leaves_the_breaker_usable() {
    drop_after_every_poll(|rt, cut| async move {
        let breaker = two(&rt);
        breaker.trip();
        rt.sleep(ms(1000)).await;
        cut.apply(breaker.call(|| async {
            rt.sleep(ms(1)).await;
            rt.sleep(ms(1)).await;
            Ok::<_, ()>(())
        }))
        .await;
        succeed(&breaker).await;
        assert_eq!(breaker.state(), CircuitState::Closed);
    });
}

#[test]
fn a_probe_that_panics_gives_its_place_back() {
    TestRuntime::run(|rt| async move {
        let breaker = two(&rt);
        breaker.trip();
        rt.sleep(ms(1000)).await;
        let panicking = breaker.call(|| async {
            if breaker.name() == "test" {
                panic!("on purpose")
            }
            Ok::<_, ()>(())
        });
        assert!(catch_unwind(AssertUnwindSafe(|| block_on(panicking))).is_err());
        let not_even_called =
            breaker.call(|| -> std::future::Ready<Result<(), ()>> { panic!("on purpose") });
        assert!(catch_unwind(AssertUnwindSafe(|| block_on(not_even_called))).is_err());
        succeed(&breaker).await;
    });
}

/// nora #607, circuitbreaker-rs: a probe that never comes back keeps it half-open for ever.
#[test]
fn a_forgotten_probe_counts_as_failed_when_its_lease_ends() {
    TestRuntime::run(|rt| async move {
        let builder = CircuitBreaker::builder(&rt, "test").recovery_time(ms(1000));
        let breaker = builder.probe_lease(ms(5000)).build().unwrap();
        breaker.trip();
        rt.sleep(ms(1000)).await;
        mem::forget(breaker.try_acquire().unwrap());
        rt.sleep(ms(4999)).await;
        assert_eq!(refused(&breaker).0, Refusal::ProbeInFlight);
        rt.sleep(ms(1)).await;
        assert_eq!(refused(&breaker), (Refusal::Open, Some(ms(1000))));
        // Nobody came for an hour: the time to recover has passed long ago.
        rt.sleep(ms(1000)).await;
        mem::forget(breaker.try_acquire().unwrap());
        rt.sleep(ms(3_600_000)).await;
        succeed(&breaker).await;
        let causes: Vec<_> = breaker
            .history()
            .iter()
            .map(|change| change.cause)
            .collect();
        use ChangeCause::{Asked, ProbeLost, ProbesSucceeded, Recovery};
        assert_eq!(
            causes,
            [
                Asked,
                Recovery,
                ProbeLost,
                Recovery,
                ProbeLost,
                Recovery,
                ProbesSucceeded
            ]
        );
    });
}

/// lionagi closes by a success from before; throttle-net TN-008 settles a later state by a late outcome.
#[test]
fn what_was_let_through_in_an_earlier_state_says_nothing() {
    TestRuntime::run(|rt| async move {
        let breaker = two(&rt);
        let stale: Vec<_> = (0..8).map(|_| breaker.try_acquire().unwrap()).collect();
        let mut stale = stale.into_iter();
        fail(&breaker).await;
        fail(&breaker).await;
        // Failures of calls that were under way do not make it open for longer.
        rt.sleep(ms(900)).await;
        stale.next().unwrap().failed();
        assert_eq!(refused(&breaker), (Refusal::Open, Some(ms(100))));
        rt.sleep(ms(100)).await;
        let probe = breaker.try_acquire().unwrap();
        stale.next().unwrap().succeeded();
        stale.next().unwrap().failed();
        drop(stale.next());
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
        assert_eq!(refused(&breaker).0, Refusal::ProbeInFlight);
        probe.succeeded();
        fail(&breaker).await;
        stale.next().unwrap().succeeded();
        stale.next().unwrap().failed();
        assert_eq!(breaker.state(), CircuitState::Closed);
        fail(&breaker).await;
        assert_eq!(breaker.state(), CircuitState::Open);
    });
}

#[test]
fn excluded_errors_say_nothing_and_an_excluded_probe_gives_its_place_back() {
    TestRuntime::run(|rt| async move {
        let breaker = two(&rt);
        let not_found = || async { Err::<(), _>(404) };
        fail(&breaker).await;
        for _ in 0..3 {
            let answer = breaker.call_when(not_found, |status| *status >= 500).await;
            assert_eq!(answer.unwrap_err().into_failed(), Some(404));
        }
        assert_eq!(breaker.state(), CircuitState::Closed);
        fail(&breaker).await;
        // Not a success either: two failures with one of them between are a row.
        assert_eq!(breaker.state(), CircuitState::Open);
        assert_eq!(breaker.metrics().failures, 2);
        rt.sleep(ms(1000)).await;
        for _ in 0..3 {
            assert!(
                breaker
                    .call_when(not_found, |status| *status >= 500)
                    .await
                    .is_err()
            );
            assert_eq!(breaker.state(), CircuitState::HalfOpen);
        }
        succeed(&breaker).await;
        assert_eq!(breaker.metrics().ignored, 6);
    });
}

#[test]
fn the_time_to_recover_grows_up_to_its_maximum_until_it_was_closed() {
    TestRuntime::run(|rt| async move {
        let builder = CircuitBreaker::builder(&rt, "test").consecutive_failures(1);
        let builder = builder
            .recovery_time(ms(1000))
            .recovery_growth(3.0, ms(10_000));
        let breaker = builder.build().unwrap();
        for _ in 0..2 {
            for expected in [1000, 3000, 9000, 10_000, 10_000] {
                fail(&breaker).await;
                assert_eq!(refused(&breaker), (Refusal::Open, Some(ms(expected))));
                rt.sleep(ms(expected)).await;
            }
            succeed(&breaker).await;
        }
    });
}
