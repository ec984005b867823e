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

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

mod everything;
mod left_behind;
mod refusals;
mod seven_days;

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
        .adaptive(
            AdaptiveLimit::new(&rt, Aimd::new(n(20), Bounds::default())),
            |_: &&str| false,
        )
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
