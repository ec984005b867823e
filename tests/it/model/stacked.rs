use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use fascine::http::{H1Transport, Net};
use fascine::message::{Message, Usage};
use fascine::model::{
    BalancedModel, CachedModel, CloseMode, FallbackModel, HedgedModel, Model, ModelService,
    MokaStore, OpenAi, Request, ResponseCache,
};
use fascine::resilience::{Hedge, HedgeDelay, Retry};
use fascine::rt::Rt;
use fascine_mock::{Fault, MockServer, MockServerBuilder};

use crate::runtimes::on_every_runtime;

on_every_runtime! {
    models_around_models_around_services_ask_each_server_once,
    a_service_with_a_cache_another_model_and_a_hedge_asks_each_server_once,
}

async fn start(
    rt: &Rt,
    net: &Arc<dyn Net>,
    server: MockServerBuilder,
) -> (MockServer, ModelService) {
    let server = server
        .start(rt, Arc::clone(net), "127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let provider = OpenAi::new(&server.base_url(), "any").unwrap();
    let service = ModelService::builder(rt, provider, H1Transport::new(rt, Arc::clone(net)))
        .retry(Retry::new(rt).with_attempts(NonZeroU32::MIN))
        .build();
    (server, service.unwrap())
}

async fn models_around_models_around_services_ask_each_server_once(rt: Rt, net: Arc<dyn Net>) {
    let broken = MockServer::builder()
        .with_answer("sky", "never read")
        .with_fault_when("sky", Fault::CloseMidBody);
    let (broken, one) = start(&rt, &net, broken).await;
    let sound = MockServer::builder().with_answer("sky", "It is blue today.");
    let (sound, two) = start(&rt, &net, sound).await;

    let chain = FallbackModel::new(one.clone()).or(BalancedModel::new(two.clone()));
    let hedge = Hedge::new(&rt, HedgeDelay::Fixed(Duration::from_secs(60)));
    let cache = ResponseCache::new(MokaStore::new(&rt, 1_000_000));
    let model = CachedModel::new(HedgedModel::new(chain, hedge), cache.clone());

    let ask = || Request::new([Message::user("the sky?")]);
    let tasks: Vec<_> = (0..50).map(|_| rt.spawn(model.invoke(ask()))).collect();
    let mut total = Usage::default();
    let mut attempts = 0;
    for task in tasks {
        let response = task.await.unwrap().unwrap();
        assert_eq!(response.text(), "It is blue today.");
        total += response.usage;
        attempts += response.attempts;
    }
    assert_eq!((one.stats().requests, two.stats().requests), (1, 1));
    assert_eq!((total, attempts), (two.stats().usage, 2));

    let streamed = model.stream(ask()).await.unwrap().collect().await.unwrap();
    assert_eq!(
        (streamed.text().as_str(), streamed.is_reused()),
        ("It is blue today.", true)
    );
    // Who came after the answer found it; how many did depends on the order of the tasks.
    let stats = cache.stats();
    let saved = (0..stats.hits).map(|_| two.stats().usage).sum();
    assert_eq!((stats.misses, stats.saved), (1, saved));
    assert_eq!((one.stats().requests, two.stats().requests), (1, 1));
    broken.shutdown().await;
    sound.shutdown().await;
}

async fn a_service_with_a_cache_another_model_and_a_hedge_asks_each_server_once(
    rt: Rt,
    net: Arc<dyn Net>,
) {
    let broken = MockServer::builder()
        .with_answer("sky", "never read")
        .with_fault_when("sky", Fault::CloseMidBody);
    let (broken, _) = start(&rt, &net, broken).await;
    let sound = MockServer::builder().with_answer("sky", "It is blue today.");
    let (sound, other) = start(&rt, &net, sound).await;

    let provider = OpenAi::new(&broken.base_url(), "any").unwrap();
    let transport = H1Transport::new(&rt, Arc::clone(&net));
    let service = ModelService::builder(&rt, provider, transport)
        .limit_requests(10)
        .retry(Retry::new(&rt).with_attempts(NonZeroU32::MIN))
        .cache(ResponseCache::new(MokaStore::new(&rt, 1_000_000)))
        .fallback(other.clone())
        .hedge(Hedge::new(&rt, HedgeDelay::Fixed(Duration::from_secs(60))))
        .build()
        .unwrap();
    let ask = || Request::new([Message::user("the sky?")]);
    let tasks: Vec<_> = (0..50).map(|_| rt.spawn(service.invoke(ask()))).collect();
    let mut total = Usage::default();
    for task in tasks {
        let response = task.await.unwrap().unwrap();
        assert_eq!(response.text(), "It is blue today.");
        total += response.usage;
    }
    let stream = service.stream(ask()).await.unwrap();
    assert!(stream.collect().await.unwrap().is_reused());
    let stats = service.stats();
    assert_eq!((stats.calls, stats.answered, stats.requests), (51, 51, 2));
    assert_eq!((other.stats().requests, stats.usage), (1, total));
    let free = service.limiter().limiter().available("requests");
    assert_eq!(free, Some(9));
    service.close(CloseMode::Drain).await;
    assert!(service.invoke(ask()).await.is_err());
    broken.shutdown().await;
    sound.shutdown().await;
}
