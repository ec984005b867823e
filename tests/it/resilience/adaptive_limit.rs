use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use fascine::concurrency::{fail_after, join_all};
use fascine::http::Net;
use fascine::resilience::{
    AdaptiveLimit, Aimd, Bounds, BulkheadError, Gradient2, LimitAlgorithm, Sample, SampleOutcome,
    Vegas,
};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use proptest::prelude::*;

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

fn n(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

/// A call that began so long after the start, and how it went.
fn sample(start: Instant, at: u64, took: u64, running: usize, outcome: SampleOutcome) -> Sample {
    Sample {
        started: start + ms(at),
        ended: start + ms(at + took),
        running,
        outcome,
    }
}

on_every_runtime! {
    no_more_run_than_the_limit_and_all_get_their_turn,
}

async fn no_more_run_than_the_limit_and_all_get_their_turn(rt: Rt, _: Arc<dyn Net>) {
    let bounds = Bounds::new(n(1), n(4)).unwrap();
    let limit = AdaptiveLimit::new(&rt, Aimd::new(n(2), bounds)).with_queue(100);
    let tasks: Vec<_> = (0..30)
        .map(|nth| {
            let (limit, rt) = (limit.clone(), rt.clone());
            rt.clone().spawn(async move {
                let permit = limit.acquire().await.unwrap();
                assert!(limit.running() <= 4);
                rt.sleep(ms(1)).await;
                match nth % 3 {
                    0 => permit.overloaded(),
                    1 => permit.succeeded(),
                    _ => drop(permit),
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((limit.running(), limit.waiting()), (0, 0));
}

#[test]
fn aimd_grows_by_one_for_a_limits_worth_of_successes() {
    let start = TestRuntime::new().rt().now();
    let mut aimd = Aimd::new(n(10), Bounds::default());
    for at in 0..11 {
        aimd.sample(&sample(start, at, 1, 10, SampleOutcome::Succeeded));
    }
    assert_eq!(aimd.limit(), n(11));
    // Nobody knows whether more would do while less than half is used.
    for at in 0..100 {
        aimd.sample(&sample(start, at, 1, 5, SampleOutcome::Succeeded));
    }
    assert_eq!(aimd.limit(), n(11));
}

#[test]
fn one_congestion_shrinks_the_limit_once_however_many_calls_fail_in_it() {
    let start = TestRuntime::new().rt().now();
    let algorithms: [Box<dyn LimitAlgorithm>; 3] = [
        Box::new(Aimd::new(n(100), Bounds::default())),
        Box::new(Gradient2::new(n(100), Bounds::default())),
        Box::new(Vegas::new(n(100), Bounds::default())),
    ];
    for mut algorithm in algorithms {
        // A hundred calls that were made before the first of them failed.
        algorithm.sample(&sample(start, 0, 50, 100, SampleOutcome::Overloaded));
        let after_one = algorithm.limit();
        assert!(after_one < n(100));
        for at in 1..50 {
            algorithm.sample(&sample(start, at, 70, 100, SampleOutcome::Overloaded));
        }
        assert_eq!(algorithm.limit(), after_one);
        algorithm.sample(&sample(start, 130, 1, 100, SampleOutcome::Overloaded));
        assert!(algorithm.limit() < after_one);
    }
}

#[test]
fn vegas_grows_while_nothing_queues_and_shrinks_when_calls_do() {
    let start = TestRuntime::new().rt().now();
    let mut vegas = Vegas::new(n(10), Bounds::default());
    let mut last = vegas.limit();
    for at in 0..10 {
        vegas.sample(&sample(start, at, 10, last.get(), SampleOutcome::Succeeded));
        assert!(vegas.limit() > last);
        last = vegas.limit();
    }
    // Ten times the shortest latency: nine tenths of the calls wait over there.
    for at in 0..10 {
        vegas.sample(&sample(
            start,
            at,
            100,
            last.get(),
            SampleOutcome::Succeeded,
        ));
        assert!(vegas.limit() < last);
        last = vegas.limit();
    }
}

#[test]
fn vegas_learns_that_a_service_became_slower_for_good() {
    let start = TestRuntime::new().rt().now();
    let mut vegas = Vegas::new(n(20), Bounds::new(n(1), n(40)).unwrap());
    vegas.sample(&sample(start, 0, 1, 20, SampleOutcome::Succeeded));
    let mut smallest = vegas.limit();
    for at in 0..5000 {
        let running = vegas.limit().get();
        vegas.sample(&sample(start, at, 50, running, SampleOutcome::Succeeded));
        smallest = smallest.min(vegas.limit());
    }
    assert!(smallest < n(10));
    assert_eq!(vegas.limit(), n(40));
}

#[test]
fn gradient2_forgives_noise_and_shrinks_when_latencies_rise() {
    let start = TestRuntime::new().rt().now();
    let mut gradient = Gradient2::new(n(50), Bounds::default());
    for at in 0..100 {
        let noise = 10 + at % 4;
        gradient.sample(&sample(start, at, noise, 1000, SampleOutcome::Succeeded));
    }
    let before = gradient.limit();
    assert!(before > n(50));
    for at in 0..20 {
        gradient.sample(&sample(start, at, 200, 1000, SampleOutcome::Succeeded));
    }
    assert!(gradient.limit() < before);
}

proptest! {
    #[test]
    fn no_algorithm_ever_leaves_its_bounds_or_panics(
        initial in 1..10_000_usize,
        least in 1..50_usize,
        more in 0..500_usize,
        calls in prop::collection::vec((0..1_000_000_u64, 0..1_000_000_u64, 0..2000_usize, 0..3_u8), 0..300),
    ) {
        let start = TestRuntime::new().rt().now();
        let bounds = Bounds::new(n(least), n(least + more)).unwrap();
        let mut algorithms: [Box<dyn LimitAlgorithm>; 3] = [
            Box::new(Aimd::new(n(initial), bounds)),
            Box::new(Gradient2::new(n(initial), bounds)),
            Box::new(Vegas::new(n(initial), bounds)),
        ];
        for (at, took, running, outcome) in calls {
            let outcome = match outcome {
                0 => SampleOutcome::Ignored,
                1 => SampleOutcome::Overloaded,
                _ => SampleOutcome::Succeeded,
            };
            for algorithm in &mut algorithms {
                algorithm.sample(&sample(start, at, took, running, outcome));
                prop_assert!((least..=least + more).contains(&algorithm.limit().get()));
            }
        }
    }
}

#[test]
fn bounds_that_cross_are_refused() {
    let error = Bounds::new(n(3), n(2)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a limit cannot be 3 at least and 2 at most"
    );
    let tight = Bounds::new(n(7), n(7)).unwrap();
    assert_eq!(Aimd::new(n(100), tight).limit(), n(7));
}

#[test]
fn a_call_that_was_dropped_teaches_nothing() {
    TestRuntime::run(|rt| async move {
        let limit = AdaptiveLimit::new(&rt, Aimd::new(n(10), Bounds::default()));
        let call = || rt.sleep(ms(100));
        let cut = fail_after(&rt, ms(5), limit.run(call, |()| SampleOutcome::Overloaded)).await;
        assert!(cut.is_err());
        assert_eq!((limit.limit(), limit.running()), (10, 0));
        limit
            .run(|| async {}, |()| SampleOutcome::Overloaded)
            .await
            .unwrap();
        assert_eq!(limit.limit(), 9);
    });
}

#[test]
fn a_full_limit_refuses_or_queues_as_a_bulkhead_does() {
    TestRuntime::run(|rt| async move {
        let limit = AdaptiveLimit::new(&rt, Aimd::new(n(1), Bounds::default()));
        let inside = limit.acquire().await.unwrap();
        let full = BulkheadError::Full {
            running: 1,
            waiting: 0,
        };
        assert_eq!(limit.acquire().await.unwrap_err(), full);
        let patient = limit.clone().with_queue(1).with_max_wait(ms(20));
        let waited = BulkheadError::WaitTooLong { waited: ms(20) };
        assert_eq!(patient.acquire().await.unwrap_err(), waited);
        drop(inside);
        assert!(patient.acquire().await.is_ok());
    });
}

#[test]
fn it_finds_how_many_calls_a_service_takes() {
    TestRuntime::run(|rt| async move {
        // A service that does ten calls at a time, 10 ms each; more than 15 it refuses.
        let limit = AdaptiveLimit::new(&rt, Aimd::new(n(2), Bounds::default())).with_queue(1000);
        let workers = (0..60).map(|_| {
            let (rt, limit) = (&rt, &limit);
            async move {
                for _ in 0..50 {
                    let permit = limit.acquire().await.unwrap();
                    let crowd = limit.running();
                    rt.sleep(ms(10)).await;
                    if crowd > 15 {
                        permit.overloaded();
                    } else {
                        permit.succeeded();
                    }
                }
            }
        });
        join_all(workers).await;
        assert!((13..=16).contains(&limit.limit()), "{}", limit.limit());
    });
}

#[test]
fn a_dropped_call_gives_back_its_room_and_its_place() {
    drop_after_every_poll(|rt, cut| async move {
        let limit = AdaptiveLimit::new(&rt, Aimd::new(n(1), Bounds::default())).with_queue(1);
        let other = limit.acquire().await.unwrap();
        let holder = rt.spawn({
            let rt = rt.clone();
            async move {
                rt.sleep(ms(10)).await;
                other.succeeded();
            }
        });
        let run = limit.run(|| rt.sleep(ms(5)), |()| SampleOutcome::Succeeded);
        cut.apply(run).await;
        assert_eq!(limit.waiting(), 0);
        holder.await.unwrap();
        assert_eq!(limit.running(), 0);
    });
}
