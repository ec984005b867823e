//! Random traffic through every policy there is, hedges and shedding too: nothing is left behind.

use std::cell::Cell;

use fascine::concurrency::{CancelScope, TaskGroup};
use fastrand::Rng;

use super::*;

/// How requests ended.
#[derive(Debug, Default)]
struct Ends {
    ok: Cell<u32>,
    error: Cell<u32>,
    refused: Cell<u32>,
    deadline: Cell<u32>,
    cancelled: Cell<u32>,
}

fn one_more(count: &Cell<u32>) {
    count.set(count.get() + 1);
}

#[test]
fn a_week_of_traffic_through_all_policies_leaks_nothing() {
    TestRuntime::run_seeds(4, |rt| async move {
        let week = Duration::from_secs(7 * 24 * 60 * 60);
        traffic(&rt, 4000, week).await;
    });
}

on_every_runtime! {
    a_short_time_of_traffic_through_all_policies_leaks_nothing,
}

async fn a_short_time_of_traffic_through_all_policies_leaks_nothing(rt: Rt, _: Arc<dyn Net>) {
    traffic(&rt, 100, ms(100)).await;
}

/// So many requests, spread over a time, most of them in bursts.
async fn traffic(rt: &Rt, requests: u32, span: Duration) {
    let unit = span / requests;
    let (limiter, bulkhead, door) = (
        limiter(rt, 4, unit * 3),
        Bulkhead::new(rt, n(3))
            .with_queue(4)
            .with_max_wait(unit * 2),
        LoadShed::new(n(20)),
    );
    let breaker = CircuitBreaker::new(rt, "other side");
    let limit = AdaptiveLimit::new(rt, Aimd::new(n(3), Bounds::new(n(1), n(6)).unwrap()));
    let budget = RetryBudget::new(0.2, 1).unwrap();
    let backoff = Backoff::exponential(unit / 4 + ms(1)).with_max(unit + ms(1));
    let pipeline = Pipeline::new()
        .deadline(rt, unit * 8)
        .fallback(
            Fallback::new()
                .when(|error: &PipelineError<&str>| matches!(error, PipelineError::Limited(_)))
                .or_value(0_u32),
        )
        .shed(door.clone(), Priority::Normal)
        .hedge(Idempotent(Hedge::new(
            rt,
            HedgeDelay::percentile(90).unwrap(),
        )))
        .retry(
            Retry::new(rt).with_backoff(backoff).with_budget(budget),
            |error: &&str| match *error {
                "bad request" => Verdict::Stop,
                _ => Verdict::Retry,
            },
        )
        .breaker(breaker.clone(), |error: &&str| *error == "busy")
        .limiter(limiter.clone(), REQUEST)
        .bulkhead(bulkhead.clone())
        .adaptive(limit.clone(), |error: &&str| *error == "busy")
        .timeout(rt, unit * 2);
    let pipeline = pipeline.boxed::<u32, &str>();

    let held = Arc::new(());
    let mut random = Rng::with_seed(7);
    let group = TaskGroup::new(rt);
    for nth in 0..requests {
        if random.u32(..10) == 0 {
            rt.sleep(unit * random.u32(..20)).await;
        }
        let (rt, pipeline, held) = (rt.clone(), pipeline.clone(), Arc::clone(&held));
        let seed = random.u64(..);
        let cancelled_after = (random.u32(..8) == 0).then(|| unit * random.u32(..4));
        group.spawn(async move {
            let random = Mutex::new(Rng::with_seed(seed));
            let call = || {
                let held = Arc::clone(&held);
                let (latency, fate) = {
                    let mut random = random.lock().unwrap();
                    (unit * random.u32(..5) / 2, random.u32(..10))
                };
                let rt = &rt;
                async move {
                    rt.sleep(latency).await;
                    drop(held);
                    match fate {
                        0 => Err("bad request"),
                        1 | 2 => Err("busy"),
                        _ => Ok(nth),
                    }
                }
            };
            let scope = match cancelled_after {
                Some(after) => CancelScope::new(&rt).with_timeout(after),
                None => CancelScope::new(&rt),
            };
            Ok::<_, ()>(scope.run(pipeline.run(call)).await)
        });
    }
    let ends = Ends::default();
    for outcome in group.join().await.unwrap() {
        one_more(match outcome {
            Err(_) => &ends.cancelled,
            Ok(Ok(_)) => &ends.ok,
            Ok(Err(PipelineError::Deadline(_))) => &ends.deadline,
            Ok(Err(error)) if error.is_refusal() => &ends.refused,
            Ok(Err(_)) => &ends.error,
        });
    }
    let Ends {
        ok,
        error,
        refused,
        deadline,
        cancelled,
    } = &ends;
    let all = [ok, error, refused, deadline, cancelled].map(Cell::get);
    assert_eq!(all.iter().sum::<u32>(), requests, "{ends:?}");
    if requests >= 1000 {
        assert!(all.iter().all(|count| *count > 0), "{ends:?}");
    }

    assert_eq!(Arc::strong_count(&held), 1);
    assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
    assert_eq!((limit.running(), limit.waiting()), (0, 0));
    assert_eq!((limiter.waiting(), door.inside()), (0, 0));
}
