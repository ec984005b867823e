use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fascine::http::{Body, Transport, TransportError};
use fascine::model::{
    Compatible, LimitHint, LimitedQuota, Model, ModelService, ModelServiceBuilder, OpenAi, Provider,
};
use fascine::rt::{BoxFuture, Rt};
use fascine_testing::TestRuntime;

use super::script::{Act, Script, ms, question, secs};
use super::stand_in::StandIn;

/// A provider whose limit nobody was told.
#[derive(Clone, Debug)]
struct Hidden(Arc<Mutex<Account>>, Rt);

#[derive(Debug)]
struct Account {
    limit: usize,
    per: Duration,
    latency: Duration,
    counting: Counting,
    says: Says,
    passed: VecDeque<Instant>,
    log: Vec<(Instant, bool)>,
}

/// How it counts.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Counting {
    /// The requests in any stretch of time.
    Strict,
    /// By cycles that begin with the clock.
    Cycles,
    /// By a bucket that fills evenly.
    Bucket,
}

/// What it says of its limits.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Says {
    /// When to come back, with a refusal.
    RetryAfter,
    /// The same, in whole seconds.
    RetryAfterSeconds,
    /// Nothing but no.
    No,
    /// Limit, remaining and reset, with every answer.
    All,
    /// Limit and remaining, and when to come back.
    LimitAndRemaining,
}

impl Hidden {
    fn new(rt: &Rt, limit: usize, per: Duration, counting: Counting, says: Says) -> Self {
        let account = Account {
            limit,
            per,
            latency: Duration::ZERO,
            counting,
            says,
            passed: VecDeque::new(),
            log: Vec::new(),
        };
        Self(Arc::new(Mutex::new(account)), rt.clone())
    }

    fn with_latency(self, latency: Duration) -> Self {
        self.0.lock().unwrap().latency = latency;
        self
    }

    fn service(
        &self,
        settings: impl FnOnce(ModelServiceBuilder) -> ModelServiceBuilder,
    ) -> ModelService {
        let provider = hinting();
        let builder = ModelService::builder(&self.1, provider, self.clone());
        let builder = builder.queue_capacity(100_000).adapt_to_headers();
        settings(builder).build().unwrap()
    }

    /// Somebody else uses the key.
    fn other(&self) {
        let now = self.1.now();
        let _ = self.0.lock().unwrap().ask(now);
    }

    /// Requests that passed and that were refused between these times since `started`.
    fn between(&self, started: Instant, from: Duration, to: Duration) -> (usize, usize) {
        let account = self.0.lock().unwrap();
        let in_time = |at: Instant| (from..to).contains(&at.duration_since(started));
        let in_time = account.log.iter().filter(|(at, _)| in_time(*at));
        let passed = in_time.clone().filter(|(_, passed)| *passed).count();
        (passed, in_time.count() - passed)
    }
}

impl Account {
    /// What is left, or how long to wait.
    fn ask(&mut self, now: Instant) -> Result<usize, Duration> {
        let (per, limit) = (self.per, self.limit);
        let began = self.log.first().map_or(now, |(at, _)| *at);
        match self.counting {
            Counting::Strict => self.passed.retain(|at| now.duration_since(*at) < per),
            Counting::Cycles => {
                let cycle = |at: Instant| at.duration_since(began).as_nanos() / per.as_nanos();
                self.passed.retain(|at| cycle(*at) == cycle(now));
            }
            Counting::Bucket => {
                // Each takes its share of the time: the list holds when each share is paid for.
                self.passed.retain(|paid| *paid > now);
            }
        }
        let passes = self.passed.len() < limit;
        self.log.push((now, passes));
        if passes {
            let share = per / limit as u32;
            let last = self.passed.back().copied().unwrap_or(now).max(now);
            self.passed.push_back(match self.counting {
                Counting::Bucket => last + share,
                _ => now,
            });
            return Ok(limit - self.passed.len());
        }
        let first = self.passed[0];
        Err(match self.counting {
            Counting::Strict => (first + per).duration_since(now),
            Counting::Cycles => {
                let past = now.duration_since(began).as_nanos() % per.as_nanos();
                per - Duration::from_nanos(past as u64)
            }
            Counting::Bucket => first.duration_since(now),
        })
    }

    fn reset(&self, now: Instant) -> Duration {
        let last = self.passed.back().copied().unwrap_or(now);
        match self.counting {
            Counting::Bucket => last.saturating_duration_since(now),
            _ => (last + self.per).saturating_duration_since(now),
        }
    }
}

impl Transport for Hidden {
    fn send(
        &self,
        _: http::Request<Bytes>,
    ) -> BoxFuture<Result<http::Response<Body>, TransportError>> {
        let this = self.clone();
        Box::pin(async move {
            let rt = &this.1;
            let (response, latency) = {
                let mut account = this.0.lock().unwrap();
                let asked = account.ask(rt.now());
                let mut response = http::Response::builder();
                let millis = |time: Duration| time.as_nanos().div_ceil(1_000_000).to_string();
                if matches!(account.says, Says::All | Says::LimitAndRemaining) {
                    response = response
                        .header("x-limit", account.limit.to_string())
                        .header("x-remaining", asked.unwrap_or(0).to_string());
                }
                if account.says == Says::All {
                    response = response.header("x-reset-ms", millis(account.reset(rt.now())));
                }
                let (status, body) = match asked {
                    Ok(_) => (200, r#"{"choices":[{"message":{"content":"yes"}}]}"#),
                    Err(wait) => {
                        response = match account.says {
                            Says::No => response,
                            Says::RetryAfterSeconds => {
                                response.header("retry-after", wait.as_secs() + 1)
                            }
                            _ => response.header("retry-after-ms", millis(wait)),
                        };
                        (429, r#"{"error":{"message":"slow down"}}"#)
                    }
                };
                let response = response.status(status);
                (
                    response.body(Body::from(Bytes::from(body))).unwrap(),
                    account.latency,
                )
            };
            if !latency.is_zero() {
                rt.sleep(latency).await;
            }
            Ok(response)
        })
    }
}

/// Reads the headers of [`Hidden`].
fn hinting() -> StandIn {
    StandIn::new("hinting", "m").with_limits(|headers| {
        let number = |name| headers.get(name)?.to_str().ok()?.parse().ok();
        let mut hint = LimitHint::new(LimitedQuota::Requests);
        hint.limit = number("x-limit");
        hint.remaining = number("x-remaining");
        hint.reset = number("x-reset-ms").map(Duration::from_millis);
        vec![hint]
    })
}

/// Keeps `callers` busy for so long; how many calls failed.
async fn run(rt: &Rt, service: &ModelService, callers: usize, time: Duration) -> usize {
    let until = rt.now() + time;
    let callers: Vec<_> = (0..callers)
        .map(|_| {
            let (service, clock) = (service.clone(), rt.clone());
            rt.spawn(async move {
                let mut failed = 0;
                while clock.now() < until {
                    failed += usize::from(service.invoke(question("x")).await.is_err());
                }
                failed
            })
        })
        .collect();
    let mut failed = 0;
    for caller in callers {
        failed += caller.await.unwrap();
    }
    failed
}

/// After a warm-up of ten windows, in the next twenty: at most one in a hundred is refused, and at least 95 % of what is
/// allowed is used.
fn learns(limit: usize, per: Duration, counting: Counting, says: Says, callers: usize) {
    TestRuntime::run(|rt| async move {
        let server = Hidden::new(&rt, limit, per, counting, says).with_latency(per / 500);
        let service = server.service(|service| service);
        let started = rt.now();
        let time = 30 * per;
        run(&rt, &service, callers, time).await;
        let (passed, refused) = server.between(started, 10 * per, time);
        let allowed = 20 * limit;
        let what = format!(
            "{limit} in {per:?}, {counting:?}, {says:?}: {passed} passed of {allowed}, {refused} refused; {:?}",
            service.limiter()
        );
        assert!(100 * refused <= passed + refused, "{what}");
        assert!(100 * passed >= 95 * allowed, "{what}");
    });
}

#[test]
fn a_hidden_limit_is_found_out_and_used() {
    for (limit, per, callers) in [
        (60, secs(60), 64),
        (5, ms(700), 16),
        (200, secs(60), 100),
        (20, secs(1), 10),
    ] {
        for counting in [Counting::Strict, Counting::Cycles, Counting::Bucket] {
            learns(limit, per, counting, Says::RetryAfter, callers);
        }
    }
    learns(300, secs(1), Counting::Strict, Says::RetryAfter, 100);
}

#[test]
fn a_limit_that_headers_name_is_kept_from_the_beginning() {
    for (limit, per) in [(60, secs(60)), (5, ms(700))] {
        for counting in [Counting::Strict, Counting::Cycles, Counting::Bucket] {
            learns(limit, per, counting, Says::All, 64);
            learns(limit, per, counting, Says::LimitAndRemaining, 64);
        }
    }
}

#[test]
fn waits_in_whole_seconds_will_do() {
    for counting in [Counting::Strict, Counting::Cycles] {
        learns(60, secs(60), counting, Says::RetryAfterSeconds, 64);
    }
}

#[test]
fn refusals_without_a_word_make_it_slower() {
    TestRuntime::run(|rt| async move {
        let server = Hidden::new(&rt, 60, secs(60), Counting::Strict, Says::No);
        let service = server.service(|service| service);
        let started = rt.now();
        run(&rt, &service, 20, secs(3600)).await;
        let (passed, refused) = server.between(started, secs(1800), secs(3600));
        assert!(passed >= 60 * 30 * 80 / 100, "{passed}");
        assert!(refused * 20 <= passed, "{refused} of {passed}");
    });
}

#[test]
fn a_limit_that_was_set_is_lowered_and_raised_again_and_never_exceeded() {
    TestRuntime::run(|rt| async move {
        let server = Hidden::new(&rt, 30, secs(60), Counting::Strict, Says::RetryAfter);
        let service = server.service(|service| service.limit_requests(50));
        let limit = || service.limiter().limiter().quotas()[0].limit();
        run(&rt, &service, 100, secs(600)).await;
        assert!((29..=31).contains(&limit()), "{}", limit());
        server.0.lock().unwrap().limit = 1000;
        let started = rt.now();
        run(&rt, &service, 100, secs(3600)).await;
        assert_eq!(limit(), 50);
        let (passed, refused) = server.between(started, secs(3000), secs(3600));
        assert!(
            (500..=550).contains(&passed) && refused == 0,
            "{passed}, {refused}"
        );
    });
}

#[test]
fn what_others_spend_of_the_same_key_is_taken_off() {
    TestRuntime::run(|rt| async move {
        let server = Hidden::new(&rt, 60, secs(60), Counting::Bucket, Says::All);
        let service = server.service(|service| service.limit_requests(60));
        // Another program makes half of the requests.
        let other = rt.spawn({
            let (server, rt) = (server.clone(), rt.clone());
            async move {
                for _ in 0..600 {
                    rt.sleep(secs(2)).await;
                    server.other();
                }
            }
        });
        let started = rt.now();
        run(&rt, &service, 30, secs(1200)).await;
        other.await.unwrap();
        let (passed, refused) = server.between(started, secs(120), secs(1200));
        assert!(refused * 20 <= passed, "{refused} refused of {passed}");
        assert!(passed >= 18 * 60 * 85 / 100, "{passed}");
    });
}

#[test]
fn a_limit_on_days_is_not_taken_for_one_on_minutes() {
    TestRuntime::run(|rt| async move {
        // The headers tell of the day, the refusals come from the minute.
        let server = Hidden::new(&rt, 30, secs(60), Counting::Strict, Says::RetryAfter);
        let day = Daily(server.clone());
        let provider = hinting();
        let service = ModelService::builder(&rt, provider, day)
            .limit_requests(40)
            .queue_capacity(1000)
            .adapt_to_headers()
            .build()
            .unwrap();
        let started = rt.now();
        run(&rt, &service, 50, secs(1200)).await;
        let (passed, _) = server.between(started, secs(600), secs(1200));
        assert!(passed >= 10 * 30 * 95 / 100, "{passed}");
    });
}

/// Says of each answer what is left of the day.
#[derive(Debug)]
struct Daily(Hidden);

impl Transport for Daily {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<Result<http::Response<Body>, TransportError>> {
        let sent = self.0.send(request);
        let used = self.0.0.lock().unwrap().log.len() as u64 + 1;
        Box::pin(async move {
            let mut response = sent.await?;
            let headers = response.headers_mut();
            headers.insert("x-limit", 14_400.into());
            headers.insert("x-remaining", (14_400 - used).into());
            headers.insert("x-reset-ms", (used * 6000).into());
            Ok(response)
        })
    }
}

/// A limit of requests a day beside one of tokens a minute.
const GROQ: [(&str, &str); 6] = [
    ("x-ratelimit-limit-requests", "14400"),
    ("x-ratelimit-remaining-requests", "5"),
    ("x-ratelimit-reset-requests", "23h59m30s"),
    ("x-ratelimit-limit-tokens", "6000"),
    ("x-ratelimit-remaining-tokens", "5000"),
    ("x-ratelimit-reset-tokens", "10s"),
];

#[test]
fn a_limit_of_a_day_does_not_steer_one_of_a_minute() {
    TestRuntime::run(|rt| async move {
        let groq = OpenAi::compatible(Compatible::Groq, "m").unwrap();
        let headers = GROQ.iter().map(|(name, value)| {
            let value = http::HeaderValue::from_static(value);
            (http::HeaderName::from_static(name), value)
        });
        let hints = groq.limits(&headers.collect());
        let periods: Vec<_> = hints.iter().map(|hint| (hint.quota, hint.period)).collect();
        let day = Some(secs(86_400));
        let expected = [(LimitedQuota::Requests, day), (LimitedQuota::Tokens, None)];
        assert_eq!(periods, expected);

        for (per, left) in [(secs(60), 29), (secs(86_400), 5)] {
            let answer = Act::answer("x");
            let answer = GROQ.iter().fold(answer, |answer, (name, value)| {
                answer.with_header(name, value)
            });
            let script = Script::new(&rt, [], answer);
            let service = ModelService::builder(&rt, groq.clone(), script)
                .limit_requests(30)
                .limit_tokens(10_000)
                .capacity_refresh_time(per)
                .adapt_to_headers()
                .build()
                .unwrap();
            service.invoke(question("x")).await.unwrap();
            let limiter = service.limiter().limiter();
            assert_eq!(limiter.available("requests"), Some(left), "{per:?}");
        }
    });
}
