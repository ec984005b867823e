//! A cache, other models and a hedge as settings of a service.

use std::sync::{Arc, Mutex};

use fascine::message::{Message, Usage};
use fascine::model::{
    ApiError, Call, CallRecord, CloseMode, EchoModel, EstimatedTokens, Hooks, Line, Metrics, Model,
    ModelError, ModelFailure, ModelService, MokaStore, Outcome, Price, PriceTable, Request,
    Response, ResponseCache, ScriptedModel, TokenCounter, ToolSpec, Waiting,
};
use fascine::resilience::{CircuitBreaker, Hedge, HedgeDelay};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use futures_lite::{StreamExt, future};
use serde_json::json;

use super::script::{Act, Piece, Script, events, kind, ms, question, secs};

pub(super) fn cache(rt: &Rt) -> ResponseCache {
    ResponseCache::new(MokaStore::new(rt, 1_000_000))
}

pub(super) fn hedge(rt: &Rt) -> Hedge {
    Hedge::new(rt, HedgeDelay::Fixed(secs(1)))
}

/// An answer of 5 tokens.
fn priced(text: &str) -> Line {
    Line::answer(text).with_usage(Usage::new(2, 3))
}

pub(super) async fn ask(service: &ModelService, text: &str) -> Result<Response, ModelError> {
    service.invoke(question(text)).await
}

pub(super) async fn read(service: &ModelService, text: &str) -> Result<Response, ModelError> {
    service.stream(question(text)).await?.collect().await
}

/// What it is told of the end of calls: the number, what it came to, the requests, whether it was known.
#[derive(Clone, Debug, Default)]
struct Ends(Arc<Mutex<Vec<End>>>);

type End = (u64, Outcome, u32, bool);

impl Hooks for Ends {
    fn ended(
        &self,
        call: &Call<'_>,
        record: &CallRecord,
        _: Option<Result<&Response, &ModelError>>,
    ) {
        let end = (call.id, record.outcome, record.attempts, record.cached);
        self.0.lock().unwrap().push(end);
    }
}

/// Every call is counted once, and nothing of it is left.
pub(super) fn assert_at_rest(service: &ModelService, script: &Script, calls: u64) {
    let stats = service.stats();
    let ended = stats.answered + stats.failed + stats.cancelled + stats.deadline;
    assert_eq!((stats.calls, ended), (calls, calls), "{stats:?}");
    assert_eq!(service.metrics().snapshot().calls, calls);
    assert_eq!(stats.requests, script.sent().len() as u64);
    assert_eq!((script.open(), service.waiting()), (0, 0));
    assert!(service.waiting_calls().is_empty());
}

#[test]
fn a_known_answer_takes_nothing_of_the_limits_and_says_that_it_was_known() {
    TestRuntime::run_seeds(4, |rt| async move {
        let script = Script::new(&rt, [], Act::answer("yes"));
        let ends = Ends::default();
        let service = script.service(|service| {
            service
                .cache(cache(&rt))
                .hooks(ends.clone())
                .limit_requests(1)
                .limit_tokens(1000)
        });
        let started = rt.now();
        let first = ask(&service, "x").await.unwrap();
        let tokens = service.limiter().limiter().available("tokens");
        assert_eq!((first.attempts, first.usage.total()), (1, 10));
        let whole = ask(&service, "x").await.unwrap();
        let call = service.call(question("x")).await.unwrap();
        let all = service.invoke_all([question("x")]).await.remove(0).unwrap();
        let streamed = read(&service, "x").await.unwrap();
        for known in [whole, call, all, streamed] {
            assert_eq!((known.text().as_str(), known.is_reused()), ("yes", true));
            assert!(known.usage.is_empty());
        }
        assert_eq!(rt.now(), started);
        assert_eq!(service.limiter().limiter().available("tokens"), tokens);
        let seen = service.metrics().snapshot();
        assert_eq!((seen.calls, seen.answered, seen.cached), (5, 5, 4));
        assert_eq!((seen.requests, seen.usage.total()), (1, 10));
        assert_eq!(service.stats().usage.total(), 10);
        let ends = ends.0.lock().unwrap().clone();
        let expected = (1..=5).map(|id| (id, Outcome::Answered, u32::from(id == 1), id > 1));
        assert_eq!(ends, expected.collect::<Vec<_>>());
        assert_at_rest(&service, &script, 5);
    });
}

#[test]
fn a_hundred_who_ask_the_same_are_one_request_and_a_hundred_calls() {
    TestRuntime::run_seeds(8, |rt| async move {
        let script = Script::new(&rt, [Act::refusal(500)], Act::answer("yes").after(secs(1)));
        let metrics = Metrics::new();
        let service = script.service(|service| {
            service
                .cache(cache(&rt))
                .concurrency_limit(1)
                .metrics(&metrics)
        });
        let tasks: Vec<_> = (0..100)
            .map(|_| rt.spawn(service.invoke(question("x"))))
            .collect();
        let mut total = Usage::default();
        let mut attempts = 0;
        for task in tasks {
            let response = task.await.unwrap().unwrap();
            total += response.usage;
            attempts += response.attempts;
        }
        assert_eq!((total.total(), attempts, script.sent().len()), (10, 2, 2));
        let seen = metrics.snapshot();
        assert_eq!((seen.answered, seen.cached), (100, 99));
        assert_eq!(
            (seen.requests, seen.retries, seen.usage.total()),
            (2, 1, 10)
        );
        assert_at_rest(&service, &script, 100);
    });
}

#[test]
fn a_failure_is_kept_for_nobody_and_a_stream_that_was_cut_neither() {
    TestRuntime::run(|rt| async move {
        let mut cut = events(&["a", "b"]);
        cut.truncate(2);
        cut.push(Piece::Break);
        let acts = [Act::refusal(400), Act::pieces(200, cut)];
        let script = Script::new(&rt, acts, Act::answer("yes"));
        let service = script.service(|service| service.cache(cache(&rt)));
        assert_eq!(ask(&service, "x").await.unwrap_err().attempts(), 1);
        let error = read(&service, "x").await.unwrap_err();
        assert_eq!(kind(&error), "interrupted");
        assert_eq!(ask(&service, "x").await.unwrap().text(), "yes");
        assert_eq!((service.stats().failed, service.stats().answered), (2, 1));
        assert_at_rest(&service, &script, 3);
    });
}

#[test]
fn a_call_that_another_model_answered_has_not_failed() {
    TestRuntime::run_seeds(4, |rt| async move {
        let script = Script::new(&rt, [], Act::refusal(503));
        let ends = Ends::default();
        let other = ScriptedModel::new(&rt).with_rule_line("", priced("from the other"));
        let service = script.service(|service| {
            service
                .fallback(
                    ScriptedModel::new(&rt)
                        .with_rule_line("", Line::api_error(ApiError::new(529, "no"))),
                )
                .fallback(other.clone())
                .hooks(ends.clone())
        });
        let whole = ask(&service, "x").await.unwrap();
        assert_eq!(
            (whole.text().as_str(), whole.attempts),
            ("from the other", 6)
        );
        let streamed = read(&service, "x").await.unwrap();
        assert_eq!((streamed.text(), streamed.attempts), (whole.text(), 6));
        let called = service.call(question("x")).await.unwrap();
        assert_eq!(called, whole);
        let stats = service.stats();
        assert_eq!((stats.calls, stats.answered, stats.failed), (3, 3, 0));
        assert_eq!((stats.requests, stats.retries), (18, 9));
        assert_eq!((stats.usage.total(), whole.usage.total()), (15, 5));
        let seen = service.metrics().snapshot();
        assert_eq!((seen.answered, seen.requests), (3, 18));
        assert_eq!((seen.usage, seen.cached), (stats.usage, 0));
        assert!(seen.errors.is_empty());
        let ends = ends.0.lock().unwrap().clone();
        let expected = (1..=3).map(|id| (id, Outcome::Answered, 6, false));
        assert_eq!(ends, expected.collect::<Vec<_>>());
        assert_eq!((script.sent().len(), other.requests().len()), (12, 3));
    });
}

#[test]
fn what_the_request_itself_is_refused_for_is_asked_of_nobody_else() {
    TestRuntime::run(|rt| async move {
        let script = Script::new(&rt, [], Act::refusal(401));
        let other = ScriptedModel::new(&rt).with_answer("no");
        let service = script.service(|service| service.fallback(other.clone()));
        let error = ask(&service, "x").await.unwrap_err();
        assert!(matches!(error.failure(), ModelFailure::Api(error) if error.status == 401));
        assert!(other.requests().is_empty());
        let all = Script::new(&rt, [], Act::refusal(500));
        let service = all.service(|service| {
            service.fallback(ScriptedModel::new(&rt).with_failure(503, "neither"))
        });
        let error = ask(&service, "x").await.unwrap_err();
        assert_eq!((kind(&error), error.attempts()), ("all_failed", 5));
        let seen = service.metrics().snapshot();
        assert_eq!((seen.failed, seen.errors["all_failed"]), (1, 1));
        assert_eq!(seen.requests, 5);
    });
}

#[test]
fn a_stream_that_has_shown_something_is_this_one_or_none() {
    TestRuntime::run(|rt| async move {
        for cut in 0..=4 {
            let mut pieces = events(&["one ", "two"]);
            pieces.truncate(cut);
            pieces.push(Piece::Break);
            let script = Script::new(&rt, [], Act::pieces(200, pieces));
            let other = ScriptedModel::new(&rt).with_rule("", "three");
            let service = script.service(|service| {
                service
                    .cache(cache(&rt))
                    .fallback(other.clone())
                    .hedge(hedge(&rt))
            });
            let mut stream = service.stream(question("x")).await.unwrap();
            let mut text = String::new();
            let error = loop {
                match stream.next().await {
                    Some(Ok(fascine::model::Chunk::Text(more))) => text.push_str(&more),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break Some(error),
                    None => break None,
                }
            };
            match error {
                None => assert_eq!((text.as_str(), cut < 2), ("three", true), "{cut}"),
                Some(error) => {
                    let ModelFailure::Interrupted(broken) = error.failure() else {
                        panic!("{error:?}");
                    };
                    assert_eq!(broken.partial.text(), text);
                    assert!("one two".starts_with(&text) && other.requests().is_empty());
                }
            }
            drop(stream);
            let stats = service.stats();
            assert_eq!(stats.answered + stats.failed, 1);
            assert_eq!((script.open(), other.in_flight()), (0, 0));
        }
    });
}

#[test]
fn a_hedged_call_is_one_call_and_its_loser_is_gone() {
    TestRuntime::run_seeds(8, |rt| async move {
        let acts = [
            Act::silence(),
            Act::answer("fast").after(secs(1)),
            Act::silence(),
            Act::pieces(200, events(&["fa", "st"])),
        ];
        let script = Script::new(&rt, acts, Act::answer("fast"));
        let service = script.service(|service| {
            service
                .hedge(hedge(&rt))
                .limit_requests(10)
                .concurrency_limit(2)
        });
        let started = rt.now();
        let whole = ask(&service, "x").await.unwrap();
        assert_eq!((whole.text().as_str(), whole.attempts), ("fast", 2));
        assert_eq!((rt.now() - started, script.open()), (secs(2), 0));
        let streamed = read(&service, "x").await.unwrap();
        assert_eq!((streamed.text().as_str(), streamed.attempts), ("fast", 2));
        let free = service.limiter().limiter().available("requests");
        assert_eq!(free, Some(6), "each of the requests is in the limits");
        let seen = service.metrics().snapshot();
        assert_eq!((seen.answered, seen.cancelled), (2, 0));
        assert_eq!((seen.requests, seen.retries), (4, 0));
        assert_at_rest(&service, &script, 2);
        let tool = ToolSpec::new("f", "does", json!({}));
        let tools = service.invoke(question("x").with_tool(tool)).await.unwrap();
        assert_eq!(tools.attempts, 1);
    });
}

#[test]
fn what_was_spent_counts_and_once_it_is_all_known_answers_are_still_given() {
    TestRuntime::run(|rt| async move {
        let acts = [Act::answer("x"), Act::refusal(400)];
        let script = Script::new(&rt, acts, Act::refusal(503));
        let other = ScriptedModel::new(&rt).with_rule_line("", priced("one"));
        // 7 + 3 tokens at 1 each.
        let prices = PriceTable::new()
            .with("m", Price::new(1e6, 1e6))
            .with("scripted", Price::new(1e6, 1e6));
        // Enough for an answer of ten tokens and another that may have 256, not for a third.
        let max = 12 + 256 + EstimatedTokens.count_request(&question("z"));
        let service = script.service(|service| {
            service
                .cache(cache(&rt))
                .fallback(other.clone())
                .prices(prices)
                .max_cost(max as f64)
        });
        ask(&service, "x").await.unwrap();
        assert!((service.spent() - 10.0).abs() < 1e-9);
        ask(&service, "x").await.unwrap();
        ask(&service, "wrong").await.unwrap_err();
        assert!((service.spent() - 10.0).abs() < 1e-9, "nothing was used");
        let fell = ask(&service, "y").await.unwrap();
        let spent = 10.0 + fell.usage.total() as f64;
        assert!((service.spent() - spent).abs() < 1e-9);
        let asked = other.requests().len();
        for error in [
            ask(&service, "z").await.unwrap_err(),
            read(&service, "z").await.unwrap_err(),
        ] {
            assert_eq!(kind(&error), "cost_exceeded");
        }
        assert_eq!(other.requests().len(), asked);
        assert_eq!(ask(&service, "x").await.unwrap().text(), "x");
        let seen = service.metrics().snapshot();
        assert!((seen.cost - spent).abs() < 1e-9, "{}", seen.cost);
    });
}

#[test]
fn a_call_behind_the_layers_says_what_it_waits_for() {
    TestRuntime::run(|rt| async move {
        let script = Script::new(&rt, [], Act::answer("x"));
        let service = script.service(|service| {
            service
                .cache(cache(&rt))
                .fallback(EchoModel)
                .hedge(Hedge::new(&rt, HedgeDelay::Fixed(secs(3600))))
                .limit_requests(1)
        });
        ask(&service, "first").await.unwrap();
        let until = rt.now() + secs(60);
        let mut call = service.call(question("second"));
        assert!(future::poll_once(&mut call).await.is_none());
        let why = Waiting::Limited {
            quota: "requests",
            until,
        };
        assert_eq!((call.id(), call.waiting()), (Some(2), Some(why.clone())));
        let waiting = service.waiting_calls();
        assert_eq!((waiting[0].id, &waiting[0].why), (2, &why));
        assert_eq!(service.waiting(), 1);
        assert_eq!(call.await.unwrap().text(), "x");
        let waited = service.metrics().snapshot().queue_wait.max;
        assert!(secs(60).abs_diff(waited) < secs(1), "{waited:?}");
        assert_at_rest(&service, &script, 2);
    });
}

#[test]
fn calls_that_share_one_wait_for_what_that_one_waits_for() {
    TestRuntime::run_seeds(4, |rt| async move {
        let script = Script::new(&rt, [], Act::answer("x").after(secs(1)));
        let service = script.service(|service| service.cache(cache(&rt)).limit_requests(1));
        ask(&service, "first").await.unwrap();
        let until = rt.now() + secs(59);
        let why = Waiting::Limited {
            quota: "requests",
            until,
        };
        let mut leader = Box::new(service.call(question("same")));
        assert!(future::poll_once(&mut leader).await.is_none());
        let mut follower = service.call(question("same"));
        assert!(future::poll_once(&mut follower).await.is_none());
        let mut streams = Box::pin(service.stream(question("streamed")));
        assert!(future::poll_once(&mut streams).await.is_none());
        let mut follows = Box::pin(service.stream(question("streamed")));
        assert!(future::poll_once(&mut follows).await.is_none());
        assert_eq!(follower.waiting(), Some(why.clone()));
        let queue = Waiting::Queue { position: 1 };
        let told = |service: &ModelService| -> Vec<(u64, Waiting)> {
            let calls = service.waiting_calls().into_iter();
            calls.map(|call| (call.id, call.why)).collect()
        };
        let all = [(2, &why), (3, &why), (4, &queue), (5, &queue)];
        assert_eq!(told(&service), all.map(|(id, why)| (id, why.clone())));
        assert_eq!(service.waiting(), 2, "two requests are queued");
        // Who has begun it may go: it is still the same call.
        drop((leader, streams));
        assert_eq!(follower.waiting(), Some(why.clone()));
        drop(follows);
        assert_eq!(told(&service), [(3, why)]);
        rt.sleep(secs(59)).await;
        assert!(future::poll_once(&mut follower).await.is_none());
        assert_eq!(follower.waiting(), None, "it is on its way");
        assert_eq!(follower.await.unwrap().text(), "x");
        assert_at_rest(&service, &script, 5);
    });
}

#[test]
fn a_cache_that_keeps_nothing_is_refused_by_name() {
    TestRuntime::run(|rt| async move {
        let provider = fascine::model::OpenAi::new("http://127.0.0.1/v1", "m").unwrap();
        let script = Script::new(&rt, [], Act::answer("x"));
        let keeps_nothing = cache(&rt).with_ttl(ms(0));
        let builder = ModelService::builder(&rt, provider, script).cache(keeps_nothing);
        assert_eq!(builder.build().unwrap_err().field, "cache");
    });
}

#[test]
fn the_identity_names_all_who_may_answer() {
    TestRuntime::run(|rt| async move {
        let script = Script::new(&rt, [], Act::answer("x"));
        let plain = script.service(|service| service);
        let cached = script.service(|service| service.cache(cache(&rt)));
        let chained = script.service(|service| service.fallback(EchoModel));
        assert_eq!(plain.identity(), cached.identity());
        assert_ne!(plain.identity(), chained.identity());
        assert!(chained.identity().contains(&EchoModel.identity()));
    });
}

#[test]
fn what_a_service_itself_refuses_is_asked_of_the_next() {
    TestRuntime::run(|rt| async move {
        let silent = || Script::new(&rt, [], Act::silence());
        let breaker = CircuitBreaker::new(&rt, "b");
        breaker.force_open();
        let other = || ScriptedModel::new(&rt).with_rule("", "other");
        let open = silent().service(|service| service.circuit_breaker(breaker.clone()));
        let closed = silent().service(|service| service);
        closed.close(CloseMode::Drain).await;
        let full = silent().service(|service| service.concurrency_limit(1).queue_capacity(0));
        let mut busy = full.call(question("x"));
        assert!(future::poll_once(&mut busy).await.is_none());
        for (service, what) in [
            (open, "circuit_open"),
            (closed, "closed"),
            (full, "limited"),
        ] {
            assert_eq!(kind(&ask(&service, "x").await.unwrap_err()), what);
            let chain = fascine::model::FallbackModel::new(service).or(other());
            let request = || Request::new([Message::user("x")]);
            assert_eq!(
                chain.invoke(request()).await.unwrap().text(),
                "other",
                "{what}"
            );
            let stream = chain.stream(request()).await.unwrap();
            assert_eq!(stream.collect().await.unwrap().text(), "other", "{what}");
        }
        let own = silent().service(|service| service.circuit_breaker(breaker).fallback(other()));
        assert_eq!(ask(&own, "x").await.unwrap().text(), "other");
    });
}
