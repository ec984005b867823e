use std::error::Error;
use std::num::NonZeroU32;
use std::sync::Arc;

use fascine::concurrency::fail_after;
use fascine::http::{H1Transport, MemoryNet, Net};
use fascine::message::Message;
use fascine::model::{
    Model, ModelError, ModelFailure, ModelService, ModelServiceBuilder, OpenAi, Request,
};
use fascine::resilience::{Backoff, Jitter, LimitError, Retry};
use fascine::rt::Rt;
use fascine_mock::{Fault, MockServer, MockServerBuilder};
use fascine_testing::{TestRuntime, drop_after_every_poll};

use crate::durations::ms;
use crate::mock_service;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    it_asks_and_counts,
    twenty_callers_stay_within_the_servers_quota,
}

/// A server, and a service on it that retries after 100 ms, 200 ms and so on.
async fn start(
    rt: &Rt,
    net: &Arc<dyn Net>,
    server: MockServerBuilder,
    settings: impl FnOnce(ModelServiceBuilder) -> ModelServiceBuilder,
) -> (MockServer, ModelService) {
    let server = mock_service::start(rt, net, server).await;
    let backoff = Backoff::exponential(ms(100)).with_jitter(Jitter::None);
    let retry = Retry::new(rt)
        .with_attempts(NonZeroU32::new(4).unwrap())
        .with_backoff(backoff);
    let service = mock_service::service(rt, net, &server).retry(retry);
    (server, settings(service).build().unwrap())
}

fn ask(
    service: &ModelService,
    text: &str,
) -> impl Future<Output = Result<String, ModelError>> + use<> {
    let answer = service.invoke(Request::new([Message::user(text)]));
    async { Ok(answer.await?.message.text()) }
}

async fn it_asks_and_counts(rt: Rt, net: Arc<dyn Net>) {
    let server = MockServer::builder().with_answer("sky", "Blue.");
    let (server, service) = start(&rt, &net, server, |service| service).await;
    assert_eq!(ask(&service, "the sky?").await.unwrap(), "Blue.");
    let stats = service.stats();
    assert_eq!(
        (stats.requests, stats.retries, stats.answered, stats.failed),
        (1, 0, 1, 0)
    );
    assert_eq!(
        (stats.usage.prompt_tokens, stats.usage.completion_tokens),
        (2, 2)
    );
    server.shutdown().await;
}

async fn twenty_callers_stay_within_the_servers_quota(rt: Rt, net: Arc<dyn Net>) {
    // The service's own limit is the server's: what is sent is let through, give or take the way there.
    let quota = NonZeroU32::new(5).unwrap();
    let server = MockServer::builder().with_quota(quota, ms(40));
    let (server, service) = start(&rt, &net, server, |service| {
        service.limit_requests(5).capacity_refresh_time(ms(60))
    })
    .await;
    let calls: Vec<_> = (0..20)
        .map(|n| rt.spawn(ask(&service, &n.to_string())))
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!((server.answered(), service.stats().answered), (20, 20));
    assert_eq!(service.stats().requests, 20 + server.refused());
    server.shutdown().await;
}

fn on_memory<F: Future<Output = ()>>(test: impl Fn(Rt, Arc<dyn Net>) -> F) {
    TestRuntime::run_seeds(4, |rt| test(rt, Arc::new(MemoryNet::new())));
}

fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    on_memory(|rt, net| async move {
        let build = |settings: fn(ModelServiceBuilder) -> ModelServiceBuilder| {
            let provider = OpenAi::new("http://127.0.0.1/", "m").unwrap();
            let transport = H1Transport::new(&rt, Arc::clone(&net));
            settings(ModelService::builder(&rt, provider, transport))
                .build()
                .err()
                .map(|error| error.field)
        };
        assert_eq!(build(|service| service), None);
        assert_eq!(
            build(|service| service.limit_requests(0)),
            Some("limit_requests")
        );
        assert_eq!(
            build(|service| service.limit_tokens(0)),
            Some("limit_tokens")
        );
        assert_eq!(build(|service| service.timeout(ms(0))), Some("timeout"));
        assert_eq!(
            build(|service| service.max_response_bytes(0)),
            Some("max_response_bytes")
        );
        let zero = build(|service| service.limit_tokens(1).capacity_refresh_time(ms(0)));
        assert_eq!(zero, Some("capacity_refresh_time"));
    });
}

#[test]
fn retry_after_is_honoured_to_the_millisecond_and_by_everybody() {
    on_memory(|rt, net| async move {
        let quota = NonZeroU32::new(1).unwrap();
        let server = MockServer::builder().with_quota(quota, ms(700));
        let (server, service) = start(&rt, &net, server, |service| service).await;
        ask(&service, "first").await.unwrap();
        let started = rt.now();
        let refused = rt.spawn(ask(&service, "refused at first"));
        rt.sleep(ms(10)).await;
        // Comes later, and is held back by what the other was told.
        let held_back = rt.spawn({
            let (service, clock) = (service.clone(), rt.clone());
            async move {
                let answer = fail_after(&clock, ms(100), ask(&service, "held back")).await;
                answer.unwrap().unwrap_err()
            }
        });
        refused.await.unwrap().unwrap();
        assert_eq!(rt.now() - started, ms(700));
        let error = held_back.await.unwrap();
        assert!(
            matches!(
                error.failure(),
                ModelFailure::Limited(LimitError::Deadline { .. })
            ),
            "{}",
            chain(&error)
        );
        assert_eq!((server.refused(), service.stats().retries), (1, 1));
    });
}

#[test]
fn passing_troubles_are_retried_and_others_are_not() {
    for (fault, requests) in [
        (Fault::Status(500), 2),
        (Fault::Status(529), 2),
        (Fault::Status(408), 2),
        (Fault::CloseBeforeHead, 2),
        (Fault::CloseMidBody, 2),
        (Fault::Status(400), 1),
        (Fault::Status(401), 1),
        (Fault::Html, 1),
        (Fault::MalformedJson, 1),
    ] {
        on_memory(|rt, net| {
            let fault = fault.clone();
            async move {
                let server = MockServer::builder().with_fault(1, fault.clone());
                let (_server, service) = start(&rt, &net, server, |service| service).await;
                let answer = ask(&service, "x").await;
                assert_eq!(service.stats().requests, requests, "{fault:?}: {answer:?}");
                assert_eq!(answer.is_ok(), requests == 2, "{fault:?}");
            }
        });
    }
}

#[test]
fn errors_name_the_attempt_and_the_cause() {
    for (fault, expected) in [
        (
            Fault::Status(503),
            "at attempt 4 (no attempts are left): the provider answered 503 (server_error): The server had an error.",
        ),
        (
            Fault::Html,
            "at attempt 1: the answer is not in the provider's format: expected value at line 1 column 1; it begins with \"<html>",
        ),
        (
            Fault::CloseMidBody,
            "at attempt 4 (no attempts are left): the request failed on the way: the server closed the connection after",
        ),
        (
            Fault::NeverAnswer,
            "at attempt 4 (no attempts are left): there was no answer within 2s",
        ),
    ] {
        on_memory(|rt, net| {
            let fault = fault.clone();
            async move {
                let server = MockServer::builder().with_fault_when("x", fault);
                let (_server, service) =
                    start(&rt, &net, server, |service| service.timeout(ms(2000))).await;
                let error = ask(&service, "x").await.unwrap_err();
                assert!(chain(&error).contains(expected), "{}", chain(&error));
                assert_eq!(service.stats().failed, 1);
            }
        });
    }
}

#[test]
fn a_request_takes_no_longer_than_it_may_and_a_wait_in_the_queue_does_not_count() {
    on_memory(|rt, net| async move {
        let server = MockServer::builder().with_fault_when("silence", Fault::NeverAnswer);
        let (_server, service) = start(&rt, &net, server, |service| {
            service
                .timeout(ms(2000))
                .retry(Retry::new(&rt).with_attempts(NonZeroU32::MIN))
                .limit_requests(1)
                .capacity_refresh_time(ms(5000))
        })
        .await;
        let started = rt.now();
        let error = ask(&service, "silence").await.unwrap_err();
        assert!(matches!(error.failure(), ModelFailure::Timeout { after } if *after == ms(2000)));
        assert_eq!(rt.now() - started, ms(2000));
        ask(&service, "after the queue").await.unwrap();
        assert_eq!(rt.now() - started, ms(5000));
    });
}

#[test]
fn tokens_are_reserved_by_estimate_and_settled_by_count() {
    on_memory(|rt, net| async move {
        let (_server, service) = start(&rt, &net, MockServer::builder(), |service| {
            service.limit_tokens(1000)
        })
        .await;
        let started = rt.now();
        for _ in 0..10 {
            // The estimate is a few hundred; the count is a few dozen.
            ask(&service, "short").await.unwrap();
        }
        assert_eq!(rt.now(), started, "the estimates were kept");
        let too_long = "x".repeat(4000);
        let error = ask(&service, &too_long).await.unwrap_err();
        assert!(matches!(
            error.failure(),
            ModelFailure::Limited(LimitError::TooLarge { .. })
        ));
        assert_eq!(error.attempts(), 1);
    });
}

#[test]
fn a_full_queue_refuses_at_once() {
    on_memory(|rt, net| async move {
        let (_server, service) = start(&rt, &net, MockServer::builder(), |service| {
            service.limit_requests(1).queue_capacity(1)
        })
        .await;
        ask(&service, "first").await.unwrap();
        let waiting = rt.spawn(ask(&service, "waits"));
        rt.sleep(ms(1)).await;
        assert_eq!(service.waiting(), 1);
        let error = ask(&service, "too many").await.unwrap_err();
        assert!(matches!(
            error.failure(),
            ModelFailure::Limited(LimitError::QueueFull { .. })
        ));
        waiting.await.unwrap().unwrap();
    });
}

#[test]
fn an_answer_that_is_too_large_is_refused() {
    on_memory(|rt, net| async move {
        let server = MockServer::builder().with_answer("x", "y".repeat(5000));
        let (_server, service) = start(&rt, &net, server, |service| {
            service.max_response_bytes(1000)
        })
        .await;
        let error = ask(&service, "x").await.unwrap_err();
        assert!(
            chain(&error).contains("larger than 1000 bytes"),
            "{}",
            chain(&error)
        );
    });
}

#[test]
fn dropping_a_call_at_any_poll_frees_what_was_not_sent() {
    drop_after_every_poll(|rt, cut| async move {
        let net: Arc<dyn Net> = Arc::new(MemoryNet::new());
        let latency = ms(5)..=ms(5);
        let server = MockServer::builder().with_latency(latency);
        let (server, service) = start(&rt, &net, server, |service| {
            service.limit_requests(2).capacity_refresh_time(ms(1000))
        })
        .await;
        cut.apply(ask(&service, "cut")).await;
        let sent = service.stats().requests;
        let started = rt.now();
        ask(&service, "second").await.unwrap();
        ask(&service, "third").await.unwrap();
        // What was on its way counts; what was not does not.
        assert_eq!(rt.now() - started >= ms(900), sent == 1, "{sent} sent");
        assert_eq!(service.waiting(), 0);
        server.shutdown().await;
    });
}
