use std::error::Error;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use allocation_counter::measure;
use fascine::concurrency::join;
use fascine::http::Net;
use fascine::resilience::{
    AdaptiveLimit, Aimd, Backoff, Bounds, Bulkhead, BulkheadError, CircuitBreaker, CircuitState,
    Fallback, GaveUp, Hedge, HedgeDelay, Idempotent, Jitter, LimitError, LoadShed, Next, Pipeline,
    PipelineError, Policy, Priority, Quota, RateLimiter, Retry, RetryBudget, Verdict,
};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future::{block_on, pending, yield_now};

use crate::runtimes::on_every_runtime;

mod seven_days;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn n(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

/// Three attempts, 100 ms apart.
fn retry(rt: &Rt) -> Retry {
    Retry::new(rt).with_backoff(Backoff::constant(ms(100)).with_jitter(Jitter::None))
}

fn limiter(rt: &Rt, limit: u64, per: Duration) -> RateLimiter {
    RateLimiter::new(rt, [Quota::new("requests", limit, per).unwrap()]).unwrap()
}

const REQUEST: [(&str, u64); 1] = [("requests", 1)];

fn again<E>(_: &E) -> Verdict {
    Verdict::Retry
}

/// Writes down that a call passed, and that it came back.
#[derive(Clone)]
struct Note(&'static str, Arc<Mutex<Vec<String>>>);

impl<T: Send, E: Send> Policy<T, E> for Note {
    async fn run<N: Next<T, E>>(&self, next: N) -> Result<T, PipelineError<E>> {
        let Self(name, log) = self;
        log.lock().unwrap().push((*name).to_owned());
        let outcome = next.call().await;
        log.lock().unwrap().push(format!("/{name}"));
        outcome
    }
}

on_every_runtime! {
    a_call_goes_through_all_policies_and_can_be_spawned,
    a_boxed_pipeline_does_what_the_typed_one_does,
}

async fn a_call_goes_through_all_policies_and_can_be_spawned(rt: Rt, _: Arc<dyn Net>) {
    let pipeline = Pipeline::new()
        .deadline(&rt, Duration::from_secs(60))
        .fallback(Fallback::new().or_value(0))
        .shed(LoadShed::new(n(100)), Priority::Normal)
        .hedge(Idempotent(Hedge::new(
            &rt,
            HedgeDelay::Fixed(Duration::from_secs(30)),
        )))
        .retry(
            Retry::new(&rt).with_backoff(Backoff::constant(ms(1))),
            again::<&str>,
        )
        .limiter(limiter(&rt, 1000, Duration::from_secs(1)), REQUEST)
        .bulkhead(Bulkhead::new(&rt, n(20)))
        .adaptive(AdaptiveLimit::new(&rt, Aimd::new(n(20), Bounds::default())))
        .timeout(&rt, Duration::from_secs(10));
    let calls = Arc::new(AtomicU32::new(0));
    let tasks: Vec<_> = (0..10)
        .map(|nth| {
            let (pipeline, calls) = (pipeline.clone(), Arc::clone(&calls));
            rt.spawn(async move {
                let attempts = AtomicU32::new(0);
                let call = || async {
                    calls.fetch_add(1, SeqCst);
                    let attempt = attempts.fetch_add(1, SeqCst);
                    if attempt == 0 { Err("busy") } else { Ok(nth) }
                };
                pipeline.run(call).await
            })
        })
        .collect();
    for (nth, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), Ok(nth));
    }
    assert_eq!(calls.load(SeqCst), 20);
}

async fn a_boxed_pipeline_does_what_the_typed_one_does(rt: Rt, _: Arc<dyn Net>) {
    let pipeline = Pipeline::new()
        .deadline(&rt, Duration::from_secs(60))
        .retry(
            Retry::new(&rt).with_backoff(Backoff::constant(ms(1))),
            again::<u32>,
        )
        .timeout(&rt, Duration::from_secs(10))
        .boxed::<u32, u32>();
    let task = rt.spawn({
        let pipeline = pipeline.clone();
        async move {
            let attempts = AtomicU32::new(0);
            let call = || async {
                match attempts.fetch_add(1, SeqCst) {
                    2 => Ok(7),
                    other => Err(other),
                }
            };
            pipeline.run(call).await
        }
    });
    assert_eq!(task.await.unwrap(), Ok(7));
    let Err(PipelineError::GaveUp(gave_up)) = pipeline.run(|| async { Err(5) }).await else {
        panic!("it does not give up")
    };
    assert_eq!(
        (gave_up.attempts, gave_up.error),
        (3, PipelineError::Call(5))
    );
}

#[test]
fn policies_are_passed_from_the_outside_to_the_call_in_the_documented_order() {
    TestRuntime::run(|rt| async move {
        let log = Arc::default();
        let note = |name| Note(name, Arc::clone(&log));
        let bulkhead = Bulkhead::new(&rt, n(1));
        let pipeline = Pipeline::new()
            .with(note("all"))
            .deadline(&rt, ms(1000))
            .with(note("fallback"))
            .fallback(Fallback::new().or_value(9))
            .with(note("hedge"))
            .hedge(Idempotent(Hedge::new(&rt, HedgeDelay::Fixed(ms(10)))))
            .with(note("retry"))
            .retry(
                retry(&rt).with_attempts(NonZeroU32::new(2).unwrap()),
                again::<u32>,
            )
            .with(note("limiter"))
            .limiter(limiter(&rt, 9, ms(1000)), REQUEST)
            .with(note("bulkhead"))
            .bulkhead(bulkhead)
            .with(note("call"))
            .timeout(&rt, ms(1));
        let failing = pipeline.run(|| async { Err(1) }).await;
        assert_eq!(failing, Ok(9));
        // Once for everything, once for each of two hedged calls, twice for each of their two attempts.
        let log = log.lock().unwrap();
        let count = |name: &str| log.iter().filter(|noted| *noted == name).count();
        assert_eq!((count("all"), count("fallback"), count("hedge")), (1, 1, 1));
        assert_eq!((count("retry"), count("limiter")), (2, 4));
        assert_eq!((count("bulkhead"), count("call")), (4, 4));
        let first: Vec<_> = log.iter().take(7).map(String::as_str).collect();
        assert_eq!(
            first,
            [
                "all", "fallback", "hedge", "retry", "limiter", "bulkhead", "call"
            ]
        );
    });
}

#[test]
fn the_deadline_is_for_everything_together_and_the_timeout_for_one_attempt() {
    TestRuntime::run(|rt| async move {
        let pipeline = |deadline| {
            Pipeline::new()
                .deadline(&rt, deadline)
                .retry(retry(&rt), again::<()>)
                .timeout(&rt, ms(30))
        };
        let started = rt.now();
        let Err(PipelineError::GaveUp(gave_up)) =
            pipeline(ms(1000)).run(pending::<Result<(), ()>>).await
        else {
            panic!("it does not give up")
        };
        assert_eq!((gave_up.attempts, gave_up.reason), (3, GaveUp::Attempts));
        assert!(matches!(&gave_up.error, PipelineError::TimedOut(late) if late.after() == ms(30)));
        assert_eq!(rt.now() - started, ms(3 * 30 + 2 * 100));

        // The second attempt would begin at 130 ms: the wait for it is not begun.
        let started = rt.now();
        let late = pipeline(ms(130)).run(pending::<Result<(), ()>>).await;
        let Err(PipelineError::GaveUp(gave_up)) = late else {
            panic!("it waits in vain")
        };
        assert_eq!((gave_up.attempts, gave_up.reason), (1, GaveUp::Deadline));
        assert_eq!(rt.now() - started, ms(30));

        // The second attempt is cut at 150 ms by the deadline, which says so itself.
        let started = rt.now();
        let late = pipeline(ms(150)).run(pending::<Result<(), ()>>).await;
        assert!(matches!(&late, Err(PipelineError::Deadline(late)) if late.after() == ms(150)));
        assert_eq!(rt.now() - started, ms(150));
    });
}

#[test]
fn what_our_own_policies_refuse_is_not_retried_and_spends_no_budget() {
    TestRuntime::run(|rt| async move {
        let (budget, bulkhead) = (RetryBudget::new(0.0, 1).unwrap(), Bulkhead::new(&rt, n(1)));
        let pipeline = Pipeline::new()
            .retry(retry(&rt).with_budget(budget.clone()), again::<()>)
            .bulkhead(bulkhead.clone());
        let inside = bulkhead.acquire().await.unwrap();
        let (started, calls) = (rt.now(), AtomicU32::new(0));
        let call = || async {
            calls.fetch_add(1, SeqCst);
            Ok::<_, ()>(())
        };
        let refused = pipeline.run(call).await.unwrap_err();
        let full = BulkheadError::Full {
            running: 1,
            waiting: 0,
        };
        assert_eq!(refused, PipelineError::Bulkhead(full));
        assert!(refused.is_refusal());
        assert_eq!((calls.load(SeqCst), rt.now()), (0, started));
        drop(inside);
        assert_eq!(pipeline.run(call).await, Ok(()));

        // The one retry that the budget holds is still there.
        let failing = || async { Err::<(), _>(()) };
        let Err(PipelineError::GaveUp(gave_up)) = pipeline.run(failing).await else {
            panic!("it does not give up")
        };
        assert_eq!((gave_up.attempts, gave_up.reason), (2, GaveUp::Budget));
    });
}

#[test]
fn what_was_not_made_is_given_back_to_the_limits_and_what_was_made_is_not() {
    TestRuntime::run(|rt| async move {
        let (limiter, bulkhead) = (limiter(&rt, 2, ms(1000)), Bulkhead::new(&rt, n(1)));
        let pipeline = Pipeline::new()
            .limiter(limiter.clone(), REQUEST)
            .bulkhead(bulkhead.clone())
            .timeout(&rt, ms(5));
        let inside = bulkhead.acquire().await.unwrap();
        for _ in 0..10 {
            let refused = pipeline.run(|| async { Ok::<_, ()>(()) }).await;
            assert!(refused.unwrap_err().is_refusal());
        }
        drop(inside);
        // Both of the quota are still there: one fails, one is cut.
        let failed = pipeline.run(|| async { Err::<(), _>(1) }).await;
        assert_eq!(failed, Err(PipelineError::Call(1)));
        assert!(pipeline.run(pending::<Result<(), ()>>).await.is_err());
        assert!(matches!(
            limiter.try_acquire(&REQUEST),
            Err(LimitError::WouldWait { .. })
        ));
    });
}

#[test]
fn who_waits_for_the_limits_holds_no_room_and_waiting_for_room_takes_none_of_the_attempts_time() {
    TestRuntime::run(|rt| async move {
        let (limiter, bulkhead) = (
            limiter(&rt, 1, ms(1000)),
            Bulkhead::new(&rt, n(1)).with_queue(9),
        );
        let pipeline = Pipeline::new()
            .limiter(limiter.clone(), REQUEST)
            .bulkhead(bulkhead.clone())
            .timeout(&rt, ms(50));
        limiter.try_acquire(&REQUEST).unwrap().commit();
        let started = rt.now();
        let other = async {
            // While the pipeline waits for the limits, and beyond.
            rt.sleep(ms(500)).await;
            let inside = bulkhead.acquire().await.unwrap();
            rt.sleep(ms(1000)).await;
            drop(inside);
        };
        let call = || async {
            rt.sleep(ms(40)).await;
            Ok::<_, ()>(rt.now() - started)
        };
        let (ended, ()) = join((pipeline.run(call), other)).await;
        assert_eq!(ended, Ok(ms(1540)));
    });
}

#[test]
fn a_fallback_sees_what_failed_and_all_failures_are_kept() {
    TestRuntime::run(|rt| async move {
        let fallback = Fallback::new().or(|errors: &[PipelineError<&str>]| {
            let retried = matches!(errors, [PipelineError::GaveUp(_)]);
            async move {
                assert!(retried);
                Err::<(), _>(PipelineError::Call("the replica is down"))
            }
        });
        let pipeline = Pipeline::new()
            .fallback(fallback)
            .retry(retry(&rt), again::<&str>);
        let error = pipeline.run(|| async { Err("down") }).await.unwrap_err();
        assert_eq!(error.call_error(), Some(&"down"));
        assert_eq!(
            error.to_string(),
            "the call failed, and so did its alternative"
        );
        let PipelineError::AllFailed(all) = &error else {
            panic!("{error:?}")
        };
        assert_eq!(all.last(), &PipelineError::Call("the replica is down"));
        assert_eq!(error.into_call_error(), Ok("down"));
    });
}

#[test]
fn the_breaker_counts_failures_of_the_other_side_and_no_refusals_of_ours() {
    TestRuntime::run(|rt| async move {
        let (breaker, bulkhead) = (
            CircuitBreaker::new(&rt, "other side"),
            Bulkhead::new(&rt, n(1)),
        );
        let pipeline = Pipeline::new()
            .retry(retry(&rt).with_attempts(NonZeroU32::MIN), again::<&str>)
            .breaker(breaker.clone(), |error: &&str| *error != "bad request")
            .bulkhead(bulkhead.clone())
            .timeout(&rt, ms(5));
        let inside = bulkhead.acquire().await.unwrap();
        for _ in 0..20 {
            let refused = pipeline.run(|| async { Ok::<_, &str>(()) }).await;
            assert!(matches!(refused, Err(PipelineError::Bulkhead(_))));
        }
        drop(inside);
        for _ in 0..20 {
            let failed = pipeline.run(|| async { Err::<(), _>("bad request") }).await;
            assert_eq!(failed.unwrap_err().call_error(), Some(&"bad request"));
        }
        assert_eq!(breaker.state(), CircuitState::Closed);
        // Five in a row open it: errors, and attempts that took too long.
        for _ in 0..3 {
            pipeline
                .run(|| async { Err::<(), _>("down") })
                .await
                .unwrap_err();
        }
        for _ in 0..2 {
            pipeline.run(pending::<Result<(), &str>>).await.unwrap_err();
        }
        assert_eq!(breaker.state(), CircuitState::Open);
        let refused = pipeline
            .run(|| async { Ok::<_, &str>(()) })
            .await
            .unwrap_err();
        assert!(matches!(refused, PipelineError::CircuitOpen(_)) && refused.is_refusal());
        assert_eq!(refused.retry_after(), Some(Duration::from_secs(30)));
    });
}

#[test]
fn a_patient_retry_waits_for_an_open_breaker_and_an_impatient_one_does_not() {
    TestRuntime::run(|rt| async move {
        let breaker = CircuitBreaker::new(&rt, "other side");
        breaker.trip();
        let counts = |(): &()| true;
        let call = || async { Ok::<_, ()>(()) };
        let started = rt.now();
        let impatient = Pipeline::new()
            .retry(retry(&rt), again::<()>)
            .breaker(breaker.clone(), counts);
        assert!(impatient.run(call).await.is_err());
        assert_eq!(rt.now(), started);
        let budget = RetryBudget::new(0.0, 0).unwrap();
        let patient = Pipeline::new()
            .retry_patiently(retry(&rt).with_budget(budget), again::<()>)
            .breaker(breaker.clone(), counts);
        assert_eq!(patient.run(call).await, Ok(()));
        assert!(rt.now() - started >= Duration::from_secs(30));
        assert_eq!(breaker.state(), CircuitState::Closed);
    });
}

#[test]
fn a_cancelled_probe_gives_its_place_back() {
    drop_after_every_poll(|rt, cut| async move {
        let breaker = CircuitBreaker::new(&rt, "other side");
        let pipeline = Pipeline::new()
            .breaker(breaker.clone(), |(): &()| true)
            .timeout(&rt, ms(50));
        breaker.trip();
        rt.sleep(Duration::from_secs(31)).await;
        let call = || async {
            rt.sleep(ms(1)).await;
            rt.sleep(ms(1)).await;
            Ok::<_, ()>(())
        };
        cut.apply(pipeline.run(call)).await;
        assert_eq!(pipeline.run(call).await, Ok(()));
    });
}

#[test]
fn the_chain_of_sources_says_each_thing_once() {
    TestRuntime::run(|rt| async move {
        let pipeline = Pipeline::new().retry(retry(&rt), again::<std::io::Error>);
        let call = || async { Err::<(), _>(std::io::Error::other("connection reset")) };
        let error = pipeline.run(call).await.unwrap_err();
        let mut chain = vec![error.to_string()];
        let mut source = error.source();
        while let Some(cause) = source {
            chain.push(cause.to_string());
            source = cause.source();
        }
        assert_eq!(
            chain,
            [
                "gave up after 3 attempts: no attempts are left",
                "the call failed",
                "connection reset"
            ]
        );
    });
}

#[test]
fn a_ready_call_goes_through_without_a_box() {
    let rt = TestRuntime::new().rt();
    block_on(async {});
    let pipeline = Pipeline::new()
        .hedge(Idempotent(Hedge::new(&rt, HedgeDelay::Fixed(ms(10)))))
        .retry(retry(&rt), again::<()>)
        .bulkhead(Bulkhead::new(&rt, n(1)))
        .timeout(&rt, ms(30));
    let info = measure(|| {
        block_on(pipeline.run(|| async { Ok::<_, ()>(()) })).unwrap();
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn the_future_of_a_run_holds_the_call_once_however_many_policies_there_are() {
    let rt = TestRuntime::new().rt();
    let pipeline = Pipeline::new()
        .deadline(&rt, ms(1000))
        .fallback(Fallback::new().or_value(()))
        .shed(LoadShed::new(n(1)), Priority::Normal)
        .hedge(Idempotent(Hedge::new(&rt, HedgeDelay::Fixed(ms(10)))))
        .retry(retry(&rt), again::<u32>)
        .breaker(CircuitBreaker::new(&rt, "other side"), |_: &u32| true)
        .limiter(limiter(&rt, 9, ms(1000)), REQUEST)
        .bulkhead(Bulkhead::new(&rt, n(1)))
        .adaptive(AdaptiveLimit::new(&rt, Aimd::new(n(1), Bounds::default())))
        .timeout(&rt, ms(30));
    let small = size_of_val(&pipeline.run(|| async { Ok::<_, u32>(()) }));
    let large = size_of_val(&pipeline.run(|| async {
        let buffer = [1_u8; 10_000];
        yield_now().await;
        if buffer.contains(&0) { Err(1) } else { Ok(()) }
    }));
    assert!(large - small < 10_100, "{small} {large}");
    assert!(small < 5_000, "{small}");
}

#[test]
fn a_dropped_run_of_a_boxed_pipeline_drops_the_call() {
    drop_after_every_poll(|rt, cut| async move {
        let held = Arc::new(());
        let bulkhead = Bulkhead::new(&rt, n(1));
        let pipeline = Pipeline::new()
            .retry(retry(&rt), again::<()>)
            .bulkhead(bulkhead.clone())
            .timeout(&rt, ms(30))
            .boxed::<(), ()>();
        let call = || {
            let (held, rt) = (Arc::clone(&held), &rt);
            async move {
                rt.sleep(ms(20)).await;
                drop(held);
                Err(())
            }
        };
        cut.apply(pipeline.run(call)).await;
        assert_eq!((Arc::strong_count(&held), bulkhead.running()), (1, 0));
    });
}

#[test]
fn a_call_that_panics_leaves_nothing_behind() {
    TestRuntime::run(|rt| async move {
        let (bulkhead, door) = (Bulkhead::new(&rt, n(1)), LoadShed::new(n(1)));
        let breaker = CircuitBreaker::new(&rt, "other side");
        let pipeline = Pipeline::new()
            .deadline(&rt, ms(1000))
            .shed(door.clone(), Priority::High)
            .retry(retry(&rt), again::<()>)
            .breaker(breaker.clone(), |(): &()| true)
            .bulkhead(bulkhead.clone())
            .timeout(&rt, ms(30));
        let task = rt.spawn({
            let pipeline = pipeline.clone();
            async move {
                let call = || async { panic!("on purpose") };
                pipeline.run::<(), (), _, _>(call).await
            }
        });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!((bulkhead.running(), door.inside()), (0, 0));
        assert_eq!(pipeline.run(|| async { Ok::<_, ()>(()) }).await, Ok(()));
    });
}

#[test]
fn a_dropped_run_leaves_nothing_behind() {
    let longest = drop_after_every_poll(|rt, cut| async move {
        let held = Arc::new(());
        let (limiter, bulkhead) = (
            limiter(&rt, 2, ms(1000)),
            Bulkhead::new(&rt, n(1)).with_queue(1),
        );
        let door = LoadShed::new(n(1));
        let pipeline = Pipeline::new()
            .deadline(&rt, Duration::from_secs(60))
            .shed(door.clone(), Priority::High)
            .hedge(Idempotent(Hedge::new(&rt, HedgeDelay::Fixed(ms(10)))))
            .retry(retry(&rt), again::<()>)
            .limiter(limiter.clone(), REQUEST)
            .bulkhead(bulkhead.clone())
            .timeout(&rt, ms(30));
        let calls = AtomicU32::new(0);
        let call = || {
            let held = Arc::clone(&held);
            let (rt, calls) = (&rt, &calls);
            async move {
                calls.fetch_add(1, SeqCst);
                rt.sleep(ms(20)).await;
                rt.sleep(ms(5)).await;
                drop(held);
                Err::<(), _>(())
            }
        };
        cut.apply(pipeline.run(call)).await;
        assert_eq!(Arc::strong_count(&held), 1);
        assert_eq!((bulkhead.running(), bulkhead.waiting()), (0, 0));
        assert_eq!((limiter.waiting(), door.inside()), (0, 0));
    });
    assert!(longest > 10);
}
