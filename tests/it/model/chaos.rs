//! Everything that can go wrong at once: each request must end in exactly one way, and nothing may be left of it.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fascine::concurrency::fail_after;
use fascine::http::{H1Transport, MemoryNet, Net, PoolConfig};
use fascine::message::Message;
use fascine::model::{
    Anthropic, Gemini, Model, ModelError, ModelFailure, ModelService, Ollama, OpenAi, Provider,
    ProviderError, Request, Responses,
};
use fascine::resilience::{Backoff, Jitter, LimitError, Retry};
use fascine::rt::Rt;
use fascine_mock::{Api, Fault, MockServer, MockServerBuilder, Script};
use fascine_testing::TestRuntime;
use futures_lite::future;

use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_short_storm_leaves_nothing_behind,
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// How rough it is.
#[derive(Clone, Copy)]
struct Weather {
    /// Of the faults.
    seed: u64,
    calls: u64,
    at_once: u64,
    /// What the service may send, and the server lets pass, in `per`.
    requests: u32,
    tokens: u64,
    per: Duration,
    /// How much longer than the server's the service takes its window to be: what the way there takes on a real clock.
    slack: Duration,
    latency: Duration,
    timeout: Duration,
    /// How many requests may be too many: one that the transport sends again, because a kept connection was closed
    /// under it, is one here and two there.
    sent_again: u64,
}

/// How calls ended, and how many there were.
#[derive(Debug, Default)]
struct Ends {
    ok: AtomicU64,
    failed: AtomicU64,
    deadline: AtomicU64,
    cancelled: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Ok,
    Failed,
    Deadline,
    Cancelled,
}

impl Ends {
    fn count(&self, end: End) {
        let counter = match end {
            End::Ok => &self.ok,
            End::Failed => &self.failed,
            End::Deadline => &self.deadline,
            End::Cancelled => &self.cancelled,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Ok, failed, deadline, cancelled.
    fn read(&self) -> [u64; 4] {
        [&self.ok, &self.failed, &self.deadline, &self.cancelled]
            .map(|counter| counter.load(Ordering::Relaxed))
    }
}

/// One request in five meets with one of these.
fn faults(weather: &Weather) -> Script {
    let faults = [
        (4, Fault::Status(500)),
        (2, Fault::Status(503)),
        (1, Fault::Status(400)),
        (
            4,
            Fault::TooManyRequests {
                retry_after: weather.latency,
            },
        ),
        (2, Fault::CloseBeforeHead),
        (2, Fault::CloseMidBody),
        (1, Fault::CutAtByte(1)),
        (1, Fault::CutAtEvent(2)),
        (1, Fault::EndAtEvent(2)),
        (1, Fault::ErrorAtEvent(2)),
        (1, Fault::DuplicateEvent(0)),
        (1, Fault::MalformedEvent(2)),
        (1, Fault::StallAtByte(40)),
        (1, Fault::StallAtEvent(1)),
        (1, Fault::NeverAnswer),
        (2, Fault::Reset),
        (1, Fault::Garbage),
        (1, Fault::ChunkedNonsense),
        (1, Fault::ShortBody),
        (1, Fault::LongBody),
        (1, Fault::Html),
        (1, Fault::MalformedJson),
        (1, Fault::EmptyBody),
        (1, Fault::InterimFlood(5)),
        (
            1,
            Fault::SlowDrip {
                bytes: 64,
                every: weather.latency / 20,
            },
        ),
        (1, Fault::Delay(weather.latency)),
    ];
    Script::mix(weather.seed, 0.2, faults)
}

fn server(weather: &Weather) -> MockServerBuilder {
    MockServer::builder()
        .with_seed(3)
        .with_latency(Duration::ZERO..=weather.latency)
        .with_quota(NonZeroU32::new(weather.requests).unwrap(), weather.per)
        .with_token_quota(NonZeroU64::new(weather.tokens).unwrap(), weather.per)
        .with_log_capacity(100_000)
        .with_script(faults(weather))
}

fn service(
    rt: &Rt,
    net: &Arc<dyn Net>,
    provider: impl Provider,
    weather: &Weather,
) -> ModelService {
    // A place for everybody: who has leave to go and waits for a connection goes later than it was given leave for.
    let mut pool = PoolConfig::default();
    pool.max_in_use = NonZeroUsize::new(weather.at_once as usize).unwrap();
    let transport = H1Transport::new(rt, Arc::clone(net))
        .with_pool(pool)
        .with_idle_timeout(weather.timeout);
    let backoff = Backoff::exponential(weather.latency / 4).with_jitter(Jitter::None);
    let retry = Retry::new(rt)
        .with_attempts(NonZeroU32::new(3).unwrap())
        .with_backoff(backoff);
    ModelService::builder(rt, provider, transport)
        .retry(retry)
        .limit_requests(weather.requests.into())
        .limit_tokens(weather.tokens)
        .capacity_refresh_time(weather.per + weather.slack)
        .queue_capacity(weather.at_once as usize)
        .timeout(weather.timeout)
        .build()
        .unwrap()
}

fn question(number: u64) -> Request {
    let message = Message::user(format!("question {number}, which is like all the others"));
    Request::new([message]).with_max_tokens(40)
}

fn end_of<T>(ended: Result<T, ModelError>) -> End {
    match ended {
        Ok(_) => End::Ok,
        Err(error) => match error.failure() {
            ModelFailure::Limited(LimitError::Deadline { .. }) => End::Deadline,
            _ => End::Failed,
        },
    }
}

/// One call: whole or as a stream, let be or dropped or with a deadline, as its number has it.
async fn call(rt: &Rt, service: &ModelService, weather: &Weather, number: u64) -> End {
    let mut dice = fastrand::Rng::with_seed(number);
    let is_stream = dice.u8(..4) == 0;
    let call = async {
        if !is_stream {
            return end_of(service.invoke(question(number)).await);
        }
        match service.stream(question(number)).await {
            Ok(stream) => end_of(stream.collect().await),
            Err(error) => end_of::<()>(Err(error)),
        }
    };
    let after = weather.latency.mul_f64(2.0 * dice.f64());
    match dice.u8(..10) {
        0 => {
            let cancel = async {
                rt.sleep(after).await;
                End::Cancelled
            };
            future::or(call, cancel).await
        }
        1 => fail_after(rt, after, call).await.unwrap_or(End::Deadline),
        _ => call.await,
    }
}

/// Sends calls through the storm, to the API that a provider at the base URL of the server speaks.
async fn storm<P: Provider>(
    rt: Rt,
    net: Arc<dyn Net>,
    weather: Weather,
    speaks: impl FnOnce(&MockServer) -> Result<P, ProviderError>,
) -> [u64; 4] {
    let address = "127.0.0.1:0".parse().unwrap();
    let server = server(&weather)
        .start(&rt, Arc::clone(&net), address)
        .await
        .unwrap();
    let service = service(&rt, &net, speaks(&server).unwrap(), &weather);
    let (ends, next) = (Arc::<Ends>::default(), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..weather.at_once)
        .map(|_| {
            let (ends, next) = (Arc::clone(&ends), Arc::clone(&next));
            let (rt_of_caller, service) = (rt.clone(), service.clone());
            rt.spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= weather.calls {
                        return;
                    }
                    ends.count(call(&rt_of_caller, &service, &weather, number).await);
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }

    let ends = ends.read();
    assert_eq!(ends.iter().sum::<u64>(), weather.calls, "{ends:?}");
    assert!(ends.iter().all(|count| *count > 0), "{ends:?}: no storm");
    let stats = service.stats();
    assert_eq!(stats.answered, ends[0]);
    assert_eq!(service.waiting(), 0);

    let peak = server.peak_within(weather.per);
    assert!(peak.requests <= weather.requests.into(), "{peak:?}");
    assert!(peak.tokens <= weather.tokens, "{peak:?}");
    assert_eq!(server.rejected(), 0, "requests that made no sense");
    if weather.slack.is_zero() {
        // Where the way there takes no time the service's own limits are the server's.
        assert!(server.refused() <= weather.sent_again, "{stats:?}");
    }
    assert!(server.answered() + server.faulted() >= ends[0], "{stats:?}");

    server.stop_faults();
    budget_is_whole(&rt, &service, &weather).await;
    // Nobody keeps a connection but the pool, and that goes with the service.
    drop(service);
    for _ in 0..1000 {
        if server.connections() == 0 {
            break;
        }
        rt.sleep(ms(1)).await;
    }
    assert_eq!((server.connections(), server.in_flight()), (0, 0));
    server.shutdown().await;
    ends
}

/// After a rest a whole window's worth of calls can go at once: nothing was kept back by what went wrong.
async fn budget_is_whole(rt: &Rt, service: &ModelService, weather: &Weather) {
    let window = weather.per + weather.slack;
    rt.sleep(window).await;
    let all = u64::from(weather.requests).min(weather.tokens / MOST_TOKENS);
    let calls: Vec<_> = (0..all)
        .map(|number| {
            let (rt_of_call, service) = (rt.clone(), service.clone());
            rt.spawn(async move {
                let sent = async { end_of(service.invoke(question(number)).await) };
                fail_after(&rt_of_call, window / 4, sent).await
            })
        })
        .collect();
    for call in calls {
        // What was sent may run out of time on the way, on a busy machine also of the service's time; what has to wait
        // for its turn is told so at once.
        let ended = call.await.unwrap();
        let is_late = ended == Ok(End::Failed) && !weather.slack.is_zero();
        assert!(
            is_late || matches!(ended, Ok(End::Ok) | Err(_)),
            "{ended:?}"
        );
    }
}

/// What a question is taken to cost at most: its own length, and the longest answer.
const MOST_TOKENS: u64 = 60;

fn openai(server: &MockServer) -> Result<OpenAi, ProviderError> {
    OpenAi::new(&server.base_url(), "any")
}

#[test]
fn twenty_thousand_requests_in_a_storm_leave_nothing_behind() {
    TestRuntime::run(|rt| async move {
        let weather = Weather {
            seed: 11,
            calls: 20_000,
            at_once: 256,
            requests: 500,
            tokens: 20_000,
            per: ms(1000),
            slack: Duration::ZERO,
            latency: ms(300),
            timeout: ms(2000),
            sent_again: 0,
        };
        storm(rt, Arc::new(MemoryNet::new()), weather, openai).await;
    });
}

async fn a_short_storm_leaves_nothing_behind(rt: Rt, net: Arc<dyn Net>) {
    let weather = Weather {
        seed: 11,
        calls: 500,
        at_once: 64,
        requests: 150,
        tokens: 7000,
        per: ms(60),
        slack: ms(30),
        latency: ms(6),
        timeout: ms(150),
        sent_again: 0,
    };
    storm(rt, net, weather, openai).await;
}

/// Smaller storms with other faults, by their seed, through another API.
fn small_storms<P: Provider>(speaks: impl Fn(&MockServer) -> Result<P, ProviderError> + Copy) {
    for seed in 0..3 {
        TestRuntime::run(|rt| async move {
            let weather = Weather {
                seed,
                calls: 800,
                at_once: 64,
                requests: 150,
                tokens: 6000,
                per: ms(1000),
                slack: Duration::ZERO,
                latency: ms(300),
                timeout: ms(2000),
                sent_again: 8,
            };
            storm(rt, Arc::new(MemoryNet::new()), weather, speaks).await;
        });
    }
}

#[test]
fn storms_through_anthropics_api_leave_nothing_behind() {
    small_storms(|server| Anthropic::new(&server.base_url_for(Api::Anthropic), "any"));
}

#[test]
fn storms_through_geminis_api_leave_nothing_behind() {
    small_storms(|server| Gemini::new(&server.base_url_for(Api::Gemini), "any"));
}

#[test]
fn storms_through_ollamas_api_leave_nothing_behind() {
    small_storms(|server| Ollama::new(&server.base_url_for(Api::Ollama), "any"));
}

#[test]
fn storms_through_the_responses_api_leave_nothing_behind() {
    small_storms(|server| Responses::new(&server.base_url_for(Api::OpenAiResponses), "any"));
}
