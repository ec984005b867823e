use std::num::NonZeroU32;
use std::time::Duration;

use fascine::concurrency::fail_after;
use fascine::http::{Phase, Timeouts, TransportError};
use fascine::model::{Model, ModelError, ModelFailure, ModelService, ModelServiceBuilder, OpenAi};
use fascine::resilience::{
    Backoff, CircuitBreaker, CircuitState, GaveUp, Jitter, Retry, RetryBudget,
};
use fascine_testing::{TestRuntime, drop_after_every_poll};

use super::script::{Act, Piece, Script, events, kind, ms, question, secs};

type Setting = fn(ModelServiceBuilder) -> ModelServiceBuilder;

async fn ask(service: &ModelService) -> Result<String, ModelError> {
    Ok(service.invoke(question("x")).await?.text())
}

fn timed_out(error: &ModelError, of: Phase, limit: Duration) -> bool {
    matches!(
        error.failure(),
        ModelFailure::Transport(TransportError::Timeout { phase, after })
            if *phase == of && *after == limit
    )
}

#[test]
fn the_first_byte_the_pauses_and_the_whole_are_timed_on_any_transport() {
    TestRuntime::run_seeds(4, |rt| async move {
        let body = |wait| Act::pieces(200, [Piece::Wait(wait), Piece::Bytes("{}".into())]);
        let acts = [Act::silence(), body(secs(9)), body(secs(4)).after(secs(2))];
        let script = Script::new(&rt, acts, Act::answer("in time"));
        let times = Timeouts::none()
            .with_connect(secs(1))
            .with_first_byte(secs(3));
        let times = times.with_idle(secs(5)).with_total(ms(5500));
        let once = Retry::new(&rt).with_attempts(NonZeroU32::MIN);
        let service = script.service(|service| service.timeout(times).retry(once));
        let started = rt.now();
        let error = ask(&service).await.unwrap_err();
        assert!(timed_out(&error, Phase::Head, secs(3)), "{error:?}");
        assert_eq!(rt.now() - started, secs(3));
        let error = ask(&service).await.unwrap_err();
        assert!(timed_out(&error, Phase::Body, secs(5)), "{error:?}");
        assert_eq!(rt.now() - started, secs(8));
        let error = ask(&service).await.unwrap_err();
        assert!(matches!(error.failure(), ModelFailure::Timeout { after } if *after == ms(5500)));
        assert_eq!(rt.now() - started, ms(13_500));
        assert_eq!(ask(&service).await.unwrap(), "in time");
        // What only the transport can know is left to it.
        let told = script.sent()[0].timeouts.unwrap();
        assert_eq!((told.connect, told.first_byte), (secs(1), Duration::MAX));
        assert_eq!(script.open(), 0);
    });
}

#[test]
fn a_head_that_takes_its_time_does_not_shorten_the_time_for_the_body() {
    TestRuntime::run_seeds(4, |rt| async move {
        let pieces = events(&["a"]).into_iter();
        let slow = pieces.flat_map(|piece| [Piece::Wait(ms(900)), piece]);
        let acts = [Act::pieces(200, slow).after(ms(900))];
        let script = Script::new(&rt, acts, Act::refusal(400));
        let times = Timeouts::none().with_first_byte(secs(1)).with_idle(secs(1));
        let service = script.service(|service| service.timeout(times));
        let stream = service.stream(question("x")).await.unwrap();
        assert_eq!(stream.collect().await.unwrap().text(), "a");
    });
}

#[test]
fn what_may_pass_is_retried_and_what_will_not_is_not() {
    for (status, requests) in [
        (408, 2),
        (409, 2),
        (429, 2),
        (500, 2),
        (502, 2),
        (503, 2),
        (504, 2),
        (529, 2),
        (400, 1),
        (401, 1),
        (403, 1),
        (404, 1),
        (413, 1),
        (422, 1),
    ] {
        TestRuntime::run(|rt| async move {
            let script = Script::new(&rt, [Act::refusal(status)], Act::answer("x"));
            let service = script.service(|service| service);
            let answer = ask(&service).await;
            assert_eq!(
                (answer.is_ok(), script.sent().len()),
                (requests == 2, requests),
                "{status}"
            );
        });
    }
}

#[test]
fn a_breaker_counts_outages_and_neither_refusals_nor_our_own_limits() {
    TestRuntime::run_seeds(4, |rt| async move {
        let breaker = CircuitBreaker::builder(&rt, "x").consecutive_failures(2);
        let breaker = breaker.build().unwrap();
        let once = Retry::new(&rt).with_attempts(NonZeroU32::MIN);
        let acts = [429, 400, 404, 409].map(Act::refusal);
        let script = Script::new(&rt, acts, Act::refusal(500));
        let service = script.service(|service| {
            let service = service.retry(once).circuit_breaker(breaker.clone());
            service.limit_tokens(1000)
        });
        for _ in 0..4 {
            ask(&service).await.unwrap_err();
        }
        let too_large = service.invoke(question("x").with_max_tokens(2000)).await;
        assert_eq!(kind(&too_large.unwrap_err()), "limited");
        assert_eq!(breaker.metrics().failures, 0);
        for _ in 0..2 {
            assert_eq!(kind(&ask(&service).await.unwrap_err()), "server");
        }
        assert_eq!(breaker.state(), CircuitState::Open);
        let error = ask(&service).await.unwrap_err();
        assert_eq!((kind(&error), script.sent().len()), ("circuit_open", 6));
        assert_eq!(error.retry_after(), Some(secs(30)));
    });
}

#[test]
fn a_stream_tells_the_breaker_how_it_ended() {
    TestRuntime::run_seeds(4, |rt| async move {
        let broken = [events(&["a"])[..2].to_vec(), vec![Piece::Break]].concat();
        let hangs = [events(&["a"])[..2].to_vec(), vec![Piece::Hang]].concat();
        let acts = [
            Act::pieces(200, events(&["a"])),
            Act::pieces(200, broken),
            Act::pieces(200, hangs.clone()),
            Act::pieces(200, hangs),
        ];
        let breaker = CircuitBreaker::builder(&rt, "x").consecutive_failures(9);
        let breaker = breaker.build().unwrap();
        let script = Script::new(&rt, acts, Act::refusal(400));
        let service = script.service(|service| service.circuit_breaker(breaker.clone()));
        let seen = || {
            let seen = breaker.metrics();
            (seen.successes, seen.failures)
        };
        let read = async || service.stream(question("x")).await.unwrap();
        read().await.collect().await.unwrap();
        assert_eq!(seen(), (1, 0));
        read().await.collect().await.unwrap_err();
        assert_eq!(seen(), (1, 1));
        drop(read().await);
        assert_eq!(seen(), (1, 1), "who stops reading says nothing");
        breaker.trip();
        rt.sleep(secs(30)).await;
        let probe = read().await;
        assert_eq!(
            breaker.state(),
            CircuitState::Closed,
            "it has begun to answer"
        );
        drop(probe);
    });
}

#[test]
fn what_the_breaker_refuses_takes_nothing_from_the_budget_for_retries() {
    TestRuntime::run_seeds(4, |rt| async move {
        let budget = RetryBudget::new(0.0, 1).unwrap();
        let retry = Retry::new(&rt)
            .with_attempts(NonZeroU32::new(9).unwrap())
            .with_backoff(Backoff::exponential(ms(10)).with_jitter(Jitter::None))
            .with_budget(budget);
        let breaker = CircuitBreaker::builder(&rt, "x").consecutive_failures(1);
        let breaker = breaker.recovery_time(secs(5)).build().unwrap();
        let script = Script::new(&rt, [Act::refusal(500)], Act::answer("back"));
        let service = script.service(|service| service.retry(retry).circuit_breaker(breaker));
        let started = rt.now();
        // One retry for the failure is all the budget has; waiting for the breaker is free.
        assert_eq!(ask(&service).await.unwrap(), "back");
        assert_eq!(rt.now() - started, secs(5));
        let deadline = service.stats();
        assert_eq!((deadline.requests, deadline.retries), (2, 1));
    });
}

#[test]
fn nobody_queues_for_a_provider_that_is_down_beyond_the_deadline() {
    TestRuntime::run_seeds(4, |rt| async move {
        let breaker = CircuitBreaker::new(&rt, "x");
        let script = Script::new(&rt, [], Act::answer("x"));
        let service = script.service(|service| service.circuit_breaker(breaker.clone()));
        breaker.trip();
        let started = rt.now();
        let error = fail_after(&rt, secs(10), ask(&service)).await.unwrap();
        let error = error.unwrap_err();
        assert_eq!(
            (kind(&error), error.reason()),
            ("circuit_open", Some(GaveUp::Deadline))
        );
        assert_eq!((rt.now(), error.retry_after()), (started, Some(secs(30))));
    });
}

#[test]
fn no_more_are_on_their_way_than_may_be_and_streams_count_until_they_end() {
    TestRuntime::run_seeds(8, |rt| async move {
        let stream = [Act::pieces(
            200,
            [events(&["a"])[..2].to_vec(), vec![Piece::Hang]].concat(),
        )];
        let script = Script::new(&rt, stream, Act::answer("x").after(ms(10)));
        let service = script.service(|service| service.concurrency_limit(3));
        let stream = service.stream(question("x")).await.unwrap();
        let started = rt.now();
        let calls: Vec<_> = (0..8)
            .map(|_| {
                let service = service.clone();
                rt.spawn(async move { ask(&service).await })
            })
            .collect();
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert_eq!((script.peak(), rt.now() - started), (3, ms(40)));
        drop(stream);
        assert_eq!(script.open(), 0);
    });
}

#[test]
fn what_can_never_be_sent_does_not_wait_for_room() {
    TestRuntime::run_seeds(4, |rt| async move {
        let script = Script::new(&rt, [], Act::silence());
        let service = script.service(|service| service.concurrency_limit(1).limit_tokens(1000));
        let running = rt.spawn({
            let service = service.clone();
            async move { ask(&service).await }
        });
        rt.sleep(ms(1)).await;
        let started = rt.now();
        let large = service.invoke(question("x").with_max_tokens(2000)).await;
        assert_eq!(kind(&large.unwrap_err()), "limited");
        assert_eq!(rt.now(), started);
        drop(running);
    });
}

#[test]
fn settings_are_checked_in_their_order_and_named() {
    TestRuntime::run(|rt| async move {
        let script = Script::new(&rt, [], Act::answer("x"));
        let field = |settings: Setting| {
            let provider = OpenAi::new("http://127.0.0.1/v1", "m").unwrap();
            let builder = ModelService::builder(&rt, provider, script.clone());
            settings(builder).build().err().map(|error| error.field)
        };
        assert_eq!(field(|s| s.concurrency_limit(0)), Some("concurrency_limit"));
        assert_eq!(
            field(|s| s.capacity_refresh_time(ms(0))),
            Some("capacity_refresh_time")
        );
        assert_eq!(field(|s| s.max_cost(0.0)), Some("max_cost"));
        assert_eq!(field(|s| s.max_cost(f64::NAN)), Some("max_cost"));
        let none = Timeouts::none();
        for times in [
            none.with_connect(ms(0)),
            none.with_first_byte(ms(0)),
            none.with_idle(ms(0)),
            none.with_total(ms(0)),
        ] {
            let provider = OpenAi::new("http://127.0.0.1/v1", "m").unwrap();
            let builder = ModelService::builder(&rt, provider, script.clone()).timeout(times);
            assert_eq!(builder.build().unwrap_err().field, "timeout");
        }
        let all = field(|s| s.max_cost(-1.0).concurrency_limit(0).limit_tokens(0));
        assert_eq!(all, Some("limit_tokens"));
        assert_eq!(field(|s| s.adapt_to_headers().queue_capacity(0)), None);
    });
}

#[test]
fn the_largest_settings_there_are_neither_overflow_nor_hang() {
    TestRuntime::run(|rt| async move {
        let all: [(&str, Setting); 11] = [
            ("limit_requests", |s| s.limit_requests(u64::MAX)),
            ("limit_tokens", |s| s.limit_tokens(u64::MAX)),
            ("adapts", |s| {
                s.limit_requests(u64::MAX)
                    .limit_tokens(u64::MAX)
                    .adapt_to_headers()
            }),
            ("queue_capacity", |s| s.queue_capacity(usize::MAX)),
            ("concurrency_limit", |s| s.concurrency_limit(usize::MAX)),
            ("timeout", |s| s.timeout(Duration::MAX)),
            ("timeouts", |s| {
                let none = Timeouts::none();
                s.timeout(none.with_first_byte(Duration::MAX).with_idle(Duration::MAX))
            }),
            ("max_response_bytes", |s| s.max_response_bytes(usize::MAX)),
            ("max_cost", |s| s.max_cost(f64::MAX)),
            ("infinite max_cost", |s| s.max_cost(f64::INFINITY)),
            ("smallest max_cost", |s| s.max_cost(f64::MIN_POSITIVE)),
        ];
        for (name, settings) in all {
            let acts = [Act::answer("x"), Act::pieces(200, events(&["x"]))];
            let script = Script::new(&rt, acts, Act::refusal(400));
            let service = script.service(settings);
            let request = || question("x").with_max_tokens(u32::MAX);
            let whole = service.invoke(request()).await;
            assert_eq!(whole.unwrap().text(), "x", "{name}");
            let stream = service.stream(request()).await;
            let streamed = stream.unwrap().collect().await;
            assert_eq!(streamed.unwrap().text(), "x", "{name}");
            assert_eq!(service.invoke_all([request()]).await.len(), 1, "{name}");
            assert_eq!(service.waiting(), 0, "{name}");
        }
    });
}

#[test]
fn settings_at_the_edge_are_refused_by_name_or_work() {
    TestRuntime::run(|rt| async move {
        let refused: [(&str, Setting); 9] = [
            ("capacity_refresh_time", |s| {
                s.capacity_refresh_time(Duration::MAX)
            }),
            ("limit_requests", |s| s.limit_requests(0)),
            ("limit_tokens", |s| s.limit_tokens(0)),
            ("capacity_refresh_time", |s| {
                s.capacity_refresh_time(Duration::ZERO)
            }),
            ("concurrency_limit", |s| s.concurrency_limit(0)),
            ("timeout", |s| s.timeout(Duration::ZERO)),
            ("max_response_bytes", |s| s.max_response_bytes(0)),
            ("max_cost", |s| s.max_cost(-0.0)),
            ("max_cost", |s| s.max_cost(f64::NEG_INFINITY)),
        ];
        for (field, settings) in refused {
            let provider = OpenAi::new("http://127.0.0.1/v1", "m").unwrap();
            let script = Script::new(&rt, [], Act::answer("x"));
            let error = settings(ModelService::builder(&rt, provider, script)).build();
            let error = error.unwrap_err();
            assert_eq!(error.field, field);
            assert!(error.to_string().starts_with(field), "{error}");
        }
        let script = Script::new(&rt, [], Act::answer("x"));
        let service = script.service(|s| {
            let nano = Duration::from_nanos(1);
            s.queue_capacity(0)
                .limit_requests(1)
                .capacity_refresh_time(nano)
        });
        assert_eq!(ask(&service).await.unwrap(), "x");
    });
}

#[test]
fn dropping_a_call_anywhere_leaves_limits_room_and_breaker_at_rest() {
    let polls = drop_after_every_poll(|rt, cut| async move {
        let acts = [Act::refusal(503).after(ms(1)), Act::lost().after(ms(1))];
        let script = Script::new(&rt, acts, Act::answer("x").after(ms(1)));
        let breaker = CircuitBreaker::builder(&rt, "x").consecutive_failures(2);
        let breaker = breaker.recovery_time(ms(300)).build().unwrap();
        let service = script.service(|service| {
            let service = service.concurrency_limit(1).limit_requests(1);
            let service = service.capacity_refresh_time(ms(500)).timeout(secs(1));
            service.limit_tokens(1000).circuit_breaker(breaker.clone())
        });
        cut.apply(ask(&service)).await;
        assert_eq!((script.open(), service.waiting()), (0, 0));
        let stats = service.stats();
        assert_eq!(stats.answered + stats.cancelled, 1, "{stats:?}");
        rt.sleep(ms(800)).await;
        let limiter = service.limiter().limiter();
        assert_eq!(limiter.available("requests"), Some(1));
        assert_eq!(limiter.available("tokens"), Some(1000));
        ask(&service).await.unwrap();
        assert_eq!(breaker.state(), CircuitState::Closed);
    });
    assert!(polls > 5, "it has waited for each of them");
}
