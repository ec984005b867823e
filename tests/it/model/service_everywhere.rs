//! What holds of a service on every runtime, over real connections where there are any.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use fascine::concurrency::join_all;
use fascine::http::{H1Transport, Net, Timeouts};
use fascine::message::Message;
use fascine::model::{
    CloseMode, Model, ModelFailure, ModelService, ModelServiceBuilder, OpenAi, Request,
};
use fascine::resilience::CircuitBreaker;
use fascine::rt::Rt;
use fascine_mock::{Fault, MockServer, MockServerBuilder};

use super::script::{kind, ms, question};
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    all_policies_together_answer_everybody,
    closing_aborts_what_is_on_its_way,
    a_server_that_says_nothing_is_given_up,
    a_hidden_quota_is_learned,
}

async fn start(
    rt: &Rt,
    net: &Arc<dyn Net>,
    server: MockServerBuilder,
    settings: impl FnOnce(ModelServiceBuilder) -> ModelServiceBuilder,
) -> (MockServer, ModelService) {
    let address = "127.0.0.1:0".parse().unwrap();
    let server = server.start(rt, Arc::clone(net), address).await.unwrap();
    let provider = OpenAi::new(&server.base_url(), "any").unwrap();
    let transport = H1Transport::new(rt, Arc::clone(net));
    let service = settings(ModelService::builder(rt, provider, transport));
    (server, service.build().unwrap())
}

async fn all_policies_together_answer_everybody(rt: Rt, net: Arc<dyn Net>) {
    let server = MockServer::builder()
        .with_answer("sky", "It is blue today.")
        .with_fault(3, Fault::CloseBeforeHead)
        .with_fault(7, Fault::Status(500));
    let (server, service) = start(&rt, &net, server, |service| {
        service
            .limit_requests(1000)
            .limit_tokens(1_000_000)
            .concurrency_limit(4)
            .circuit_breaker(CircuitBreaker::new(&rt, "mock"))
            .timeout(Duration::from_secs(20))
            .adapt_to_headers()
    })
    .await;
    let requests = (0..20).map(|_| Request::new([Message::user("the sky?")]));
    for result in service.invoke_all(requests).await {
        assert_eq!(result.unwrap().text(), "It is blue today.");
    }
    let streams = (0..8).map(|_| async {
        let stream = service.stream(question("the sky?")).await.unwrap();
        stream.collect().await.unwrap().text()
    });
    for text in join_all(streams).await {
        assert_eq!(text, "It is blue today.");
    }
    let stats = service.stats();
    assert_eq!((stats.calls, stats.answered), (28, 28));
    // A kept connection that closes is the transport's to try again.
    assert!((1..=2).contains(&stats.retries), "{stats:?}");
    service.close(CloseMode::Drain).await;
    server.shutdown().await;
}

async fn closing_aborts_what_is_on_its_way(rt: Rt, net: Arc<dyn Net>) {
    let server = MockServer::builder().with_fault_when("x", Fault::NeverAnswer);
    let (server, service) = start(&rt, &net, server, |service| service.concurrency_limit(2)).await;
    let calls: Vec<_> = (0..4)
        .map(|_| rt.spawn(service.invoke(question("x"))))
        .collect();
    while service.stats().requests < 2 || service.waiting() < 2 {
        rt.sleep(ms(1)).await;
    }
    service.close(CloseMode::Cancel).await;
    service.close(CloseMode::Drain).await;
    for call in calls {
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error.failure(), ModelFailure::Closed));
    }
    service.reopen();
    assert!(service.invoke(question("again")).await.is_ok());
    server.shutdown().await;
}

async fn a_server_that_says_nothing_is_given_up(rt: Rt, net: Arc<dyn Net>) {
    let server = MockServer::builder().with_fault(1, Fault::NeverAnswer);
    let times = Timeouts::default().with_first_byte(ms(40));
    let (server, service) = start(&rt, &net, server, |service| service.timeout(times)).await;
    service.invoke(question("x")).await.unwrap();
    assert_eq!(service.stats().retries, 1);
    server.shutdown().await;
}

async fn a_hidden_quota_is_learned(rt: Rt, net: Arc<dyn Net>) {
    let quota = NonZeroU32::new(5).unwrap();
    let server = MockServer::builder().with_quota(quota, ms(100));
    let (server, service) = start(&rt, &net, server, |service| service.adapt_to_headers()).await;
    let calls: Vec<_> = (0..40)
        .map(|n: u32| rt.spawn(service.invoke(question(&n.to_string()))))
        .collect();
    let mut answered = 0;
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => answered += 1,
            Err(error) => assert_eq!(kind(&error), "rate_limited"),
        }
    }
    // Of a burst that came before anything was known, a few may have used up their attempts.
    assert!(answered >= 30, "{answered}");
    server.shutdown().await;
}
