//! A pipeline as a layer of tower, without tower's own runtime.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fascine::concurrency::join;
use fascine::http::Net;
use fascine::resilience::{
    Backoff, Bulkhead, BulkheadError, CircuitBreaker, CircuitState, GaveUp, Jitter, Pipeline,
    PipelineError, Retry, Verdict,
};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::{TestRuntime, drop_after_every_poll};
use tower_layer::Layer;
use tower_service::Service;

use crate::runtimes::on_every_runtime;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn n(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

/// Three attempts, 10 ms apart.
fn retry(rt: &Rt) -> Retry {
    Retry::new(rt).with_backoff(Backoff::constant(ms(10)).with_jitter(Jitter::None))
}

/// A service that is ready when its door is open, and takes its time to answer.
struct Slow {
    rt: Rt,
    takes: Duration,
    door: Arc<Door>,
    seen: Arc<Seen>,
    is_ready: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    Broken,
    Nothing,
}

#[derive(Default)]
struct Door(Mutex<(State, Vec<Waker>)>);

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Open,
    Shut,
    Broken,
}

#[derive(Default)]
struct Seen {
    calls: AtomicU32,
    under_way: AtomicU32,
}

impl Slow {
    fn new(rt: &Rt, takes: Duration) -> Self {
        Self {
            rt: rt.clone(),
            takes,
            door: Arc::default(),
            seen: Arc::default(),
            is_ready: false,
        }
    }

    fn calls(&self) -> u32 {
        self.seen.calls.load(SeqCst)
    }
}

impl Door {
    fn turn(&self, state: State) {
        let woken = {
            let mut door = self.0.lock().unwrap();
            door.0 = state;
            std::mem::take(&mut door.1)
        };
        woken.into_iter().for_each(Waker::wake);
    }
}

/// That one is ready says nothing about another.
impl Clone for Slow {
    fn clone(&self) -> Self {
        Self {
            rt: self.rt.clone(),
            takes: self.takes,
            door: Arc::clone(&self.door),
            seen: Arc::clone(&self.seen),
            is_ready: false,
        }
    }
}

struct UnderWay(Arc<Seen>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, SeqCst);
    }
}

impl Service<u32> for Slow {
    type Response = u32;
    type Error = Problem;
    type Future = BoxFuture<Result<u32, Problem>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Problem>> {
        let mut door = self.door.0.lock().unwrap();
        match door.0 {
            State::Open => {
                self.is_ready = true;
                Poll::Ready(Ok(()))
            }
            State::Shut => {
                door.1.push(cx.waker().clone());
                Poll::Pending
            }
            State::Broken => Poll::Ready(Err(Problem::Broken)),
        }
    }

    /// Doubles; nothing is zero.
    fn call(&mut self, n: u32) -> Self::Future {
        assert!(
            std::mem::take(&mut self.is_ready),
            "it was not asked whether it is ready"
        );
        self.seen.calls.fetch_add(1, SeqCst);
        self.seen.under_way.fetch_add(1, SeqCst);
        let under_way = UnderWay(Arc::clone(&self.seen));
        let (rt, takes) = (self.rt.clone(), self.takes);
        Box::pin(async move {
            rt.sleep(takes).await;
            drop(under_way);
            if n == 0 {
                Err(Problem::Nothing)
            } else {
                Ok(2 * n)
            }
        })
    }
}

/// As every service is used.
async fn ask<S: Service<u32>>(service: &mut S, n: u32) -> Result<S::Response, S::Error> {
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(n).await
}

on_every_runtime! {
    a_layered_service_answers_retries_and_can_be_spawned,
}

async fn a_layered_service_answers_retries_and_can_be_spawned(rt: Rt, _: Arc<dyn Net>) {
    let inner = Slow::new(&rt, ms(1));
    let pipeline = Pipeline::new()
        .deadline(&rt, Duration::from_secs(60))
        .retry(retry(&rt), |_: &Problem| Verdict::Retry)
        .bulkhead(Bulkhead::new(&rt, n(8)))
        .timeout(&rt, Duration::from_secs(10));
    let service = pipeline.layer().layer(inner.clone());
    let tasks: Vec<_> = (0..4)
        .map(|n| {
            let mut service = service.clone();
            rt.spawn(async move { ask(&mut service, n).await })
        })
        .collect();
    for (n, task) in (0_u32..).zip(tasks) {
        match task.await.unwrap() {
            Err(PipelineError::GaveUp(gave_up)) => {
                assert_eq!(
                    (n, gave_up.attempts, gave_up.reason),
                    (0, 3, GaveUp::Attempts)
                );
                assert_eq!(gave_up.error, PipelineError::Call(Problem::Nothing));
            }
            answer => assert_eq!(answer, Ok(2 * n)),
        }
    }
    assert_eq!(inner.calls(), 3 + 3);
}

#[test]
fn an_attempt_waits_until_the_service_is_ready_and_that_is_part_of_its_time() {
    TestRuntime::run(|rt| async move {
        let inner = Slow::new(&rt, ms(5));
        let door = Arc::clone(&inner.door);
        door.turn(State::Shut);
        let pipeline = Pipeline::new()
            .retry(retry(&rt), |_: &Problem| Verdict::Retry)
            .timeout(&rt, ms(30));
        let mut service = pipeline.layer().layer(inner.clone());
        // The first attempt is over at 30 ms; the second begins at 40 ms and is let in at 50 ms.
        let opens = async {
            rt.sleep(ms(50)).await;
            door.turn(State::Open);
        };
        let started = rt.now();
        let (answer, ()) = join((ask(&mut service, 21), opens)).await;
        assert_eq!(answer, Ok(42));
        assert_eq!((rt.now() - started, inner.calls()), (ms(55), 1));
    });
}

#[test]
fn errors_say_which_policy_it_was_or_are_those_of_the_service() {
    TestRuntime::run(|rt| async move {
        let inner = Slow::new(&rt, ms(5));
        let (bulkhead, breaker) = (
            Bulkhead::new(&rt, n(1)),
            CircuitBreaker::new(&rt, "other side"),
        );
        let pipeline = Pipeline::new()
            .breaker(breaker.clone(), |_: &Problem| true)
            .bulkhead(bulkhead.clone())
            .timeout(&rt, ms(9));
        let mut service = pipeline.layer().layer(inner.clone());
        let failed = ask(&mut service, 0).await;
        assert_eq!(failed, Err(PipelineError::Call(Problem::Nothing)));
        inner.door.turn(State::Broken);
        let broken = ask(&mut service, 1).await;
        assert_eq!(broken, Err(PipelineError::Call(Problem::Broken)));
        inner.door.turn(State::Shut);
        let late = ask(&mut service, 1).await;
        assert!(matches!(late, Err(PipelineError::TimedOut(late)) if late.after() == ms(9)));
        assert_eq!(breaker.metrics().failures, 3);
        let inside = bulkhead.acquire().await.unwrap();
        let full = BulkheadError::Full {
            running: 1,
            waiting: 0,
        };
        assert_eq!(
            ask(&mut service, 1).await,
            Err(PipelineError::Bulkhead(full))
        );
        drop(inside);
        breaker.trip();
        let open = ask(&mut service, 1).await;
        assert!(matches!(open, Err(PipelineError::CircuitOpen(_))));
        assert_eq!((breaker.state(), inner.calls()), (CircuitState::Open, 1));
    });
}

#[test]
fn clones_share_the_policies_and_call_at_the_same_time() {
    TestRuntime::run(|rt| async move {
        let inner = Slow::new(&rt, ms(5));
        let bulkhead = Bulkhead::new(&rt, n(2));
        let layer = Pipeline::new().bulkhead(bulkhead.clone()).layer();
        let mut one = layer.layer(inner.clone());
        let (mut two, mut three) = (one.clone(), layer.clone().layer(inner.clone()));
        let started = rt.now();
        let asks = (ask(&mut one, 1), ask(&mut two, 2), ask(&mut three, 3));
        let (first, second, third) = join(asks).await;
        assert_eq!((first, second), (Ok(2), Ok(4)));
        assert!(third.unwrap_err().is_refusal());
        assert_eq!((rt.now() - started, bulkhead.running()), (ms(5), 0));
    });
}

#[test]
fn a_dropped_answer_drops_the_call_and_gives_back_its_room() {
    let longest = drop_after_every_poll(|rt, cut| async move {
        let inner = Slow::new(&rt, ms(5));
        let bulkhead = Bulkhead::new(&rt, n(1));
        let pipeline = Pipeline::new()
            .deadline(&rt, ms(1000))
            .retry(retry(&rt), |_: &Problem| Verdict::Retry)
            .bulkhead(bulkhead.clone())
            .timeout(&rt, ms(30));
        let mut service = pipeline.layer().layer(inner.clone());
        cut.apply(ask(&mut service, 0)).await;
        assert_eq!(inner.seen.under_way.load(SeqCst), 0);
        assert_eq!(bulkhead.running(), 0);
        assert_eq!(ask(&mut service, 1).await, Ok(2));
    });
    assert!(longest > 5);
}
