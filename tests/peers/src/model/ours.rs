use std::num::NonZeroUsize;

use fascine_http::{AsyncIoNet, H1Transport, PoolConfig, TokioNet};
use fascine_message::Message;
use fascine_model::{
    ApiKey, Model, ModelService, ModelServiceBuilder, OpenAi, PriceTable, Request,
};
use fascine_resilience::CircuitBreaker;
use fascine_rt::{Rt, Smol, Tokio};

use super::server::Server;

/// Our transport on smol's sockets.
pub(super) fn transport_on_smol() -> H1Transport {
    H1Transport::new(&Rt::new(Smol), AsyncIoNet).with_pool(pool())
}

/// Our transport on tokio's sockets.
pub(super) fn transport_on_tokio(runtime: &tokio::runtime::Runtime) -> H1Transport {
    let net = TokioNet::new(runtime.handle().clone());
    H1Transport::new(&tokio_rt(runtime), net).with_pool(pool())
}

/// The whole service, with everything on.
pub(super) fn service(rt: &Rt, transport: H1Transport, server: &Server) -> ModelService {
    at(&server.base_url(), rt, transport)
        .build()
        .expect("sound settings")
}

/// The same at another address, of which so many calls may wait while one is on its way.
pub(super) fn queueing(rt: &Rt, transport: H1Transport, base: &str, queue: usize) -> ModelService {
    let service = at(base, rt, transport)
        .concurrency_limit(1)
        .queue_capacity(queue);
    service.build().expect("sound settings")
}

/// Settings of the whole service, with everything on.
pub(super) fn at(base: &str, rt: &Rt, transport: H1Transport) -> ModelServiceBuilder {
    let provider = OpenAi::new(base, "gpt-4o").expect("a URL");
    let provider = provider.with_api_key(&ApiKey::new("k")).expect("loopback");
    ModelService::builder(rt, provider, transport)
        .limit_requests(1_000_000_000)
        .limit_tokens(1_000_000_000_000)
        .circuit_breaker(CircuitBreaker::new(rt, "bench"))
        .prices(PriceTable::builtin())
}

pub(super) fn tokio_rt(runtime: &tokio::runtime::Runtime) -> Rt {
    Rt::new(Tokio::new(runtime.handle().clone()))
}

pub(super) fn question() -> Request {
    Request::new([Message::user("Hello!")])
}

/// Asks once, and reads the text.
pub(super) async fn call(service: &ModelService) -> usize {
    let response = service.invoke(question()).await.expect("an answer");
    response.text().len()
}

/// As many connections as anybody here needs at once, all of them kept.
fn pool() -> PoolConfig {
    let many = NonZeroUsize::new(4096).expect("many");
    let mut pool = PoolConfig::default();
    (pool.max_in_use, pool.max_idle) = (many, many.get());
    pool
}
